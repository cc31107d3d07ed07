"""The official working-day calendar: a notice a year, and the days on which it departs from Monday-to-Friday."""

from __future__ import annotations

from django.db import models

from yici.base import clock


class Notice(models.Model):
    """The official notice that arranges a year's holidays and make-up days."""

    year = models.SmallIntegerField(primary_key=True)
    title = models.TextField()
    document_number = models.TextField(blank=True, help_text="for example 国办发明电〔2016〕17号")
    issued_on = models.DateField(null=True)
    note = models.TextField(blank=True)
    entered_by = models.TextField(default="chinesecalendar")
    entered_at = models.DateTimeField(default=clock.now)


class Day(models.Model):
    """A day whose nature differs from Monday-to-Friday, under the notice of its year."""

    date = models.DateField(primary_key=True)
    is_working = models.BooleanField()
    name = models.TextField(blank=True, help_text="春节, 国庆节调休 …")
    notice = models.ForeignKey(Notice, models.PROTECT, related_name="days", help_text="of the year of the date")

    class Meta:
        ordering = ["date"]


class Hours(models.Model):
    """The official working hours from a day on, local time. Two spans a day."""

    valid_from = models.DateField(primary_key=True)
    morning_start = models.TimeField()
    morning_end = models.TimeField()
    afternoon_start = models.TimeField()
    afternoon_end = models.TimeField()

    class Meta:
        ordering = ["valid_from"]


class Revision(models.Model):
    """One row that names the transaction which last changed the calendar, so that every process notices."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    written_by = models.TextField(help_text="PostgreSQL transaction id of the last change")

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="calendars_one_revision")]
