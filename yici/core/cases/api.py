"""Cases over JSON: the work list, one case, its timeline, actions, statistics. Staff only but for one's own."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Field, Query, Router, Schema
from pydantic import BeforeValidator

from yici.base.errors import Invalid
from yici.core.cases import queries, services
from yici.core.cases.models import Case
from yici.core.cases.queries import WorkListFilter
from yici.core.people import queries as people
from yici.core.people import services as people_services
from yici.core.people.auth import account_of, any_auth, staff_auth
from yici.core.people.models import Account
from yici.core.places.rules import level_of

router = Router(tags=["cases"])
_Text = Field("", max_length=4000, pattern=r"^[^\x00]*$")
_Word = Field("", max_length=80, pattern=r"^[^\x00]*$")


class CaseRow(Schema):
    number: str
    title: str
    type_name: str
    subject_name: str
    state: str
    state_label: str
    light: str
    days_left: str
    due_at: dt.datetime | None
    opened_at: dt.datetime
    closed_at: dt.datetime | None
    organisation: str
    division: str
    assignee: str


class CaseList(Schema):
    rows: list[CaseRow]
    count: int = Field(description="counted to 10,000")
    is_capped: bool
    page: int
    has_next: bool


class ActionOut(Schema):
    id: str
    label: str
    needs: dict[str, str]


class CaseOut(Schema):
    number: str
    type: str
    title: str
    subject_name: str
    state: str
    state_label: str
    stage: str
    outcome: str
    light: str
    days_left: str
    organisation: str
    division: str
    opened_at: dt.datetime
    accepted_at: dt.datetime | None
    closed_at: dt.datetime | None
    due_at: dt.datetime | None
    legal_due_at: dt.datetime | None
    events: int
    actions: list[ActionOut]


class EventOut(Schema):
    seq: int
    action: str
    label: str
    state_label: str
    actor: str
    organisation: str
    opinion: str
    at: dt.datetime
    demands: list[dict[str, str]]


class ActIn(Schema):
    opinion: str = _Text
    reason: str = _Text
    days: int | None = Field(None, ge=1, le=365)
    kind: str = _Word
    demands: list[dict[str, str]] = Field(default_factory=list, max_length=50)
    expected_events: int | None = Field(None, ge=1, le=1_000_000, description="`events` as last read")


class UrgeIn(Schema):
    text: str = Field("", max_length=1000, pattern=r"^[^\x00]*$")


class StatisticsOut(Schema):
    key: str
    label: str
    opened: int
    self_filed: int
    accepted: int
    closed: int
    closed_normally: int
    on_time: int
    self_filed_rate: Decimal | None
    closed_normally_rate: Decimal | None
    on_time_rate: Decimal | None


class ListQuery(Schema):
    tab: Literal["mine", "department", "done"] = "department"
    state: str = _Word
    light: str = _Word
    type: str = _Word
    division: str = _Word
    q: str = _Word
    overdue: bool = False
    # A query string holds text: without this, no size that is asked for would ever be one of the three numbers.
    size: Annotated[Literal[20, 50, 100], BeforeValidator(lambda raw: int(raw) if str(raw).isdecimal() else raw)] = 20
    page: int = Field(1, ge=1, le=501)


@router.get("/cases", auth=staff_auth, response=CaseList, summary="办件列表")
def list_cases(request: HttpRequest, query: Query[ListQuery]) -> dict[str, Any]:
    """Cases the caller may view, by due date; closed ones newest first."""
    if query.division:
        level_of(query.division)
    given = query.dict(exclude={"q", "page"})
    page = queries.work_list(account_of(request), WorkListFilter(text=query.q, **given), query.page)
    return {
        "rows": page.rows,
        "count": page.capped_count,
        "is_capped": page.is_capped,
        "page": page.page,
        "has_next": page.has_next,
    }


@router.get("/cases/statistics", auth=staff_auth, response=list[StatisticsOut], summary="办件统计")
def case_statistics(
    request: HttpRequest,
    start: dt.date,
    end: dt.date,
    by: Literal["organisation", "division", "type", "month"] | None = None,
    type: str = Query("", max_length=80, pattern=r"^[^\x00]*$"),
) -> Any:
    """Within the caller's scope of `metric.view`; days inclusive."""
    if not dt.date(2000, 1, 1) <= start <= end <= dt.date(2100, 1, 1):
        raise Invalid(_("统计期间有误：开始日期应不晚于结束日期。"), fields={"start": _("请改正起止日期。")})
    account = account_of(request)
    people_services.require(account, "metric.view")
    return queries.statistics(type or None, (start, end), by, people.scope_of(account, "metric.view"))


@router.get("/cases/{number}", auth=any_auth, response=CaseOut, summary="办件详情")
def case_detail(request: HttpRequest, number: str) -> dict[str, Any]:
    account, case = _case(request, number)
    if account.kind == Account.Kind.STAFF:
        services.record_look(case, account, request)
    return _out(case, account)


@router.get("/cases/{number}/timeline", auth=any_auth, response=list[EventOut], summary="办理过程")
def case_timeline(request: HttpRequest, number: str) -> Any:
    """Staff see every event, the applicant the public ones."""
    account, case = _case(request, number)
    return queries.timeline(case, public_only=account.kind != Account.Kind.STAFF)


@router.post("/cases/{number}/actions/{action}", auth=any_auth, response=CaseOut, summary="办理")
def take_action(request: HttpRequest, number: str, action: str, given: ActIn) -> dict[str, Any]:
    """Take an action listed in the case's `actions`. 409 when the state moved meanwhile, 422 when something is missing."""
    account, case = _case(request, number)
    data = given.dict(exclude={"opinion", "expected_events"}, exclude_unset=True)
    case = services.act(
        case.number, action, account, opinion=given.opinion, data=data, expected_events=given.expected_events
    )
    return _out(case, account)


@router.post("/cases/{number}/urges", auth=any_auth, response={201: None}, summary="催办")
def urge(request: HttpRequest, number: str, given: UrgeIn) -> tuple[int, None]:
    """By the applicant, once a working day."""
    services.urge(number, account_of(request), given.text)
    return 201, None


def _case(request: HttpRequest, number: str) -> tuple[Account, Case]:
    account = account_of(request)
    number = number.replace("\x00", "")
    staff = account.kind == Account.Kind.STAFF
    return account, queries.case_for_staff(account, number) if staff else queries.case_for_applicant(account, number)


def _out(case: Case, account: Account) -> dict[str, Any]:
    actions = queries.available_actions(case, account)
    return {
        "number": case.number,
        "type": case.type.slug,
        "title": case.title,
        "subject_name": case.subject_name,
        "state": case.state,
        "state_label": queries.state_in_words(case),
        "stage": case.stage,
        "outcome": case.outcome,
        "light": case.light,
        "days_left": queries.days_left_in_words(case),
        "organisation": case.organisation.name,
        "division": case.division_id,
        "opened_at": case.opened_at,
        "accepted_at": case.accepted_at,
        "closed_at": case.closed_at,
        "due_at": case.due_at,
        "legal_due_at": case.legal_due_at,
        "events": case.event_count,
        "actions": [{"id": action.id, "label": str(action.label), "needs": dict(action.needs)} for action in actions],
    }
