"""Who works on a case and who presses: assignment, urging by the applicant, orders by a supervisor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Invalid, NotAllowed, NotFound
from yici.core.audit import services as audit
from yici.core.calendars.queries import calendar
from yici.core.calendars.rules import DeadlineUnknown
from yici.core.cases import gate, journal, telling
from yici.core.cases.errors import ActionNotAllowed, UrgedAlready
from yici.core.cases.models import Case, Instruction
from yici.core.cases.services.locking import lock
from yici.core.people import queries as people
from yici.core.people.models import Account
from yici.core.people.services import actor_of, require

WORKING_PERMISSIONS = ("case.accept", "case.review", "case.approve", "data.objection")
_TEXT_LIMIT = 1000  # characters


@transaction.atomic
def assign(case_number: str, actor: Account, to: Account | None, *, note: str = "") -> Case:
    """Give the case to somebody, hand it over, take it (`to` is the actor), or put it back (`to` None).

    Needs `case.assign`, or that the case is the actor's own or nobody's. Raises `NotAllowed`, `Invalid`.
    """
    case = lock(case_number)
    if case.closed_at:
        raise ActionNotAllowed(_("已经办结的办件不能再分派。"))
    own = case.assignee_id == actor.pk
    takes = to == actor and case.assignee_id is None
    if not (own or (takes and _works_on(case, actor))):
        require(actor, "case.assign", organisation=case.organisation, division=case.division_id)
    if to is not None and not _works_on(case, to):
        raise Invalid(fields={"to": _("这位同事没有办理这件业务的权限。")})
    return _set_assignee(case, actor, to, "claim" if takes else ("hand_over" if own else "assign"), note)


@transaction.atomic
def claim(case_numbers: Sequence[str], actor: Account) -> list[Case]:
    """Take several unassigned cases; one already taken by somebody else is left out, not an error."""
    taken = []
    for number in sorted(set(case_numbers)):
        case = lock(number)
        if case.closed_at is None and case.assignee_id is None and _works_on(case, actor):
            taken.append(_set_assignee(case, actor, actor, "claim", ""))
    return taken


@transaction.atomic
def auto_assign(case_number: str, permission: str = "case.accept") -> Account | None:
    """Give the case to whoever of its organisation holds the permission and has the fewest open cases."""
    case = lock(case_number)
    staff = Account.objects.filter(
        organisation_id=case.organisation_id, kind=Account.Kind.STAFF, is_active=True
    ).annotate(load=Count("case_assignee", filter=Q(case_assignee__closed_at=None)))
    for account in staff.order_by("load", "pk"):
        if people.may(account, permission, organisation=case.organisation, division=case.division_id):
            _set_assignee(case, None, account, "assign", "")
            return account
    return None


def _works_on(case: Case, account: Account) -> bool:
    place: dict[str, Any] = {"organisation": case.organisation, "division": case.division_id}
    return any(people.may(account, permission, **place) for permission in WORKING_PERMISSIONS)


def _set_assignee(case: Case, actor: Account | None, to: Account | None, action: str, note: str) -> Case:
    before = case.assignee_id
    case.assignee = to
    names = {"from": before, "to": to.pk if to else None, "name": to.name if to else ""}
    journal.append(case, action, actor=actor, opinion=note.strip()[:_TEXT_LIMIT], data=names)
    case.save(update_fields=["assignee", "event_count"])
    if to is not None and to != actor:
        telling.tell_staff(case, "case.assigned")
    return case


@transaction.atomic
def urge(case_number: str, actor: Account, text: str = "") -> Instruction:
    """The applicant asks for speed, once a working day. Raises `NotFound`, `UrgedAlready`, `ActionNotAllowed`."""
    case = lock(case_number)
    if not gate.is_applicant(case, actor):
        raise NotFound()
    if case.closed_at:
        raise ActionNotAllowed(_("这件业务已经办结，不需要催办。"))
    last = case.instructions.filter(kind=Instruction.Kind.URGE).order_by("-at").first()
    if last and _urging_day(last.at) == _urging_day(clock.now()):
        raise UrgedAlready()
    return _instruct(case, Instruction.Kind.URGE, actor, text.strip() or "请尽快办理。")


@transaction.atomic
def supervise(case_number: str, actor: Account, text: str) -> Instruction:
    """A supervision order that wants an answer. Needs `case.supervise`. Raises `NotAllowed`, `Invalid`."""
    case = lock(case_number)
    require(actor, "case.supervise", organisation=case.organisation, division=case.division_id)
    if not text.strip():
        raise Invalid(fields={"text": _("请写明督办要求。")})
    return _instruct(case, Instruction.Kind.SUPERVISION, actor, text.strip())


@transaction.atomic
def reply_instruction(instruction_id: int, actor: Account, text: str) -> Instruction:
    """Answer an urge or an order, once. Raises `NotFound`, `NotAllowed`, `Invalid`, `ActionNotAllowed`."""
    number = Instruction.objects.filter(pk=instruction_id).values_list("case__number", flat=True).first()
    if number is None:
        raise NotFound()
    case = lock(number)
    if not _works_on(case, actor):
        raise NotAllowed()
    if not text.strip():
        raise Invalid(fields={"reply": _("请填写答复内容。")})
    instruction = Instruction.objects.get(pk=instruction_id)
    if instruction.replied_at:
        raise ActionNotAllowed(_("这条催办督办已经答复。"))
    instruction.reply = text.strip()[:_TEXT_LIMIT]
    instruction.replied_by = actor
    instruction.replied_at = clock.now()
    instruction.save()
    urged = instruction.kind == Instruction.Kind.URGE
    data = {"instruction": instruction.pk}
    event = journal.append(case, "reply", actor=actor, opinion=instruction.reply, data=data, public=urged)
    case.save(update_fields=["event_count"])
    if urged:
        telling.tell_applicant(case, event, "case.urge_answered")
    return instruction


def record_look(case: Case, account: Account, request: HttpRequest | None = None, elements: Sequence[str] = ()) -> None:
    """Remember that a member of staff looked at the case, where its subject will find it."""
    audit.record(
        actor_of(account, request),
        "read",
        subject=("person", case.subject_id) if case.subject_id else ("case", case.number),
        elements=elements or ["person.name"],
        purpose=f"办理{case.title}",
        case_number=case.number,
    )


def _urging_day(moment: Any) -> Any:
    """The working day a moment belongs to; the date itself where the year's notice is not there yet."""
    try:
        return timezone.localdate(calendar().next_working_moment(moment))
    except DeadlineUnknown:
        return timezone.localdate(moment)


def _instruct(case: Case, kind: Instruction.Kind, actor: Account, text: str) -> Instruction:
    urged = kind == Instruction.Kind.URGE
    instruction = Instruction.objects.create(
        case=case, kind=kind, text=text[:_TEXT_LIMIT], by=actor, by_name=actor.name, at=clock.now()
    )
    case.urged += 1
    data = {"instruction": instruction.pk}
    journal.append(
        case, "urge" if urged else "supervise", actor=actor, opinion=instruction.text, data=data, public=urged
    )
    case.save(update_fields=["urged", "event_count"])
    telling.tell_staff(case, "case.urged" if urged else "case.supervised", {"instruction": instruction.text})
    return instruction
