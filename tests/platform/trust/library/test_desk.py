"""Staff and the library: within the scope, for a purpose that is recorded, with exact counts."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.platform.trust.lake import TYPE
from yici.core.audit.models import Entry
from yici.core.people.models import Account, Organisation, RoleGrant
from yici.platform.trust import queries
from yici.platform.trust.library import desk
from yici.platform.trust.models import Certificate, MakingRun
from yici.platform.trust.queries import Held

pytestmark = pytest.mark.django_db
NUMBER = "342124194503121221"


@pytest.fixture
def officer(demo: Any) -> Account:
    """The approver of the county's civil affairs, who may manage certificates there."""
    approver: Account = demo.approver
    return approver


@pytest.fixture
def police(demo: Any) -> Account:
    """The same person as an officer of the city's public security instead."""
    approver: Account = demo.approver
    bureau = Organisation.objects.get(slug="bz.public_security")
    RoleGrant.objects.filter(account=approver).update(organisation=bureau, division=None)
    return approver


def test_scope_decides_what_is_found(officer: Account, certificate: Certificate, register: Held) -> None:
    found = desk.find_for(officer, NUMBER, "核查待遇")
    assert [one.identifier for one in found] == [certificate.identifier]
    assert desk.find_for(officer, register.identifier, "核查待遇") == []


def test_made_ones_are_found_by_number_and_holder(police: Account, certificate: Certificate, register: Held) -> None:
    for words in (register.identifier, register.number, NUMBER):
        assert [one.identifier for one in desk.find_for(police, words, "核查户籍")] == [register.identifier], words
    assert desk.find_for(police, certificate.identifier, "核查") == []


def test_search_asks_for_a_purpose_and_is_recorded_without_the_number(
    client: Client, sign_in: Any, officer: Account, certificate: Certificate
) -> None:
    sign_in(client, officer)
    refused = client.post("/desk/certificates/", {"q": NUMBER, "purpose": ""})
    assert refused.status_code == 422 and "请写明查询目的" in refused.content.decode()
    page = client.post("/desk/certificates/", {"q": NUMBER, "purpose": "核查待遇资格"}).content.decode()
    assert certificate.number in page and "王*英" in page
    entry = Entry.objects.filter(purpose__contains="核查待遇资格").latest("id")
    assert NUMBER not in str(vars(entry))


def test_one_is_opened_for_a_purpose_and_suspended_with_a_reason(
    client: Client, sign_in: Any, officer: Account, certificate: Certificate
) -> None:
    sign_in(client, officer)
    base = f"/desk/certificates/{certificate.identifier}/"
    asked = client.get(base).content.decode()
    assert "查询目的" in asked and NUMBER not in asked
    assert client.post(base, {"purpose": "复核发放"}).status_code == 302
    shown = client.get(base).content.decode()
    assert NUMBER in shown and "核发" in shown
    assert Entry.objects.filter(action="read", purpose__contains="复核发放").exists()
    assert client.post(f"{base}act/", {"action": "suspend", "reason": ""}).status_code == 422
    assert client.post(f"{base}act/", {"action": "explode", "reason": "x"}).status_code == 422
    assert client.post(f"{base}act/", {"action": "suspend", "reason": "正在复核"}).status_code == 302
    assert not queries.verdict_on(certificate.check_code).genuine
    again = client.get(base).content.decode()
    assert "正在复核" in again and 'value="resume"' in again and 'value="suspend"' not in again


def test_who_may_not_is_kept_out(
    client: Client, demo: Any, sign_in: Any, certificate: Certificate, register: Held
) -> None:
    base = f"/desk/certificates/{certificate.identifier}/"
    assert client.get(base).status_code == 302
    sign_in(client, demo.clerk)
    assert client.get("/desk/certificates/").status_code == 403
    sign_in(client, demo.approver)
    assert client.get(f"/desk/certificates/{register.identifier}/").status_code == 404
    assert (
        client.post(f"/desk/certificates/{register.identifier}/act/", {"action": "revoke", "reason": "x"}).status_code
        == 404
    )
    sign_in(client, demo.farmer)
    assert client.get(base).status_code == 403


def test_counts_and_progress_are_of_the_scope(
    client: Client, sign_in: Any, police: Account, register: Held, django_assert_max_num_queries: Any
) -> None:
    counts = {one.kind.slug: one for one in desk.counts_for(police)}
    assert counts[TYPE].states == {"valid": 30} and "senior_allowance" not in counts
    sign_in(client, police)
    page = client.get("/desk/certificates/").content.decode()
    assert "居民户口簿" in page and ">30<" in page
    progress = client.get("/desk/certificates/making/").content.decode()
    assert "test.household v1" in progress and "hx-trigger" not in progress
    MakingRun.objects.update(state="running")
    assert "hx-trigger" in client.get("/desk/certificates/making/").content.decode()
    with django_assert_max_num_queries(14):
        client.get("/desk/certificates/")
