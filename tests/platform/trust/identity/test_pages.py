"""Raising a session: demanded where it is needed, by face or window, back to where one was, and down again in time."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.platform.trust.identity.conftest import PoliceSandbox
from tests.visitor import Visitor
from yici.base import clock
from yici.core.people import assurance
from yici.platform.trust.models import Assertion

pytestmark = pytest.mark.django_db


@pytest.fixture
def daughter(client: Client, demo: Any, sign_in: Any, police_service: PoliceSandbox, pictures: Path) -> Client:
    account = demo.daughter
    police_service.register_photo(account.person.id_number, (pictures / "obama.jpg").read_bytes())
    return sign_in(client, account)


def challenge(client: Client) -> str:
    page = client.get("/my/identity/face/").content.decode()
    found = re.search(r'name="challenge" value="([^"]+)"', page)
    assert found
    return found[1]


def send(client: Client, picture: bytes, **more: str) -> Any:
    values = {"challenge": challenge(client), **more}
    return client.post("/my/identity/face/", {**values, "picture": SimpleUploadedFile("a.jpg", picture)})


def test_her_face_raises_the_session_and_leads_back(daughter: Client, pictures: Path) -> None:
    before = daughter.session.session_key
    answer = send(daughter, (pictures / "obama2.jpg").read_bytes(), next="/my/cases/", level="2", liveness="0.83")
    assert (answer.status_code, answer["Location"]) == (302, "/my/cases/")
    assert assurance.level_of(daughter.session) == 2 and daughter.session.session_key != before
    made = Assertion.objects.get()
    assert made.used_for == "session" and made.liveness == 0.83
    assert made.used_at and made.expires_at - made.used_at >= dt.timedelta(minutes=29)
    page = daughter.get("/my/identity/").content.decode()
    assert "有效到" in page and "人脸比对" in page and "核验通过" in page


def test_a_raised_session_falls_back_after_its_time(daughter: Client, pictures: Path) -> None:
    send(daughter, (pictures / "obama2.jpg").read_bytes())
    with clock.at(clock.now() + dt.timedelta(minutes=31)):
        assert assurance.level_of(daughter.session) == 1


def test_another_face_raises_nothing_and_says_what_to_do(daughter: Client, pictures: Path) -> None:
    answer = send(daughter, (pictures / "biden.jpg").read_bytes(), next="/my/cases/")
    page = answer.content.decode()
    assert answer.status_code == 422 and "不是同一人" in page and "错误：" in page
    assert "/my/identity/window/?level=0&amp;next=%2Fmy%2Fcases%2F" in page
    assert assurance.level_of(daughter.session) == 1


def test_a_form_that_was_sent_before_or_lay_too_long_is_refused(daughter: Client, pictures: Path) -> None:
    value = challenge(daughter)
    picture = (pictures / "obama2.jpg").read_bytes()

    def post(text: str) -> str:
        upload = SimpleUploadedFile("a.jpg", picture)
        answer = daughter.post("/my/identity/face/", {"challenge": text, "picture": upload})
        return "" if answer.status_code == 302 else answer.content.decode()

    assert "重新拍照" in post("made-up")
    assert "重新拍照" in post(value)  # the page above made a new one
    late = challenge(daughter)
    with clock.at(clock.now() + dt.timedelta(minutes=11)):
        assert "重新拍照" in post(late)
    assert not Assertion.objects.exists()


def test_no_picture_and_a_silent_police_are_explained(
    daughter: Client, pictures: Path, police_service: PoliceSandbox
) -> None:
    answer = daughter.post("/my/identity/face/", {"challenge": challenge(daughter)})
    assert answer.status_code == 422 and "请先拍照或选择照片" in answer.content.decode()
    police_service.spoil("error")
    answer = send(daughter, (pictures / "obama2.jpg").read_bytes())
    assert answer.status_code == 503 and "公安身份服务暂时没有回应" in answer.content.decode()


def test_the_camera_page_allows_the_camera_and_nothing_more(daughter: Client) -> None:
    answer = daughter.get("/my/identity/face/")
    assert answer["Permissions-Policy"].startswith("camera=(self), microphone=()")
    policy = answer["Content-Security-Policy"]
    assert "unsafe" not in policy and "blob:" not in policy and "wasm" not in policy


def test_a_next_address_elsewhere_is_not_followed(daughter: Client, pictures: Path) -> None:
    answer = send(daughter, (pictures / "obama2.jpg").read_bytes(), next="https://evil.example/")
    assert answer["Location"] == "/my/identity/"


# What demands a level


def test_an_item_demands_a_face_and_one_comes_back_to_it(daughter: Client, pictures: Path) -> None:
    item = "/items/geti-gongshanghu/"
    answer = daughter.post(
        "/items/geti-gongshanghu/start/", {"subject": "self"}, headers={"referer": f"http://testserver{item}"}
    )
    assert answer.status_code == 302
    assert answer["Location"].startswith("/my/identity/?level=2&next=")
    page = daughter.get(answer["Location"]).content.decode()
    assert "这项操作需要核验到“实人”" in page
    answer = send(daughter, (pictures / "obama2.jpg").read_bytes(), next=f"http://testserver{item}", level="2")
    assert answer["Location"] == f"http://testserver{item}"
    answer = daughter.post("/items/geti-gongshanghu/start/", {"subject": "self"})
    assert answer.status_code == 302 and answer["Location"].startswith("/apply/")


def test_the_name_is_asked_again_after_its_time(client: Client, demo: Any, sign_in: Any) -> None:
    sign_in(client, demo.daughter)
    session = client.session
    assurance.begin(session)
    session.save()
    assert client.get("/my/identity/").status_code == 200
    with clock.at(clock.now() + dt.timedelta(hours=8, minutes=1)):
        assert client.get("/my/identity/")["Location"] == "/login/?next=%2Fmy%2Fidentity%2F"
    assert "_auth_user_id" not in client.session


# At a window


def vouched(demo: Any, sign_in: Any, **values: str) -> Any:
    window = sign_in(Client(), demo.clerk)
    person = demo.daughter.person
    given = {"name": person.name, "id_number": person.id_number, "document": "居民身份证原件", **values}
    return window.post("/desk/identity/", given)


def test_a_code_of_the_window_raises_the_session_once(client: Client, demo: Any, sign_in: Any) -> None:
    page = vouched(demo, sign_in).content.decode()
    code = re.search(r"vouch-code num\">([A-Z0-9 ]+)<", page)
    assert code and "15 分钟内有效" in page
    visitor = Visitor()
    sign_in(visitor.client, demo.daughter)
    visitor.open("/my/identity/window/?level=2&next=%2Fmy%2Fcases%2F")
    visitor.press("核验", code=code[1].lower())
    assert visitor.path == "/my/cases/"
    again = sign_in(client, demo.daughter).post("/my/identity/window/", {"code": code[1]})
    assert again.status_code == 403 and "已用过或已过期" in again.content.decode()
    made = Assertion.objects.get()
    assert (made.method, made.vouched_by, made.used_for) == ("window", demo.clerk, "session")


def test_a_code_is_for_her_alone_and_for_a_quarter_of_an_hour(client: Client, demo: Any, sign_in: Any) -> None:
    code = re.search(r"vouch-code num\">([A-Z0-9 ]+)<", vouched(demo, sign_in).content.decode())
    assert code
    assert sign_in(client, demo.farmer).post("/my/identity/window/", {"code": code[1]}).status_code == 403
    with clock.at(clock.now() + dt.timedelta(minutes=16)):
        assert sign_in(Client(), demo.daughter).post("/my/identity/window/", {"code": code[1]}).status_code == 403
    assert sign_in(Client(), demo.daughter).post("/my/identity/window/", {"code": code[1]}).status_code == 302


def test_only_who_may_vouch_does_and_only_with_a_card(demo: Any, sign_in: Any) -> None:
    answer = vouched(demo, sign_in, document="", id_number="12")
    assert answer.status_code == 422 and "请写明核对了什么证件" in answer.content.decode()
    assert sign_in(Client(), demo.reviewer).get("/desk/identity/").status_code == 403


def test_an_identity_the_police_closed_is_not_vouched_for(demo: Any, sign_in: Any, police_service: Any) -> None:
    answer = vouched(demo, sign_in, name="葛文军", id_number="342130196101020395")
    assert answer.status_code == 422 and "已注销" in answer.content.decode()


# A passkey


def test_a_passkey_is_bound_only_while_the_face_is_proven(daughter: Client, pictures: Path) -> None:
    page = daughter.get("/my/identity/passkey/").content.decode()
    assert "请先完成人脸核验或窗口核验" in page
    refused = daughter.post("/my/identity/passkey/", {"action": "add", "credential": "{}"})
    assert refused.status_code == 403
    send(daughter, (pictures / "obama2.jpg").read_bytes())
    assert "绑定通行密钥" in daughter.get("/my/identity/passkey/").content.decode()
    broken = daughter.post("/my/identity/passkey/", {"action": "add", "credential": "{}"})
    assert broken.status_code == 422 and "没有添加成功" in broken.content.decode()
    assert daughter.post("/my/identity/passkey/", {"credential": "[]"}).status_code == 422
