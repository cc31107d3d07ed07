"""Element ids and role ids of the access log in words."""

from __future__ import annotations

from yici.base.errors import YiciError
from yici.core.people import permissions as catalogue
from yici.core.vocabulary import queries as vocabulary


def element_label(identifier: str) -> str:
    """The label of a data element or a role (`role:clerk`); the id itself where the city knows neither."""
    if identifier.startswith("role:"):
        role = catalogue.roles().get(identifier.removeprefix("role:"))
        return str(role.label) if role else identifier
    try:
        return str(vocabulary.element(identifier).label)
    except (YiciError, KeyError):
        return identifier
