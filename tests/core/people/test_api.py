"""The API signs in, tells who one is, and keeps delegations; sessions need the CSRF token, bearers do not."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from tests.core.people.conftest import City
from yici.base import clock
from yici.core.people import services
from yici.core.people.services import second_factor

pytestmark = pytest.mark.django_db

API = "/api/v1"
FARMER = {"name": "王秀英", "id_number": "342124194503121221", "phone": "13956731972"}


def post(client: Client, path: str, body: dict[str, Any], **headers: str) -> Any:
    return client.post(API + path, body, content_type="application/json", headers=headers or None)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_citizen_signs_in_and_out_by_api(client: Client, sources: City, demo: Any) -> None:
    sent = post(client, "/session/code", FARMER).json()
    assert sent["expires_in"] == 600
    answer = post(client, "/session", {"token": sent["token"], "code": sources.codes[FARMER["phone"]]})
    token = answer.json()["token"]
    me = client.get(f"{API}/me", headers=bearer(token)).json()
    assert (me["name"], me["kind"], me["assurance"], me["permissions"]) == ("王秀英", "citizen", 1, [])
    assert "*" in me["phone"]
    assert client.delete(f"{API}/session", headers=bearer(token)).status_code == 204
    assert client.get(f"{API}/me", headers=bearer(token)).status_code == 401


def test_bad_input_is_a_problem_document(client: Client, sources: City) -> None:
    answer = post(client, "/session/code", {**FARMER, "id_number": "342124194503121222"})
    assert answer.status_code == 422 and "id_number" in answer.json()["fields"]
    assert answer["Content-Type"] == "application/problem+json"
    assert post(client, "/session/code", {**FARMER, "name": "a\x00b"}).status_code == 422
    assert post(client, "/session", {"token": "nothing", "code": "123456"}).status_code == 422


def test_haste_is_a_429(client: Client, sources: City) -> None:
    post(client, "/session/code", FARMER)
    assert post(client, "/session/code", FARMER).status_code == 429


def test_staff_need_password_and_totp(client: Client, demo: Any) -> None:
    body = {"username": "minzheng.chuangkou", "password": demo.password}
    code = second_factor.totp_code(demo.totp_secret)
    assert post(client, "/session/staff", {**body, "totp": "000000x"}).status_code == 422
    answer = post(client, "/session/staff", {**body, "totp": code})
    assert answer.status_code == 200
    me = client.get(f"{API}/me", headers=bearer(answer.json()["token"])).json()
    assert "case.accept" in me["permissions"] and me["organisation"] == "涡阳县民政局"
    assert post(client, "/session/staff", {**body, "totp": code}).status_code == 422, "a code works once"


def test_a_locked_account_is_a_429_problem(client: Client, demo: Any) -> None:
    body = {"username": "minzheng.chuangkou", "password": "wrong-password", "totp": "123456"}
    answers = [post(client, "/session/staff", body).status_code for _attempt in range(9)]
    assert answers[0] == 422 and answers[-1] == 429


def test_a_token_ends_after_eight_hours(demo: Any) -> None:
    token = services.issue_token(demo.farmer, 1)
    assert services.resolve_token(token) == (demo.farmer, 1)
    with clock.at(clock.now() + dt.timedelta(hours=9)):
        assert services.resolve_token(token) is None
    assert services.resolve_token("") is None


def test_nobody_is_a_401_and_the_wrong_kind_a_403(client: Client, demo: Any) -> None:
    assert client.get(f"{API}/me").status_code == 401
    assert post(client, "/me/delegations", {}).status_code == 401
    staff = services.issue_token(demo.clerk, 1)
    assert client.get(f"{API}/me/delegations", headers=bearer(staff)).status_code == 403


def test_a_session_needs_the_csrf_token(demo: Any, sign_in: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    sign_in(client, demo.farmer)
    assert client.get(f"{API}/me").status_code == 200
    assert client.delete(f"{API}/session").status_code == 403
    token = services.issue_token(demo.farmer, 1)
    assert client.delete(f"{API}/session", headers=bearer(token)).status_code == 204


def test_delegations_are_kept_by_api(client: Client, sources: City, demo: Any) -> None:
    daughter, mother = services.issue_token(demo.daughter, 1), services.issue_token(demo.farmer, 1)
    asked = {"direction": "ask", "name": "王秀英", "id_number": FARMER["id_number"], "basis": "consent"}
    made = post(client, "/me/delegations", asked, **bearer(daughter))
    assert (made.status_code, made.json()["state"]) == (201, "pending")
    number = made.json()["id"]
    assert post(client, f"/me/delegations/{number}/accept", {}, **bearer(daughter)).status_code == 404
    assert post(client, f"/me/delegations/{number}/accept", {}, **bearer(mother)).json()["state"] == "active"
    listed = client.get(f"{API}/me/delegations", headers=bearer(mother)).json()
    assert [row["id"] for row in listed["given"]] == [number] and "王秀英" not in str(listed)
    assert client.delete(f"{API}/me/delegations/{number}", headers=bearer(mother)).status_code == 204
    assert client.delete(f"{API}/me/delegations/{2**62}", headers=bearer(mother)).status_code == 404
