"""Every action: what it does, who may take it, what shape it wants."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from tests.core.cases.conftest import MONDAY, TYPE, moment
from yici.base import clock
from yici.base.errors import Conflict, Invalid, NotAllowed, NotFound
from yici.core.audit import queries as audit
from yici.core.cases import queries, services
from yici.core.cases.models import CaseEvent, CaseTypeVersion, Correction
from yici.core.messages.models import Message

DAY = dt.timedelta(days=1)
pytestmark = pytest.mark.django_db
DEMANDS = [{"field": "person.phone", "label": "联系电话", "request": "请填写现在的电话"}]


def accepted(open_one: Any, take: Any, demo: Any) -> Any:
    return take(open_one(), "accept", demo.clerk)


def reviewed(open_one: Any, take: Any, demo: Any) -> Any:
    return take(accepted(open_one, take, demo), "review", demo.reviewer, opinion="符合条件")


def test_a_new_case_is_received_and_its_intake_clock_runs(open_one: Any, demo: Any) -> None:
    case = open_one()
    assert (case.state, case.stage, case.clock, case.light) == ("received", "intake", "intake", "green")
    assert case.due_at == moment("2026-06-08 17:30")
    assert case.number.startswith("34160020260601")
    assert len(case.number) == 20
    assert Message.objects.filter(recipient=demo.farmer, template="case.received", case_number=case.number).exists()
    assert [entry.action for entry in audit.entries_of_case(case.number)] == ["create"]


def test_numbers_follow_each_other_without_gaps(open_one: Any) -> None:
    assert int(open_one().number) + 1 == int(open_one().number)


def test_the_chain_of_three_leads_to_approval(open_one: Any, take: Any, demo: Any, effects: Any) -> None:
    case = reviewed(open_one, take, demo)
    assert (case.state, case.stage, case.clock) == ("accepted", "decide", "handling")
    case = take(case, "approve", demo.approver, at=MONDAY + DAY)
    assert (case.state, case.outcome, case.stage, case.light) == ("approved", "approved", "result", "none")
    assert case.closed_on_time is True
    assert case.used_days == 1
    assert effects == [("hall.issue_result", case.number)]
    assert [entry.action for entry in queries.timeline(case)] == ["submit", "accept", "review", "approve"]
    assert services.verify_projections(20) == []


def test_a_case_decided_after_its_promise_is_not_on_time(open_one: Any, take: Any, demo: Any) -> None:
    case = take(reviewed(open_one, take, demo), "deny", demo.approver, at=MONDAY + 20 * DAY, reason="户籍不在本市")
    assert case.closed_on_time is False
    assert case.outcome == "denied"


WHO = [
    ("accept", "received", "clerk", {}),
    ("window_accept", "received", "clerk", {}),
    ("request_correction", "received", "clerk", {"demands": DEMANDS}),
    ("not_accept", "received", "clerk", {"reason": "应向市医保局申请"}),
    ("refuse", "received", "clerk", {"reason": "不符合条件"}),
    ("accept_tolerant", "received", "clerk", {"demands": DEMANDS, "days": 5}),
    ("withdraw", "received", "farmer", {}),
    ("review", "accepted", "reviewer", {"opinion": "同意"}),
    ("start_special", "accepted", "reviewer", {"kind": "survey", "reason": "需要核实", "days": 5}),
    ("extend", "accepted", "approver", {"reason": "案情复杂", "days": 5}),
    ("request_withdrawal", "accepted", "farmer", {"reason": "不办了"}),
    ("return_to_review", "reviewed", "approver", {"opinion": "请核实年龄"}),
    ("approve", "reviewed", "approver", {}),
    ("deny", "reviewed", "approver", {"reason": "不符合条件"}),
]


@pytest.mark.parametrize(("action", "state", "allowed", "data"), WHO, ids=[row[0] for row in WHO])
def test_only_who_the_workflow_names_may_act(
    action: str, state: str, allowed: str, data: dict[str, Any], open_one: Any, take: Any, demo: Any
) -> None:
    start = {"received": lambda *_: open_one(), "accepted": accepted, "reviewed": reviewed}[state]
    case = start(open_one, take, demo)
    for name in ("outsider", "farmer", "clerk", "reviewer", "approver", "supervisor"):
        if name == allowed or (name == "approver" and action == "start_special"):
            continue
        with pytest.raises(NotAllowed):
            take(case, action, getattr(demo, name), **data)
    account = getattr(demo, allowed)
    assert action in [
        item.id for item in queries.available_actions(queries.case_for_staff(demo.supervisor, case.number), account)
    ]
    after = take(case, action, account, **data)
    assert after.event_count > case.event_count


NEEDS = [
    ("request_correction", {}, "demands"),
    ("refuse", {}, "reason"),
    ("not_accept", {}, "reason"),
    ("accept_tolerant", {"demands": DEMANDS}, "days"),
    ("accept_tolerant", {"demands": DEMANDS, "days": "abc"}, "days"),
    ("accept_tolerant", {"demands": DEMANDS, "days": "0"}, "days"),
]


@pytest.mark.parametrize(("action", "data", "field"), NEEDS)
def test_what_an_action_needs_is_named_when_it_is_missing(
    action: str, data: dict[str, Any], field: str, open_one: Any, take: Any, demo: Any
) -> None:
    case = open_one()
    with pytest.raises(Invalid) as caught:
        take(case, action, demo.clerk, **data)
    assert field in caught.value.fields
    assert CaseEvent.objects.filter(case=case).count() == 1


def test_an_action_the_state_does_not_allow_is_refused(open_one: Any, take: Any, demo: Any) -> None:
    case = open_one()
    with pytest.raises(services.ActionNotAllowed):
        take(case, "approve", demo.approver)
    with pytest.raises(services.ActionNotAllowed):
        take(case, "no_such_action", demo.clerk)
    with pytest.raises(NotFound):
        services.act("341600209901010000", "accept", demo.clerk)


def test_a_decision_needs_its_review_first(open_one: Any, take: Any, demo: Any) -> None:
    with pytest.raises(services.ActionNotAllowed):
        take(accepted(open_one, take, demo), "approve", demo.approver)


def test_who_reviewed_may_not_decide(open_one: Any, take: Any, demo: Any) -> None:
    from yici.core.people.models import RoleGrant

    reviewer = demo.reviewer
    RoleGrant.objects.create(
        account=reviewer, role="approver", organisation=reviewer.organisation, valid_from=MONDAY.date(), reason="test"
    )
    case = reviewed(open_one, take, demo)
    with pytest.raises(NotAllowed):
        take(case, "approve", demo.reviewer)
    assert take(case, "approve", demo.approver).state == "approved"


def test_a_stale_page_is_told_that_somebody_else_was_faster(open_one: Any, demo: Any) -> None:
    case = open_one()
    with clock.at(MONDAY):
        services.act(case.number, "window_accept", demo.clerk, expected_events=case.event_count)
        with pytest.raises(services.ChangedMeanwhile) as caught:
            services.act(case.number, "accept", demo.clerk, expected_events=case.event_count)
    assert isinstance(caught.value, Conflict)


def test_the_systems_own_notes_do_not_make_a_page_stale(open_one: Any, demo: Any) -> None:
    case = open_one()
    services.recompute_lights(MONDAY + 30 * DAY)
    with clock.at(MONDAY + 30 * DAY):
        assert services.act(case.number, "accept", demo.clerk, expected_events=case.event_count).state == "accepted"


def test_clock_stops_while_correction_is_open(open_one: Any, take: Any, demo: Any) -> None:
    case = take(open_one(), "request_correction", demo.clerk, at=MONDAY + DAY, demands=DEMANDS)
    assert (case.state, case.light, case.due_at) == ("correction_open", "stopped", None)
    notice = Correction.objects.get(case=case)
    assert notice.demands == DEMANDS
    case = take(case, "answer_correction", demo.farmer, at=MONDAY + 8 * DAY)
    # One of five working days was used on 06-02; four are left from Tuesday 06-09.
    assert case.due_at == moment("2026-06-15 17:30")
    notice.refresh_from_db()
    assert notice.answered_at == MONDAY + 8 * DAY


def test_correction_is_asked_for_only_once(open_one: Any, take: Any, demo: Any) -> None:
    case = take(open_one(), "request_correction", demo.clerk, demands=DEMANDS)
    case = take(case, "answer_correction", demo.farmer)
    with pytest.raises(Conflict):
        take(case, "request_correction", demo.clerk, demands=DEMANDS)


def test_an_unanswered_correction_is_closed_only_after_its_time(open_one: Any, take: Any, demo: Any) -> None:
    case = take(open_one(), "request_correction", demo.clerk, demands=DEMANDS, days=5)
    with pytest.raises(services.ActionNotAllowed):
        take(case, "lapse_correction", demo.clerk, reason="逾期未补正")
    assert take(case, "lapse_correction", demo.clerk, at=MONDAY + 20 * DAY, reason="逾期未补正").state == "not_accepted"


def test_a_special_procedure_stops_the_clock_and_returns(open_one: Any, take: Any, demo: Any) -> None:
    case = take(accepted(open_one, take, demo), "start_special", demo.reviewer, kind="survey", reason="核实", days=5)
    assert case.light == "stopped"
    case = take(case, "end_special", demo.reviewer, at=MONDAY + 7 * DAY, opinion="属实")
    assert case.due_at == moment("2026-06-15 17:30")
    assert case.state == "special_done"


def test_one_extension_before_the_due_date_and_none_after(open_one: Any, take: Any, demo: Any) -> None:
    late = accepted(open_one, take, demo)
    with pytest.raises(services.ActionNotAllowed):
        take(late, "extend", demo.approver, at=MONDAY + 14 * DAY, reason="复杂", days=5)
    case = accepted(open_one, take, demo)
    with pytest.raises(Invalid):
        take(case, "extend", demo.approver, reason="复杂", days=11)
    case = take(case, "extend", demo.approver, reason="复杂", days=5)
    assert case.due_at == moment("2026-06-15 17:30")
    with pytest.raises(services.ActionNotAllowed):
        take(case, "extend", demo.approver, reason="复杂", days=5)


def test_tolerance_must_be_settled_or_named_in_the_decision(open_one: Any, take: Any, demo: Any) -> None:
    case = take(open_one(), "accept_tolerant", demo.clerk, demands=DEMANDS, days=5)
    case = take(case, "review", demo.reviewer, opinion="同意")
    with pytest.raises(services.ActionNotAllowed):
        take(case, "approve", demo.approver)
    other = take(case, "settle_tolerance", demo.clerk)
    assert take(other, "approve", demo.approver).state == "approved"
    case = take(open_one(), "accept_tolerant", demo.clerk, demands=DEMANDS, days=5)
    case = take(case, "review", demo.reviewer, opinion="同意")
    assert take(case, "approve_tolerant", demo.approver, opinion="同意").state == "approved_tolerant"


def test_withdrawal_under_review_waits_for_the_department(open_one: Any, demo: Any, take: Any) -> None:
    case = accepted(open_one, take, demo)
    with clock.at(MONDAY):
        case = services.withdraw(case.number, demo.farmer, reason="不办了")
    assert case.state == "withdrawal_pending"
    case = take(case, "decline_withdrawal", demo.clerk, reason="公示已开始")
    assert case.state == "accepted"
    with clock.at(MONDAY):
        case = services.withdraw(case.number, demo.farmer, reason="不办了")
    case = take(case, "confirm_withdrawal", demo.clerk)
    assert (case.state, case.closed_at) == ("withdrawn", MONDAY)
    with pytest.raises(services.ActionNotAllowed), clock.at(MONDAY):
        services.withdraw(case.number, demo.farmer)


def test_a_revoked_result_keeps_the_day_it_was_decided(open_one: Any, take: Any, demo: Any, effects: Any) -> None:
    case = take(reviewed(open_one, take, demo), "approve", demo.approver)
    case = take(case, "revoke", demo.approver, at=MONDAY + 30 * DAY, reason="材料虚假")
    assert (case.state, case.outcome, case.closed_at) == ("revoked", "revoked", MONDAY)
    assert effects[-1][0] == "hall.revoke_result"


def test_a_refusing_effect_undoes_the_whole_action(
    open_one: Any, take: Any, demo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from yici.core.cases import ports

    def refuse(case: Any, event: Any, actor: Any) -> None:
        raise Conflict("证照系统拒绝")

    case = reviewed(open_one, take, demo)
    monkeypatch.setitem(ports._effects, "hall.issue_result", refuse)
    with pytest.raises(Conflict):
        take(case, "approve", demo.approver)
    assert queries.case_for_staff(demo.clerk, case.number).state == "accepted"


def test_the_database_refuses_to_change_or_remove_an_event(open_one: Any) -> None:
    case = open_one()
    for statement in (
        lambda: CaseEvent.objects.filter(case=case).update(opinion="改"),
        lambda: CaseEvent.objects.filter(case=case)._raw_delete("default"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            statement()


def test_the_database_refuses_to_change_a_published_version(version: CaseTypeVersion) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        CaseTypeVersion.objects.filter(pk=version.pk).update(definition={})


def test_publishing_the_same_content_again_makes_no_new_version(version: CaseTypeVersion) -> None:
    again = services.publish_version(
        TYPE,
        "测试高龄津贴",
        "Test allowance",
        "hall",
        "promise-approval",
        {"handling": {"limit": 5, "legal_limit": 20}},
    )
    assert again.pk == version.pk


def test_a_running_case_keeps_its_version_until_it_is_moved(open_one: Any, demo: Any, take: Any) -> None:
    case = accepted(open_one, take, demo)
    newer = services.publish_version(
        TYPE, "测试高龄津贴", "Test allowance", "hall", "promise-approval", {"handling": {"limit": 10}}
    )
    assert queries.case_for_staff(demo.clerk, case.number).version.number == 1
    with clock.at(MONDAY), pytest.raises(NotAllowed):
        services.move_to_version(case.number, newer, demo.clerk, reason="新时限更有利")
    with clock.at(MONDAY), pytest.raises(Invalid):
        services.move_to_version(case.number, newer, demo.supervisor, reason=" ")
    with clock.at(MONDAY):
        moved = services.move_to_version(case.number, newer, demo.supervisor, reason="新时限更有利")
    assert moved.due_at == moment("2026-06-15 17:30")
    assert any("更换流程版本" in entry.purpose for entry in audit.entries_of_case(case.number))


def test_a_version_that_lacks_the_state_does_not_take_the_case(open_one: Any, demo: Any) -> None:
    case = open_one()
    other = services.publish_version(TYPE, "测试高龄津贴", "Test allowance", "hall", "instant")
    with pytest.raises(Invalid):
        services.move_to_version(case.number, other, demo.supervisor, reason="改为即办")


def test_rebuilding_gives_back_a_spoilt_projection(open_one: Any, take: Any, demo: Any) -> None:
    from yici.core.cases.models import Case

    case = reviewed(open_one, take, demo)
    Case.objects.filter(pk=case.pk).update(state="denied", due_at=None, event_count=1)
    with clock.at(MONDAY):
        found = {difference.field for difference in services.verify_projections(1)}
        assert found == {"state", "due_at", "event_count"}
        services.rebuild(case.number)
        assert services.verify_projections(1) == []
