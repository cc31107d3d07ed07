"""Reads of divisions and zones. A code range, never a tree walk, says what lies in a division."""

from __future__ import annotations

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from yici.core.places.models import Division, HistoricCode, Level, Zone
from yici.core.places.rules import UnknownDivision, ancestor_codes, code_range, level_of

__all__ = [
    "UnknownDivision",
    "ancestors",
    "children",
    "code_range",
    "division",
    "find_zone",
    "historic_division",
    "in_division",
    "in_zone",
    "level_of",
    "root",
    "search",
    "zones_of",
]


def division(code: str) -> Division:
    """The division of a 12-digit code. Raises `UnknownDivision`."""
    level_of(code)
    found = Division.objects.filter(pk=code).first()
    if found is None:
        raise UnknownDivision(code=code)
    return found


def root() -> Division:
    """The city itself. Raises `UnknownDivision` where no city folder is loaded."""
    found = Division.objects.filter(level=Level.CITY).first()
    if found is None:
        raise UnknownDivision(code="")
    return found


def children(code: str) -> QuerySet[Division]:
    """Divisions one level below, by code. Raises `UnknownDivision` for a malformed code."""
    level_of(code)
    return Division.objects.filter(parent_id=code).order_by("code")


def ancestors(code: str) -> list[Division]:
    """The divisions around this one, city first, without itself."""
    return list(Division.objects.filter(code__in=ancestor_codes(code)).order_by("code"))


def in_division(field: str, code: str) -> Q:
    """Rows whose division (the foreign key `field`, or a text field of codes) is `code` or lies in it."""
    low, high = code_range(code)
    return Q(**{f"{field}__gte": low, f"{field}__lt": high})


def in_zone(field: str, slug: str) -> Q:
    """Rows whose division lies in one of those a functional zone or park overlaps."""
    condition = Q(**{f"{field}__in": []})
    for code in Zone.divisions.through.objects.filter(zone_id=slug).values_list("division_id", flat=True):
        condition |= in_division(field, code)
    return condition


def search(words: str, limit: int = 20) -> list[Division]:
    """Divisions by Chinese name, pinyin or pinyin initials; every word must match. Best first.

    「涡阳 西阳」, `guoyang`, `gjz` all find something. A whole name comes before a beginning, a wider
    division before a narrower one.
    """
    parts = words.replace("\0", "").lower().split()[:6]  # PostgreSQL text holds no NUL
    if not parts:
        return []
    condition = Q()
    for part in parts:
        condition &= (
            Q(full_name__contains=part)
            | Q(pinyin__startswith=part)
            | Q(pinyin__contains=f" {part}")
            | Q(english__istartswith=part)
        )
    last = parts[-1]
    rank = Case(
        When(name=last, then=Value(0)),
        When(name__startswith=last, then=Value(1)),
        When(pinyin__startswith=last, then=Value(2)),
        When(pinyin__contains=f" {last}", then=Value(3)),
        default=Value(4),
        output_field=IntegerField(),
    )
    width = Case(
        *(When(level=level, then=Value(place)) for place, level in enumerate(Level.values)),
        output_field=IntegerField(),
    )
    return list(Division.objects.filter(condition).order_by(rank, width, "code")[:limit])


def historic_division(code6: str) -> Division | None:
    """The county of today for the first six digits of an ID number, whichever age they are of."""
    found = HistoricCode.objects.filter(code=code6).select_related("division").first()
    return found.division if found else None


def zones_of(code: str) -> list[Zone]:
    """Zones and parks that overlap the division, or lie in it, or in which it lies."""
    around = Q(divisions__in=[*ancestor_codes(code), code])
    return list(Zone.objects.filter(around | in_division("divisions", code)).distinct().order_by("kind", "slug"))


def find_zone(name: str) -> Zone | None:
    """A zone by its name or by a name it had before: 「市经开区」 finds 高新区."""
    return Zone.objects.filter(Q(slug=name) | Q(name=name) | Q(also__contains=[name])).first()
