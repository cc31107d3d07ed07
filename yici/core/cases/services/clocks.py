"""A case's clocks: orders of the workflow, and what time itself changes.

Only `recompute_lights` turns a light from green to yellow or red, and each turn writes an event and tells
the desk; so no reminder is lost or sent twice, also after a return or a stop.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Conflict, Invalid, Misconfigured
from yici.core.cases import journal, projections, telling
from yici.core.cases.definitions import warm, workflow_of
from yici.core.cases.errors import ActionNotAllowed
from yici.core.cases.models import Case, CaseEvent, ClockSegment, Correction
from yici.core.cases.rules import Action, Clock, ClockReading, Workflow
from yici.core.cases.services.locking import RELATED, lock

_KIND = ClockSegment.Kind
_BATCH = 1000
_UNIT_WORDS = {"working_day": "个工作日", "working_hour": "个工作小时", "calendar_day": "天", "hour": "小时"}


def apply_orders(
    case: Case,
    workflow: Workflow,
    action: Action,
    segments: list[ClockSegment],
    effective_at: dt.datetime,
    data: Mapping[str, Any],
) -> None:
    """Carry out the action's clock orders on `segments` and in the database, in the order they are written."""
    for order in action.clock:
        verb, _sep, target = order.partition(":")
        if verb == "start":
            _end_open(segments)
            _begin(case, segments, target, _KIND.RUN, _rule_of(workflow.clock(target)), effective_at)
        elif verb == "stop":
            running = _end_open(segments)
            _begin(case, segments, running or _last_clock(segments), _KIND(target), action.label.zh, clock.now())
        elif verb == "resume":
            stopped = _end_open(segments) or _last_clock(segments)
            _begin(case, segments, stopped, _KIND.RUN, _rule_of(workflow.clock(stopped)), clock.now())
        elif verb == "extend":
            _extend(case, workflow, segments, int(data["days"]))
        elif verb == "tolerate":
            rule = f"容缺材料应在 {data['days']} 个工作日内补齐"
            _begin(case, segments, "tolerance", _KIND.TOLERANCE, rule, clock.now(), Decimal(data["days"]))
        elif verb == "settle":
            _end_open(segments, kinds=(_KIND.TOLERANCE,))
        elif verb == "end":
            _end_open(segments)


def _begin(
    case: Case,
    segments: list[ClockSegment],
    clock_id: str,
    kind: ClockSegment.Kind,
    rule: str,
    at: dt.datetime,
    amount: Decimal | None = None,
    ended_at: dt.datetime | None = None,
) -> None:
    segments.append(
        ClockSegment.objects.create(
            case=case, clock=clock_id, kind=kind, rule=rule, started_at=at, ended_at=ended_at, amount=amount
        )
    )


def _end_open(
    segments: list[ClockSegment], kinds: tuple[ClockSegment.Kind, ...] = (_KIND.RUN, _KIND.CORRECTION, _KIND.SPECIAL)
) -> str:
    """End the open segment of these kinds and return its clock; empty where none is open."""
    for segment in segments:
        if segment.ended_at is None and segment.kind in kinds:
            segment.ended_at = clock.now()
            segment.save(update_fields=["ended_at"])
            return segment.clock
    return ""


def _last_clock(segments: list[ClockSegment]) -> str:
    return next((segment.clock for segment in reversed(segments) if segment.kind == _KIND.RUN), "")


def _extend(case: Case, workflow: Workflow, segments: list[ClockSegment], amount: int) -> None:
    """行政许可法 art. 42: approved before the time runs out, once, and by no more than the law allows."""
    definition = workflow.clock(case.clock)
    if definition is None or definition.extension is None:
        raise ActionNotAllowed(_("这个期限依法不能延长。"))
    if amount > definition.extension:
        most = {"count": f"{definition.extension.normalize():f}"}
        raise Invalid(fields={"days": _("最多可以延长 %(count)s 个工作日。") % most})
    reading = projections.reading_of(workflow, definition.id, segments, clock.now())
    if reading and reading.is_known and reading.is_overdue:
        raise ActionNotAllowed(_("期限已过，不能再延长。延期须在到期前批准。"))
    if any(segment.kind == _KIND.EXTENSION and segment.clock == definition.id for segment in segments):
        raise ActionNotAllowed(_("期限只能延长一次。"))
    now = clock.now()
    rule = f"经批准延长 {amount} {_UNIT_WORDS[definition.unit]}"
    _begin(case, segments, definition.id, _KIND.EXTENSION, rule, now, Decimal(amount), now)


def _rule_of(definition: Clock | None) -> str:
    if definition is None:
        raise Misconfigured("流程启动了未定义的时钟。")
    limit = f"{definition.label.zh} {definition.limit.normalize():f} {_UNIT_WORDS[definition.unit]}"
    return f"{limit}（{definition.basis.zh}）" if definition.basis.zh else limit


def note_unknown_deadline(case: Case, reading: ClockReading | None) -> None:
    """The case goes on with light `none`; an administrator is told which notice is missing, once a case."""
    if reading is None or reading.is_known or case.closed_at:
        return
    if CaseEvent.objects.filter(case=case, action="deadline_unknown").exists():
        return
    year = (clock.today() + dt.timedelta(days=31)).year
    journal.append(case, "deadline_unknown", data={"clock": reading.clock})
    telling.tell_administrators(case, "case.deadline_unknown", {"reason": str(year)})


def recompute_lights(now: dt.datetime | None = None) -> dict[str, int]:
    """Turn every light whose moment has come, in set-based batches, and tell the desks. Returns how many turned."""
    moment = now or clock.now()
    turned = {"red": 0, "yellow": 0}
    # Red first: a case that passed both moments since the last run is told about once.
    for light, action, condition in (
        ("red", "overdue", "light IN ('green', 'yellow') AND due_at < %(now)s"),
        ("yellow", "due_soon", "light = 'green' AND yellow_at <= %(now)s"),
    ):
        while True:
            with transaction.atomic():
                case_ids = _turn(light, action, condition, moment)
                _remind(case_ids, f"case.{action}")
            turned[light] += len(case_ids)
            if len(case_ids) < _BATCH:
                break
    if any(turned.values()):
        with connection.cursor() as cursor:
            cursor.execute(_TURN_PARENTS)
    return turned


# A case that only gathers others shows the worst light of its open parts.
_TURN_PARENTS = """
UPDATE cases_case p SET light = worst.light
FROM (
  SELECT c.parent_id AS id, CASE WHEN bool_or(c.light = 'red') THEN 'red' ELSE 'yellow' END AS light
  FROM cases_case c
  WHERE c.closed_at IS NULL AND c.light IN ('red', 'yellow') AND c.parent_id IS NOT NULL
  GROUP BY c.parent_id
) worst
WHERE p.id = worst.id AND p.closed_at IS NULL AND p.clock = '' AND p.light <> worst.light
"""


_TURN = """
WITH due AS MATERIALIZED (
  SELECT id FROM cases_case WHERE closed_at IS NULL AND {condition} LIMIT %(batch)s FOR UPDATE SKIP LOCKED
), changed AS (
  UPDATE cases_case c SET light = %(light)s, event_count = c.event_count + 1
  FROM due WHERE c.id = due.id
  RETURNING c.id, c.state, c.stage, c.event_count, c.clock, c.due_at, c.is_simulated
)
INSERT INTO cases_caseevent
  (case_id, seq, action, label, from_state, to_state, stage, actor_name, opinion, data, is_public, at)
SELECT id, event_count, %(action)s, %(label)s, state, state, stage, %(actor)s, '',
       jsonb_build_object('clock', clock, 'due_at', due_at), false, %(now)s
FROM changed RETURNING case_id
"""


def _turn(light: str, action: str, condition: str, now: dt.datetime) -> list[int]:
    parameters: dict[str, str | int | dt.datetime] = {
        "light": light,
        "action": action,
        "label": journal.NOTES[action],
        "actor": journal.SYSTEM_NAME,
        "now": now,
        "batch": _BATCH,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TURN.format(condition=condition), parameters)
        return [row[0] for row in cursor.fetchall()]


def _remind(case_ids: list[int], template: str) -> None:
    """Only assigned cases tell somebody by name; the department's own list shows the others by their light."""
    assigned = Case.objects.filter(pk__in=case_ids, assignee__isnull=False, is_simulated=False)
    for case in assigned.select_related(*RELATED):
        telling.tell_staff(case, template)


def fill_deadlines() -> int:
    """Compute deadlines that were not knowable, now that a year's notice may be there. Returns how many."""
    waiting = Case.objects.filter(~Q(clock=""), closed_at=None, light="none").order_by("pk")
    numbers = list(waiting.values_list("number", flat=True)[:_BATCH])
    return sum(_fill_deadline(number) for number in numbers)


@transaction.atomic
def _fill_deadline(number: str) -> bool:
    case = lock(number)
    reading = projections.read_clocks(case, workflow_of(case.version_id), list(case.segments.all()), clock.now())
    if reading is None or not reading.is_known:
        return False
    journal.append(case, "deadline_known", data={"clock": reading.clock})
    case.save()
    return True


def accept_by_silence() -> int:
    """行政许可法 art. 32: no word within the legal time, so the application counts as accepted on receipt.

    After a correction it counts from the day the correction came in. Returns how many cases.
    """
    silent = Case.objects.filter(
        closed_at=None,
        clock="intake",
        legal_due_at__lt=clock.now(),
        due_at__lt=clock.now(),
        state__in=("received", "window_accepted", "correction_done"),
    )
    rows = list(silent.order_by("due_at").values_list("number", "version_id")[:_BATCH])
    warm(version for _number, version in rows)
    return sum(_accept_silently(number, version) for number, version in rows)


def _accept_silently(number: str, version_id: int) -> bool:
    from yici.core.cases.services.acting import act_as_system  # acting builds on this module

    action = workflow_of(version_id).action("accept_by_silence")
    if action is None:
        return False
    answered = Correction.objects.filter(case__number=number, answered_at__isnull=False).order_by("-answered_at")
    received_at = answered.values_list("answered_at", flat=True).first()
    if received_at is None:
        received_at = Case.objects.values_list("opened_at", flat=True).get(number=number)
    try:
        act_as_system(number, action.id, effective_at=received_at)
    except Conflict:
        return False  # a clerk was faster
    return True
