"""Supervision, assignment, sub-cases, merging, and two people at once."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
from django.db import close_old_connections, connection

from tests.core.cases.conftest import MONDAY, TYPE
from yici.base import clock
from yici.base.errors import Conflict, Invalid, NotAllowed, NotFound
from yici.core.cases import queries, services
from yici.core.cases.models import Case
from yici.core.messages.models import Message
from yici.core.people.models import Organisation

DAY = dt.timedelta(days=1)


@pytest.mark.django_db
def test_urging_works_once_a_working_day_and_after_a_return(open_one: Any, take: Any, demo: Any) -> None:
    case = open_one()
    with clock.at(MONDAY):
        services.urge(case.number, demo.farmer)
        with pytest.raises(services.UrgedAlready):
            services.urge(case.number, demo.farmer, "快一点")
        with pytest.raises(NotFound):
            services.urge(case.number, demo.clerk)
    case = take(case, "accept", demo.clerk)
    case = take(case, "review", demo.reviewer, opinion="同意")
    case = take(case, "return_to_review", demo.approver, opinion="再核实")
    with clock.at(MONDAY + DAY):
        services.urge(case.number, demo.farmer, "还没有结果")
    case.refresh_from_db()
    assert case.urged == 2
    assert Message.objects.filter(template="case.urged", recipient=demo.clerk, case_number=case.number).count() == 2


@pytest.mark.django_db
def test_urging_on_a_weekend_counts_for_the_next_working_day(open_one: Any, demo: Any) -> None:
    case = open_one()
    with clock.at(MONDAY + 5 * DAY):
        services.urge(case.number, demo.farmer)
    with clock.at(MONDAY + 7 * DAY), pytest.raises(services.UrgedAlready):
        services.urge(case.number, demo.farmer)


@pytest.mark.django_db
def test_a_supervision_order_is_given_by_supervisors_and_answered_once(open_one: Any, demo: Any) -> None:
    case = open_one()
    with clock.at(MONDAY):
        with pytest.raises(NotAllowed):
            services.supervise(case.number, demo.clerk, "请说明")
        with pytest.raises(Invalid):
            services.supervise(case.number, demo.supervisor, " ")
        order = services.supervise(case.number, demo.supervisor, "请说明进展")
        with pytest.raises(NotAllowed):
            services.reply_instruction(order.pk, demo.outsider, "知道了")
        services.reply_instruction(order.pk, demo.clerk, "正在核实")
        with pytest.raises(Conflict):
            services.reply_instruction(order.pk, demo.clerk, "再答")
    assert "supervise" not in [entry.action for entry in queries.timeline(case, public_only=True)]


@pytest.mark.django_db
def test_claiming_takes_what_is_free_and_leaves_the_rest(open_one: Any, demo: Any) -> None:
    first, second = open_one(), open_one()
    with clock.at(MONDAY):
        services.claim([first.number], demo.reviewer)
        taken = services.claim([first.number, second.number], demo.clerk)
        assert [case.number for case in taken] == [second.number]
        assert services.claim([first.number, second.number], demo.outsider) == []
        with pytest.raises(NotAllowed):
            services.assign(first.number, demo.clerk, demo.clerk)
        services.assign(second.number, demo.clerk, demo.reviewer, note="请你来办")
        with pytest.raises(Invalid):
            services.assign(second.number, demo.reviewer, demo.outsider)


@pytest.mark.django_db
def test_the_least_loaded_colleague_gets_the_next_case(open_one: Any, demo: Any) -> None:
    with clock.at(MONDAY):
        given = [services.auto_assign(open_one().number, "case.review") for _ in range(2)]
    assert demo.reviewer in given
    assert all(account is not None for account in given)


@pytest.mark.django_db
def test_a_stage_that_joins_waits_for_its_sub_cases(open_one: Any, demo: Any, take: Any, guoyang: Any) -> None:
    from yici.core.cases.services import load_workflow

    workflow = load_workflow("promise-approval")
    stages = tuple(
        stage.model_copy(update={"join": "all_closed"}) if stage.id == "review" else stage for stage in workflow.stages
    )
    services.publish_version(TYPE, "测试", "Test", "hall", workflow.model_copy(update={"stages": stages}))
    parent = take(open_one(), "accept", demo.clerk)
    with clock.at(MONDAY):
        children = [
            services.open_child(parent.number, type=TYPE, title=f"子件{n}", organisation=guoyang, actor=None)
            for n in (1, 2)
        ]
        assert services.join_children(parent.number) is False
    with pytest.raises(services.ActionNotAllowed, match="子件"):
        take(parent, "review", demo.reviewer, opinion="同意")
    for child in children:
        take(child, "refuse", demo.clerk, reason="不需要")
    assert [event.action for event in parent.events.all()][-3:] == ["child_closed", "child_closed", "children_joined"]
    assert take(parent, "review", demo.reviewer, opinion="同意").stage == "decide"
    assert services.verify_projections(3) == []


@pytest.mark.django_db
def test_merging_keeps_both_subjects_as_parties(open_one: Any, demo: Any) -> None:
    first = open_one()
    second = open_one(actor=demo.daughter, subject=demo.daughter.person)
    with clock.at(MONDAY):
        with pytest.raises(NotAllowed):
            services.merge(second.number, first.number, demo.clerk, reason="同一事项")
        target = services.merge(second.number, first.number, demo.staff("chief"), reason="同一事项")
    assert {person.pk for person in queries.parties(target)} == {demo.farmer.person_id, demo.daughter.person_id}
    source = Case.objects.get(pk=second.pk)
    assert (source.outcome, source.merged_into_id, source.closed_on_time) == ("merged", first.pk, None)
    assert services.verify_projections(2) == []


@pytest.mark.django_db
def test_the_applicant_is_the_subject_or_holds_a_delegation(open_one: Any, demo: Any) -> None:
    from yici.core.people.models import Delegation

    case = open_one()
    Delegation.objects.filter(agent=demo.daughter.person).delete()
    with clock.at(MONDAY), pytest.raises(NotFound):
        queries.case_for_applicant(demo.daughter, case.number)
    with clock.at(MONDAY):
        Delegation.objects.create(
            principal=demo.farmer.person, agent=demo.daughter.person, basis="household", evidence="户口簿",
            valid_from=MONDAY.date(), valid_to=MONDAY.date(), accepted_at=MONDAY,
        )  # fmt: skip
        assert queries.case_for_applicant(demo.daughter, case.number).pk == case.pk
        assert queries.case_for_applicant(demo.farmer, case.number).pk == case.pk
    with clock.at(MONDAY + DAY), pytest.raises(NotFound):
        queries.case_for_applicant(demo.daughter, case.number)


def test_of_two_who_decide_at_once_exactly_one_wins(django_db_setup: None, django_db_blocker: Any) -> None:
    """Two real connections, committed rows; the rows stay in this process's own clone of the database."""
    with django_db_blocker.unblock():
        from tests.conftest import Demo

        demo = Demo()
        guoyang = Organisation.objects.get(slug="guoyang.civil_affairs")
        services.publish_version("race", "并发", "Race", "hall", "promise-approval")
        case = services.open_case(
            type="race", title="并发", organisation=guoyang, division=guoyang.division_id, actor=None, subject_name="甲"
        )
        clerk = demo.clerk
        barrier, results = threading.Barrier(2), []

        def decide(action: str, reason: str) -> None:
            try:
                barrier.wait(5)
                services.act(case.number, action, clerk, data={"reason": reason}, expected_events=case.event_count)
                results.append("won")
            except Conflict:
                results.append("conflict")
            finally:
                close_old_connections()
                connection.close()

        threads = [threading.Thread(target=decide, args=given) for given in (("refuse", "甲"), ("not_accept", "乙"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert sorted(results) == ["conflict", "won"]
        case.refresh_from_db()
        assert case.event_count == 2 == case.events.count()
        connection.close()
