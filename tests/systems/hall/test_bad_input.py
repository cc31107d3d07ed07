"""What people and programs must not send: each gets a clear Chinese message and the right 4xx, and nothing is lost."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.systems.hall.conftest import MONDAY, filled_draft, submitted
from tests.visitor import Visitor
from yici.base import clock
from yici.core.cases.models import Case, CaseEvent, Correction
from yici.core.files.models import StoredFile
from yici.core.forms.models import Draft
from yici.core.people.models import Account, Delegation, Person, RoleGrant, SignInCode
from yici.systems.hall import services
from yici.systems.hall.models import Application, MaterialInstance, ServiceItem

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("story_day")]

ITEM = "gaoling-jintie"
CHINESE = re.compile(r"[\u4e00-\u9fff]")
SCRIPT = '<script>alert("1")</script>'


@pytest.fixture
def farmer(demo: Any, sign_in: Any) -> Client:
    return sign_in(Client(), demo.farmer)


@pytest.fixture
def trader(demo: Any, sign_in: Any) -> Client:
    return sign_in(Client(), demo.trader)


@pytest.fixture
def desk(demo: Any, sign_in: Any) -> Callable[[str], Client]:
    return lambda key: sign_in(Client(), demo.staff(key))


def patch(client: Client, path: str, body: Any, **headers: str) -> Any:
    raw = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.patch(path, raw, content_type="application/json", headers=headers or None)


def assert_problem(answer: Any, status: int, *words: str) -> None:
    """An RFC 9457 problem with a Chinese title that says these words (title or fields)."""
    assert answer.status_code == status, answer.content.decode()[:500]
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    said = body["title"] + json.dumps(body.get("fields", {}), ensure_ascii=False)
    assert CHINESE.search(body["title"]) and all(word in said for word in words), said


def assert_page(answer: Any, status: int, *words: str) -> None:
    """A page of the site with a Chinese message that says these words."""
    text = answer.content.decode()
    assert answer.status_code == status, text[-1500:]
    assert "<html" in text and all(word in text for word in words), [word for word in words if word not in text]


# Identity and dates


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("342124194503121222", "校验"),  # last digit
        ("342124194502301225", ""),  # 30 February
        ("34212419450312122", "18"),
        ("990000194503121225", ""),  # no such province
        (SCRIPT, ""),
        ("３４２１２４", ""),
    ],
)
def test_an_id_number_that_cannot_be_is_refused_before_anything_is_sent(
    client: Client, number: str, words: str
) -> None:
    given = {"name": "王秀英", "id_number": number, "phone": "13956731945"}
    answer = client.post("/login/", given)
    assert_page(answer, 422, words, "王秀英")  # what was typed is still there
    assert SCRIPT not in answer.content.decode()
    assert_problem(client.post("/api/v1/session/code", given, content_type="application/json"), 422, words)
    assert not SignInCode.objects.exists()


def test_an_impossible_date_is_refused_and_the_other_answers_are_kept(trader: Client, demo: Any) -> None:
    draft = services.start(demo.disabled, "canjirenzheng", assurance=1)
    from yici.core.people import services as people

    given = {"revision": draft.revision, "answers": {"visit_date": "2026-02-30", "person.phone": "13866791974"}}
    given["answers"]["disability.needs_home_visit"] = True
    token = people.issue_token(demo.disabled, 1)
    answer = patch(Client(), f"/api/v1/drafts/{draft.token}", given, authorization=f"Bearer {token}")
    assert answer.status_code == 200 and CHINESE.search(answer.json()["errors"]["visit_date"])
    draft.refresh_from_db()
    assert "visit_date" not in draft.answers and draft.answers["person.phone"] == "13866791974"
    answer = trader.post(
        "/my/delegations/give/", {"name": "李梅", "id_number": "342124197205161640", "valid_to": "2026-02-30"}
    )
    assert_page(answer, 422, "日期", "2026-02-30")
    assert not Delegation.objects.filter(principal=demo.trader.person).exists()
    assert_problem(Client().get("/api/v1/calendar/days/2026-02-30"), 422)


# Files


class EndlessUpload:
    """A multipart body of `size` bytes that never lies in memory as a whole."""

    def __init__(self, size: int, material: str) -> None:
        fields = f'--x\r\nContent-Disposition: form-data; name="material"\r\n\r\n{material}\r\n'
        fields += '--x\r\nContent-Disposition: form-data; name="upload"\r\n\r\n1\r\n'
        self.head = (
            f'{fields}--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%PDF-1.7\n'.encode()
        )
        self.tail = b"\r\n--x--\r\n"
        self.size = size
        self.length = len(self.head) + size + len(self.tail)
        self.sent = 0

    def read(self, size: int = -1) -> bytes:
        size = min(size if size >= 0 else 65536, self.length - self.sent)
        body_to = len(self.head) + self.size
        chunk = self.head[self.sent : self.sent + size]
        if len(chunk) < size and self.sent + len(chunk) < body_to:
            chunk += b"0" * min(size - len(chunk), body_to - self.sent - len(chunk))
        if len(chunk) < size:
            at = self.sent + len(chunk) - body_to
            chunk += self.tail[at : at + size - len(chunk)]
        self.sent += len(chunk)
        return chunk

    readline = read  # WSGI asks for one; multipart bodies are not read by lines


def test_a_file_of_100_mb_is_refused_without_lying_in_memory(farmer: Client, demo: Any) -> None:
    import tracemalloc

    draft = filled_draft(demo.farmer)
    body = EndlessUpload(100 * 1024 * 1024, "payee_account")
    tracemalloc.start()
    answer = farmer.generic(
        "POST",
        f"/apply/{draft.token}/materials/",
        **{"wsgi.input": body, "CONTENT_LENGTH": str(body.length), "CONTENT_TYPE": "multipart/form-data; boundary=x"},
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert_page(answer, 422, "文件太大", "20")
    assert body.sent > 99 * 1024 * 1024 and peak < 30 * 1024 * 1024
    assert not StoredFile.objects.exists()
    assert services.submit(draft.token, demo.farmer).case.number, "the draft is none the worse"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("证明.pdf", b"MZ\x90\x00\x03\x00\x00\x00" + b"\x00" * 200),
        ("证明.pdf", b"\x7fELF\x02\x01\x01" + b"\x00" * 200),
        ("证明.pdf", b"<html><script>alert(1)</script></html>"),
        ("照片.png", b"%PDF-1.7\n%%EOF"),
        ("setup.exe", b"MZ\x90\x00"),
        ("图.svg", b"<svg onload='alert(1)'/>"),
        ("空.pdf", b""),
        ("", b"%PDF-1.7"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(farmer: Client, demo: Any, name: str, content: bytes) -> None:
    draft = filled_draft(demo.farmer)
    sent = {"material": "payee_account", "upload": "1", "file": SimpleUploadedFile(name or "x", content)}
    answer = farmer.post(f"/apply/{draft.token}/materials/", sent)
    assert_page(answer, 422, "错误：") if name else None
    token = f"/api/v1/drafts/{draft.token}/materials/payee_account"
    answer = farmer.post(token, {"file": SimpleUploadedFile(name or "x", content)})
    assert_problem(answer, 422)
    assert not StoredFile.objects.exists()
    draft.refresh_from_db()
    assert draft.context["uploads"] == {}


def test_a_file_of_another_person_can_neither_be_read_nor_attached(farmer: Client, trader: Client, demo: Any) -> None:
    from yici.core.files import services as files

    theirs = files.store(b"%PDF-1.7\n%%EOF\n", "a.pdf", holder=demo.trader.person, account=demo.trader)
    for path in (f"/files/{theirs.pk}/", f"/api/v1/files/{theirs.pk}", f"/api/v1/files/{theirs.pk}/content"):
        assert farmer.get(path).status_code == 404
        assert trader.get(path).status_code == 200
    draft = filled_draft(demo.farmer)
    answer = farmer.post(f"/apply/{draft.token}/materials/", {"material": "payee_account", "remove": str(theirs.pk)})
    assert answer.status_code == 302
    farmer.post(
        f"/apply/{draft.token}/materials/", {"material": "payee_account", "file": str(theirs.pk), "upload": "1"}
    )
    # Even were the number smuggled into the draft, the case does not take it.
    Draft.objects.filter(pk=draft.pk).update(context={**draft.context, "uploads": {"living_statement": [theirs.pk]}})
    services.submit(draft.token, demo.farmer)
    theirs.refresh_from_db()
    assert theirs.removed_at is None and theirs.case_number == ""
    assert not MaterialInstance.objects.filter(file=theirs).exists()


# Words


def test_a_script_in_a_name_or_an_answer_is_shown_as_text_everywhere(demo: Any, farmer: Client, desk: Any) -> None:
    Person.objects.filter(pk=demo.farmer.person_id).update(name=SCRIPT)
    Account.objects.filter(pk=demo.farmer.pk).update(name=SCRIPT)
    account = Account.objects.select_related("person").get(pk=demo.farmer.pk)
    draft = filled_draft(account, **{"person.residential_address": f"陆杨村{SCRIPT}3组"})
    pages = [farmer.get(f"/apply/{draft.token}/check/"), farmer.get(f"/apply/{draft.token}/form/living/")]
    case = services.submit(draft.token, account).case
    pages += [
        farmer.get(path)
        for path in ("/my/", "/my/cases/", f"/my/cases/{case.number}/", f"/cases/{case.number}/receipt/")
    ]
    pages += [farmer.get(path) for path in ("/my/record/", "/my/messages/", "/my/delegations/")]
    clerk = desk("clerk")
    pages += [
        clerk.get(path)
        for path in ("/desk/", "/desk/cases/", f"/desk/cases/{case.number}/", f"/desk/cases/?q={SCRIPT}")
    ]
    objection = Case.objects.filter(type__slug="data-objection").latest("id")
    pages.append(desk("data_officer").get(f"/desk/cases/{objection.number}/"))
    for answer in pages:
        text = answer.content.decode()
        assert answer.status_code == 200, answer.request["PATH_INFO"]
        assert SCRIPT not in text and "<script>alert" not in text, answer.request["PATH_INFO"]
    assert "&lt;script&gt;" in pages[0].content.decode()
    assert_page(
        Client().post("/login/", {"name": SCRIPT, "id_number": "342124194503121221", "phone": "13956731945"}), 422
    )


@pytest.mark.parametrize(
    "words",
    [
        "\x00",
        "a\x00b",
        "长" * 100_000,
        SCRIPT,
        "%",
        "' OR 1=1 --",
        "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    ],
)
def test_strange_words_in_any_box_do_no_harm(farmer: Client, desk: Any, demo: Any, words: str) -> None:
    clerk = desk("clerk")
    for client, path in (
        (Client(), "/search/"),
        (clerk, "/desk/cases/"),
        (Client(), "/api/v1/items"),
        (Client(), "/api/v1/divisions/search"),
        (clerk, "/api/v1/cases"),
    ):
        answer = client.get(path, {"q": words})
        assert answer.status_code in (200, 422), path
        assert SCRIPT not in answer.content.decode()
    draft = filled_draft(demo.farmer)
    before = dict(draft.answers)
    posted = {"revision": draft.revision, "person.residential_address": words, "person.living_arrangement": "1"}
    answer = farmer.post(f"/apply/{draft.token}/form/living/", posted)
    assert answer.status_code in (302, 422)
    draft.refresh_from_db()
    kept = draft.answers["person.residential_address"]
    assert "\x00" not in kept and len(kept) < 1000
    if answer.status_code == 422:
        assert draft.answers == before
    for path in ("/login/", "/login/staff/"):
        given = {"name": words, "username": words, "password": words, "id_number": words, "phone": words}
        assert Client().post(path, given).status_code == 422


@pytest.mark.parametrize("number", ["0", "x", "9" * 20, "9" * 5000, "%00", "../../etc", "34160020261123000001%20"])
def test_a_case_number_that_is_none_is_not_found(farmer: Client, desk: Any, number: str) -> None:
    for path in (
        f"/my/cases/{number}/",
        f"/cases/{number}/receipt/",
        f"/my/cases/{number}/rate/",
        f"/api/v1/applications/{number}",
        f"/api/v1/cases/{number}",
    ):
        assert farmer.get(path).status_code == 404, path
    assert desk("clerk").get(f"/desk/cases/{number}/").status_code == 404


def test_json_that_is_too_large_broken_or_of_the_wrong_shape_is_a_problem(farmer: Client, demo: Any) -> None:
    draft = filled_draft(demo.farmer)
    path, before = f"/api/v1/drafts/{draft.token}", dict(draft.answers)
    huge = json.dumps({"revision": draft.revision, "answers": {"person.residential_address": "x" * 3_000_000}})
    assert_problem(patch(farmer, path, huge), 413)
    assert_problem(patch(farmer, path, "{"), 400)
    assert_problem(patch(farmer, path, b"\xff\xfe"), 400)
    for body in ([], "1", {"revision": "x"}, {"revision": 1, "answers": []}, {"revision": 2**40, "answers": {}}):
        assert_problem(patch(farmer, path, body), 422)
    assert_problem(patch(farmer, path, {"revision": draft.revision, "answers": {"no.such": "1"}}), 422)
    deep = '{"revision": 1, "answers": {"a":' + "[" * 5000 + "]" * 5000 + "}}"
    assert patch(farmer, path, deep).status_code in (400, 422)
    draft.refresh_from_db()
    assert draft.answers == before


def test_an_unknown_division_is_named_as_such(demo: Any, farmer: Client, desk: Any) -> None:
    assert_problem(Client().get("/api/v1/divisions/999999999999"), 422, "行政区划")
    assert_problem(Client().get("/api/v1/divisions?parent=abc"), 422, "行政区划")
    assert_problem(desk("clerk").get("/api/v1/cases?division=123"), 422, "行政区划")
    assert desk("clerk").get("/desk/cases/?division=123").status_code == 200
    draft = services.start(demo.newcomer, "juzhuzheng", assurance=1)
    from yici.core.people import services as people

    token = people.issue_token(demo.newcomer, 1)
    given = {"revision": draft.revision, "answers": {"person.residential_division": "999999999999"}}
    answer = patch(Client(), f"/api/v1/drafts/{draft.token}", given, authorization=f"Bearer {token}")
    assert CHINESE.search(answer.json()["errors"]["person.residential_division"])
    draft.refresh_from_db()
    assert draft.answers.get("person.residential_division") != "999999999999"


# Whose it is


def test_another_persons_case_number_opens_nothing(demo: Any, trader: Client, desk: Any) -> None:
    case = submitted(demo.farmer)
    events = case.events.count()
    mine = f"/my/cases/{case.number}/"
    for path in (
        mine,
        f"/cases/{case.number}/receipt/",
        *(f"{mine}{word}/" for word in ("correct", "urge", "withdraw", "rate")),
    ):
        assert_page(trader.get(path), 404, "没有找到")
    for word in ("correct", "urge", "withdraw", "rate"):
        assert_page(
            trader.post(f"{mine}{word}/", {"level": "1", "text": "x", "reason": "x", "remark": "x"}), 404, "没有找到"
        )
    for path in (f"applications/{case.number}", f"cases/{case.number}", f"cases/{case.number}/timeline"):
        assert_problem(trader.get(f"/api/v1/{path}"), 404, "没有找到")
    for word in ("correction", "urge", "withdraw"):
        assert_problem(
            trader.post(f"/api/v1/applications/{case.number}/{word}", {}, content_type="application/json"), 404
        )
    outsider = desk("outsider")
    assert_page(outsider.get(f"/desk/cases/{case.number}/"), 404)
    assert_page(outsider.post(f"/desk/cases/{case.number}/accept/", {}), 404)
    assert case.events.count() == events


def test_another_persons_draft_opens_nothing(demo: Any, trader: Client) -> None:
    draft = filled_draft(demo.farmer)
    base = f"/apply/{draft.token}/"
    for path in (base, *(f"{base}{step}/" for step in ("situation", "materials", "check", "form/living"))):
        assert_page(trader.get(path), 404, "没有找到")
    for step in ("submit", "discard"):
        assert_page(trader.post(f"{base}{step}/"), 404)
    assert_problem(patch(trader, f"/api/v1/drafts/{draft.token}", {"revision": 0}), 404)
    assert Draft.objects.filter(pk=draft.pk, submitted_as="").exists()


# What the state does not allow


def test_an_action_that_the_state_does_not_allow_is_a_conflict(demo: Any, desk: Any, farmer: Client) -> None:
    case = submitted(demo.farmer)
    answer = desk("approver").post(f"/desk/cases/{case.number}/approve/", {"opinion": "同意", "events": "1"})
    assert_page(answer, 409, "办件当前的状态不能进行这项操作")
    answer = desk("clerk").post(
        f"/api/v1/cases/{case.number}/actions/lapse_correction", {"reason": "x"}, content_type="application/json"
    )
    assert_problem(answer, 409, "状态")
    assert_page(farmer.post(f"/my/cases/{case.number}/correct/", {"remark": "x"}), 409, "没有等待答复的补正通知")
    assert_page(farmer.post(f"/my/cases/{case.number}/rate/", {"level": "5"}), 409, "办结之后")
    assert_page(desk("clerk").post(f"/desk/cases/{case.number}/no-such-action/", {}), 409)
    case.refresh_from_db()
    assert (case.state, case.event_count) == ("received", case.events.count())


def test_an_action_without_what_it_needs_keeps_what_was_typed(demo: Any, desk: Any) -> None:
    case = submitted(demo.farmer)
    answer = desk("clerk").post(
        f"/desk/cases/{case.number}/request_correction/", {"demands": "", "opinion": "请看看", "days": "-3"}
    )
    assert_page(answer, 422, "请一次列出需要补正的全部内容", "请看看")
    assert case.events.count() == CaseEvent.objects.filter(case=case).count() == case.event_count


def test_nobody_approves_what_they_reviewed_themselves(demo: Any, desk: Any) -> None:
    case = submitted(demo.farmer)
    reviewer = demo.reviewer
    RoleGrant.objects.create(
        account=reviewer,
        role="approver",
        organisation=reviewer.organisation,
        valid_from=dt.date(2017, 1, 1),
        reason="兼任",
    )
    desk("clerk").post(f"/desk/cases/{case.number}/accept/", {})
    desk("reviewer").post(f"/desk/cases/{case.number}/review/", {"opinion": "属实"})
    case.refresh_from_db()
    assert case.stage == "decide"
    answer = desk("reviewer").post(f"/desk/cases/{case.number}/approve/", {"opinion": "同意"})
    assert_page(answer, 403, "请由另一位同事办理")
    case.refresh_from_db()
    assert (case.state, case.stage) == ("accepted", "decide")


def test_a_correction_is_answered_once(demo: Any, desk: Any, farmer: Client) -> None:
    case = submitted(demo.farmer)
    desk("clerk").post(f"/desk/cases/{case.number}/request_correction/", {"demands": "请说明"})
    path = f"/my/cases/{case.number}/correct/"
    assert_page(farmer.post(path, {"remark": "  "}), 422, "请")
    assert farmer.post(path, {"remark": "第一次"}).status_code == 302
    assert_page(farmer.post(path, {"remark": "第二次"}), 409, "已经答复过")
    assert_page(farmer.get(path), 409, "已经答复过")
    answer = farmer.post(
        f"/api/v1/applications/{case.number}/correction", {"remark": "x"}, content_type="application/json"
    )
    assert_problem(answer, 409, "已经答复过")
    assert Correction.objects.get(case=case).answered_at is not None
    assert [event.opinion for event in case.events.filter(action="answer_correction")] == ["第一次"]


# Drafts that time has passed by


def test_an_expired_draft_is_gone_and_says_what_to_do(demo: Any, farmer: Client) -> None:
    draft = filled_draft(demo.farmer)
    with clock.at(MONDAY + dt.timedelta(days=31)):
        for path in (f"/apply/{draft.token}/", f"/apply/{draft.token}/check/", f"/apply/{draft.token}/form/living/"):
            assert_page(farmer.get(path), 410, "草稿已过期", "重新开始")
        assert_page(farmer.post(f"/apply/{draft.token}/submit/"), 410, "草稿已过期")
        assert_problem(farmer.get(f"/api/v1/drafts/{draft.token}"), 410, "草稿已过期")
        assert_problem(farmer.post(f"/api/v1/drafts/{draft.token}/submit"), 410, "草稿已过期")
    assert not Application.objects.exists() and Draft.objects.filter(pk=draft.pk).exists()


def test_a_draft_survives_that_its_item_is_stopped(demo: Any, farmer: Client) -> None:
    draft = filled_draft(demo.farmer)
    ServiceItem.objects.filter(code=ITEM).update(state=ServiceItem.State.SUSPENDED)
    assert_page(farmer.post(f"/apply/{draft.token}/submit/"), 409, "已暂停办理", "草稿")
    assert_problem(farmer.post(f"/api/v1/drafts/{draft.token}/submit"), 409, "已暂停办理")
    assert_page(farmer.post(f"/items/{ITEM}/start/", {"subject": "self"}), 409, "已暂停办理")
    assert farmer.get(f"/apply/{draft.token}/check/").status_code == 200, "it can still be read"
    kept = Draft.objects.get(pk=draft.pk)
    assert kept.answers["person.phone"] == "13956731945" and not kept.submitted_as
    ServiceItem.objects.filter(code=ITEM).update(state=ServiceItem.State.ACTIVE)
    assert farmer.post(f"/apply/{draft.token}/submit/").status_code == 302


def test_a_draft_is_judged_by_the_version_it_was_begun_with(demo: Any, farmer: Client, city: Any) -> None:
    from yici.systems.hall.loading import publish
    from yici.systems.hall.queries import definition_of

    draft = filled_draft(demo.farmer)
    item = ServiceItem.objects.select_related("current").get(code=ITEM)
    definition = definition_of(item.current)
    fields = tuple(f.model_copy(update={"required": True}) for f in definition.form.pages[0].fields)
    page = definition.form.pages[0].model_copy(update={"fields": fields, "title": definition.name})
    form = definition.form.model_copy(update={"pages": (page, *definition.form.pages[1:])})
    assert publish(definition.model_copy(update={"form": form}), city) is True
    item.refresh_from_db()
    assert farmer.post(f"/apply/{draft.token}/submit/").status_code == 302
    application = Application.objects.select_related("version").get(draft_token=draft.token)
    assert application.version.number == draft.context["version"] == item.current.number - 1
    assert farmer.get(f"/my/cases/{application.case.number}/").status_code == 200


def test_a_page_saved_on_another_device_is_not_overwritten(demo: Any, farmer: Client) -> None:
    draft = filled_draft(demo.farmer)
    posted = {"revision": draft.revision - 1, "person.phone": "13800138000"}
    answer = farmer.post(f"/apply/{draft.token}/form/phone/", posted)
    assert_page(answer, 409, "另一台设备", "13800138000", "13956731945")
    draft.refresh_from_db()
    assert draft.answers["person.phone"] == "13956731945"


# The web's own tricks


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "http:evil.example"]
)
def test_no_address_leads_off_the_site(demo: Any, sign_in: Any, target: str) -> None:
    page = Visitor().open(f"/login/?{urlencode({'next': target})}")
    offered = [value for form in page.forms for value in form.values.get("next", [])]
    assert all(re.match(r"/(?![/\\])", value) for value in offered)
    signed = sign_in(Client(), demo.farmer)
    assert signed.get("/login/", {"next": target}).headers["Location"] == "/my/"
    assert signed.post("/preferences/", {"next": target, "elder": "1"}).headers["Location"] == "/"
    staff = Client().post("/login/staff/", {"username": demo.clerk.username, "password": demo.password, "next": target})
    assert staff.headers["Location"] == "/login/staff/second/"


def test_a_post_without_its_csrf_token_changes_nothing(demo: Any, sign_in: Any) -> None:
    draft = filled_draft(demo.farmer)
    careful = sign_in(Client(enforce_csrf_checks=True), demo.farmer)
    assert_page(careful.post(f"/apply/{draft.token}/submit/"), 403, "页面已过期", "刷新")
    assert_page(careful.post(f"/apply/{draft.token}/discard/"), 403)
    assert_page(careful.post("/logout/"), 403)
    assert_problem(careful.post(f"/api/v1/drafts/{draft.token}/submit"), 403)
    assert careful.get("/my/").status_code == 200
    assert Draft.objects.filter(pk=draft.pk, submitted_as="").exists() and not Application.objects.exists()
