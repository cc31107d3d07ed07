"""Conditions: when a page, a field or a check applies. Pure; reads answers only through `value_of`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field, model_validator

from yici.base import clock

ValueOf = Callable[[str], Any]

_TESTS = ("is_", "in_", "filled", "gte", "lte")
_GROUPS = ("all", "any", "not_")


class Condition(BaseModel):
    """One test of a field (`{field: x, is: y}`) or a combination (`all`, `any`, `not`) of conditions.

    `field` is a field id, or `situation.<question id>` for an answer of the situation tree. A test of a
    multiple choice holds when any chosen value passes. `gte`/`lte` compare numbers, money in fen, or
    dates; `today` stands for the current date.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    field: str | None = None
    is_: bool | int | str | None = Field(default=None, alias="is")
    in_: tuple[bool | int | str, ...] | None = Field(default=None, alias="in")
    filled: bool | None = None
    gte: int | float | dt.date | str | None = None
    lte: int | float | dt.date | str | None = None
    all: tuple[Condition, ...] | None = None
    any: tuple[Condition, ...] | None = None
    not_: Condition | None = Field(default=None, alias="not")

    @model_validator(mode="after")
    def _one_meaning(self) -> Condition:
        groups = [name for name in _GROUPS if getattr(self, name) is not None]
        tests = [name for name in _TESTS if getattr(self, name) is not None]
        if self.field is None and len(groups) != 1:
            raise ValueError(_("条件须写 field，或写 all、any、not 之一"))
        if self.field is not None and (groups or not tests):
            raise ValueError(_("带 field 的条件须再写 is、in、filled、gte、lte 至少一项，且不能与 all、any、not 同写"))
        return self

    def fields(self) -> Iterator[str]:
        """Every field id the condition reads."""
        if self.field:
            yield self.field
        for part in (*(self.all or ()), *(self.any or ()), *([self.not_] if self.not_ else [])):
            yield from part.fields()

    def holds(self, value_of: ValueOf) -> bool:
        """Whether the condition holds; a field without an answer passes only `filled: false`."""
        if self.all is not None:
            return all(part.holds(value_of) for part in self.all)
        if self.any is not None:
            return any(part.holds(value_of) for part in self.any)
        if self.not_ is not None:
            return not self.not_.holds(value_of)
        return self._passes(value_of(self.field or ""))

    def _passes(self, value: Any) -> bool:
        if self.filled is not None and is_filled(value) != self.filled:
            return False
        if all(test is None for test in (self.is_, self.in_, self.gte, self.lte)):
            return True
        values = value if isinstance(value, list | tuple) else [value]
        return any(is_filled(one) and self._passes_one(one) for one in values)

    def _passes_one(self, value: Any) -> bool:
        if self.is_ is not None and not _same(value, self.is_):
            return False
        if self.in_ is not None and not any(_same(value, wanted) for wanted in self.in_):
            return False
        if self.gte is not None and not _ordered(self.gte, value):
            return False
        return self.lte is None or _ordered(value, self.lte)

    def renamed(self, names: dict[str, str]) -> Condition:
        """The same condition with field ids replaced."""
        return self.model_copy(
            update={
                "field": names.get(self.field, self.field) if self.field else None,
                "all": tuple(part.renamed(names) for part in self.all) if self.all is not None else None,
                "any": tuple(part.renamed(names) for part in self.any) if self.any is not None else None,
                "not_": self.not_.renamed(names) if self.not_ is not None else None,
            }
        )


def is_filled(value: Any) -> bool:
    """Whether an answer says anything: zero and `False` do, empty text and lists do not."""
    return value is not None and value != "" and value != [] and value != {} and value != ()


def either(conditions: Iterable[Condition | None]) -> Condition | None:
    """The condition that holds when any of these does; no condition means always and so absorbs the rest."""
    found: list[Condition] = []
    for condition in conditions:
        if condition is None:
            return None
        parts = condition.any if condition.any is not None else (condition,)
        found.extend(part for part in parts if part not in found)
    return found[0] if len(found) == 1 else Condition(any=tuple(found))


def both(first: Condition | None, second: Condition | None) -> Condition | None:
    """The condition that holds when both do."""
    if first is None or second is None or first == second:
        return first or second
    return Condition(all=(first, second))


def comparable(value: Any) -> Decimal | dt.date | str | None:
    """A value as something that can be put in order: a date, a number, else text."""
    if isinstance(value, dt.date):
        return value
    if value == "today":
        return clock.today()
    if isinstance(value, bool) or value is None:
        return None
    text = str(value)
    try:
        return dt.date.fromisoformat(text) if len(text) == 10 and text[4] == "-" else Decimal(text)
    except (ValueError, InvalidOperation):
        return text


def compare(left: Any, operator: str, right: Any) -> bool | None:
    """`left operator right` with `<`, `<=`, `>`, `>=`, `==`, `!=`; `None` where they cannot be compared."""
    a, b = comparable(left), comparable(right)
    if a is None or b is None or type(a) is not type(b):
        return None
    return {
        "<": a < b,  # type: ignore[operator]
        "<=": a <= b,  # type: ignore[operator]
        ">": a > b,  # type: ignore[operator]
        ">=": a >= b,  # type: ignore[operator]
        "==": a == b,
        "!=": a != b,
    }[operator]


def _same(value: Any, wanted: bool | int | str) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return _as_word(value) == _as_word(wanted)
    return str(value) == str(wanted)


def _as_word(value: Any) -> str:
    """Booleans as the words a yes/no question uses, so that YAML may say `yes` either way."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _ordered(low: Any, high: Any) -> bool:
    return compare(low, "<=", high) is True
