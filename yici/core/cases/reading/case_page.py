"""One case: whether somebody may see it, what may be done with it, what has happened."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import get_language

from yici.base.errors import NotFound
from yici.core.cases import gate, telling
from yici.core.cases.definitions import workflow_of
from yici.core.cases.models import Case, CaseEvent, ClockSegment, Correction, Instruction
from yici.core.cases.rules import Action, Workflow, state_label
from yici.core.cases.services.locking import DEFINITION, RELATED
from yici.core.people import queries as people
from yici.core.people.models import Account, Person

_NOTES_EN = {
    "assign": "Assigned",
    "claim": "Claimed",
    "hand_over": "Handed over",
    "urge": "Urged",
    "supervise": "Supervision order",
    "reply": "Answer to an urge or order",
    "merge": "Merged into another case",
    "merged": "Another case merged in",
    "move_version": "Moved to another version",
    "due_soon": "Due soon",
    "overdue": "Overdue",
    "deadline_unknown": "Deadline not known yet",
    "deadline_known": "Deadline now known",
    "child_opened": "Sub-case opened",
    "child_closed": "Sub-case closed",
    "children_joined": "All sub-cases closed",
}


@dataclass(frozen=True)
class TimelineEntry:
    """One line of the course of a case, in the active language."""

    seq: int
    action: str
    label: str
    state_label: str
    actor: str
    organisation: str
    opinion: str
    at: dt.datetime
    is_public: bool
    demands: list[dict[str, str]] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CaseView:
    """Everything the staff page of one case shows, read in a handful of queries."""

    case: Case
    workflow: Workflow
    timeline: list[TimelineEntry]
    segments: list[ClockSegment]
    corrections: list[Correction]
    instructions: list[Instruction]
    children: list[Case]
    actions: list[Action]
    done_stages: tuple[str, ...]

    @property
    def state_label(self) -> str:
        return state_in_words(self.case)

    @property
    def days_left(self) -> str:
        return days_left_in_words(self.case)


def case_for_staff(account: Account, number: str) -> Case:
    """Raises `NotFound` where the case is not there or not within the account's scope: never told apart."""
    scope = people.scope_of(account, "case.view").q()
    cases = Case.objects.select_related(*RELATED, "division").defer(DEFINITION)
    case = cases.filter(scope, number=number).first()
    if case is None:
        raise NotFound()
    return case


def case_for_applicant(account: Account, number: str) -> Case:
    """The applicant's own case, or one a delegation in force covers. Raises `NotFound`."""
    case = Case.objects.select_related(*RELATED, "division").defer(DEFINITION).filter(number=number).first()
    if case is None or not gate.is_applicant(case, account):
        raise NotFound()
    return case


def cases_of_applicant(account: Account, *, is_open: bool | None = None) -> QuerySet[Case]:
    """The account's own cases and those it opened for somebody else, newest first; for lists of the citizen.

    A case for somebody else stays listed only while the delegation holds: check with `case_for_applicant`.
    """
    own = Q(opened_by=account)
    if account.person_id:
        own |= Q(subject_id=account.person_id)
    cases = Case.objects.filter(own, parent=None).select_related("type", "organisation").order_by("-opened_at", "-pk")
    return cases if is_open is None else cases.filter(closed_at__isnull=is_open)


def case_view(account: Account, case: Case) -> CaseView:
    """The staff page's content for a case that `case_for_staff` returned. At most six queries."""
    workflow = workflow_of(case.version_id)
    events = list(case.events.select_related("organisation"))
    segments = list(case.segments.all())
    return CaseView(
        case=case,
        workflow=workflow,
        timeline=[entry_of(event, workflow) for event in events],
        segments=segments,
        corrections=list(case.corrections.select_related("requested_by").order_by("requested_at")),
        instructions=list(case.instructions.select_related("replied_by").order_by("-at")),
        children=list(case.children.select_related("organisation").order_by("pk")),
        actions=available_actions(case, account, events=events, segments=segments),
        done_stages=done_stages(case, workflow, events),
    )


def available_actions(
    case: Case,
    account: Account | None,
    *,
    events: Sequence[CaseEvent] | None = None,
    segments: Sequence[ClockSegment] | None = None,
) -> list[Action]:
    """What the account may do with the case right now, in the order of the workflow."""
    workflow = workflow_of(case.version_id)
    possible = list(workflow.actions_from(case.state, case.stage))
    if not possible:
        return []
    history = gate.History.of(case, workflow, events, segments)
    return [action for action in possible if gate.refusal(case, workflow, action, account, history) is None]


def timeline(case: Case, public_only: bool = False) -> list[TimelineEntry]:
    """What has happened, oldest first; for the applicant only what is public. One query."""
    events = case.events.select_related("organisation")
    if public_only:
        events = events.filter(is_public=True)
    workflow = workflow_of(case.version_id)
    return [entry_of(event, workflow) for event in events]


def done_stages(case: Case, workflow: Workflow, events: Sequence[CaseEvent] | None = None) -> tuple[str, ...]:
    """Stages the case has been through, for the picture; all it visited once it is closed."""
    seen = events if events is not None else list(case.events.only("stage"))
    visited = {event.stage for event in seen} | {workflow.stages[0].id}
    order = [stage.id for stage in workflow.stages]
    if case.closed_at:
        return tuple(stage for stage in order if stage in visited)
    reached = order.index(case.stage) if case.stage in order else 0
    return tuple(stage for stage in order[:reached] if stage in visited)


def workflow_for(case: Case) -> Workflow:
    """The workflow the case is pinned to."""
    return workflow_of(case.version_id)


def state_in_words(case: Case) -> str:
    """The state's name in the words of the case's own workflow."""
    return telling.state_name(case.version_id, case.state)


def days_left_in_words(case: Case) -> str:
    """剩余 4 个工作日 / 超期 1 个工作日 / 停表中 / 期限待定 / 已办结, in the active language."""
    return telling.days_left(case)


def parties(case: Case) -> list[Person]:
    """The subject and the subjects of every case merged into this one. One query."""
    return list(
        Person.objects.filter(
            Q(pk=case.subject_id) | Q(pk__in=Case.objects.filter(merged_into=case).values("subject_id"))
        ).order_by("pk")
    )


def entry_of(event: CaseEvent, workflow: Workflow) -> TimelineEntry:
    """One event in the active language."""
    action = workflow.action(event.action)
    english = (get_language() or "zh").startswith("en")
    label = str(action.label) if action else (_NOTES_EN.get(event.action, event.label) if english else event.label)
    return TimelineEntry(
        seq=event.seq,
        action=event.action,
        label=label,
        state_label=state_label(event.to_state, workflow.state_labels),
        actor=event.actor_name,
        organisation=event.organisation.short_label if event.organisation else "",
        opinion=event.opinion,
        at=event.at,
        is_public=event.is_public,
        demands=event.data.get("demands", []),
        data=event.data,
    )
