"""A rule that fails becomes a case of the providing unit, and a later load closes it by its own evidence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.platform.data.factories import person
from tests.platform.data.quality.conftest import Loads, raw
from yici.base import clock
from yici.base.errors import NotAllowed
from yici.core.cases import queries as case_queries
from yici.core.cases import services as cases
from yici.core.cases.models import Case, CaseEvent
from yici.core.messages.models import Message
from yici.core.people.models import Organisation
from yici.platform.data.models import Channel, ClassChannel, Issue, Snapshot
from yici.platform.data.quality.issues import is_issue, objection_counts
from yici.platform.data.rules.language import Outcome, Rule
from yici.platform.data.services import raise_objection

pytestmark = pytest.mark.django_db
INCREMENT = Snapshot.Mode.INCREMENT


def case_of(issue: Issue) -> Case:
    return Case.objects.get(number=issue.case_number)


def events_of(issue: Issue) -> list[str]:
    return list(CaseEvent.objects.filter(case__number=issue.case_number).values_list("action", flat=True))


# Opening ----------------------------------------------------------------------------------------------


def test_failing_rows_become_a_case_of_the_providing_unit(loads: Loads) -> None:
    run = loads.load([person(1), person(2)], [raw(3), raw(4)])
    issue, case = loads.issue, case_of(loads.issue)
    assert (issue.failed, issue.checked, issue.failed_at_first, issue.opened_run) == (2, 4, 2, run)
    assert (case.organisation.slug, case.state, case.light) == ("bz.public_security", "received", "green")
    assert case.due_at is not None
    assert case.subject is None
    assert case.data["class"] == "public_security.test"
    assert case.data["rule"] == "birth_date.equals_part_of_id"
    assert "测试人口" in case.title
    assert case.label == case.title
    assert case.data["english"].startswith("Test residents: ")


def test_the_units_data_officer_is_told_once_a_load(loads: Loads, demo: Any) -> None:
    loads.load([person(1)], [raw(3)])
    (message,) = Message.objects.filter(template="data.issue_opened")
    assert message.recipient == demo.data_officer
    assert message.link == f"/desk/cases/{loads.issue.case_number}/"


def test_the_same_load_measured_twice_opens_nothing_twice(loads: Loads) -> None:
    loads.load([person(1)], [raw(3)])
    loads.load([person(1)], [raw(3)])
    assert Issue.objects.filter(data_class=loads.data_class).count() == 1
    assert Case.objects.filter(type__slug="data-issue").count() == 1


def test_a_remark_becomes_an_issue_only_above_one_row_in_a_hundred() -> None:
    note = Rule("a.b", "b", "a", "accuracy", severity="note")
    assert not is_issue(Outcome(note, 1000, 10))
    assert is_issue(Outcome(note, 1000, 11))
    assert is_issue(Outcome(Rule("a.b", "b", "a", "accuracy"), 1_000_000, 1))
    assert not is_issue(Outcome(note, 0, 0))


# Units ------------------------------------------------------------------------------------------------


@pytest.fixture
def second(loads: Loads) -> ClassChannel:
    """The class comes from the vehicle administration as well."""
    unit = Organisation.objects.get(slug="bz.vehicle_management")
    return ClassChannel.objects.create(data_class=loads.data_class, kind=Channel.EXCHANGE, unit=unit)


def test_each_unit_answers_for_what_it_delivers(loads: Loads, second: ClassChannel) -> None:
    loads.load([person(1)], [raw(3)], mode=INCREMENT)
    police = loads.issue
    loads.load([person(2)], [raw(4), raw(5)], mode=INCREMENT, channel=second)
    theirs = loads.issue
    assert (police.unit.slug, theirs.unit.slug) == ("bz.public_security", "bz.vehicle_management")
    assert case_of(theirs).organisation == theirs.unit and case_of(theirs).data["previous"] == ""
    police.refresh_from_db()
    assert (police.failed, theirs.failed) == (1, 2), "another unit's load speaks of its own rows"

    loads.load([person(4), person(5)], mode=INCREMENT, channel=second)
    theirs.refresh_from_db()
    police.refresh_from_db()
    assert theirs.closed_at is not None and police.closed_at is None
    loads.load([person(3)], mode=INCREMENT)
    police.refresh_from_db()
    assert police.closed_at is not None, "rows that another unit had failing are no part of its proof"


def test_a_unit_that_delivers_no_longer_is_asked_no_longer(loads: Loads, second: ClassChannel) -> None:
    loads.load([person(1)], [raw(3)], channel=second)
    left = loads.issue
    second.withdrawn_at = clock.now()
    second.save()
    loads.load([person(1)], [raw(3)])
    left.refresh_from_db()
    assert left.closed_at is not None and events_of(left)[-1] == "drop"
    assert loads.issue != left and loads.issue.unit.slug == "bz.public_security" and loads.issue.closed_at is None


# Proof ------------------------------------------------------------------------------------------------


def test_a_later_full_delivery_without_failing_rows_closes_the_case_by_itself(loads: Loads) -> None:
    loads.load([person(1)], [raw(3), raw(4)])
    run = loads.load([person(1), person(3), person(4)])
    issue, case = loads.issue, case_of(loads.issue)
    assert (issue.closed_run, issue.failed) == (run, 0)
    assert issue.closed_at is not None
    assert (case.state, case.closed_on_time) == ("approved", True)
    (proof,) = CaseEvent.objects.filter(case=case, action="prove")
    assert proof.actor is None
    assert proof.data == {"run": run.pk, "before": 2, "after": 0}
    assert "2 → 0" in proof.opinion


def test_a_load_in_which_the_rule_applied_to_no_row_proves_nothing(loads: Loads) -> None:
    loads.load([person(1)], [raw(3)])
    loads.load([person(1)], checked=0)
    assert case_of(loads.issue).closed_at is None


def test_partial_improvement_is_a_remark_and_counts_follow_the_newest_load(loads: Loads) -> None:
    loads.load([person(1)], [raw(3), raw(4), raw(5)])
    loads.load([person(1), person(3), person(4)], [raw(5)])
    issue = loads.issue
    assert (issue.failed, issue.failed_at_first) == (1, 3)
    assert events_of(issue) == ["submit", "remeasured"]
    assert case_of(issue).closed_at is None
    assert [sample["values"]["id_number"] for sample in issue.samples] == ["3416**********0005"]
    loads.load([person(1), person(3), person(4)], [raw(5)])
    assert events_of(loads.issue) == ["submit", "remeasured"]  # nothing changed, nothing to remark


def test_an_increment_of_other_rows_proves_nothing(make_loads: Callable[..., Loads]) -> None:
    loads = make_loads(load="increment")
    loads.load([person(1)], [raw(3), raw(4)], mode=INCREMENT)
    loads.load([person(8), person(9)], mode=INCREMENT)
    assert case_of(loads.issue).closed_at is None


def test_an_increment_that_brings_the_very_rows_again_closes_the_case(make_loads: Callable[..., Loads]) -> None:
    loads = make_loads(load="increment")
    loads.load([person(1)], [raw(3), raw(4)], mode=INCREMENT)
    loads.load([person(3)], mode=INCREMENT)
    assert case_of(loads.issue).closed_at is None
    loads.load([person(4), person(7)], mode=INCREMENT)
    assert case_of(loads.issue).state == "approved"


def test_a_row_that_stood_in_the_lake_before_it_failed_must_come_again(make_loads: Callable[..., Loads]) -> None:
    loads = make_loads(load="increment")
    loads.load([person(3)], mode=INCREMENT)
    loads.load([person(1)], [raw(3)], mode=INCREMENT)
    loads.load([person(2)], mode=INCREMENT)
    assert case_of(loads.issue).closed_at is None
    loads.load([person(3, address="新址1号")], mode=INCREMENT)
    assert case_of(loads.issue).state == "approved"


def test_a_key_in_another_spelling_is_the_same_row(make_loads: Callable[..., Loads]) -> None:
    loads = make_loads(load="increment")
    number = "34160219800101001X"
    loads.load([person(1)], [raw(3, id_number=" 34160219800101001x ")], mode=INCREMENT)
    loads.load([person(3, id_number=number)], mode=INCREMENT)
    assert case_of(loads.issue).state == "approved"


def test_after_the_unit_reported_them_mended_a_clean_increment_is_proof(
    make_loads: Callable[..., Loads], demo: Any
) -> None:
    loads = make_loads(load="increment")
    rule = "id_number.cn_id"  # the key itself was wrong: the mended row has another key
    loads.load([person(1)], [raw(3, id_number="341602198001019999")], rule=rule, mode=INCREMENT)
    loads.load([person(3)], rule=rule, mode=INCREMENT)
    assert case_of(loads.issue).closed_at is None
    cases.act(loads.issue.case_number, "report_mended", demo.data_officer)
    loads.load([person(4)], rule=rule, mode=INCREMENT)
    assert case_of(loads.issue).state == "approved"


def test_a_report_that_the_next_load_contradicts_goes_back_and_the_clock_goes_on(loads: Loads, demo: Any) -> None:
    loads.load([person(1)], [raw(3), raw(4)])
    reported = cases.act(loads.issue.case_number, "report_mended", demo.data_officer, opinion="已逐户核实")
    assert (reported.state, reported.light) == ("special_open", "stopped")
    loads.load([person(1), person(3)], [raw(4)])
    case = case_of(loads.issue)
    assert (case.state, case.light) == ("accepted", "green")
    assert Message.objects.filter(template="data.issue_not_mended", recipient=demo.data_officer).count() == 1


def test_a_load_that_began_before_the_report_does_not_contradict_it(loads: Loads, demo: Any) -> None:
    loads.load([person(1)], [raw(3), raw(4)])
    before = clock.now()
    cases.act(loads.issue.case_number, "report_mended", demo.data_officer)
    loads.load([person(1), person(3)], [raw(4)], queued_at=before)
    assert case_of(loads.issue).state == "special_open"
    assert loads.issue.failed == 1


def test_a_rule_that_the_class_no_longer_has_drops_its_issue(loads: Loads) -> None:
    loads.load([person(1)], [raw(3)])
    fewer = [column for column in loads.data_class.definition["columns"] if column["name"] != "birth_date"]
    loads.data_class.definition = {**loads.data_class.definition, "columns": fewer}
    loads.data_class.save()
    loads.load([person(1)], rule="id_number.cn_id")
    dropped = loads.issue
    assert case_of(dropped).state == "withdrawn"
    assert dropped.closed_at is not None
    loads.data_class.definition = loads.definition.model_dump(mode="json", by_alias=True)
    loads.data_class.save()
    loads.load([person(1)], [raw(3)])
    assert loads.issue != dropped  # the rule is back as it was: not overruled, only gone for a while


# People -----------------------------------------------------------------------------------------------


def test_the_unit_plans_reports_and_disputes_but_cannot_close(loads: Loads, demo: Any) -> None:
    loads.load([person(1)], [raw(3)])
    case = case_of(loads.issue)
    assert [action.id for action in case_queries.available_actions(case, demo.data_officer)] == [
        "plan", "report_mended", "dispute",
    ]  # fmt: skip
    planned = cases.act(case.number, "plan", demo.data_officer, data={"days": "5"}, opinion="月底前改完")
    assert planned.state == "accepted"
    with pytest.raises(NotAllowed):
        cases.act(case.number, "settle", demo.data_officer, data={"reason": "没有问题"})
    with pytest.raises(NotAllowed):
        cases.act(case.number, "prove", demo.data_officer)


def test_staff_of_another_department_see_and_do_nothing(loads: Loads, demo: Any) -> None:
    loads.load([person(1)], [raw(3)])
    assert case_queries.available_actions(case_of(loads.issue), demo.clerk) == []


def test_a_dispute_stops_the_clock_and_is_told_to_the_data_centre(loads: Loads, demo: Any) -> None:
    loads.load([person(1)], [raw(3)])
    case = cases.act(loads.issue.case_number, "dispute", demo.data_officer, data={"reason": "以出生证为准"})
    assert (case.state, case.light) == ("withdrawal_pending", "stopped")
    assert Message.objects.get(template="data.dispute_raised").recipient == demo.data_engineer
    with pytest.raises(NotAllowed):
        cases.act(case.number, "overrule", demo.data_officer, data={"reason": "同意"})
    upheld = cases.act(case.number, "uphold", demo.data_engineer, data={"reason": "国家标准规定"})
    assert (upheld.state, upheld.light) == ("accepted", "green")


def test_a_rule_found_wrong_closes_the_issue_and_stays_quiet_until_it_is_changed(loads: Loads, demo: Any) -> None:
    loads.load([person(1)], [raw(3)])
    number = loads.issue.case_number
    cases.act(number, "dispute", demo.data_officer, data={"reason": "规则有误"})
    cases.act(number, "overrule", demo.data_engineer, data={"reason": "应允许农历生日"})
    assert loads.issue.closed_at is not None
    assert loads.issue.closed_run is None
    loads.load([person(1)], [raw(3)])
    assert Issue.objects.count() == 1
    rule = loads.rules["birth_date.equals_part_of_id"]
    loads.rules[rule.id] = Rule(**{**vars(rule), "parameters": {**rule.parameters, "tolerance": 1}})
    loads.load([person(1)], [raw(3)])
    assert Issue.objects.filter(closed_at=None).count() == 1


def test_a_case_closed_by_hand_while_rows_fail_is_followed_by_a_new_one(loads: Loads, demo: Any) -> None:
    loads.load([person(1)], [raw(3)])
    first = loads.issue.case_number
    cases.act(first, "settle", demo.data_engineer, data={"reason": "历史数据，无法核实"})
    assert Issue.objects.get(case_number=first).closed_at is not None
    loads.load([person(1)], [raw(3)])
    second = case_of(loads.issue)
    assert second.number != first
    assert second.data["previous"] == first
    assert second.state == "received"


def test_rows_that_fail_again_after_the_proof_are_a_new_issue(loads: Loads) -> None:
    loads.load([person(1)], [raw(3)])
    first = loads.issue.case_number
    loads.load([person(1), person(3)])
    loads.load([person(1)], [raw(3)])
    assert case_of(loads.issue).data["previous"] == first
    assert Issue.objects.filter(closed_at=None).count() == 1


# Objections -------------------------------------------------------------------------------------------


def test_objections_of_citizens_are_counted_by_unit(loads: Loads, demo: Any) -> None:
    held = {"value": "13856701945", "source": "人口库", "source_organisation": "bz.public_security", "as_of": ""}
    person_ = demo.farmer.person
    case = raise_objection(person_, "person.phone", held, "13956701945", "", demo.farmer)
    raise_objection(person_, "person.name", {**held, "value": "王秀英"}, "王秀瑛", "", demo.farmer)
    cases.act(case.number, "confirm", demo.data_officer, opinion="属实")
    loads.load([person(1)], [raw(3)])
    (counts,) = objection_counts().values()
    assert (counts.open, counts.corrected, counts.rejected, counts.total) == (1, 1, 0, 2)
