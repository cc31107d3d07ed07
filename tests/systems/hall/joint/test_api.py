"""Several items as one, for programs: read what it comes to, begin, fill, promise, submit, follow, take back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.core.files.samples import png
from tests.systems.hall.joint.conftest import value_for
from tests.systems.hall.joint.test_cases import QIAOCHENG, RESTAURANT, close
from tests.systems.hall.test_story_api import Program, citizen  # noqa: F401 - a fixture
from yici.core.cases.models import Case
from yici.core.forms import rules
from yici.systems.hall import services
from yici.systems.hall.models import JointApplication, ServiceItem

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("story_day")]

HOME = "budongchan-dengji"


def fill(program: Program, account: Any, draft: dict[str, Any]) -> dict[str, Any]:
    """Answer what the form requires, promise what may be promised; the draft as it then is."""
    form = services.opened(account, draft["token"]).definition.form
    situation: dict[str, Any] = {}
    while first := next((one for one in rules.open_questions(form, situation) if one.id not in situation), None):
        situation[first.id] = [first.options[0].value] if first.kind == "multi" else first.options[0].value
    for _round in range(3):  # an answer may open another question
        answers = {
            field.key: value_for(field)
            for page in rules.visible_pages(form, draft["answers"], situation)
            for field in page.fields
            if field.required and not field.readonly and field.key not in draft["answers"]
        }
        change = {"revision": draft["revision"], "answers": answers, "situation": situation}
        draft = program.call("PATCH", f"/drafts/{draft['token']}", change)
        assert draft["errors"] == {}
    definition = services.opened(account, draft["token"]).definition
    for line in [one for one in draft["materials"] if one["source"] == "missing"]:
        path = f"/drafts/{draft['token']}/materials/{line['id']}"
        if any(proof.promise for proof in definition.material(line["id"]).proven_by):
            draft = program.call("PATCH", path, {"promise": True})
        else:
            upload = SimpleUploadedFile("材料.png", png(), "image/png")
            draft = program.client.post(f"/api/v1{path}", {"file": upload}).json()
    assert not [one for one in draft["materials"] if one["source"] == "missing"]
    return draft


def test_a_program_reads_what_several_items_come_to_before_it_begins() -> None:
    assert HOME in {one["code"] for one in Program().get("/themes")}
    found = Program().get(f"/together?items={RESTAURANT[0]}&items={RESTAURANT[1]}")
    assert found["order"] == [["geti-gongshanghu"], ["shipin-jingying-xuke"]]
    licence = next(one for one in found["materials"] if "营业执照" in one["name"])
    assert licence["supplied"] and licence["items"] == ["shipin-jingying-xuke"]
    assert {one["label"]: one["after"] for one in found["figures"]}["提交材料"] == 1
    assert found["form_schema"]["type"] == "object" and found["contradictions"] == []
    Program().get("/together?items=no-such-item", status=404)
    Program().get("/together", status=422)


def test_a_home_is_bought_by_one_draft_and_followed_by_its_parts(citizen: Any, demo: Any) -> None:  # noqa: F811
    trader = citizen("trader")
    draft = trader.post("/drafts", {"theme": HOME, "place": QIAOCHENG}, status=201)
    assert len(draft["items"]) == 4 and draft["place"] == QIAOCHENG and draft["form_schema"]["type"] == "object"
    assert "house.address" not in draft["prefill"], "the home that is bought is not one the buyer has"
    trader.post(f"/drafts/{draft['token']}/submit", status=422)
    fill(trader, demo.trader, draft)
    assert [one["token"] for one in trader.get("/drafts")] == [draft["token"]]
    sent = trader.post(f"/drafts/{draft['token']}/submit", status=201)
    assert trader.post(f"/drafts/{draft['token']}/submit", status=201)["number"] == sent["number"]
    assert len(sent["parts"]) == 4 and sum(part["number"] is None for part in sent["parts"]) == 1
    waiting = next(part for part in sent["parts"] if part["state"] == "waiting")
    assert waiting["item"] == "budongchan-zhuanyi" and len(waiting["waits_for"]) == 3
    listed = trader.get("/applications")
    assert [one["number"] for one in listed] == [sent["number"]], "the whole once, its parts under it"
    first = next(part for part in sent["parts"] if part["number"])
    one = trader.get(f"/applications/{first['number']}")
    assert one["parent"] == sent["number"] and one["parts"] == []
    citizen("farmer").get(f"/applications/{sent['number']}", status=404)


def test_a_program_takes_the_whole_back(citizen: Any, demo: Any, run_jobs: Callable[[], list[str]]) -> None:  # noqa: F811
    trader = citizen("trader")
    draft = trader.post("/drafts", {"theme": HOME, "place": QIAOCHENG}, status=201)
    fill(trader, demo.trader, draft)
    number = trader.post(f"/drafts/{draft['token']}/submit", status=201)["number"]
    joint = JointApplication.objects.get(case__number=number)
    trader.post(f"/applications/{number}/withdraw", {"text": "不买了"})
    run_jobs()
    found = trader.get(f"/applications/{number}")
    assert found["state"] == "withdrawn" and all(one["state"] in ("withdrawn", "dropped") for one in found["parts"])
    assert Case.objects.get(pk=joint.case_id).closed_at


def test_one_part_refused_stands_among_the_others(citizen: Any, demo: Any, run_jobs: Any) -> None:  # noqa: F811
    farmer = citizen("farmer")
    draft = farmer.post("/drafts", {"items": ["gaoling-jintie", "gongjiao-laonianka"]}, status=201)
    fill(farmer, demo.farmer, draft)
    sent = farmer.post(f"/drafts/{draft['token']}/submit", status=201)
    close(Case.objects.get(number=sent["parts"][0]["number"]), "denied")
    run_jobs()
    outcomes = [one["outcome"] for one in farmer.get(f"/applications/{sent['number']}")["parts"]]
    assert outcomes[0] and not outcomes[1]


def test_what_cannot_begin_is_refused_with_the_items_named(citizen: Any) -> None:  # noqa: F811
    trader = citizen("trader")
    for body in ({}, {"item": "dibao", "items": ["dibao"]}, {"items": ["dibao"], "place": "abc"}):
        trader.post("/drafts", body, status=422)
    trader.post("/drafts", {"theme": "no-such-theme"}, status=404)
    trader.post("/drafts", {"items": ["no-such-item"]}, status=404)
    ServiceItem.objects.filter(code="qishui").update(state="suspended")
    problem = trader.post("/drafts", {"theme": HOME, "place": QIAOCHENG}, status=409)
    assert "契税" in str(problem)


def test_a_promise_is_only_taken_where_it_is_allowed(citizen: Any, demo: Any) -> None:  # noqa: F811
    trader = citizen("trader")
    draft = trader.post("/drafts", {"theme": HOME, "place": QIAOCHENG}, status=201)
    plain = next(line for line in draft["materials"] if "居民身份证" in line["name"])
    path = f"/drafts/{draft['token']}/materials"
    trader.call("PATCH", f"{path}/{plain['id']}", {"promise": True}, status=422)
    trader.call("PATCH", f"{path}/{plain['id']}", {"later": True}, status=422)
    trader.call("PATCH", f"{path}/nothing", {"promise": True}, status=404)
