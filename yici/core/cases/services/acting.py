"""An action of the workflow is taken: by the applicant, by staff, or by the system itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Invalid
from yici.base.requests import whole_number
from yici.core.audit import services as audit
from yici.core.calendars.queries import calendar
from yici.core.calendars.rules import DeadlineUnknown, Unit
from yici.core.cases import gate, journal, ports, projections, telling
from yici.core.cases.definitions import workflow_of
from yici.core.cases.errors import ActionNotAllowed, ChangedMeanwhile
from yici.core.cases.models import Case, CaseEvent, Correction
from yici.core.cases.rules import Action
from yici.core.cases.rules.workflow import PREVIOUS
from yici.core.cases.services import joining
from yici.core.cases.services.clocks import apply_orders, note_unknown_deadline
from yici.core.cases.services.locking import lock
from yici.core.people.models import Account
from yici.core.people.services import actor_of

# No statute sets how long an applicant may take to correct; the city answers for this default.
CORRECTION_WORKING_DAYS = 15
_LONGEST = 4000  # characters of an opinion


@transaction.atomic
def act(
    case_number: str,
    action: str,
    actor: Account | None,
    *,
    opinion: str = "",
    data: Mapping[str, Any] | None = None,
    expected_events: int | None = None,
) -> Case:
    """Take one action on a case, whole or not at all: event, clock, projections, effects, message, audit.

    `data`: reason, days, kind, demands as the action needs, and whatever the caller keeps with the event.
    `expected_events` is `event_count` as the actor saw it. Raises `NotFound`, `NotAllowed`,
    `ActionNotAllowed` and `ChangedMeanwhile` (both `Conflict`), `Invalid`.
    """
    return _take(lock(case_number), action, actor, opinion, dict(data or {}), expected_events)


@transaction.atomic
def act_as_system(
    case_number: str, action: str, *, data: Mapping[str, Any] | None = None, effective_at: dt.datetime | None = None
) -> Case:
    """Take an action whose `who` is `system`; with `effective_at` its clock counts from an earlier moment."""
    given = dict(data or {})
    if effective_at:
        given["effective_at"] = effective_at.isoformat()
    return _take(lock(case_number), action, None, "", given, None)


@transaction.atomic
def withdraw(case_number: str, actor: Account, *, reason: str = "") -> Case:
    """The applicant takes the application back: at once before acceptance, on request afterwards."""
    case = lock(case_number)
    workflow = workflow_of(case.version_id)
    for action in ("withdraw", "request_withdrawal"):
        chosen = workflow.action(action)
        if chosen and case.state in chosen.from_:
            return _take(case, action, actor, reason, {}, None)
    if not gate.is_applicant(case, actor):
        return _take(case, "withdraw", actor, reason, {}, None)  # refused for who asks, not for the state
    raise ActionNotAllowed(_("这件业务已经办结或正在处理撤件，不能再申请撤件。"))


def _take(
    case: Case, action_id: str, actor: Account | None, opinion: str, data: dict[str, Any], expected_events: int | None
) -> Case:
    workflow = workflow_of(case.version_id)
    action = workflow.action(action_id)
    if action is None:
        raise ActionNotAllowed()
    refused = gate.refusal(case, workflow, action, actor, gate.History.of(case, workflow))
    changed = _changed_since(case, expected_events)
    if refused:
        raise ChangedMeanwhile() if changed and isinstance(refused, ActionNotAllowed) else refused
    if changed:
        raise ChangedMeanwhile()
    opinion, data = _given(action, opinion, data)
    correct_by = _correction_due(data) if "stop:correction" in action.clock else None
    if correct_by:
        data["correct_by"] = correct_by.isoformat()
    segments = list(case.segments.select_for_update())
    event = journal.append(
        case,
        action.id,
        label=action.label.zh,
        to_state=_target(case, action),
        stage=action.stage,
        actor=actor,
        opinion=opinion,
        data=data,
        public=action.public,
    )
    was_open = case.closed_at is None
    projections.advance(case, event)
    apply_orders(case, workflow, action, segments, projections.effective_at(event), data)
    reading = projections.read_clocks(case, workflow, segments, event.at)
    _keep_correction(case, action, event, actor, correct_by)
    note_unknown_deadline(case, reading)
    case.save()
    for effect in action.effects:
        ports.effect(effect)(case, event, actor)
    _record(case, action, actor)
    if action.tell:
        telling.tell_applicant(case, event, action.tell)
    if action.tell_desk:
        telling.tell_staff(case, action.tell_desk, event=event)
    if case.parent_id:
        joining.child_moved(case, has_closed=was_open and case.closed_at is not None)
    return case


def _changed_since(case: Case, expected: int | None) -> bool:
    """Whether a person acted or the state moved since; the system's own notes do not count."""
    if expected is None or expected == case.event_count:
        return False
    later = CaseEvent.objects.filter(case=case, seq__gt=expected).values_list("actor_id", "from_state", "to_state")
    return any(actor is not None or before != after for actor, before, after in later)


def _target(case: Case, action: Action) -> str | None:
    if action.to != PREVIOUS:
        return action.to
    entered = CaseEvent.objects.filter(case=case, to_state=case.state).exclude(from_state=case.state).order_by("-seq")
    return entered.values_list("from_state", flat=True).first()


def _given(action: Action, opinion: str, data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Opinion and data as the action needs them. Raises `Invalid` naming each field that is missing or wrong."""
    opinion = (opinion or str(data.pop("opinion", "") or "")).strip()
    reason = str(data.pop("reason", "") or "").strip()
    opinion = opinion or reason
    fields: dict[str, str] = {}
    for text_need in ("opinion", "reason"):
        if action.needs.get(text_need) == "required" and not opinion:  # type: ignore[call-overload]
            fields[text_need] = _("请填写意见。") if text_need == "opinion" else _("请填写理由。")
    if len(opinion) > _LONGEST:
        fields["opinion"] = _("意见不能超过 %(count)d 字。") % {"count": _LONGEST}
    _check_days(action, data, fields)
    _check_kind(action, data, fields)
    _check_demands(action, data, fields)
    if fields:
        raise Invalid(fields=fields)
    return opinion, data


def _check_days(action: Action, data: dict[str, Any], fields: dict[str, str]) -> None:
    if "days" not in action.needs:
        return
    raw = str(data.pop("days", "") or "").strip()
    if not raw:
        if action.needs["days"] == "required":
            fields["days"] = _("请填写天数。")
        return
    if not 1 <= whole_number(raw, 0, typed=True) <= 365:
        fields["days"] = _("天数应为 1 到 365 的整数。")
    else:
        data["days"] = int(raw)


def _check_kind(action: Action, data: dict[str, Any], fields: dict[str, str]) -> None:
    if "kind" not in action.needs:
        return
    kind = next((kind for kind in action.kinds if kind.id == data.get("kind")), None)
    if kind:
        data["kind_label"] = kind.label.zh
    elif action.needs["kind"] == "required" or data.get("kind"):
        fields["kind"] = _("请选择种类。")


def _check_demands(action: Action, data: dict[str, Any], fields: dict[str, str]) -> None:
    """Demands come as a list of {field or material, label, request}, or as text with one demand per line."""
    if "demands" not in action.needs:
        return
    raw = data.pop("demands", None) or []
    if isinstance(raw, str):
        raw = [{"label": line.strip(), "request": line.strip()} for line in raw.splitlines() if line.strip()]
    wanted = ("field", "material", "label", "request")
    demands = [
        {name: str(demand[name])[:500] for name in wanted if demand.get(name)}
        for demand in raw
        if isinstance(demand, Mapping) and str(demand.get("request") or demand.get("label") or "").strip()
    ]
    if not demands and action.needs["demands"] == "required":
        fields["demands"] = _("请一次列出需要补正的全部内容。")
    elif len(demands) > 50:
        fields["demands"] = _("补正内容不能超过 50 项。")
    data["demands"] = demands


def _keep_correction(
    case: Case, action: Action, event: CaseEvent, actor: Account | None, due_at: dt.datetime | None
) -> None:
    if "stop:correction" in action.clock and actor is not None:
        number = f"{case.number}-BZ{Correction.objects.filter(case=case).count() + 1}"
        Correction.objects.create(
            case=case,
            number=number,
            reason=event.opinion,
            demands=event.data["demands"],
            requested_by=actor,
            requested_at=event.at,
            due_at=due_at,
        )
    elif event.from_state == "correction_open" and event.to_state == "correction_done":
        Correction.objects.filter(case=case, answered_at=None).update(answered_at=event.at)


def _correction_due(data: Mapping[str, Any]) -> dt.datetime | None:
    days = int(data.get("days") or CORRECTION_WORKING_DAYS)
    try:
        return calendar().add_working_time(clock.now(), days, Unit.WORKING_DAY)
    except DeadlineUnknown:
        return None


def _record(case: Case, action: Action, actor: Account | None) -> None:
    audit.record(
        actor_of(actor) if actor else audit.SYSTEM,
        "decide" if action.closes else "change",
        subject=("case", case.number),
        elements=["state"],
        purpose=f"办理{case.title}：{action.label.zh}",
        case_number=case.number,
    )
