"""Proving that the columns of a case say what its events and clocks say, and mending them where not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Prefetch

from yici.base import clock
from yici.core.cases import projections
from yici.core.cases.definitions import workflow_of
from yici.core.cases.models import Case, CaseEvent, ClockSegment
from yici.core.cases.services.locking import lock

_TURNED_BY_TIME = frozenset({"green", "yellow", "red"})


@dataclass(frozen=True)
class Difference:
    """A column that says something else than the events and clocks."""

    case: str
    field: str
    stored: Any
    derived: Any


@transaction.atomic
def rebuild(case: Case | str) -> Case:
    """Recompute every projection of one case from its events and segments and store them."""
    locked = lock(case if isinstance(case, str) else case.number)
    _derive(locked, list(locked.events.all()), list(locked.segments.all()), clock.now())
    locked.save()
    return locked


def verify_projections(limit: int | None = None) -> list[Difference]:
    """Every column that differs from what events and segments give; reads only."""
    cases = Case.objects.order_by("-pk").prefetch_related(
        Prefetch("events", queryset=CaseEvent.objects.order_by("seq")),
        Prefetch("segments", queryset=ClockSegment.objects.order_by("id")),
    )
    now = clock.now()
    rows = cases[:limit] if limit else cases
    return [difference for case in rows.iterator(chunk_size=500) for difference in _differences(case, now)]


def _differences(case: Case, now: dt.datetime) -> Iterator[Difference]:
    fields = (*projections.EVENT_FIELDS, *projections.CLOCK_FIELDS)
    stored = {field: getattr(case, field) for field in fields}
    _derive(case, list(case.events.all()), list(case.segments.all()), now)
    for field in fields:
        derived = getattr(case, field)
        # A light may lag behind the time by the minute that passes between two runs of the job.
        if field == "light" and {stored[field], derived} <= _TURNED_BY_TIME:
            continue
        if stored[field] != derived:
            yield Difference(case.number, field, stored[field], derived)


def _derive(case: Case, events: list[CaseEvent], segments: list[ClockSegment], now: dt.datetime) -> None:
    projections.blank(case)
    for event in events:
        projections.advance(case, event)
    projections.read_clocks(case, workflow_of(case.version_id), segments, now, turn=True)
