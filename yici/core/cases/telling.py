"""Telling people about a case: the applicant, and the staff who have it on their desk."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone

from yici.base import clock
from yici.core.calendars.queries import calendar
from yici.core.cases import ports
from yici.core.cases.definitions import workflow_of
from yici.core.cases.models import Case, CaseEvent
from yici.core.cases.rules import state_label, words_left
from yici.core.messages import services as messages
from yici.core.people.models import Account, RoleGrant

_STAFF_LIMIT = 5  # an unassigned case is told to so many of its department, not to all of it


def tell_applicant(case: Case, event: CaseEvent, template: str) -> None:
    """One message to whoever opened the case and, where that is somebody else, to the subject as well."""
    context = context_of(case, event)
    for recipient, phone in _applicants(case):
        messages.tell(
            recipient,
            template,
            context,
            channels=("sms",),
            phone=phone,
            link=f"/my/cases/{case.number}/",
            case_number=case.number,
        )
    for teller in ports.tellers():
        teller(case, event, template, context)


def tell_staff(
    case: Case, template: str, context: dict[str, str] | None = None, event: CaseEvent | None = None
) -> None:
    """To the assignee, else to a few of the organisation that handles the case; in-app only."""
    for account in _desk_of(case):
        messages.tell(
            account,
            template,
            {**context_of(case, event), **(context or {})},
            channels=(),
            link=f"/desk/cases/{case.number}/",
            case_number=case.number,
        )


def tell_administrators(case: Case, template: str, context: dict[str, str]) -> None:
    """To the city's administrators, who alone can mend what the city's set-up lacks."""
    administrators = RoleGrant.objects.filter(role="city_administrator", account__is_active=True)
    for grant in administrators.select_related("account").order_by("account_id").distinct("account_id"):
        messages.tell(
            grant.account,
            template,
            {**context_of(case, None), **context},
            channels=(),
            link="/desk/calendar/",
            case_number=case.number,
        )


def context_of(case: Case, event: CaseEvent | None) -> dict[str, str]:
    """What the texts of `wording/messages.yaml` may mention, all strings, empty where there is nothing to say."""
    data: dict[str, Any] = event.data if event else {}
    demands = data.get("demands") or []
    opinion = event.opinion if event else ""
    remaining = days_left(case)
    return {
        "case_number": case.number,
        "number": str(data.get("case") or case.number),
        "title": case.title,
        "item": str(data.get("kind_label") or case.title),
        "name": case.subject_name,
        "organisation": case.organisation.name,
        "due": _date(data.get("correct_by") or case.due_at),
        "reason": opinion,
        "opinion": opinion,
        "result": state_name(case.version_id, case.state),
        "days": str(data.get("days", "")),
        "demands": "；".join(str(demand.get("request") or demand.get("label") or "") for demand in demands),
        "remaining": remaining,
        "overdue": remaining,
    }


def state_name(version_id: int, state: str) -> str:
    """A state in the words of its case's own workflow."""
    return state_label(state, workflow_of(version_id).state_labels)


def days_left(case: Case) -> str:
    """剩余 4 个工作日 …, from the case's own columns."""
    return time_left(
        version_id=case.version_id, clock_name=case.clock, light=case.light, due_at=case.due_at,
        is_closed=case.closed_at is not None,
    )  # fmt: skip


def time_left(*, version_id: int, clock_name: str, light: str, due_at: dt.datetime | None, is_closed: bool) -> str:
    """The same of a case that is not in memory whole."""
    clock_definition = workflow_of(version_id).clock(clock_name) if clock_name else None
    return words_left(
        is_closed=is_closed,
        light=light,
        has_clock=bool(clock_name),
        due_at=due_at,
        unit=clock_definition.unit if clock_definition else None,
        now=clock.now(),
        calendar=calendar(),
    )


def _date(moment: dt.datetime | str | None) -> str:
    if not moment:
        return "（日期待定）"
    local = timezone.localtime(dt.datetime.fromisoformat(moment) if isinstance(moment, str) else moment)
    return f"{local.year}年{local.month}月{local.day}日"


def _applicants(case: Case) -> list[tuple[Account | None, str]]:
    opener = case.opened_by if case.opened_by and case.opened_by.kind == Account.Kind.CITIZEN else None
    if opener and case.subject_id and opener.person_id == case.subject_id:
        subject_account: Account | None = opener
    else:
        subject_account = Account.objects.filter(person_id=case.subject_id).first() if case.subject_id else None
    phone = case.subject.phone if case.subject else ""
    if opener is None or opener == subject_account:
        own_phone = (subject_account.phone if subject_account else "") or phone
        return [(subject_account, own_phone)] if subject_account or own_phone else []
    told: list[tuple[Account | None, str]] = [(opener, opener.phone or (opener.person.phone if opener.person else ""))]
    if subject_account or (phone and phone != told[0][1]):
        told.append((subject_account, (subject_account.phone if subject_account else "") or phone))
    return told


def _desk_of(case: Case) -> list[Account]:
    if case.assignee:
        return [case.assignee]
    staff = Account.objects.filter(organisation_id=case.organisation_id, kind=Account.Kind.STAFF, is_active=True)
    return list(staff.order_by("pk")[:_STAFF_LIMIT])
