"""What standard form and every primitive mean, in plain Python. The engines must agree with it; it is slow on purpose.

Also the way to judge few rows: one that somebody mends by hand, or a small delivery (`engines.rows`).
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from yici.base import clock
from yici.platform.data.catalogue.definition import NUMBER_PLACES, ClassDefinition, Column
from yici.platform.data.rules import checks, primitives
from yici.platform.data.rules.language import Rule
from yici.platform.data.rules.patterns import LONGEST_MATCHED
from yici.platform.data.rules.primitives import PRIMITIVES, SET_PRIMITIVES
from yici.platform.data.rules.standard import FULL_WIDTH, HALF_WIDTH, INVISIBLE, Form, Step, form_of

__all__ = ["Judged", "Value", "cleaned", "failures", "judge", "screen", "standard", "standard_of", "typed"]

Value = str | dt.date | dt.datetime | Decimal | int

_NARROW = str.maketrans(FULL_WIDTH, HALF_WIDTH)
_UPPER = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_MIDNIGHT = re.compile(r"[ T]0{1,2}:00(?::00(?:\.0{1,9})?)?\Z")
_DATE = re.compile("([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?")
_COMPACT_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_DATETIME = re.compile(
    r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?"
    r"(?:[ T]{1,2}([0-9]{1,2})[:时]([0-9]{1,2})(?:[:分]([0-9]{1,2})(?:\.([0-9]{1,9}))?秒?)?(?:\+08(?::?00)?)?)?"
)
_COMPACT_DATETIME = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:([0-9]{2})([0-9]{2})([0-9]{2}))?()")
_NUMBER = re.compile(r"[-+]?(?:[0-9]{1,12}|[0-9]{1,3}(?:,[0-9]{3}){1,3})(?:\.[0-9]{1,8})?")
_MONEY = re.compile(r"[¥￥]?[-+]?(?:[0-9]{1,13}|[0-9]{1,3}(?:,[0-9]{3}){1,4})(?:\.[0-9]{1,8})?(?:万元|元|分)?")
_SUFFIX_SCALE = {"万元": 6, "元": 2, "分": 0}
_SMALLEST_STEP = Decimal(1).scaleb(-NUMBER_PLACES)
_LARGEST_NUMBER = Decimal(10) ** 12 - _SMALLEST_STEP
_LARGEST_FEN_DIGITS = 15


def standard(column: Column, raw: str | None) -> Value | None:
    """The lake value of raw text; None where it is blank or cannot be brought to the column's type."""
    return standard_of(form_of(column), raw)


def standard_of(form: Form, raw: str | None) -> Value | None:
    return typed(form, cleaned(form, raw))


def typed(form: Form, text: str | None) -> Value | None:
    """The lake value of cleaned text."""
    if text is None:
        return None
    match form.type:
        case "text":
            return text
        case "date":
            return _date(text)
        case "datetime":
            return _datetime(text)
        case "number":
            return _number(text)
        case "money":
            return _fen(text, form.scale)
        case "code" | "yes_no":
            return form.codes.get(text) if form.codes else text


def cleaned(form: Form, raw: str | None) -> str | None:
    """Raw text after the steps of its form; None where nothing is left or a word that says so."""
    if raw is None:
        return None
    for step in form.steps:
        raw = _step(step, raw)
    return None if raw == "" or raw in form.blank_words else raw


def _step(step: Step, text: str) -> str:
    match step.operation:
        case "narrow":
            return text if text.isascii() else text.translate(_NARROW)
        case "trim":
            return text.strip(INVISIBLE)
        case "upper":
            return text.upper() if text.isascii() else text.translate(_UPPER)
        case "remove":
            return text.translate(str.maketrans("", "", step.text))
        case "swap":
            return text.translate(str.maketrans(step.text, step.by))
        case "unprefix":
            return text.removeprefix(step.text)
        case "replace":
            found = re.fullmatch(step.text, text)
            return found.expand(step.by) if found else text
        case "pad":
            return text.ljust(step.length, "0") if re.fullmatch(step.text, text) else text


def _date(text: str) -> dt.date | None:
    text = _MIDNIGHT.sub("", text).replace(" ", "")
    found = _DATE.fullmatch(text) or _COMPACT_DATE.fullmatch(text)
    return _day(found[1], found[2], found[3]) if found else None


def _day(year: str, month: str, day: str) -> dt.date | None:
    try:
        return dt.date(int(year), int(month), int(day))
    except ValueError:
        return None


def _datetime(text: str) -> dt.datetime | None:
    """Local time as written; a zone is taken only where it is ours. Digits under a microsecond are dropped."""
    found = _DATETIME.fullmatch(text) or _COMPACT_DATETIME.fullmatch(text)
    day = _day(found[1], found[2], found[3]) if found else None
    if not found or day is None:
        return None
    hour, minute, second = (int(found[place] or 0) for place in (4, 5, 6))
    if hour > 23 or minute > 59 or second > 59:
        return None
    return dt.datetime(day.year, day.month, day.day, hour, minute, second, int((found[7] or "").ljust(6, "0")[:6]))


def _number(text: str) -> Decimal | None:
    if not _NUMBER.fullmatch(text):
        return None
    value = Decimal(text.replace(",", "")).quantize(_SMALLEST_STEP, ROUND_HALF_UP)
    return value + 0 if abs(value) <= _LARGEST_NUMBER else None


def _fen(text: str, scale: int) -> int | None:
    text = text.replace(" ", "")
    if not _MONEY.fullmatch(text):
        return None
    for suffix, suffix_scale in _SUFFIX_SCALE.items():
        if text.endswith(suffix):
            text, scale = text.removesuffix(suffix), suffix_scale
            break
    plain = re.sub("[¥￥,+]", "", text)
    whole, _point, fraction = plain.removeprefix("-").partition(".")
    fraction = fraction.rstrip("0")
    digits = whole + fraction.ljust(scale, "0")
    if len(fraction) > scale or len(digits) > _LARGEST_FEN_DIGITS:
        return None
    return -int(digits) if plain.startswith("-") else int(digits)


@dataclass(frozen=True)
class _Row:
    """One row in standard form; `is_blank` knows what had nothing in it."""

    values: Mapping[str, Value | None]
    blanks: frozenset[str]
    today: dt.date

    def day(self, column: str) -> dt.date | None:
        """The value as a day, a point in time by its date."""
        value = self.values.get(column)
        return value.date() if isinstance(value, dt.datetime) else value if isinstance(value, dt.date) else None


Verdict = bool | None  # fails, passes, or does not apply
_Judge = Callable[[_Row, str, Any], Verdict]


def failures(
    definition: ClassDefinition, rules: Iterable[Rule], row: Mapping[str, str | None], today: dt.date | None = None
) -> list[str]:
    """Ids of the rules that one raw row fails, in their order. Rules that need other rows are left out."""
    verdicts = judge(definition, rules, row, today or clock.today())
    return [rule_id for rule_id, fails in verdicts.items() if fails]


def judge(
    definition: ClassDefinition, rules: Iterable[Rule], row: Mapping[str, str | None], today: dt.date
) -> dict[str, Verdict]:
    """Rule id → fails (True), passes (False) or does not apply (None), for the rules that one row can tell."""
    return _judged(_forms(definition), _judges(_read(rules)), row, today).verdicts


@dataclass(frozen=True)
class Judged:
    """One row in standard form, and what each rule says of it."""

    values: Mapping[str, Value | None]
    verdicts: dict[str, Verdict]


def _judged(
    forms: Mapping[str, Form], judges: Iterable[tuple[Rule, _Judge, Any]], row: Mapping[str, str | None], today: dt.date
) -> Judged:
    texts = {name: cleaned(form, row.get(name)) for name, form in forms.items()}
    values = {name: typed(form, texts[name]) for name, form in forms.items()}
    blanks = frozenset(name for name, text in texts.items() if text is None)
    standardised = _Row(values, blanks, today)
    verdicts = {rule.id: judge_of(standardised, rule.column, parameters) for rule, judge_of, parameters in judges}
    return Judged(values, verdicts)


def _forms(definition: ClassDefinition) -> dict[str, Form]:
    return {column.name: form_of(column) for column in definition.columns}


def _read(rules: Iterable[Rule]) -> list[tuple[Rule, Any]]:
    return [(rule, PRIMITIVES[rule.primitive].read(rule.parameters)) for rule in rules]


def _judges(read: Iterable[tuple[Rule, Any]]) -> list[tuple[Rule, _Judge, Any]]:
    """Of the rules that one row can tell."""
    return [(rule, _JUDGES[rule.primitive], own) for rule, own in read if rule.primitive not in SET_PRIMITIVES]


def _of_value(check: Callable[[Any, Any], bool]) -> _Judge:
    """A check that holds of the column's own value."""

    def judged(row: _Row, column: str, parameters: Any) -> Verdict:
        value = row.values.get(column)
        return None if value is None else not check(value, parameters)

    return judged


def _of_id(row: _Row, column: str, parameters: primitives.IdNumber) -> Verdict:
    value = row.values.get(column)
    return (
        None if value is None else not checks.is_id_number(str(value)[: 18 if parameters.prefix else None], row.today)
    )


def _type(row: _Row, column: str, _parameters: Any) -> Verdict:
    return None if column in row.blanks else row.values.get(column) is None


def _in_code_list(row: _Row, column: str, parameters: primitives.InCodeList) -> Verdict:
    """On a code column the standard form has looked the code up already."""
    if column in row.blanks:
        return None
    value = row.values.get(column)
    return value is None or value not in checks.codes(parameters.list)


def _between_days(row: _Row, column: str, parameters: primitives.DateBetween) -> Verdict:
    day = row.day(column)
    start, end = (checks.day_of(text, row.today) for text in (parameters.start, parameters.end))
    return None if day is None else not start <= day <= end


def _not_in_future(row: _Row, column: str, _parameters: Any) -> Verdict:
    day = row.day(column)
    return None if day is None else day > row.today


def _fresh(row: _Row, column: str, parameters: primitives.FreshWithin) -> Verdict:
    day = row.day(column)
    return None if day is None else day < row.today - dt.timedelta(days=parameters.days)


def _against(compare: Callable[[dt.date, dt.date], bool]) -> _Judge:
    def judged(row: _Row, column: str, parameters: primitives.Other) -> Verdict:
        own, other = row.day(column), row.day(parameters.other)
        return None if own is None or other is None else compare(own, other)

    return judged


def _part_of_id(row: _Row, column: str, parameters: primitives.PartOfId) -> Verdict:
    """A number that is itself wrong proves nothing about the rest."""
    number, value = row.values.get(parameters.id), row.values.get(column)
    if value is None or number is None or not checks.is_id_number(str(number), row.today):
        return None
    if parameters.part == "birth_date":
        return row.day(column) != checks.birth_date(str(number))
    # 0 and 9 of GB/T 2261.1 say that the sex is not known.
    return value in ("1", "2") and value != checks.sex(str(number))


def _when_other(row: _Row, column: str, parameters: primitives.OtherEquals, fails_if_blank: bool) -> Verdict:
    other = row.values.get(parameters.other)
    if other is None or checks.as_text(other) not in parameters.wanted:
        return None
    return (column in row.blanks) == fails_if_blank


def _same(row: _Row, column: str, parameters: primitives.Other) -> Verdict:
    own, other = row.values.get(column), row.values.get(parameters.other)
    return None if own is None or other is None else own != other


def _year(row: _Row, column: str, parameters: primitives.YearBetween) -> Verdict:
    value = row.values.get(column)
    if value is None:
        return None
    is_year = re.fullmatch("[0-9]{4}", str(value)) is not None
    return not (is_year and parameters.minimum <= int(str(value)) <= row.today.year + parameters.ahead)


def _in_number_span(value: Decimal | int, span: primitives.NumberBetween) -> bool:
    return (span.minimum is None or value >= span.minimum) and (span.maximum is None or value <= span.maximum)


_JUDGES: Mapping[str, _Judge] = {
    "not_blank": lambda row, column, _: column in row.blanks,
    "type": _type,
    "cn_id": _of_id,
    "uscc": _of_value(lambda value, _: checks.is_uscc(value)),
    "matches": _of_value(
        lambda value, own: len(value) <= LONGEST_MATCHED and re.fullmatch(own.pattern, value) is not None
    ),
    "in_list": _of_value(lambda value, own: value in own.values),
    "in_code_list": _in_code_list,
    "date": _of_value(lambda value, _: not isinstance(value, str) or _date(value) is not None),
    "date_between": _between_days,
    "not_in_future": _not_in_future,
    "number_between": _of_value(_in_number_span),
    "whole_number": _of_value(lambda value, _: value == int(value)),
    "length_between": _of_value(lambda value, own: own.minimum <= len(value) <= own.maximum),
    "equals_part_of_id": _part_of_id,
    "not_before": _against(lambda own, other: own < other),
    "not_after": _against(lambda own, other: own > other),
    "required_if": lambda row, column, own: _when_other(row, column, own, True),
    "forbidden_if": lambda row, column, own: _when_other(row, column, own, False),
    "same_as": _same,
    "fresh_within": _fresh,
    "phone": _of_value(lambda value, _: re.fullmatch(checks.PHONE, value) is not None),
    "plate": _of_value(lambda value, _: re.fullmatch(checks.PLATE, value) is not None),
    "vin": _of_value(lambda value, _: re.fullmatch(checks.VIN, value) is not None),
    "bank_card": _of_value(lambda value, _: checks.is_bank_card(value)),
    "division": _of_value(lambda value, own: checks.is_division(value, known=own.known)),
    "plain_text": _of_value(lambda value, own: checks.is_plain(value, own.kind)),
    "year_between": _year,
}


Known = Callable[[primitives.ExistsIn, set[Value]], set[Value] | None]


def screen(
    definition: ClassDefinition,
    rules: Sequence[Rule],
    rows: Sequence[Mapping[str, str | None]],
    today: dt.date,
    known: Known = lambda _parameters, _values: None,
) -> list[Judged]:
    """A whole table, rules that need other rows included.

    `known(parameters, values)`: those of the values that the class referred to has; None where it is not there yet.
    """
    forms, read = _forms(definition), _read(rules)
    judges = _judges(read)
    judged = [_judged(forms, judges, row, today) for row in rows]
    values = [one.values for one in judged]
    for rule, parameters in read:
        if rule.primitive == "unique":
            failing: set[int] | None = _repeated(values, parameters.columns)
            applies = [all(row[name] is not None for name in parameters.columns) for row in values]
        elif rule.primitive == "exists_in":
            own = [row[rule.column] for row in values]
            found = known(parameters, {value for value in own if value is not None})
            failing = None if found is None else {place for place, value in enumerate(own) if value not in found}
            applies = [value is not None for value in own]
        else:
            continue
        for place, one in enumerate(judged):
            one.verdicts[rule.id] = place in failing if failing is not None and applies[place] else None
    return [Judged(one.values, {rule.id: one.verdicts[rule.id] for rule in rules}) for one in judged]


def _repeated(values: Sequence[Mapping[str, Value | None]], columns: Sequence[str]) -> set[int]:
    """Places of rows whose key others have too. Where all of them say the same, the first is none of them."""
    places: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for place, row in enumerate(values):
        key = tuple(row[name] for name in columns)
        if None not in key:
            places[key].append(place)
    found: set[int] = set()
    for group in places.values():
        if len(group) > 1:
            alike = all(values[place] == values[group[0]] for place in group)
            found.update(group[1:] if alike else group)
    return found
