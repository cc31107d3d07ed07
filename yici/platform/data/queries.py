"""Reads of the register: one resident with the household, who shares a household, who answers for a dataset."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce

from yici.core.people.models import Organisation
from yici.core.places.models import Level
from yici.platform.data.datasets import DATASETS
from yici.platform.data.models import Resident

__all__ = [
    "Held",
    "confirms_identity",
    "forget_organisations",
    "held_of",
    "household_evidence",
    "organisation_slug",
    "resident",
]


@dataclass(frozen=True)
class Held:
    """What the register holds of one element. `dataset` is an id of `datasets.DATASETS`."""

    element: str
    value: str
    dataset: str
    as_of: dt.date


# Element → (dataset, attribute of Resident). Everything else stands in `Resident.extra`.
COLUMNS = {
    "person.name": ("population", "name"),
    "person.id_number": ("population", "id_number"),
    "person.sex": ("population", "sex"),
    "person.birth_date": ("population", "birth_date"),
    "person.ethnicity": ("population", "ethnicity"),
    "person.phone": ("population", "phone"),
    "person.registered_address": ("household", "address"),
    "person.registered_division": ("household", "division_id"),
    "household.number": ("household", "household_id"),
    "household.relation_to_head": ("household", "relation_to_head"),
    "household.address": ("household", "household_address"),
    "household.kind": ("household", "household_kind"),
    "household.size": ("household", "household_size"),
    "household.head_name": ("household", "head_name"),
    "household.head_id_number": ("household", "head_id_number"),
}
HEAD = "02"
# A newcomer (流动人口) is registered elsewhere: the city's row says nothing of a household register.
_NOT_OF_NEWCOMERS = frozenset({"person.registered_division"} | {key for key in COLUMNS if key.startswith("household.")})


def resident(id_number: str) -> Any:
    """The row with household columns beside it (`household_size`, `head_name` …), or None. One query."""
    members = Resident.objects.filter(household=OuterRef("household"), is_alive=True)
    heads = Resident.objects.filter(household=OuterRef("household"), relation_to_head=HEAD).order_by("id_number")
    count = members.order_by().values("household").annotate(total=Count("id_number")).values("total")
    return (
        Resident.objects.filter(pk=id_number)
        .select_related("household")
        .annotate(
            household_size=Coalesce(Subquery(count), 0),
            head_name=Subquery(heads.values("name")[:1]),
            head_id_number=Subquery(heads.values("id_number")[:1]),
        )
        .first()
    )


def held_of(row: Any, element: str) -> Held | None:
    """What the row (of `resident`) holds of an element; None where it is blank or unknown."""
    if element in COLUMNS:
        if element in _NOT_OF_NEWCOMERS and not row.is_local:
            return None
        dataset, attribute = COLUMNS[element]
        value = _column(row, attribute)
        return Held(element, value, dataset, row.as_of) if value else None
    if element == "person.alive":
        return Held(element, "yes" if row.is_alive else "no", "population", row.as_of)
    known = row.extra.get(element)
    if not known or known["value"] in ("", None):
        return None
    return Held(element, str(known["value"]), known["dataset"], dt.date.fromisoformat(known["as_of"]))


def _column(row: Any, attribute: str) -> str:
    if attribute == "household_address":
        return row.household.address if row.household else ""
    if attribute == "household_kind":
        return row.household.kind if row.household else ""
    value = getattr(row, attribute)
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value or "")


def confirms_identity(name: str, id_number: str) -> bool | None:
    """Does the name belong to the number? None where the register does not know the number."""
    row = Resident.objects.filter(pk=id_number).values_list("name", "is_alive").first()
    return None if row is None else row[0] == name and row[1]


def household_evidence(id_number: str, other: str) -> str | None:
    """A sentence that proves one household, for people's delegation; None where they share none."""
    rows = list(
        Resident.objects.filter(pk__in=[id_number, other], household__kind="1", is_local=True, is_alive=True)
        .values_list("household_id", "as_of")
    )  # fmt: skip
    if id_number == other or len(rows) != 2 or rows[0][0] != rows[1][0] or not rows[0][0]:
        return None
    oldest = min(as_of for _, as_of in rows)
    return f"{DATASETS['household'].zh}：同一户（户号 {rows[0][0]}），{oldest.isoformat()} 核对"


_slugs: dict[str, str] = {}


def organisation_slug(function: str) -> str:
    """Slug of the city body with this function, `public_security` → `bz.public_security`; kept in memory."""
    if not _slugs:
        bodies = Organisation.objects.filter(level=Level.CITY).exclude(function="").order_by("-path")
        _slugs.update(bodies.values_list("function", "slug"))
    return _slugs.get(function, function)


def forget_organisations() -> None:
    """After the city folder was loaded anew."""
    _slugs.clear()
