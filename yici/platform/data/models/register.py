"""The generated register of residents that stands in for the city's base libraries."""

from django.db import models

from yici.core.places.models import Division


class Household(models.Model):
    """A registered household (户)."""

    number = models.CharField(max_length=20, primary_key=True)
    division = models.ForeignKey(Division, models.PROTECT)
    address = models.TextField(blank=True)
    kind = models.CharField(max_length=10, help_text="code list household_kind: 1 family, 2 collective")


class Resident(models.Model):
    """One row of the public-security population register, dirt included: blanks and stale values are real.

    `extra` holds what other departments know, element id → {value, dataset, as_of}; see `datasets.py`.
    """

    id_number = models.CharField(max_length=18, primary_key=True, db_collation="C")
    name = models.TextField()
    sex = models.CharField(max_length=1, blank=True)
    birth_date = models.DateField()
    ethnicity = models.CharField(max_length=2, blank=True, help_text="GB/T 3304")
    household = models.ForeignKey(Household, models.PROTECT, null=True, related_name="members")
    relation_to_head = models.CharField(max_length=2, blank=True, help_text="GB/T 4761")
    division = models.ForeignKey(Division, models.PROTECT)
    address = models.TextField(blank=True)
    is_local = models.BooleanField(default=True, help_text="registered in the city; else a registered newcomer")
    phone = models.CharField(max_length=11, blank=True)
    is_alive = models.BooleanField(default=True)
    as_of = models.DateField(help_text="when public security last confirmed the row")
    extra = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["household"], name="data_resident_household")]
