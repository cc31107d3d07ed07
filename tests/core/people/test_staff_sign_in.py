"""Staff give a password and a second factor; each works as often as it should and no more."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from yici.base import clock
from yici.base.errors import Conflict, Invalid
from yici.core.audit import queries as audit
from yici.core.people import services
from yici.core.people.errors import CodeRejected, TooManyRequests
from yici.core.people.models import Account
from yici.core.people.services import second_factor

pytestmark = pytest.mark.django_db

START = dt.datetime(2026, 11, 23, 2, 0, tzinfo=dt.UTC)


def give_password(client: Client, demo: Any, username: str = "minzheng.chuangkou", **more: str) -> Any:
    return client.post("/login/staff/", {"username": username, "password": demo.password, **more})


def test_password_and_code_open_the_desk_under_a_new_session_key(client: Client, demo: Any) -> None:
    client.get("/login/staff/")
    answer = give_password(client, demo, next="/desk/security/")
    assert answer["Location"] == "/login/staff/second/"
    assert "_auth_user_id" not in client.session
    before = client.session.session_key
    answer = client.post("/login/staff/second/", {"code": second_factor.totp_code(demo.totp_secret)})
    assert (answer.status_code, answer["Location"]) == (302, "/desk/security/")
    assert client.session.session_key != before and client.session["second_factor"] is True
    assert client.get("/desk/security/").status_code == 200
    assert "动态码" in audit.entries_about("account", demo.clerk.pk, 1)[0].purpose


def test_a_password_alone_opens_nothing(client: Client, demo: Any) -> None:
    give_password(client, demo)
    assert client.get("/desk/security/")["Location"].startswith("/login/staff/")


def test_a_session_without_second_factor_opens_nothing(client: Client, demo: Any) -> None:
    client.force_login(demo.admin, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/desk/people/")["Location"].startswith("/login/staff/")
    assert client.get("/api/v1/me").status_code == 401


def test_the_second_page_needs_the_first(client: Client) -> None:
    for page in ("second", "enrol"):
        assert client.get(f"/login/staff/{page}/")["Location"] == "/login/staff/"


def test_the_second_step_must_follow_within_ten_minutes(client: Client, demo: Any) -> None:
    give_password(client, demo)
    with clock.at(clock.now() + dt.timedelta(minutes=11)):
        assert client.get("/login/staff/second/")["Location"] == "/login/staff/"


def test_wrong_password_and_unknown_name_look_the_same(client: Client, demo: Any) -> None:
    wrong = client.post("/login/staff/", {"username": "minzheng.chuangkou", "password": "wrong-password"})
    unknown = client.post("/login/staff/", {"username": "nobody.here", "password": "wrong-password"})
    assert wrong.status_code == unknown.status_code == 422
    assert "用户名或密码不正确" in wrong.content.decode() and "用户名或密码不正确" in unknown.content.decode()


def test_citizens_cannot_use_the_staff_door(client: Client, demo: Any) -> None:
    farmer = demo.farmer
    farmer.set_password(demo.password)
    farmer.save()
    assert give_password(client, demo, farmer.username).status_code == 422


def test_too_many_wrong_passwords_lock_with_a_chinese_page(client: Client, demo: Any) -> None:
    for _attempt in range(8):
        answer = client.post("/login/staff/", {"username": "minzheng.chuangkou", "password": "wrong-password"})
    assert answer.status_code == 429
    locked = give_password(client, demo)
    text = locked.content.decode()
    assert locked.status_code == 429 and "已临时锁定" in text and 'lang="zh-CN"' in text


def test_a_totp_code_works_once(demo: Any) -> None:
    with clock.at(START):
        code = second_factor.totp_code(demo.totp_secret)
        second_factor.verify_totp(demo.clerk, code)
        with pytest.raises(CodeRejected, match="已用过"):
            second_factor.verify_totp(demo.clerk, code)
    with clock.at(START + dt.timedelta(seconds=30)):
        with pytest.raises(CodeRejected, match="已用过"):
            second_factor.verify_totp(demo.clerk, code)
        second_factor.verify_totp(demo.clerk, second_factor.totp_code(demo.totp_secret))


def test_a_code_of_two_steps_ago_is_refused(demo: Any) -> None:
    with clock.at(START):
        code = second_factor.totp_code(demo.totp_secret)
    with clock.at(START + dt.timedelta(seconds=60)), pytest.raises(CodeRejected, match="不正确"):
        second_factor.verify_totp(demo.clerk, code)


def test_totp_agrees_with_the_vectors_of_rfc_6238() -> None:
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert second_factor.totp_code(secret, 59 // 30) == "287082"
    assert second_factor.totp_code(secret, 1111111109 // 30) == "081804"
    assert second_factor.totp_code(secret, 20000000000 // 30) == "353130"


def test_five_wrong_codes_pause_even_the_right_one(demo: Any) -> None:
    with clock.at(START):
        right = second_factor.totp_code(demo.totp_secret)
        for _attempt in range(5):
            with pytest.raises(CodeRejected):
                second_factor.verify_totp(demo.clerk, "abcdef")
        with pytest.raises(TooManyRequests):
            second_factor.verify_totp(demo.clerk, right)
    with clock.at(START + dt.timedelta(minutes=16)):
        second_factor.verify_totp(demo.clerk, second_factor.totp_code(demo.totp_secret))


def test_without_a_second_factor_enrolment_comes_before_anything_else(client: Client, demo: Any) -> None:
    Authenticator.objects.filter(user=demo.clerk).delete()
    assert give_password(client, demo)["Location"] == "/login/staff/enrol/"
    page = client.get("/login/staff/enrol/")
    assert page.status_code == 200 and "<svg" in page.content.decode()
    assert client.get("/desk/security/")["Location"].startswith("/login/staff/")
    secret = client.session["staff_enrol_secret"]
    assert client.post("/login/staff/enrol/", {"code": "000000x"}).status_code == 422
    answer = client.post("/login/staff/enrol/", {"code": second_factor.totp_code(secret)})
    assert answer["Location"] == "/desk/"
    kept = Authenticator.objects.get(user=demo.clerk)
    assert kept.data["last_step"] > 0 and client.session["second_factor"] is True
    with pytest.raises(CodeRejected, match="已用过"):
        second_factor.verify_totp(demo.clerk, second_factor.totp_code(secret, kept.data["last_step"]))


def test_a_broken_passkey_answer_is_refused(client: Client, demo: Any) -> None:
    give_password(client, demo)
    for credential in ("{}", "[]", "null", "not json", '{"id": 1, "response": {}}'):
        answer = client.post("/login/staff/second/", {"credential": credential})
        assert answer.status_code == 422, credential
        assert "通行密钥验证没有成功" in answer.content.decode()


def test_the_last_second_factor_cannot_be_removed(demo: Any) -> None:
    actor = services.actor_of(demo.clerk)
    only = Authenticator.objects.get(user=demo.clerk)
    Authenticator.objects.filter(pk=only.pk).update(type="webauthn", data={"name": "密钥", "credential": {}})
    with pytest.raises(Conflict):
        second_factor.remove_passkey(demo.clerk, only.pk, actor)


def test_a_reset_needs_a_reason_and_ends_tokens(demo: Any) -> None:
    token = services.issue_token(demo.clerk, 1)
    with pytest.raises(Invalid):
        second_factor.reset_second_factor(demo.clerk, " ", services.actor_of(demo.admin))
    second_factor.reset_second_factor(demo.clerk, "手机丢失", services.actor_of(demo.admin))
    assert not second_factor.has_second_factor(demo.clerk)
    assert services.resolve_token(token) is None


def test_a_closed_staff_account_is_out_at_once(client: Client, demo: Any, sign_in: Any) -> None:
    sign_in(client, demo.clerk)
    token = services.issue_token(demo.clerk, 1)
    Account.objects.filter(pk=demo.clerk.pk).update(is_active=False)
    assert client.get("/desk/security/")["Location"].startswith("/login/staff/")
    assert services.resolve_token(token) is None
    assert give_password(client, demo).status_code == 422
