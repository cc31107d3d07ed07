"""Divisions of the city by their statistical code, the codes they had before, and zones beside them."""

from __future__ import annotations

from django.db import models

from yici.base.text import localized


class Level(models.TextChoices):
    CITY = "city", "市"
    COUNTY = "county", "县区"
    TOWNSHIP = "township", "乡镇街道"
    VILLAGE = "village", "村社区"


class Division(models.Model):
    """An administrative division. `code` has 12 digits (city 341600000000 … village 341602001001);
    everything inside a division shares the significant prefix of its code."""

    code = models.CharField(max_length=12, primary_key=True, db_collation="C")
    name = models.TextField()
    full_name = models.TextField(help_text="county + township + village, for people")
    english = models.TextField(blank=True)
    level = models.CharField(max_length=10, choices=Level.choices)
    kind = models.TextField(help_text="市, 县, 区, 镇, 乡, 街道, 功能区, 企业, 村, 社区, 虚拟社区")
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children")
    pinyin = models.TextField(blank=True, help_text="syllables, a space, initials: gujingzhen gjz")

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        """The own name in the active language; Chinese where there is no English."""
        return localized(self.name, self.english)

    def display_name(self) -> str:
        """The full name in the active language; Chinese where there is no English."""
        return localized(self.full_name, self.english)


class HistoricCode(models.Model):
    """A six-digit area code under which people of a county were once given their ID number."""

    code = models.CharField(max_length=6)
    division = models.ForeignKey(Division, models.PROTECT, related_name="historic_codes")
    name_then = models.TextField()
    valid_from = models.DateField(null=True)
    valid_to = models.DateField(null=True, help_text="last day in force; null while in force")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["code", "division"], name="places_historic_code")]


class Zone(models.Model):
    """A functional zone or park: its own axis, with no place in the division tree."""

    slug = models.SlugField(primary_key=True)
    name = models.TextField()
    english = models.TextField(blank=True)
    kind = models.TextField(help_text="功能区 or 园区")
    also = models.JSONField(default=list, help_text="other and former names, for search")
    divisions = models.ManyToManyField(Division, related_name="zones", help_text="divisions it overlaps")
