"""Whose a class is: its department's, and of every unit that delivers it. The one condition behind every list.

A providing unit may be a body of its own (the vehicle administration delivers a class of the police): it sees the class and delivers it.
Rows in clear and operation stay with who holds that permission for the department.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from yici.core.people import queries as people
from yici.core.people.models import Account, Organisation
from yici.core.people.queries import Scope
from yici.platform.data.models import ClassChannel, DataClass

__all__ = ["concerning", "delivers", "may", "of_units", "within"]

EVERYTHING = Q()
_DELIVERS = ("data.view", "data.upload")


def within(scope: Scope | None, path: str = "data_class") -> Q:
    """The scope as a condition on rows that lead to a class by `path`; empty: they are classes. None: no narrowing."""
    prefix = f"{path}__" if path else ""
    own = of_units(scope, f"{prefix}department")
    if scope is None or scope.is_empty or not own:
        return own
    delivered = ClassChannel.objects.filter(of_units(scope, "unit"), withdrawn_at=None).order_by()
    return own | Q(**{f"{prefix}pk__in": delivered.values("data_class")})


def concerning(department: Organisation, path: str = "data_class") -> Q:
    """Classes that a department holds, and those that it delivers for another."""
    prefix = f"{path}__" if path else ""
    delivered = ClassChannel.objects.filter(unit=department, withdrawn_at=None).order_by()
    return Q(**{f"{prefix}department": department}) | Q(**{f"{prefix}pk__in": delivered.values("data_class")})


def of_units(scope: Scope | None, path: str) -> Q:
    """The scope as a condition on rows that lead to an organisation."""
    return EVERYTHING if scope is None else scope.q(path, None)


def may(account: Account, permission: str, data_class: DataClass) -> bool:
    """Whether the account holds the permission for the class."""
    scope = people.scope_of(account, permission)
    if scope.is_empty or permission not in _DELIVERS or scope.covers(data_class.department):
        return scope.covers(data_class.department)
    return delivers(scope, data_class.channels.filter(withdrawn_at=None).select_related("unit"))


def delivers(scope: Scope, channels: Iterable[ClassChannel]) -> bool:
    """Whether one of the channels comes from a unit in the scope."""
    return any(scope.covers(channel.unit) for channel in channels)
