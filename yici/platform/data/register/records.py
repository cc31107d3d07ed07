"""The shapes of the generated register. Pure data."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Village:
    """A village or community people are registered in. `place` is the address down to it, without a door."""

    code: str
    place: str
    is_urban: bool


@dataclass(slots=True)
class Person:
    """One resident. `extra` is element id → {value, dataset, as_of}; `dirt` names what was spoilt, for tests only."""

    name: str
    sex: str
    birth_date: dt.date
    relation: str
    id_number: str = ""
    ethnicity: str = "01"
    address: str = ""
    phone: str = ""
    is_alive: bool = True
    is_local: bool = True
    as_of: dt.date = dt.date(2026, 3, 2)
    extra: dict[str, Any] = field(default_factory=dict)
    dirt: str = ""

    def know(self, dataset: str, as_of: str, /, **values: str) -> None:
        """Note what one department knows; `__` in a keyword stands for the dot of the element id."""
        for key, value in values.items():
            self.extra[key.replace("__", ".", 1)] = {"value": value, "dataset": dataset, "as_of": as_of}


@dataclass(slots=True)
class Family:
    """A household with its members, head first. `kind` is 1 family or 2 collective."""

    number: str
    division: str
    address: str
    kind: str
    members: list[Person]
