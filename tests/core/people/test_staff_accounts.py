"""A staff account is made without password or role, begun once by its owner's link, and closed at once."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.test import Client

from yici.core.people import queries, services
from yici.core.people.models import Account

pytestmark = pytest.mark.django_db

NEW = {"username": "xinren.chuangkou", "name": "新人小马", "organisation": "guoyang.civil_affairs", "title": "窗口"}


def made(client: Client, demo: Any, sign_in: Any) -> tuple[Account, str]:
    page = html.unescape(sign_in(client, demo.admin).post("/desk/staff/", NEW).content.decode())
    link = re.search(r"/login/staff/begin/[^<\s]+", page)
    assert link, page[:2000]
    return Account.objects.get(username=NEW["username"]), link[0]


def test_a_new_colleague_sets_her_password_once_and_enrols(client: Client, demo: Any, sign_in: Any) -> None:
    account, link = made(client, demo, sign_in)
    assert not account.has_usable_password() and queries.permissions_of(account) == frozenset()
    hers = Client()
    assert hers.post(link, {"password": "short"}).status_code == 422
    assert hers.post(link, {"password": "yi-ci-ban-hao-2026"})["Location"] == "/login/staff/"
    answer = hers.post("/login/staff/", {"username": account.username, "password": "yi-ci-ban-hao-2026"})
    assert answer["Location"] == "/login/staff/enrol/"
    again = hers.get(link)
    assert again.status_code == 403 and "已用过或已过期" in again.content.decode()
    assert hers.get(link[:-3] + "xx/").status_code == 403


def test_a_closed_account_is_out_and_its_link_void(client: Client, demo: Any, sign_in: Any) -> None:
    account, link = made(client, demo, sign_in)
    token = services.issue_token(account, 1)
    assert client.post(f"/desk/staff/{account.pk}/", {"action": "close", "reason": ""}).status_code == 422
    assert client.post(f"/desk/staff/{account.pk}/", {"action": "close", "reason": "调离"}).status_code == 302
    assert services.resolve_token(token) is None and Client().get(link).status_code == 403
    client.post(f"/desk/staff/{account.pk}/", {"action": "open", "reason": "调回"})
    assert Client().get(link).status_code == 200


def test_names_and_scope_are_checked_and_only_the_system_administrator_makes_accounts(
    client: Client, demo: Any, sign_in: Any
) -> None:
    sign_in(client, demo.admin)
    bad = client.post("/desk/staff/", {"username": "王 五", "name": "", "organisation": "nowhere"})
    assert bad.status_code == 422 and "没有这个机构" in bad.content.decode()
    assert client.post("/desk/staff/", {**NEW, "username": "shenji"}).status_code == 409
    for other in (demo.security, demo.auditor, demo.clerk):
        assert sign_in(Client(), other).get("/desk/staff/").status_code == 403
    own = client.post(f"/desk/staff/{demo.admin.pk}/", {"action": "close", "reason": "误点"})
    assert own.status_code == 403 and demo.admin.is_active
