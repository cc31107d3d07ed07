"""Who holds an item where: the holdings of the city's list, and which of them handles an application."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from yici.base.text import localized
from yici.core.places.rules import SIGNIFICANT_DIGITS
from yici.systems.hall.definitions import Level
from yici.systems.hall.errors import AuthorityNotChosen, NoAuthority
from yici.systems.hall.models import ItemHolding, ServiceItem

# From the nearest body to the farthest.
_NEAREST = (Level.VILLAGE, Level.TOWNSHIP, Level.COUNTY, Level.CITY)
_CHOSEN_AT = (Level.CITY, Level.COUNTY)
PLACES_TO_CHOOSE = 60


@dataclass(frozen=True)
class Place:
    """A choice of place on a guide: whose counter, and whether it is the one shown."""

    division: str
    label: str
    is_chosen: bool


def active_holdings(item: ServiceItem) -> QuerySet[ItemHolding]:
    """The authorities that hold it today, from the city down."""
    return ItemHolding.objects.filter(item=item, is_active=True).select_related("organisation", "division")


def holding_at(item: ServiceItem, division: str) -> ItemHolding | None:
    """The holding nearest to a place: its village's, its township's, its county's or the city's."""
    codes = _around(division)
    rows = active_holdings(item).filter(division__in=codes.values()).order_by("organisation__order", "pk")[:20]
    return _nearest(item, codes, list(rows))


def _around(division: str) -> dict[Level, str]:
    """The code of the village, township, county and city that a place lies in, as far as it is that small."""
    return {level: division[: SIGNIFICANT_DIGITS[level]].ljust(12, "0") for level in _NEAREST}


def _nearest(item: ServiceItem, codes: dict[Level, str], rows: list[ItemHolding]) -> ItemHolding | None:
    usual = [Level(item.level), *(level for level in _NEAREST if level != item.level)]
    for level in usual:
        for row in rows:
            if row.level == level and row.division_id == codes[level]:
                return row
    return None


def holder_for(item: ServiceItem, division: str, chosen: str = "") -> ItemHolding:
    """Who handles an application: the `chosen` holding, else the one for the place.

    Raises `AuthorityNotChosen` where several bodies of one place hold it, `NoAuthority` where none does.
    """
    if chosen:
        found = active_holdings(item).filter(code=chosen).first()
        if found is None:
            raise NoAuthority(_no_authority(item))
        return found
    codes = _around(division)
    # Those of the place and those that tell whether one must be chosen, in one query.
    near = active_holdings(item).filter(Q(division__in=codes.values()) | Q(level__in=_CHOSEN_AT))
    rows = list(near.order_by("organisation__order", "pk"))
    holding = _nearest(item, codes, rows)
    if holding is None:
        raise NoAuthority(_no_authority(item))
    if _is_crowded(row.division_id for row in rows if row.level in _CHOSEN_AT):
        raise AuthorityNotChosen
    return holding


def must_choose(item: ServiceItem) -> bool:
    """Whether several bodies of the same place hold it, each for itself (政府信息公开申请)."""
    return _is_crowded(active_holdings(item).filter(level__in=_CHOSEN_AT).values_list("division_id", flat=True))


def _is_crowded(divisions: Iterable[str]) -> bool:
    return any(number > 1 for number in Counter(divisions).values())


def _no_authority(item: ServiceItem) -> str:
    """Where it can be had instead, in words."""
    names = [place.label for place in places_of(item)][:6]
    where = _("、").join(names) if names else _("（目前没有办理单位）")
    return _("这里没有办理“{item}”的单位。可以在这些地方办理：{where}。拿不准的请拨打 12345 转 2。").format(
        item=item.title, where=where
    )


def places_of(item: ServiceItem, chosen: str = "") -> list[Place]:
    """City and counties where it is held; townships of the chosen county where it is held below."""
    rows = (
        active_holdings(item)
        .order_by("division_id")
        .values_list("level", "division_id", "division__name", "division__english")
    )
    found: dict[str, Place] = {}
    for _level, code, name, english in rows:
        found.setdefault(code, Place(code, localized(name, english), code == chosen))
    return list(found.values())[:PLACES_TO_CHOOSE]


def bodies_of(item: ServiceItem, division: str) -> list[ItemHolding]:
    """The holdings of the bodies of one place, each for itself, in their order."""
    return list(active_holdings(item).filter(division=division).order_by("organisation__order"))
