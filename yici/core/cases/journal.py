"""Writing down what happened: the event, and the words that go into an event's data."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import IntegrityError

from yici.base import clock
from yici.core.cases.errors import ChangedMeanwhile
from yici.core.cases.models import Case, CaseEvent, ClockSegment
from yici.core.cases.rules import Segment
from yici.core.people.models import Account

SYSTEM_NAME = "系统"

# Events that are not actions of a workflow. They never change the state, so nothing about state is theirs to say.
NOTES = {
    "assign": "分派",
    "claim": "认领",
    "hand_over": "移交",
    "urge": "催办",
    "supervise": "督办",
    "reply": "答复督办催办",
    "merge": "并入",
    "merged": "并入此件",
    "move_version": "更换流程版本",
    "due_soon": "临期提醒",
    "overdue": "超期提醒",
    "deadline_unknown": "期限待定",
    "deadline_known": "期限已确定",
    "child_opened": "发起并联子件",
    "child_closed": "子件办结",
    "children_joined": "子件全部办结",
}


def append(
    case: Case,
    action: str,
    *,
    label: str = "",
    to_state: str | None = None,
    stage: str | None = None,
    actor: Account | None = None,
    opinion: str = "",
    data: dict[str, Any] | None = None,
    public: bool = False,
    at: dt.datetime | None = None,
) -> CaseEvent:
    """Add the next event to a case whose row the caller holds locked. The caller saves the case.

    Raises `ChangedMeanwhile` where, against the rule, somebody wrote without the lock.
    """
    event = CaseEvent(
        case=case,
        seq=case.event_count + 1,
        action=action,
        label=label or NOTES.get(action, action),
        from_state=case.state,
        to_state=to_state or case.state,
        stage=stage or case.stage,
        actor=actor,
        actor_name=actor.name if actor else SYSTEM_NAME,
        organisation_id=actor.organisation_id if actor else None,
        opinion=opinion,
        data=data or {},
        is_public=public,
        at=at or clock.now(),
    )
    try:
        event.save(force_insert=True)  # no savepoint: whoever gets the error gives the whole transaction up
    except IntegrityError as error:
        raise ChangedMeanwhile from error
    case.event_count = event.seq
    return event


def as_segments(rows: list[ClockSegment]) -> list[Segment]:
    return [Segment(row.clock, row.kind, row.started_at, row.ended_at, row.amount) for row in rows]
