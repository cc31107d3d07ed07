"""Two people, or one person twice, at the same moment: over two real connections to a database of the test's own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from tests.conftest import Demo
from tests.systems.hall.conftest import MONDAY, at_once, filled_draft, submitted
from yici.base import clock
from yici.core.cases.models import Case
from yici.core.people.models import RoleGrant
from yici.systems.hall import services
from yici.systems.hall.models import Application, Evaluation


@pytest.fixture
def people(own_city: None) -> Iterator[Demo]:
    RoleGrant.objects.update(valid_from=dt.date(2017, 1, 1))
    with clock.at(MONDAY):
        yield Demo()


def test_a_double_submit_makes_one_case_and_both_presses_find_it(people: Demo, sign_in: Any) -> None:
    draft = filled_draft(people.farmer)
    clients = [sign_in(Client(), people.farmer) for _ in range(2)]
    answers = at_once(*[lambda client=client: client.post(f"/apply/{draft.token}/submit/") for client in clients])
    case = Case.objects.get(type__system="hall", subject=people.farmer.person)
    assert [answer.headers["Location"] for answer in answers] == [f"/cases/{case.number}/receipt/"] * 2
    assert Application.objects.count() == 1
    assert services.submit(draft.token, people.farmer).case == case


def test_of_two_clerks_who_decide_at_once_exactly_one_wins(people: Demo, sign_in: Any) -> None:
    case = submitted(people.farmer)
    clerk = people.clerk
    second = people.reviewer
    RoleGrant.objects.create(
        account=second, role="clerk", organisation=second.organisation, valid_from=dt.date(2017, 1, 1), reason="顶岗"
    )
    path, events = f"/desk/cases/{case.number}", str(case.event_count)
    one, other = sign_in(Client(), clerk), sign_in(Client(), second)
    answers = at_once(
        lambda: one.post(f"{path}/accept/", {"events": events}),
        lambda: other.post(f"{path}/refuse/", {"events": events, "reason": "不符合条件"}),
    )
    assert sorted(answer.status_code for answer in answers) == [302, 409]
    loser = next(answer for answer in answers if answer.status_code == 409)
    assert "有人刚刚办理了这件业务" in loser.content.decode()
    case.refresh_from_db()
    assert case.state in ("accepted", "refused") and case.event_count == 2 == case.events.count()


def test_a_correction_answered_from_two_devices_is_answered_once(people: Demo, sign_in: Any) -> None:
    from yici.core.cases import services as cases

    case = submitted(people.farmer)
    cases.act(case.number, "request_correction", people.clerk, data={"demands": [{"label": "请说明"}]})
    clients = [sign_in(Client(), people.farmer) for _ in range(2)]
    path = f"/my/cases/{case.number}/correct/"
    answers = at_once(*[lambda client=client: client.post(path, {"remark": "说明"}) for client in clients])
    assert sorted(answer.status_code for answer in answers) == [302, 409]
    assert case.events.filter(action="answer_correction").count() == 1


def test_two_ratings_at_once_leave_one(people: Demo, sign_in: Any) -> None:
    from yici.core.cases import services as cases

    case = submitted(people.farmer)
    cases.act(case.number, "refuse", people.clerk, data={"reason": "不符合条件"})
    clients = [sign_in(Client(), people.farmer) for _ in range(2)]
    answers = at_once(
        *[lambda client=client: client.post(f"/my/cases/{case.number}/rate/", {"level": "4"}) for client in clients]
    )
    assert sorted(answer.status_code for answer in answers) == [302, 409]
    assert Evaluation.objects.filter(case=case).count() == 1


def test_starting_twice_at_once_resumes_one_draft(people: Demo, sign_in: Any) -> None:
    from yici.core.forms.models import Draft

    clients = [sign_in(Client(), people.farmer) for _ in range(2)]
    at_once(
        *[lambda client=client: client.post("/items/gaoling-jintie/start/", {"subject": "self"}) for client in clients]
    )
    assert Draft.objects.filter(owner=people.farmer, submitted_as="").count() == 1
