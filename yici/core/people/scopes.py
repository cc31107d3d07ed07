"""A scope: where a permission holds, as a condition to put inside a query."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from yici.core.people.models import Organisation
from yici.core.places.queries import code_range
from yici.core.places.rules import level_of


@dataclass(frozen=True)
class Area:
    """One grant's reach: an organisation subtree and a division subtree; None is everywhere."""

    path: str | None
    division: str | None

    def q(self, organisation: str | None, division: str | None) -> Q:
        condition = Q()
        if self.path is not None and organisation:
            inside = Organisation.objects.filter(path__startswith=self.path).order_by()
            condition &= Q(**{f"{organisation}__in": inside.values("pk")})
        if self.division is not None and division:
            low, high = code_range(self.division)
            condition &= Q(**{f"{division}__gte": low, f"{division}__lt": high})
        return condition

    def covers(self, path: str | None, code: str | None) -> bool:
        if self.path is not None and path is not None and not path.startswith(self.path):
            return False
        if self.division is not None and code is not None:
            low, high = code_range(self.division)
            return low <= code < high
        return True


@dataclass(frozen=True)
class Scope:
    """The union of areas in which an account holds one permission."""

    areas: tuple[Area, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.areas

    @property
    def everything(self) -> bool:
        return any(area.path is None and area.division is None for area in self.areas)

    def q(self, organisation: str | None = "organisation", division: str | None = "division") -> Q:
        """The condition, for a query over rows with these fields; None leaves that axis out.

        Empty (no narrowing at all) when the scope covers the root; matches nothing when it is empty.
        """
        if self.is_empty:
            return Q(pk__in=[])
        if self.everything:
            return Q()
        condition = Q()
        for area in self.areas:
            narrowed = area.q(organisation, division)
            if not narrowed:
                return Q()
            condition |= narrowed
        return condition

    def covers(self, organisation: Organisation | None = None, division: str | None = None) -> bool:
        """True when one area holds both the organisation and the division code."""
        path = organisation.path if organisation else None
        return any(area.covers(path, division) for area in self.areas)


def area_of(organisation: Organisation, division: str | None) -> Area:
    """A grant's reach; the root organisation and the city itself do not narrow."""
    return Area(
        path=None if organisation.parent_id is None else organisation.path,
        division=None if division is None or level_of(division) == "city" else division,
    )
