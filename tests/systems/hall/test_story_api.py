"""The same story for programs: JSON only, bearer tokens only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.systems.hall.conftest import code_in, totp
from yici.base import clock
from yici.core.cases.models import Case

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("story_day")]

NEW_ADDRESS = "安徽省亳州市涡阳县高炉镇陆杨村3组27号"


class Program:
    """A caller of the API with nothing but its token."""

    def __init__(self, token: str = "") -> None:
        self.client = Client(enforce_csrf_checks=True, headers={"authorization": f"Bearer {token}"} if token else None)

    def call(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        data = {} if body is None else {"data": body, "content_type": "application/json"}
        answer = self.client.generic(method, f"/api/v1{path}", **_encoded(data))
        self.answer = answer
        assert answer.status_code == status, (method, path, answer.status_code, answer.content.decode()[:800])
        return answer.json() if answer.content and "json" in answer.headers["Content-Type"] else None

    def get(self, path: str, *, status: int = 200) -> Any:
        return self.call("GET", path, status=status)

    def post(self, path: str, body: Any = None, *, status: int = 200) -> Any:
        return self.call("POST", path, {} if body is None else body, status=status)


def _encoded(given: dict[str, Any]) -> dict[str, Any]:
    import json

    return {**given, "data": json.dumps(given["data"], ensure_ascii=False)} if given else {}


@pytest.fixture
def citizen(demo: Any, sms: Any, run_jobs: Callable[[], list[str]]) -> Callable[[str], Program]:
    def _sign_in(key: str) -> Program:
        entry = next(one for one in demo.file["citizens"] if one["key"] == key)
        wanted = {name: entry[name] for name in ("name", "id_number", "phone")}
        sent = Program().post("/session/code", wanted)
        run_jobs()
        got = Program().post("/session", {"token": sent["token"], "code": code_in(sms, entry["phone"])})
        return Program(got["token"])

    return _sign_in


@pytest.fixture
def staff(demo: Any) -> Callable[[str], Program]:
    def _sign_in(key: str) -> Program:
        code = totp(demo.totp_secret, clock.now().timestamp())
        given = {"username": demo.staff(key).username, "password": demo.password, "totp": code}
        return Program(Program().post("/session/staff", given)["token"])

    return _sign_in


def filled(program: Program, *, item: str = "gaoling-jintie", subject: int | None = None) -> dict[str, Any]:
    """A draft with everything said, one recorded value corrected."""
    draft = program.post("/drafts", {"item": item, "subject": subject}, status=201)
    fact = draft["prefill"]["person.residential_address"]
    assert fact["source"] and fact["as_of"] == "2015-08-19"
    answers = {
        "person.residential_address": NEW_ADDRESS,
        "person.living_arrangement": "1",
        "person.phone": "13956731945",
        "account_kind": "social",
        "filed_by": "self" if subject is None else "child",
    }
    change = {
        "revision": draft["revision"],
        "answers": answers,
        "situation": {"lives_elsewhere": "no", "collected_by_other": "no"},
    }
    changed = program.call("PATCH", f"/drafts/{draft['token']}", change)
    assert changed["errors"] == {} and changed["revision"] > draft["revision"]
    assert {line["source"] for line in changed["materials"]} <= {"data", "certificate"}
    return changed


def act(program: Program, number: str, action: str, **data: Any) -> Any:
    return program.post(f"/cases/{number}/actions/{action}", data)


def test_programs_walk_the_story_from_item_to_evaluation(
    citizen: Any, staff: Any, run_jobs: Callable[[], list[str]]
) -> None:
    found = Program().get("/items?q=gljt")["items"]
    assert found[0]["code"] == "gaoling-jintie"
    assert Program().get("/items/gaoling-jintie")["form_schema"]["type"] == "object"

    farmer = citizen("farmer")
    draft = filled(farmer)
    application = farmer.post(f"/drafts/{draft['token']}/submit", status=201)
    number = application["number"]
    assert (
        application["state"] == "received" and application["due_at"] and application["organisation"] == "涡阳县民政局"
    )
    assert farmer.post(f"/drafts/{draft['token']}/submit", status=201)["number"] == number
    assert Case.objects.filter(type__slug="data-objection", data__raised_in=number).exists()

    clerk, reviewer, approver = staff("clerk"), staff("reviewer"), staff("approver")
    row = next(row for row in clerk.get("/cases?tab=department&size=100")["rows"] if row["number"] == number)
    assert row["light"] in ("green", "yellow") and row["days_left"] == "剩余 1 个工作日"
    demands = [{"field": "person.phone", "label": "手机号码", "request": "请写本人的号码"}]
    stopped = act(clerk, number, "request_correction", demands=demands, opinion="号码不是本人的")
    assert (stopped["light"], stopped["due_at"]) == ("stopped", None)
    farmer.post(f"/applications/{number}/correction", {"answers": {"person.phone": "1"}}, status=422)
    farmer.post(f"/applications/{number}/correction", {"answers": {"person.phone": "13856701945"}})
    read = act(clerk, number, "accept")
    assert read["accepted_at"] and "accept" not in {one["id"] for one in read["actions"]}
    act(reviewer, number, "review", opinion="属实")
    assert act(approver, number, "approve", expected_events=read["events"] + 1)["outcome"]

    assert "hall.issue_result" in run_jobs()
    held = next(one for one in farmer.get("/my/certificates")["items"] if one["case_number"] == number)
    pdf = farmer.client.get(f"/api/v1/my/certificates/{held['identifier']}/file").content
    assert verdict(pdf)["outcome"] == "genuine"
    flipped = bytearray(pdf)
    flipped[-200] ^= 1
    assert verdict(bytes(flipped))["genuine"] is False
    assert Program().get(f"/verify/{held['check_code']}")["genuine"] is True

    actions = [event["action"] for event in farmer.get(f"/cases/{number}/timeline")]
    wanted = ["submit", "request_correction", "answer_correction", "accept", "review", "approve"]
    assert [action for action in actions if action in wanted] == wanted
    farmer.post(f"/applications/{number}/evaluation", {"level": 5, "text": "好"}, status=201)
    farmer.post(f"/applications/{number}/evaluation", {"level": 1}, status=409)
    assert farmer.get(f"/applications/{number}")["answers"]["person.phone"] == "13856701945"


def verdict(pdf: bytes) -> Any:
    from django.core.files.uploadedfile import SimpleUploadedFile

    upload = SimpleUploadedFile("证.pdf", pdf, "application/pdf")
    return Client().post("/api/v1/verify", {"file": upload}).json()


def test_a_daughter_applies_by_api_once_the_register_proves_the_household(citizen: Any, demo: Any) -> None:
    daughter, mother = citizen("daughter"), demo.farmer.person
    daughter.post("/drafts", {"item": "gaoling-jintie", "subject": mother.pk}, status=404)
    asked = {"direction": "ask", "name": mother.name, "id_number": mother.id_number, "basis": "household"}
    assert daughter.post("/me/delegations", asked, status=201)["state"] == "active"
    draft = filled(daughter, subject=mother.pk)
    number = daughter.post(f"/drafts/{draft['token']}/submit", status=201)["number"]
    case = Case.objects.get(number=number)
    assert case.subject == mother and not case.is_self_filed
    assert citizen("farmer").get(f"/applications/{number}")["number"] == number


def test_every_door_is_shut_without_a_token_or_with_the_wrong_kind(citizen: Any, staff: Any) -> None:
    for path in ("/drafts", "/applications", "/my/certificates", "/me", "/cases", "/messages", "/metrics"):
        assert Program().get(path, status=401)["type"].startswith("urn:yici:problem:")
        Program("x" * 40).get(path, status=401)
    citizen("farmer").get("/cases", status=403)
    staff("clerk").get("/drafts", status=403)


def test_a_token_given_back_opens_nothing_any_more(citizen: Any) -> None:
    farmer = citizen("farmer")
    farmer.get("/me")
    farmer.call("DELETE", "/session", status=204)
    farmer.get("/me", status=401)
