"""The templates of standard form and of every primitive, hand-written; what engines say differently is left to subclasses.

A row goes through levels, each a subquery over the one before: raw text (`name`), whether cleaning can change it
(`k$name`), the text after its steps (`c$name`), cleaned text (`t$name`, null where
blank), standard value (`s$name`), parts of identity numbers (`n$` first 17 digits, `b$` birth date as a number,
`v$` whether it is valid). A template gives two expressions: to which rows the rule applies, never null, and which
are bad, null only where it does not apply.
"""

# ruff: noqa: S608 - SQL is what this module makes; names and texts are quoted by the dialect

from __future__ import annotations

import datetime as dt
from abc import abstractmethod
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from yici.platform.data.catalogue.definition import LAKE_TYPES, ClassDefinition
from yici.platform.data.rules import checks, primitives
from yici.platform.data.rules.language import Rule
from yici.platform.data.rules.patterns import LONGEST_MATCHED
from yici.platform.data.rules.primitives import PRIMITIVES, SET_PRIMITIVES
from yici.platform.data.rules.standard import INVISIBLE, Step, form_of
from yici.platform.data.rules.templates.values import Values, canonical_of

__all__ = ["CLEANED", "FAILED", "KNOWN", "PLAIN", "STANDARD", "WORD", "Template", "Templates"]

PLAIN, KNOWN, STEPPED, CLEANED, STANDARD, DIGITS, BIRTH, VALID, FAILED = (
    "plain$",
    "k$",
    "c$",
    "t$",
    "s$",
    "n$",
    "b$",
    "v$",
    "x$",
)
WORD = 62
_BY_CHARACTER = ("narrow", "trim", "upper", "remove", "swap")
_LUHN_DOUBLED = "0516273849"  # the place of a digit is what it counts doubled
_TYPED = ("date", "datetime", "number", "money")


@dataclass(frozen=True)
class Template:
    """`fails` is never null."""

    applies: str
    bad: str

    @property
    def fails(self) -> str:
        return f"coalesce(({self.applies}) AND ({self.bad}), FALSE)"


class Templates(Values):
    """SQL of one class on one engine."""

    # Columns ------------------------------------------------------------------------------------------------

    def __init__(self, definition: ClassDefinition, today: dt.date) -> None:
        self.definition = definition
        self.today = today
        self.forms = {column.name: form_of(column) for column in definition.columns}

    def known(self, column: str) -> str:
        """Whether raw text is beyond doubt what its steps would leave: it has the canonical form of its column, or
        nothing in it that a step would change. Null for null. One look that spares most rows every other."""
        form, raw = self.forms[column], self.name(column)
        canonical = canonical_of(form)
        if not canonical:
            unseen = checks.not_plain("one_line") if form.is_free_text else ""
            return f"NOT {self.contains_any(raw, _odd_characters(form.steps) + unseen)}"
        return f"CASE WHEN length({raw}) <= {LONGEST_MATCHED} THEN {self.full_match(raw, canonical)} ELSE FALSE END"

    def stepped(self, column: str) -> str:
        """From raw text: its steps, those that change characters only where there is one to change."""
        form, raw, known = self.forms[column], self.name(column), self.name(KNOWN + column)
        guarded = [step for step in form.steps if step.operation in _BY_CHARACTER]
        text = raw
        for step in guarded:
            text = self.step(step, text)
        text = f"CASE WHEN NOT {self.contains_any(raw, _odd_characters(form.steps))} THEN {raw} ELSE {text} END"
        for step in form.steps[len(guarded) :]:
            text = self.step(step, text)
        return f"CASE WHEN {known} THEN {raw} ELSE {text} END"

    def cleaned(self, column: str) -> str:
        """From what the steps left: null where it is blank."""
        form, text = self.forms[column], self.name(STEPPED + column)
        if not form.blank_words:
            return f"nullif({text}, '')"
        longest = max(len(word) for word in form.blank_words)
        known = f"{self.name(KNOWN + column)} OR " if canonical_of(form) else ""
        words = self.one_of(text, ["", *form.blank_words])
        return f"CASE WHEN {known}length({text}) > {longest} THEN {text} WHEN {words} THEN NULL ELSE {text} END"

    def standard(self, column: str) -> str:
        """From the level of cleaned text."""
        form, text = self.forms[column], self.name(CLEANED + column)
        match form.type:
            case "date":
                quick, slow = f"TRY_CAST({self.iso_of_plain(text)} AS DATE)", self.date(text)
            case "datetime":
                quick, slow = (
                    f"CASE WHEN {text} >= '0001' THEN TRY_CAST({text} AS {self.timestamp}) END",
                    self.datetime(text),
                )
            case "number":
                quick, slow = f"TRY_CAST({text} AS {LAKE_TYPES['number']})", self.number(text)
            case "money":
                quick = self.plain_money(text, form.scale)
                slow = self.money(text, form.scale)
            case "code" | "yes_no" if form.codes:
                return self.code(form, text)
            case _:
                return text
        return f"CASE WHEN {self.name(KNOWN + column)} THEN {quick} ELSE {slow} END"

    # Levels -------------------------------------------------------------------------------------------------

    def standardised(
        self, source: str, columns: Sequence[str], *, raw: bool = False, plain: Collection[str] = ()
    ) -> str:
        """A query: `_row`, `t$` and `s$` of the columns, and where asked for the raw text too. `source` follows FROM.

        `plain`: columns of which `source` says itself, by its column `PLAIN`, in which rows they are known to be beyond
        doubt (or not there); only the others are looked at.
        """
        raws, known = [self.name(one) for one in columns], [self.name(KNOWN + one) for one in columns]
        cleaned, kept = [self.name(CLEANED + one) for one in columns], ["_row", *known]

        def level(names: Sequence[str], made: Callable[[str], str], prefix: str, relation: str) -> str:
            expressions = [f"{made(column)} AS {self.name(prefix + column)}" for column in columns]
            return f"SELECT {', '.join([*names, *expressions])} FROM {relation}"

        def known_of(column: str) -> str:
            known = self.known(column)
            return f"CASE WHEN {self.name(PLAIN)} THEN TRUE ELSE {known} END" if column in plain else known

        query = level(["_row", *raws], known_of, KNOWN, source)
        query = level([*kept, *raws], self.stepped, STEPPED, f"({query}) AS looked")
        kept += raws if raw else []
        query = level(kept, self.cleaned, CLEANED, f"({query}) AS stepped")
        return level([*kept, *cleaned], self.standard, STANDARD, f"({query}) AS cleaned {self.code_joins(columns)}")

    def with_identities(self, query: str, rules: Sequence[Rule]) -> str:
        """The query with the parts of every identity number that the rules read."""
        for suffix, text in self.identity_columns(rules):
            digits = f"{self.digits(suffix, text)} AS {self.name(DIGITS + suffix)}"
            query = f"SELECT *, {digits} FROM ({query}) AS standard"
            query = f"SELECT *, {self.birth(suffix)} AS {self.name(BIRTH + suffix)} FROM ({query}) AS numbered"
            query = f"SELECT *, {self.valid(suffix, text)} AS {self.name(VALID + suffix)} FROM ({query}) AS dated"
        return query

    def columns_of(self, rules: Sequence[Rule]) -> list[str]:
        """The columns that the rules read, in the order of the class."""
        used: set[str] = set()
        for rule in rules:
            own = PRIMITIVES[rule.primitive].read(rule.parameters).columns_used()
            used.update(own if rule.primitive == "unique" else (rule.column, *own))
        return [column for column in self.forms if column in used]

    def masks(self, rules: Sequence[Rule]) -> list[str]:
        """Which rules a row fails as numbers of 62 bits each, the first rule in the lowest bit of the first."""
        bits = [
            f"CASE WHEN {self.template(rule).fails} THEN {1 << place % WORD} ELSE 0 END"
            for place, rule in enumerate(rules)
        ]
        return [" + ".join(bits[start : start + WORD]) for start in range(0, len(bits), WORD)] or ["0"]

    # Identity numbers ---------------------------------------------------------------------------------------

    def identity_columns(self, rules: Sequence[Rule]) -> list[tuple[str, str]]:
        """(suffix, text expression) of every identity number that the rules read."""
        found: dict[str, str] = {}
        for rule in rules:
            if rule.primitive == "cn_id":
                prefix = bool(rule.parameters.get("prefix"))
                text = self.name(STANDARD + rule.column)
                found[_suffix(rule.column, prefix)] = f"substr({text}, 1, 18)" if prefix else text
            elif rule.primitive == "equals_part_of_id":
                column = str(rule.parameters["id"])
                found[column] = self.name(STANDARD + column)
        return list(found.items())

    def digits(self, suffix: str, text: str) -> str:
        """The first seventeen digits as one number, null where the form is not that of an identity number."""
        number = f"TRY_CAST(substr({text}, 1, 17) AS {self.bigint})"
        return f"CASE WHEN {self.matched(suffix, text, checks.ID_NUMBER)} THEN {number} END"

    def matched(self, column: str, text: str, pattern: str) -> str:
        """Whether the column's standard value, `text`, matches; seen at once where that is its canonical form."""
        matches = self.full_match(text, pattern)
        if column in self.forms and canonical_of(self.forms[column]) == pattern:
            return f"CASE WHEN {self.name(KNOWN + column)} THEN TRUE ELSE {matches} END"
        return matches

    def birth(self, suffix: str) -> str:
        """yyyymmdd as a number."""
        return f"CAST({self.divided(self.name(DIGITS + suffix), 1000)} % 100000000 AS INTEGER)"

    def valid(self, suffix: str, text: str) -> str:
        """Birth date from 1880 to today and the check digit; false where there is no number, never null."""
        number, born = self.name(DIGITS + suffix), self.name(BIRTH + suffix)
        month, day = f"({self.divided(born, 100)} % 100)", f"({born} % 100)"
        year = self.divided(born, 10000)
        leap = f"({year} % 4 = 0 AND ({year} % 100 <> 0 OR {year} % 400 = 0))"
        is_day = (
            f"{month} BETWEEN 1 AND 12 AND {day} >= 1 AND ({day} <= 28 OR ({month} <> 2 AND {day} <= 30)"
            f" OR ({day} = 31 AND ({month} + {self.divided(month, 8)}) % 2 = 1) OR ({month} = 2 AND {day} = 29 AND {leap}))"
        )
        span = f"{born} BETWEEN {checks.EARLIEST_BIRTH:%Y%m%d} AND {self.today:%Y%m%d}"
        last = f"CASE WHEN substr({text}, 18, 1) = 'X' THEN 10 ELSE TRY_CAST(substr({text}, 18, 1) AS INTEGER) END"
        check = f"(2 * {self.weighted(number)} + {last}) % 11 = 1"
        return f"coalesce(CASE WHEN {number} IS NOT NULL THEN {span} AND {is_day} AND {check} END, FALSE)"

    def weighted(self, number: str) -> str:
        """The sum of digits, each times two to the power of its place from the right (ISO 7064 MOD 11-2).

        With q(k) = number div 10^k a digit is q(k) - 10 q(k+1), so the sum is q(0) - 8 (q(1) + 2 q(2) + 4 q(3) + …):
        sixteen divisions by constants, and no digit is ever taken out of the text.
        """
        nested = self.divided(number, 10**16)
        for place in range(15, 0, -1):
            nested = f"({self.divided(number, 10**place)} + 2 * {nested})"
        return f"({number} - 8 * {nested})"

    # Primitives ---------------------------------------------------------------------------------------------

    def template(self, rule: Rule) -> Template:
        """The rule as SQL over the last level, where rules that need other rows have their `x$<rule id>`."""
        parameters: Any = PRIMITIVES[rule.primitive].read(rule.parameters)
        if rule.primitive in SET_PRIMITIVES:
            columns = parameters.columns_used() or (rule.column,)
            return Template(self.present(*columns), self.name(FAILED + rule.id))
        made: Template = getattr(self, f"_{rule.primitive}")(rule.column, parameters)
        return made

    def present(self, *columns: str) -> str:
        return " AND ".join(f"{self.name(STANDARD + column)} IS NOT NULL" for column in columns)

    def day(self, column: str) -> str:
        value = self.name(STANDARD + column)
        return f"CAST({value} AS DATE)" if self.forms[column].type == "datetime" else value

    def on_day(self, day: dt.date) -> str:
        return f"DATE '{day.isoformat()}'"

    def _of_value(self, column: str, good: str) -> Template:
        return Template(self.present(column), f"NOT ({good})")

    def _listed(self, column: str, values: Sequence[str]) -> str:
        return f"{self.name(STANDARD + column)} IN ({', '.join(self.text(value) for value in values)})"

    def _not_blank(self, column: str, _: Any) -> Template:
        return Template("TRUE", f"{self.name(CLEANED + column)} IS NULL")

    def _type(self, column: str, _: Any) -> Template:
        return Template(f"{self.name(CLEANED + column)} IS NOT NULL", f"{self.name(STANDARD + column)} IS NULL")

    def _cn_id(self, column: str, own: primitives.IdNumber) -> Template:
        return self._of_value(column, self.name(VALID + _suffix(column, own.prefix)))

    def _uscc(self, column: str, _: Any) -> Template:
        value = self.name(STANDARD + column)

        def place(number: int) -> str:
            return f"({self.position(checks.USCC_ALPHABET, f'substr({value}, {number}, 1)')} - 1)"

        total = " + ".join(f"{pow(3, number, 31)} * {place(number + 1)}" for number in range(17))
        right = f"({total} + {place(18)}) % 31 = 0"
        return self._of_value(column, f"CASE WHEN {self.full_match(value, checks.USCC)} THEN {right} ELSE FALSE END")

    @abstractmethod
    def position(self, text: str, of: str) -> str:
        """From 1; 0 where it does not occur."""

    def _bank_card(self, column: str, _: Any) -> Template:
        value = self.name(STANDARD + column)
        padded = f"lpad({value}, 20, '0')"
        single = [f"TRY_CAST(substr({padded}, {place}, 1) AS INTEGER)" for place in range(2, 21, 2)]
        double = [f"({self.position(_LUHN_DOUBLED, f'substr({padded}, {place}, 1)')} - 1)" for place in range(1, 21, 2)]
        right = f"({' + '.join(single + double)}) % 10 = 0"
        return self._of_value(
            column, f"CASE WHEN {self.full_match(value, checks.BANK_CARD)} THEN {right} ELSE FALSE END"
        )

    def _matches(self, column: str, own: primitives.Matches) -> Template:
        return self._of_pattern(column, own.pattern, bounded=True)

    def _of_pattern(self, column: str, pattern: str, bounded: bool = False) -> Template:
        value = self.name(STANDARD + column)
        matched = self.matched(column, value, pattern)
        if bounded:
            matched = f"CASE WHEN length({value}) <= {LONGEST_MATCHED} THEN {matched} ELSE FALSE END"
        return self._of_value(column, matched)

    def _phone(self, column: str, _: Any) -> Template:
        return self._of_pattern(column, checks.PHONE)

    def _plate(self, column: str, _: Any) -> Template:
        return self._of_pattern(column, checks.PLATE)

    def _vin(self, column: str, _: Any) -> Template:
        return self._of_pattern(column, checks.VIN)

    def _division(self, column: str, own: primitives.Division) -> Template:
        if own.known:
            return self._of_value(column, self._listed(column, sorted(checks.division_codes())))
        return self._of_pattern(column, checks.DIVISION)

    def _plain_text(self, column: str, own: primitives.PlainText) -> Template:
        found = self.contains_any(self.name(STANDARD + column), checks.not_plain(own.kind))
        if self.forms[column].is_free_text and not canonical_of(self.forms[column]):
            found = f"CASE WHEN {self.name(KNOWN + column)} THEN FALSE ELSE {found} END"
        return Template(self.present(column), found)

    def _in_list(self, column: str, own: primitives.InList) -> Template:
        return self._of_value(column, self._listed(column, own.values))

    def _in_code_list(self, column: str, own: primitives.InCodeList) -> Template:
        bad = f"{self.name(STANDARD + column)} IS NULL"
        allowed = checks.codes(own.list)
        form = self.forms[column]
        if not form.codes or not set(form.codes.values()) <= allowed:
            bad = f"({bad} OR NOT {self._listed(column, sorted(allowed))})"
        return Template(f"{self.name(CLEANED + column)} IS NOT NULL", bad)

    def _date(self, column: str, _: Any) -> Template:
        if self.forms[column].type != "text":
            return Template(self.present(column), "FALSE")
        return Template(self.present(column), f"({self.date(self.name(STANDARD + column))}) IS NULL")

    def _date_between(self, column: str, own: primitives.DateBetween) -> Template:
        start, end = (self.on_day(checks.day_of(text, self.today)) for text in (own.start, own.end))
        return self._of_value(column, f"{self.day(column)} BETWEEN {start} AND {end}")

    def _not_in_future(self, column: str, _: Any) -> Template:
        return self._of_value(column, f"{self.day(column)} <= {self.on_day(self.today)}")

    def _fresh_within(self, column: str, own: primitives.FreshWithin) -> Template:
        oldest = self.today - dt.timedelta(days=own.days)
        return self._of_value(column, f"{self.day(column)} >= {self.on_day(oldest)}")

    def _number_between(self, column: str, own: primitives.NumberBetween) -> Template:
        value = self.name(STANDARD + column)
        limits = [f"{value} >= {format(own.minimum, 'f')}"] if own.minimum is not None else []
        limits += [f"{value} <= {format(own.maximum, 'f')}"] if own.maximum is not None else []
        return self._of_value(column, " AND ".join(limits))

    def _whole_number(self, column: str, _: Any) -> Template:
        return self._of_value(column, f"{self.name(STANDARD + column)} % 1 = 0")

    def _length_between(self, column: str, own: primitives.LengthBetween) -> Template:
        return self._of_value(column, f"length({self.name(STANDARD + column)}) BETWEEN {own.minimum} AND {own.maximum}")

    def _year_between(self, column: str, own: primitives.YearBetween) -> Template:
        value = self.name(STANDARD + column)
        span = f"TRY_CAST({value} AS INTEGER) BETWEEN {own.minimum} AND {self.today.year + own.ahead}"
        return self._of_value(column, f"CASE WHEN {self.full_match(value, '[0-9]{4}')} THEN {span} ELSE FALSE END")

    def _equals_part_of_id(self, column: str, own: primitives.PartOfId) -> Template:
        value, valid = self.name(STANDARD + column), self.name(VALID + own.id)
        applies = f"{self.present(column)} AND {valid}"
        if own.part == "birth_date":
            number = f"year({value}) * 10000 + month({value}) * 100 + day({value})"
            return Template(applies, f"{number} <> {self.name(BIRTH + own.id)}")
        sex = f"CASE WHEN {self.name(DIGITS + own.id)} % 2 = 1 THEN '1' ELSE '2' END"
        return Template(applies, f"{value} IN ('1', '2') AND {value} <> {sex}")

    def _not_before(self, column: str, own: primitives.Other) -> Template:
        return Template(self.present(column, own.other), f"{self.day(column)} < {self.day(own.other)}")

    def _not_after(self, column: str, own: primitives.Other) -> Template:
        return Template(self.present(column, own.other), f"{self.day(column)} > {self.day(own.other)}")

    def _same_as(self, column: str, own: primitives.Other) -> Template:
        values = self.name(STANDARD + column), self.name(STANDARD + own.other)
        return Template(self.present(column, own.other), f"{values[0]} <> {values[1]}")

    def _required_if(self, column: str, own: primitives.OtherEquals) -> Template:
        return Template(self._other_equals(own), f"{self.name(CLEANED + column)} IS NULL")

    def _forbidden_if(self, column: str, own: primitives.OtherEquals) -> Template:
        return Template(self._other_equals(own), f"{self.name(CLEANED + column)} IS NOT NULL")

    def _other_equals(self, own: primitives.OtherEquals) -> str:
        values = [one for one in (self._value(own.other, wanted) for wanted in own.wanted) if one]
        if not values:
            return "FALSE"
        return f"coalesce({self.name(STANDARD + own.other)} IN ({', '.join(values)}), FALSE)"

    def _value(self, column: str, wanted: str) -> str:
        """A lake value as SQL; empty where no value of that type is written like this."""
        kind = self.forms[column].type
        if kind not in _TYPED:
            return self.text(wanted)
        try:
            if kind == "date":
                value: Any = dt.date.fromisoformat(wanted)
            elif kind == "datetime":
                value = dt.datetime.fromisoformat(wanted)
            else:
                value = Decimal(wanted) if kind == "number" else int(wanted)
        except (ValueError, ArithmeticError):
            return ""
        if checks.as_text(value) != wanted:
            return ""
        return (
            wanted
            if kind in ("number", "money")
            else f"CAST('{wanted}' AS {'DATE' if kind == 'date' else self.timestamp})"
        )


def _suffix(column: str, prefix: bool) -> str:
    return f"{column}$18" if prefix else column


def _odd_characters(steps: Sequence[Step]) -> str:
    """Every character that the steps by character would change, as the inside of square brackets."""
    odd = ""
    for step in steps:
        match step.operation:
            case "narrow":
                odd += "\uff01-\uff5e\u3000"
            case "trim":
                odd += INVISIBLE
            case "upper":
                odd += "a-z"
            case "remove" | "swap":
                odd += step.text.replace("-", ",-.")  # a span around it: more than needed does no harm
    return odd
