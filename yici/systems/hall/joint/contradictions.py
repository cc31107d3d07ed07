"""Items that one person cannot apply for together, each contradiction in words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from django.utils.translation import gettext as _

from yici.core.forms.rules.definition import Field
from yici.systems.hall.definitions import Check, ItemDefinition
from yici.systems.hall.generating.shorthand import GENERAL


@dataclass(frozen=True)
class Contradiction:
    """Two items and why they cannot go together. `kind` is stable, for programs."""

    kind: str
    items: tuple[str, str]
    message: str


def contradictions_between(items: Sequence[ItemDefinition]) -> tuple[Contradiction, ...]:
    """Every contradiction of every pair, in the order of the items."""
    return tuple(
        Contradiction(kind, (first.code, second.code), message)
        for first, second in combinations(items, 2)
        for rule in _RULES
        for kind, message in rule(first, second)
    )


Found = Iterator[tuple[str, str]]


def _subjects(first: ItemDefinition, second: ItemDefinition) -> Found:
    if not set(first.subjects) & set(second.subjects):
        yield (
            "subjects",
            _("“{first}”和“{second}”的服务对象不同：一个只面向个人，一个只面向企业。").format(
                first=first.name, second=second.name
            ),
        )


def _conditions(first: ItemDefinition, second: ItemDefinition) -> Found:
    for one in first.conditions:
        for other in second.conditions:
            if one.check and other.check and _exclude(one.check, other.check):
                yield (
                    "conditions",
                    _("受理条件互相排斥：“{first}”要求{one}，“{second}”要求{other}。").format(
                        first=first.name, one=one.text, second=second.name, other=other.text
                    ),
                )


def _exclude(one: Check, other: Check) -> bool:
    lows = [age for age in (one.min_age, other.min_age) if age is not None]
    highs = [age for age in (one.max_age, other.max_age) if age is not None]
    ages = bool(lows and highs) and max(lows) > min(highs)
    sexes = one.sex is not None and other.sex is not None and one.sex != other.sex
    here = {one.registered_in_city, other.registered_in_city} == {True, False}
    return ages or sexes or here


def _results(first: ItemDefinition, second: ItemDefinition) -> Found:
    """Two first issues of one paper: 个体工商户 and a company both give a business licence; one chooses."""
    gives = first.result.certificate
    if gives and gives == second.result.certificate and gives not in GENERAL and _first(first) and _first(second):
        yield (
            "results",
            _("“{first}”和“{second}”发的是同一种证（{result}），只能选一项。").format(
                first=first.name, second=second.name, result=first.result.name
            ),
        )


def _first(item: ItemDefinition) -> bool:
    """Whether it issues its paper to who has none, rather than changing one."""
    return not any(
        proof.certificate == item.result.certificate for material in item.materials for proof in material.proven_by
    )


def _fields(first: ItemDefinition, second: ItemDefinition) -> Found:
    for key, one in first.form.by_key.items():
        other = second.form.by_key.get(key)
        if other is None or not one.element:  # own questions that differ are asked apart, each for its item
            continue
        for kind, conflict in _FIELD_RULES:
            if conflict(one, other):
                yield (
                    kind,
                    _("“{first}”和“{second}”对同一内容（{element}）的要求没有交集。").format(
                        first=first.name, second=second.name, element=one.label or key
                    ),
                )


def _no_option(one: Field, other: Field) -> bool:
    ours, theirs = {option.value for option in one.options}, {option.value for option in other.options}
    return bool(ours and theirs) and not ours & theirs


def _no_number(one: Field, other: Field) -> bool:
    return _crossed([one.min, other.min], [one.max, other.max])


def _no_day(one: Field, other: Field) -> bool:
    days = [
        (str(low or ""), str(high or "")) for low, high in ((one.earliest, one.latest), (other.earliest, other.latest))
    ]
    lows = [low for low, _high in days if low not in ("", "today")]
    highs = [high for _low, high in days if high not in ("", "today")]
    return _crossed(lows, highs)


def _crossed(lows: Sequence[Any], highs: Sequence[Any]) -> bool:
    low = max((one for one in lows if one is not None), default=None)
    high = min((one for one in highs if one is not None), default=None)
    return low is not None and high is not None and bool(low > high)


_FIELD_RULES: tuple[tuple[str, Callable[[Field, Field], bool]], ...] = (
    ("options", _no_option),
    ("bounds", _no_number),
    ("dates", _no_day),
)


def _checks(first: ItemDefinition, second: ItemDefinition) -> Found:
    """One demands that an answer is the applicant's own record, the other that it is not."""
    for one in first.form.checks:
        for other in second.form.checks:
            same = one.field == other.field and first.form.by_key[one.field].element
            if same and {one.same_as_subject, other.same_as_subject} == {True, False} and not (one.when or other.when):
                yield (
                    "checks",
                    _("“{first}”要求填本人的信息，“{second}”要求填别人的（{field}）。").format(
                        first=first.name, second=second.name, field=one.field
                    ),
                )


_RULES: tuple[Callable[[ItemDefinition, ItemDefinition], Found], ...] = (
    _subjects,
    _conditions,
    _results,
    _fields,
    _checks,
)
