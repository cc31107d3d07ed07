"""Columns of `Case` that repeat what events and segments say, and how they follow from them.

`advance` folds one event, `read_clocks` reads the segments; acting uses both, and so does rebuilding.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from yici.core.calendars.queries import calendar
from yici.core.calendars.rules import Unit
from yici.core.cases.journal import as_segments
from yici.core.cases.models import Case, CaseEvent, ClockSegment
from yici.core.cases.rules import CLOSED_STATES, ClockReading, Workflow, light_of, read_clock_or_unknown
from yici.core.cases.rules.states import ACCEPTING_STATES

EVENT_FIELDS = ("state", "stage", "outcome", "event_count", "accepted_at", "closed_at", "urged")
CLOCK_FIELDS = ("clock", "due_at", "legal_due_at", "yellow_at", "light", "closed_on_time", "used_days")


_SEVERITY = {"green": 0, "yellow": 1, "red": 2}
_WORST = ("none", "stopped", "green", "yellow", "red")


def blank(case: Case) -> None:
    """Set every projection to what it is before the first event."""
    case.state, case.stage, case.outcome = "", "", ""
    case.event_count, case.urged = 0, 0
    case.accepted_at = case.closed_at = None


def advance(case: Case, event: CaseEvent) -> None:
    """Fold one event into the case."""
    was_closed = case.closed_at is not None
    case.state, case.stage, case.event_count = event.to_state, event.stage, event.seq
    if event.action in ("urge", "supervise"):
        case.urged += 1
    if case.accepted_at is None and event.to_state in ACCEPTING_STATES:
        case.accepted_at = effective_at(event)
    if event.to_state in CLOSED_STATES:
        if not was_closed:
            case.closed_at = event.at
        if not was_closed or event.from_state != event.to_state:
            case.outcome = str(event.data.get("outcome") or event.to_state)


def effective_at(event: CaseEvent) -> dt.datetime:
    """When the event counts from; earlier than it was written only for an acceptance by silence."""
    effective = event.data.get("effective_at")
    return dt.datetime.fromisoformat(effective) if effective else event.at


def reading_of(
    workflow: Workflow, clock_id: str, segments: Sequence[ClockSegment], now: dt.datetime
) -> ClockReading | None:
    clock = workflow.clock(clock_id)
    return read_clock_or_unknown(clock, as_segments(list(segments)), now, calendar()) if clock else None


def read_clocks(
    case: Case, workflow: Workflow, segments: Sequence[ClockSegment], now: dt.datetime, *, turn: bool = False
) -> ClockReading | None:
    """Set the clock columns from the segments, for a case whose events are already folded in.

    Without `turn` a light never gets worse here: that is for the job that also reminds (`recompute_lights`).

    After closing, `due_at` keeps what was promised and `closed_on_time` says whether it was met: null where
    no clock ran or the deadline was not knowable.
    """
    runs = [segment for segment in segments if segment.kind == ClockSegment.Kind.RUN]
    last = runs[-1] if runs else None
    if last is None and case.pk and _follow_children(case):
        return None
    closed_at = case.closed_at
    reading = reading_of(workflow, last.clock, segments, closed_at or now) if last else None
    case.clock = last.clock if last and closed_at is None else ""
    case.due_at = reading.due_at if reading else None
    case.legal_due_at = reading.legal_due_at if reading else None
    case.yellow_at = reading.yellow_at if reading else None
    light = "none" if closed_at else light_of(reading, now)
    case.light = light if turn or _SEVERITY.get(light, 0) <= _SEVERITY.get(case.light, 0) else "green"
    case.closed_on_time = case.used_days = None
    if closed_at and reading and reading.is_known and case.outcome != "merged":
        case.closed_on_time = not reading.is_overdue
        case.used_days = _working_days([run for run in runs if run.clock == reading.clock])
    return reading


def _follow_children(case: Case) -> bool:
    """A case without a clock of its own that has sub-cases: the worst light and the latest deadline of those still open.

    Once it is closed, on time means that every sub-case was. False where there are no sub-cases.
    """
    rows = list(
        Case.objects.filter(parent_id=case.pk).values_list(
            "closed_at", "due_at", "legal_due_at", "light", "closed_on_time", "used_days"
        )
    )
    if not rows:
        return False
    open_rows = [row for row in rows if row[0] is None] if case.closed_at is None else []
    case.clock, case.yellow_at = "", None
    case.due_at = max((row[1] for row in open_rows if row[1]), default=None)
    case.legal_due_at = max((row[2] for row in open_rows if row[2]), default=None)
    case.light = max((row[3] for row in open_rows), key=_WORST.index, default="none")
    timed = [row[4] for row in rows if row[4] is not None]
    case.closed_on_time = all(timed) if case.closed_at and timed else None
    case.used_days = max((row[5] for row in rows if row[5] is not None), default=None) if case.closed_at else None
    return True


def _working_days(runs: Sequence[ClockSegment]) -> Decimal:
    days = calendar()
    stretches = [(run.started_at, run.ended_at) for run in runs if run.ended_at]
    return sum((days.working_time_between(start, end, Unit.WORKING_DAY) for start, end in stretches), Decimal(0))
