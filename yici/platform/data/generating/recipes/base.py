"""The shape of a recipe, and pieces of SQL several recipes use.

In every piece `u('purpose')` is a draw in [0, 1) of the row, `:day` the day of the delivery, `:taken` the day of
the register, `{listed}` whether a person is on the department's list: living, dead for less than a month, or
one of those who are never struck off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Recipe:
    """`subject` is a view of `subjects`; `source` SQL that gives its rows (default: the view, `where` applied).

    `double` is true of rows by which a person is on the list once more than should be.
    """

    subject: str
    where: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    double: str = "false"


def whole(purpose: str, low: int, high: int) -> str:
    """A whole number in [low, high)."""
    return f"({low} + CAST(floor(u('{purpose}') * {high - low}) AS BIGINT))"


def day_in(purpose: str, first: str, days: int) -> str:
    """A day within `days` days from `first` on."""
    return f"CAST(DATE '{first}' + CAST(floor(u('{purpose}') * {days}) AS INTEGER) AS DATE)"


def after(day: str, purpose: str, low: int, high: int) -> str:
    """A day that many days after another."""
    return f"CAST({day} + CAST({whole(purpose, low, high)} AS INTEGER) AS DATE)"


def chosen(purpose: str, *options: str) -> str:
    """One of the texts."""
    listed = ", ".join(f"'{option}'" for option in options)
    return f"([{listed}])[1 + CAST(floor(u('{purpose}') * {len(options)}) AS INTEGER)]"


def weighted(purpose: str, **shares: float) -> str:
    """One of the codes (written with a leading underscore where they are digits) by cumulated shares."""
    total, parts = 0.0, []
    for code, share in shares.items():
        total += share
        parts.append(f"WHEN u('{purpose}') < {total!r} THEN '{code.removeprefix('_')}'")
    last = list(shares)[-1].removeprefix("_")
    return f"CASE {' '.join(parts)} ELSE '{last}' END"


def numbered(prefix: str, expression: str = "n", width: int = 10) -> str:
    """A number of the department: prefix and a serial."""
    return f"'{prefix}' || lpad(CAST({expression} AS VARCHAR), {width}, '0')"


COUNTY = "(['谯城区','涡阳县','蒙城县','利辛县'])[1 + CAST(county AS INTEGER)]"
COUNTY_CODE = "(['341602','341621','341622','341623'])[1 + CAST(county AS INTEGER)]"
STARTED = day_in("started", "2017-01-01", 3400)
STOPPED = "u('payment state') >= 0.95"
PAYMENT = {
    "start_date": STARTED,
    "state": f"CASE WHEN {STOPPED} THEN '3' WHEN u('payment state') >= 0.93 THEN '2' ELSE '1' END",
    "end_date": f"CASE WHEN {STOPPED} THEN {after(STARTED, 'stopped', 30, 160)} END",
}
ISSUED = day_in("issued", "2019-01-01", 2800)
LICENCE = {
    "issued_date": ISSUED,
    "valid_until": f"CAST({ISSUED} + 1825 AS DATE)",
    "state": f"CASE WHEN {ISSUED} + 1825 < :taken THEN '5' WHEN u('licence state') < 0.97 THEN '1' ELSE '3' END",
}
