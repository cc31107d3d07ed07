"""How an engine says what the templates are made of, and how it reads a date, a time, a number or money out of text."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence

from yici.platform.data.catalogue.definition import LAKE_TYPES
from yici.platform.data.rules import checks
from yici.platform.data.rules.standard import FULL_WIDTH, HALF_WIDTH, INVISIBLE, Form, Step

__all__ = ["END", "START", "Values", "canonical_of", "class_of", "whole"]

_SMALL = "abcdefghijklmnopqrstuvwxyz"
# A day and a point in time as people write them, after a midnight that databases add is gone.
DATE = "([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?"
MIDNIGHT = r"[ T]0{1,2}:00(?::00(?:\.0{1,9})?)?"
COMPACT_DAY = "([0-9]{4})([0-9]{2})([0-9]{2})"
COMPACT_TIME = COMPACT_DAY + "([0-9]{2})([0-9]{2})([0-9]{2})"
DATETIME = (
    DATE + r"(?:[ T]{1,2}([0-9]{1,2})[:时]([0-9]{1,2})(?:[:分]([0-9]{1,2})(?:\.([0-9]{1,9}))?秒?)?(?:\+08(?::?00)?)?)?"
)
_YEAR = "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9][0-9]|[0-9][1-9][0-9]{2}|[1-9][0-9]{3})"
ISO_DATE = f"{_YEAR}-[0-9]{{2}}-[0-9]{{2}}"
ISO_DATETIME = rf"{ISO_DATE} (?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{{1,6}})?"
START, END = r"\A", r"\z"
NUMBER = r"[-+]?(?:[0-9]{1,12}|[0-9]{1,3}(?:,[0-9]{3}){1,3})(?:\.[0-9]{1,8})?"
MONEY = r"[¥￥]?[-+]?(?:[0-9]{1,13}|[0-9]{1,3}(?:,[0-9]{3}){1,4})(?:\.[0-9]{1,8})?(?:万元|元|分)?"
# The four ways in which databases and sheets write nearly every day; always two digits for month and day.
PLAIN_DATE = f"{_YEAR}(?:-[0-9]{{2}}-[0-9]{{2}}|[0-9]{{4}}|/[0-9]{{2}}/[0-9]{{2}}|年[0-9]{{2}}月[0-9]{{2}}日)"
_CANONICAL = {"date": PLAIN_DATE, "datetime": ISO_DATETIME, "number": r"-?[0-9]{1,12}(?:\.[0-9]{1,8})?"}


class Values(ABC):
    """One engine's dialect. Every argument and every answer is an expression of SQL, unless it says otherwise."""

    @abstractmethod
    def name(self, name: str) -> str:
        """An identifier."""

    @abstractmethod
    def text(self, value: str) -> str:
        """A string."""

    @abstractmethod
    def full_match(self, value: str, pattern: str) -> str: ...

    @abstractmethod
    def contains_any(self, value: str, characters: str) -> str:
        """Whether a character of the class (the inside of square brackets) occurs."""

    @abstractmethod
    def extract(self, value: str, pattern: str, group: int) -> str:
        """A group of a pattern that is the whole value; empty where there is none."""

    @abstractmethod
    def replace_whole(self, value: str, pattern: str, template: str) -> str: ...

    @abstractmethod
    def replaced(self, value: str, pattern: str, template: str) -> str:
        """Every place where the pattern matches, by a template with \\1…\\9."""

    def one_of(self, value: str, texts: Sequence[str]) -> str:
        """Whether a value is one of a few texts."""
        return f"{value} IN ({', '.join(self.text(one) for one in texts)})"

    @abstractmethod
    def trimmed(self, value: str, characters: str) -> str: ...

    @abstractmethod
    def code(self, form: Form, value: str) -> str:
        """The code of cleaned text; null where there is none. May name what `code_joins` adds to the relation."""

    def code_joins(self, columns: Sequence[str]) -> str:
        """Joined to the level of cleaned text."""
        return ""

    @abstractmethod
    def divided(self, value: str, by: int) -> str:
        """Whole-number division of what is not negative."""

    bigint = "BIGINT"
    timestamp = "TIMESTAMP"

    def step(self, step: Step, value: str) -> str:
        """One step of cleaning, whatever the value holds."""
        match step.operation:
            case "narrow":
                return f"translate({value}, {self.text(FULL_WIDTH)}, {self.text(HALF_WIDTH)})"
            case "trim":
                return self.trimmed(value, INVISIBLE)
            case "upper":
                return f"translate({value}, '{_SMALL}', '{_SMALL.upper()}')"
            case "remove":
                return f"translate({value}, {self.text(step.text)}, '')"
            case "swap":
                return f"translate({value}, {self.text(step.text)}, {self.text(step.by)})"
            case "unprefix":
                return self.replaced(value, START + re.escape(step.text), "")
            case "replace":
                return self.replace_whole(value, step.text, step.by)
            case "pad":
                padded = f"rpad({value}, {step.length}, '0')"
                return f"CASE WHEN {self.full_match(value, step.text)} THEN {padded} ELSE {value} END"

    def date(self, text: str) -> str:
        """Rewritten to yyyy-mm-dd step by step: without midnight and blanks, with hyphens, with two digits each."""
        day = f"replace({self.replaced(text, MIDNIGHT + END, '')}, ' ', '')"
        day = self.replace_whole(day, COMPACT_DAY, r"\1-\2-\3")
        padded = self.replaced(self.replace_whole(day, DATE, r"\1-0\2-0\3"), "-0([0-9]{2})", r"-\1")
        return f"CASE WHEN {self.full_match(day, DATE)} THEN {self.day_of_iso(padded)} END"

    def iso_of_plain(self, text: str) -> str:
        """What matches `PLAIN_DATE` as yyyy-mm-dd, by its places alone."""
        year, sign = f"substr({text}, 1, 4)", f"substr({text}, 5, 1)"
        parted, compact = (
            f"concat({year}, '-', substr({text}, {month}, 2), '-', substr({text}, {day}, 2))"
            for month, day in ((6, 9), (5, 7))
        )
        return (
            f"CASE WHEN {sign} = '-' THEN {text} WHEN {sign} = '/' THEN replace({text}, '/', '-')"
            f" WHEN {sign} = '年' THEN {parted} ELSE {compact} END"
        )

    def day_of_iso(self, text: str) -> str:
        """Year 0000 is no year. What is left is read alike by every engine: yyyy-mm-dd, Gregorian throughout."""
        return f"TRY_CAST({self.extract(text, f'({ISO_DATE})', 1)} AS DATE)"

    def datetime(self, text: str) -> str:
        """The same down to microseconds. A part that is not there is zero: two digits are kept of 00, 004 or 0012."""
        time = self.replace_whole(text, COMPACT_TIME, r"\1-\2-\3 \4:\5:\6")
        time = self.replace_whole(time, COMPACT_DAY, r"\1-\2-\3")
        padded = self.replace_whole(time, DATETIME, r"\1-0\2-0\3 00\4:00\5:00\6.\7000000")
        padded = self.replaced(padded, "([ :-])0{1,2}([0-9]{2})", r"\1\2")
        padded = self.replaced(padded, r"\.([0-9]{6})[0-9]{1,9}" + END, r".\1")
        return f"CASE WHEN {self.full_match(time, DATETIME)} THEN {self.time_of_iso(padded)} END"

    def time_of_iso(self, text: str) -> str:
        return f"TRY_CAST({self.extract(text, f'({ISO_DATETIME})', 1)} AS {self.timestamp})"

    def number(self, text: str) -> str:
        """Rounded half away from zero, as every engine does on a cast from text."""
        plain = f"replace({text}, ',', '')"
        return f"CASE WHEN {self.full_match(text, NUMBER)} THEN TRY_CAST({plain} AS {LAKE_TYPES['number']}) END"

    def plain_money(self, text: str, scale: int) -> str:
        """Of canonical text, which has no more decimals than its unit: nothing is rounded."""
        if scale <= 2:  # thirteen digits times a hundred fit
            return f"CAST(TRY_CAST({text} AS DECIMAL(18,{scale})) * {10**scale} AS {self.bigint})"
        whole, decimals = f"split_part({text}, '.', 1)", f"split_part({text}, '.', 2)"
        return f"TRY_CAST({whole} || rpad({decimals}, {scale}, '0') AS {self.bigint})"

    def money(self, text: str, scale: int) -> str:
        """Digit by digit: no engine's decimal arithmetic has a say."""
        tight = f"replace({text}, ' ', '')"
        scales = f"CASE WHEN {tight} LIKE '%万元' THEN 6 WHEN {tight} LIKE '%元' THEN 2 WHEN {tight} LIKE '%分' THEN 0 ELSE {scale} END"
        plain = self.step(Step("remove", "¥￥,+元万分-"), tight)
        whole = f"split_part({plain}, '.', 1)"
        decimals = self.without_ending_zeros(f"split_part({plain}, '.', 2)")
        digits = f"{whole} || rpad({decimals}, {scales}, '0')"
        sign = f"CASE WHEN contains({text}, '-') THEN -1 ELSE 1 END"
        fits = f"length({decimals}) <= {scales} AND length({whole}) + {scales} <= 15"
        value = f"TRY_CAST({digits} AS {self.bigint}) * {sign}"
        return f"CASE WHEN {self.full_match(tight, MONEY)} AND {fits} THEN {value} END"

    @abstractmethod
    def without_ending_zeros(self, text: str) -> str: ...


def canonical_of(form: Form) -> str:
    """A pattern of raw text that is its own standard form, not blank, and for text right as well; empty for none."""
    if form.type == "text":
        return checks.CANONICAL.get(form.check, "")
    if form.type == "money":
        return rf"[0-9]{{1,{min(13, 15 - form.scale)}}}(?:\.[0-9]{{1,{form.scale}}})?" if form.scale else "[0-9]{1,13}"
    return _CANONICAL.get(form.type, "")


def whole(pattern: str) -> str:
    """A pattern that must match from the first character to the last."""
    return f"{START}(?:{pattern}){END}"


def class_of(characters: str) -> str:
    """The inside of square brackets with everything but ranges' hyphens as \\x{…}, which RE2 and Java both read."""
    return "".join(
        one if one == "-" else f"\\x{{{ord(one):x}}}" if not (one.isascii() and one.isalnum()) else one
        for one in characters
    )
