"""One submission, several departments: parts in parallel that see each other, and a whole that follows from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.systems.hall.joint.conftest import fill
from yici.base.errors import NotFound
from yici.core.cases import services as cases
from yici.core.cases.models import Case
from yici.core.cases.queries import case_for_staff, statistics
from yici.systems.hall import services
from yici.systems.hall.errors import NoAuthority
from yici.systems.hall.joint import applying, queries, submitting
from yici.systems.hall.joint.errors import Contradictory, JointItemStopped
from yici.systems.hall.models import Application, ItemHolding, JointApplication, MaterialInstance, ServiceItem

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("story_day")]

FOUR = ["gaoling-jintie", "gongjiao-laonianka", "canjirenzheng", "pinkunhu-hezuoyiliao"]
RESTAURANT = ["shipin-jingying-xuke", "geti-gongshanghu"]
QIAOCHENG = "341602000000"


def send(account: Any, codes: list[str], **settings: Any) -> JointApplication:
    draft = applying.start(account, codes, assurance=3, **settings)
    fill(account, draft.token)
    sent = services.submit(draft.token, account)
    assert isinstance(sent, JointApplication)
    return sent


@pytest.fixture
def four(demo: Any) -> JointApplication:
    """A woman of 81 asks for four things at once."""
    return send(demo.farmer, FOUR)


@pytest.fixture
def restaurant(demo: Any) -> JointApplication:
    """Somebody without a licence opens a restaurant: the permit waits for the licence."""
    return send(demo.trader, RESTAURANT, place=QIAOCHENG)


def part(joint: JointApplication, code: str) -> Any:
    return joint.parts.select_related("case", "organisation").get(code=code)


def staff_of(case: Case) -> list[Any]:
    """Two people of the body who may do everything, so that one reviews and the other decides."""
    from yici.core.people.models import Account, RoleGrant

    people = []
    for name in ("一审", "二审"):
        account, _made = Account.objects.get_or_create(
            username=f"{case.organisation.slug}-{name}",
            defaults={"kind": "staff", "name": name, "organisation": case.organisation},
        )
        for role in ("clerk", "reviewer", "approver"):
            RoleGrant.objects.get_or_create(
                account=account, role=role, organisation=case.organisation, defaults={"valid_from": "2017-01-01"}
            )
        people.append(account)
    return people


def close(case: Case, outcome: str = "approved") -> None:
    """Bring a part to its end the way its workflow allows, by people who may."""
    from yici.core.cases.queries import available_actions

    action = {"approved": "approve", "denied": "deny"}[outcome]
    for _step in range(12):
        case.refresh_from_db()
        if case.closed_at:
            return
        possible = [(account, {one.id: one for one in available_actions(case, account)}) for account in staff_of(case)]
        step, account = next(
            (
                (own[one], account)
                for one in (action, "review", "accept", *FORWARD)
                for account, own in possible
                if one in own
            ),
            (None, None),
        )
        assert step is not None, f"nobody can move {case.title} at {case.state}/{case.stage}"
        data = {"days": "3", "reason": "按规定"} | ({"kind": step.kinds[0].id} if step.kinds else {})
        cases.act(case.number, step.id, account, opinion="按规定办理", data=data)
    raise AssertionError(f"{case.title} did not close")


FORWARD = ("start_visit", "end_visit")


def test_one_submission_opens_a_whole_and_four_parts_at_once(demo: Any, four: JointApplication) -> None:
    parts = list(four.parts.select_related("case"))
    assert {one.code for one in parts} == set(FOUR)
    assert all(one.case is not None and one.case.parent_id == four.case_id for one in parts)
    assert len({one.organisation_id for one in parts}) == 4
    for one in parts:
        assert one.case is not None
        application = Application.objects.get(case=one.case)
        assert set(application.answers) <= set(applying.merged_of((one.version_id,)).form.by_key)
        assert application.answers, "its share of the answers"
    assert [case.number for case in services_matters(demo.farmer)][:1] == [four.case.number]


def services_matters(account: Any) -> list[Case]:
    from yici.systems.hall.queries import matters_of

    return list(matters_of(account))


def test_what_several_need_is_proven_once_and_seen_by_all(four: JointApplication) -> None:
    shared = queries.joint_view(four).shared
    identity = next(one for one in shared if "身份证" in one.name)
    assert identity.used_by.count("、") >= 1


def test_the_whole_is_told_of_once_and_counted_by_its_parts(demo: Any, sms: Any, run_jobs: Any) -> None:
    before = sum(row.opened for row in statistics())
    joint = send(demo.farmer, FOUR)
    run_jobs()
    assert sum(row.opened for row in statistics()) == before + len(FOUR), "the whole itself is not counted"
    told = [one for one in sms.messages("13956731945") if joint.case.number in one["content"]]
    assert len(told) == 1
    numbers = list(joint.parts.values_list("case__number", flat=True))
    assert not any(number in one["content"] for one in sms.messages("13956731945") for number in numbers)


def test_submitting_twice_gives_the_same_case(demo: Any) -> None:
    draft = applying.start(demo.farmer, FOUR, assurance=3)
    fill(demo.farmer, draft.token)
    first, second = services.submit(draft.token, demo.farmer), services.submit(draft.token, demo.farmer)
    assert first.case.number == second.case.number and JointApplication.objects.count() == 1


def test_a_part_waits_for_the_result_it_needs_and_begins_with_it(restaurant: JointApplication, run_jobs: Any) -> None:
    permit = part(restaurant, "shipin-jingying-xuke")
    assert permit.case is None and permit.needs == ["geti-gongshanghu"]
    licence = part(restaurant, "geti-gongshanghu")
    close(licence.case)
    run_jobs()
    permit.refresh_from_db()
    assert permit.case is not None and permit.case.state == "received"
    paper = MaterialInstance.objects.get(application__case=permit.case, requirement="business_licence")
    assert (paper.source, paper.proof["case"]) == ("certificate", licence.case.number)
    assert paper.proof["identifier"], "the licence itself, as issued"
    close(permit.case)
    run_jobs()
    restaurant.case.refresh_from_db()
    assert restaurant.case.state == "approved" and restaurant.case.closed_on_time


def test_a_rejected_part_ends_what_waits_for_it_and_the_reason_is_told(
    restaurant: JointApplication, run_jobs: Any
) -> None:
    close(part(restaurant, "geti-gongshanghu").case, "denied")
    run_jobs()
    permit = part(restaurant, "shipin-jingying-xuke")
    assert permit.case is None and "个体工商户登记" in permit.dropped_why
    restaurant.case.refresh_from_db()
    assert restaurant.case.state == "denied"


def test_one_rejects_and_three_accept_is_partly_done(four: JointApplication, run_jobs: Any) -> None:
    for number, one in enumerate(four.parts.select_related("case")):
        close(one.case, "denied" if number == 0 else "approved")
    run_jobs()
    four.case.refresh_from_db()
    assert four.case.state == "approved_tolerant" and queries.joint_view(four).done == 3


def test_all_or_nothing_is_not_done_when_one_rejects(four: JointApplication, run_jobs: Any) -> None:
    JointApplication.objects.update(counts="all")
    for number, one in enumerate(four.parts.select_related("case")):
        close(one.case, "denied" if number == 0 else "approved")
    run_jobs()
    four.case.refresh_from_db()
    assert four.case.state == "denied"


def test_one_that_never_answers_turns_the_light_of_the_whole(demo: Any, four: JointApplication) -> None:
    import datetime as dt

    from yici.base import clock

    for one in list(four.parts.select_related("case"))[1:]:
        close(one.case)
    silent = next(iter(four.parts.select_related("case"))).case
    cases.urge(silent.number, demo.farmer, "请快些")
    assert silent.instructions.count() == 1
    four.case.refresh_from_db()
    assert four.case.light == "green" and four.case.due_at == silent.due_at
    with clock.at(silent.due_at + dt.timedelta(days=1)):
        cases.recompute_lights()
    four.case.refresh_from_db()
    assert four.case.light == "red" and four.case.closed_at is None
    scope_sees = case_for_staff(demo.supervisor, four.case.number)
    assert scope_sees.light == "red"


def test_half_withdrawn_leaves_the_other_half(demo: Any, four: JointApplication, run_jobs: Any) -> None:
    parts = list(four.parts.select_related("case"))
    for one in parts[:2]:
        cases.withdraw(one.case.number, demo.farmer)
    for one in parts[2:]:
        close(one.case)
    run_jobs()
    four.case.refresh_from_db()
    assert four.case.state == "approved_tolerant" and queries.joint_view(four).done == 2


def test_all_withdrawn_is_withdrawn_with_what_was_still_waiting(
    demo: Any, restaurant: JointApplication, run_jobs: Any
) -> None:
    submitting.withdraw(restaurant.case.number, demo.trader, reason="不开了")
    run_jobs()
    restaurant.case.refresh_from_db()
    assert restaurant.case.state == "withdrawn"
    assert part(restaurant, "shipin-jingying-xuke").dropped_why


def test_an_item_stopped_or_changed_meanwhile_goes_on_as_it_was_applied_for(
    restaurant: JointApplication, run_jobs: Any
) -> None:
    pinned = part(restaurant, "shipin-jingying-xuke").version_id
    ServiceItem.objects.filter(code="shipin-jingying-xuke").update(state="suspended", current=None)
    close(part(restaurant, "geti-gongshanghu").case)
    run_jobs()
    permit = part(restaurant, "shipin-jingying-xuke")
    assert permit.case is not None and Application.objects.get(case=permit.case).version_id == pinned


def test_an_item_stopped_before_submission_is_named(demo: Any) -> None:
    draft = applying.start(demo.farmer, FOUR, assurance=3)
    fill(demo.farmer, draft.token)
    ServiceItem.objects.filter(code="canjirenzheng").update(state="suspended")
    with pytest.raises(JointItemStopped) as caught:
        services.submit(draft.token, demo.farmer)
    assert "残疾人证" in str(caught.value.message)
    assert not Case.objects.filter(type__slug="joint").exists(), "nothing half-done is left"


def test_no_authority_in_the_county_is_said_before_anything_is_asked(demo: Any) -> None:
    ItemHolding.objects.filter(item__code="shipin-jingying-xuke").update(is_active=False)
    with pytest.raises(NoAuthority) as caught:
        applying.start(demo.trader, RESTAURANT, assurance=3, place=QIAOCHENG)
    assert "食品经营许可" in str(caught.value.message)


def test_a_department_sees_the_others_progress_but_not_their_papers(
    demo: Any, four: JointApplication, client: Client, sign_in: Callable[..., Client]
) -> None:
    allowance = part(four, "gaoling-jintie").case
    other = part(four, "gongjiao-laonianka")
    page = sign_in(client, demo.clerk).get(f"/desk/cases/{allowance.number}/").content.decode()
    assert "一件事：各部门进度" in page and other.organisation.short_name in page
    assert f"/desk/cases/{other.case.number}/" not in page
    with pytest.raises(NotFound):
        case_for_staff(demo.clerk, other.case.number)


def test_the_applicant_sees_one_page_of_all_departments(
    demo: Any, four: JointApplication, client: Client, sign_in: Callable[..., Client]
) -> None:
    close(part(four, "gaoling-jintie").case)
    client = sign_in(client, demo.farmer)
    answer = client.get(f"/my/cases/{four.case.number}/", follow=True)
    page = answer.content.decode()
    assert answer.status_code == 200 and "各部门办到哪里了" in page
    for one in four.parts.all():
        assert one.name in page
    assert "准予" in page, "what a department decided stands on the one timeline"
    assert client.get(f"/my/joint/{four.case.number}/withdraw/").status_code == 200


def test_nobody_else_sees_it(demo: Any, four: JointApplication, client: Client, sign_in: Callable[..., Client]) -> None:
    assert sign_in(client, demo.trader).get(f"/my/joint/{four.case.number}/").status_code == 404
    assert client.get("/my/joint/1/").status_code == 404


def test_an_item_that_is_stopped_can_be_left_out(demo: Any, client: Client, sign_in: Callable[..., Client]) -> None:
    ServiceItem.objects.filter(code="canjirenzheng").update(state="suspended")
    client = sign_in(client, demo.farmer, 3)
    answer = client.post("/together/", {"items": ",".join(FOUR)})
    assert answer.status_code == 409 and "残疾人证" in answer.content.decode()
    answer = client.post("/together/", {"items": ",".join(FOUR), "without": "canjirenzheng"})
    assert answer.status_code == 302 and answer["Location"].startswith("/apply/")


def test_projections_of_the_whole_say_what_its_parts_say(four: JointApplication, run_jobs: Any) -> None:
    close(part(four, "gaoling-jintie").case)
    run_jobs()
    assert [one for one in cases.verify_projections() if one.case == four.case.number] == []


def test_what_several_people_sign_is_applied_for_on_its_own(demo: Any) -> None:
    with pytest.raises(Contradictory) as caught:
        applying.start(demo.trader, ["youxian-gongsi-sheli", "shipin-jingying-xuke"], assurance=3, place=QIAOCHENG)
    assert "签名" in str(caught.value.message)
