"""Whether an action may be taken: one decision for the buttons on the page and for the action itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import NotAllowed, YiciError
from yici.core.cases.errors import ActionNotAllowed
from yici.core.cases.models import Case, CaseEvent, ClockSegment, Correction
from yici.core.cases.rules import Action, Workflow
from yici.core.people import queries as people
from yici.core.people.models import Account


@dataclass
class History:
    """What of a case's past the gate looks at. `of` reads it; a page that has the events passes them."""

    actors: dict[str, set[int | None]] = field(default_factory=dict)
    tolerates: bool = False
    correction_overdue: bool = False
    open_children: int = 0

    @classmethod
    def of(
        cls,
        case: Case,
        workflow: Workflow,
        events: Sequence[CaseEvent] | None = None,
        segments: Sequence[ClockSegment] | None = None,
    ) -> History:
        """At most four queries; two where events and segments are given."""
        history = cls()
        pairs = (
            [(event.action, event.actor_id) for event in events]
            if events is not None
            else CaseEvent.objects.filter(case=case).order_by().values_list("action", "actor_id")
        )
        for action, actor in pairs:
            history.actors.setdefault(action, set()).add(actor)
        rows = segments if segments is not None else list(case.segments.filter(ended_at=None))
        history.tolerates = any(row.kind == "tolerance" and row.ended_at is None for row in rows)
        if case.state == "correction_open":
            due = Correction.objects.filter(case=case, answered_at=None).values_list("due_at", flat=True).first()
            history.correction_overdue = due is not None and clock.now() > due
        stage = workflow.stage(case.stage)
        if stage and stage.join:
            history.open_children = case.children.filter(closed_at=None).count()
        return history


def is_applicant(case: Case, account: Account) -> bool:
    """The person whose matter it is, or somebody with a delegation for it in force; never a staff account."""
    if account.kind == Account.Kind.STAFF:
        return False
    if case.subject_id is None:
        return case.opened_by_id == account.pk
    if account.person_id is None:
        return account.kind == Account.Kind.SERVICE and case.opened_by_id == account.pk
    if account.person_id == case.subject_id:
        return True
    agent, principal = account.person, case.subject
    if agent is None or principal is None:
        return False
    return people.delegation_between(agent, principal, case.type.slug) is not None


def may_act(case: Case, action: Action, account: Account | None) -> bool:
    """Whether `who` of the action includes the account at this case's organisation and division."""
    for who in action.who:
        if who == "system":
            if account is None:
                return True
        elif account is None:
            continue
        elif who == "applicant":
            if is_applicant(case, account):
                return True
        elif people.may(account, who, organisation=case.organisation, division=case.division_id):
            return True
    return False


def refusal(
    case: Case, workflow: Workflow, action: Action, account: Account | None, history: History
) -> YiciError | None:
    """Why the account may not take the action now, or None. Who comes first, so that outsiders learn nothing."""
    if not may_act(case, action, account):
        return NotAllowed()
    if case.state not in action.from_ or (action.at and case.stage not in action.at):
        return ActionNotAllowed()
    if account is not None and any(account.pk in history.actors.get(other, ()) for other in action.not_same_as):
        return NotAllowed(_("同一件业务的前一环节由您办理，请由另一位同事办理这一环节。"))
    if action.once and action.id in history.actors:
        return ActionNotAllowed(_("“%(action)s”只能办理一次，这件业务已经办理过。") % {"action": action.label})
    return _guarded(action, history) or _joined(action, history)


def _guarded(action: Action, history: History) -> YiciError | None:
    if action.guard == "tolerance_open" and not history.tolerates:
        return ActionNotAllowed(_("这件业务没有待补的容缺材料。"))
    if action.guard == "tolerance_settled" and history.tolerates:
        return ActionNotAllowed(_("容缺材料尚未补齐，请先登记补齐，或作容缺准予。"))
    if action.guard == "correction_overdue" and not history.correction_overdue:
        return ActionNotAllowed(_("补正期限未到，申请人仍可补正。"))
    return None


def _joined(action: Action, history: History) -> YiciError | None:
    """A stage that joins sub-cases is left only when all are closed; the applicant may always step back."""
    moves_on = action.stage is not None or action.closes
    if history.open_children and moves_on and "applicant" not in action.who:
        return ActionNotAllowed(
            _("还有 %(count)d 个并联子件没有办结，办结后才能继续。") % {"count": history.open_children}
        )
    return None
