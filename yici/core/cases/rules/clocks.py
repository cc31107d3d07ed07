"""Arithmetic of a case's clocks: what is used up, what is left, when it falls due.

A clock runs in `run` segments. Between them it stands still (correction, special procedure: the time that
行政许可法 art. 32 and art. 45 do not count). An extension (art. 42) lengthens the limit.

How days count, exactly: a moment belongs to working day e(t), its own until the close of business and the
next one after it. A run from a to b uses up e(b) − e(a) working days. So the day of acceptance is not
counted, nor is the day on which a stopped clock goes on; the day on which it stops is. A stop that begins
and ends at the same moment changes nothing, and what is left never changes while the clock stands.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from yici.core.calendars.rules import DeadlineUnknown, Unit, WorkingCalendar
from yici.core.cases.rules.workflow import STOPS, Clock


@dataclass(frozen=True)
class Segment:
    """A stretch of a clock, as `ClockSegment` keeps it. `amount` is what an extension granted."""

    clock: str
    kind: str
    started_at: dt.datetime
    ended_at: dt.datetime | None = None
    amount: Decimal | None = None


@dataclass(frozen=True)
class ClockReading:
    """What a clock says. Amounts are in `unit`; moments are null while stopped or where not known."""

    clock: str
    unit: Unit
    limit: Decimal
    consumed: Decimal = Decimal(0)
    remaining: Decimal = Decimal(0)
    is_running: bool = False
    is_stopped: bool = False
    is_known: bool = True
    is_overdue: bool = False
    due_at: dt.datetime | None = None
    legal_due_at: dt.datetime | None = None
    yellow_at: dt.datetime | None = None


def read_clock(clock: Clock, segments: Sequence[Segment], now: dt.datetime, calendar: WorkingCalendar) -> ClockReading:
    """Read `clock` at `now`. Raises `DeadlineUnknown` where a year it touches has no official notice."""
    granted = _granted(clock, segments)
    limit = clock.limit + granted
    runs = [segment for segment in segments if segment.clock == clock.id and segment.kind == "run"]
    if not runs:
        return ClockReading(clock.id, clock.unit, limit, remaining=limit)
    last = runs[-1]
    until = min(last.ended_at or now, now) if last.ended_at else now
    before = _used(runs[:-1], clock.unit, calendar)
    consumed = before + calendar.working_time_between(last.started_at, max(until, last.started_at), clock.unit)
    due = calendar.add_working_time(last.started_at, limit - before, clock.unit)
    stopped = last.ended_at is not None and _is_stopped(segments)
    reading = ClockReading(
        clock=clock.id,
        unit=clock.unit,
        limit=limit,
        consumed=consumed,
        remaining=limit - consumed,
        is_running=last.ended_at is None,
        is_stopped=stopped,
        is_overdue=until > due,
    )
    if stopped:
        return reading
    yellow = max(
        calendar.add_working_time(last.started_at, limit - before - clock.warning, clock.unit), last.started_at
    )
    return replace(
        reading, due_at=due, yellow_at=min(yellow, due), legal_due_at=_legal_due(clock, runs, granted, calendar)
    )


def read_clock_or_unknown(
    clock: Clock, segments: Sequence[Segment], now: dt.datetime, calendar: WorkingCalendar
) -> ClockReading:
    """`read_clock`, but a deadline nobody can know yet is a reading that says so, not an error."""
    try:
        return read_clock(clock, segments, now, calendar)
    except DeadlineUnknown:
        running = any(s.clock == clock.id and s.kind == "run" and s.ended_at is None for s in segments)
        return ClockReading(
            clock.id,
            clock.unit,
            clock.limit + _granted(clock, segments),
            is_running=running,
            is_stopped=not running and _is_stopped(segments),
            is_known=False,
        )


def _granted(clock: Clock, segments: Iterable[Segment]) -> Decimal:
    return sum((s.amount or Decimal(0) for s in segments if s.kind == "extension" and s.clock == clock.id), Decimal(0))


def _used(runs: Iterable[Segment], unit: Unit, calendar: WorkingCalendar) -> Decimal:
    return sum(
        (calendar.working_time_between(run.started_at, run.ended_at, unit) for run in runs if run.ended_at), Decimal(0)
    )


def _is_stopped(segments: Iterable[Segment]) -> bool:
    return any(segment.kind in STOPS and segment.ended_at is None for segment in segments)


def _legal_due(
    clock: Clock, runs: Sequence[Segment], granted: Decimal, calendar: WorkingCalendar
) -> dt.datetime | None:
    if clock.legal_limit is None:
        return None
    unit = clock.legal_unit or clock.unit
    # Only an extension in the same unit can be added to the legal limit; another unit has no exact equivalent.
    limit = clock.legal_limit + (granted if unit == clock.unit else Decimal(0))
    return calendar.add_working_time(runs[-1].started_at, limit - _used(runs[:-1], unit, calendar), unit)
