"""The library as one: certificates made in bulk stand in the wallet, prove materials and are checked like issued ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.platform.trust.lake import TYPE
from yici.base import clock
from yici.core.people import services as people
from yici.platform.trust import queries
from yici.platform.trust.library import sharing
from yici.platform.trust.making import running
from yici.platform.trust.models import Certificate, CheckCode, MadeCertificate
from yici.platform.trust.queries import Held, Outcome

pytestmark = pytest.mark.django_db


def test_wallet_holds_issued_and_made_certificates(demo: Any, certificate: Certificate, register: Held) -> None:
    wallet = queries.certificates_for(demo.farmer)
    assert {(held.identifier, held.is_made) for held in wallet} == {
        (certificate.identifier, False),
        (register.identifier, True),
    }
    assert queries.count_of(demo.farmer.person) == 2
    assert queries.certificates_for(demo.restaurateur) == []


def test_made_certificate_proves_in_its_time_only(demo: Any, register: Held) -> None:
    person = demo.farmer.person
    assert register.face["household.number"] == "341600000000" and register.issued_on == dt.date(2015, 1, 1)
    assert queries.valid_certificate(person, TYPE, dt.date(2014, 12, 31)) is None
    MadeCertificate.objects.filter(pk=register.identifier).update(valid_to=clock.today())
    assert queries.valid_certificate(person, TYPE) is not None
    assert queries.valid_certificate(person, TYPE, clock.today() + dt.timedelta(days=1)) is None
    MadeCertificate.objects.filter(pk=register.identifier).update(state="suspended")
    assert queries.valid_certificate(person, TYPE) is None


def test_newest_of_both_kinds_proves(demo: Any, register: Held) -> None:
    from yici.core.people import queries as organisations
    from yici.platform.trust import services

    issuer = organisations.responsible_organisation("public_security", "city", "341600000000")
    newer = services.hold(
        TYPE, holder=demo.farmer.person, face={"household.number": "1"}, issuer=issuer, number="1",
        issued_on=dt.date(2020, 1, 1),
    )  # fmt: skip
    found = queries.valid_certificate(demo.farmer.person, TYPE)
    assert found is not None and found.identifier == newer.identifier
    before = queries.valid_certificate(demo.farmer.person, TYPE, dt.date(2019, 12, 31))
    assert before is not None and before.identifier == register.identifier


def test_identifier_alone_tells_the_state_and_nothing_personal(client: Client, register: Held) -> None:
    verdict = queries.verdict_on(f" {register.identifier} ")
    assert (verdict.genuine, verdict.shows_face) == (True, False)
    page = client.get(f"/verify/{register.identifier}/").content.decode()
    assert "真实有效" in page and "王0" not in page and "341600000000" not in page
    told = client.get(f"/api/v1/verify/{register.identifier}").json()
    assert told["outcome"] == "genuine" and told["certificate"]["face"] == [] and told["certificate"]["number"] == ""


def test_check_code_of_a_made_certificate_is_drawn_once_and_opens_its_page(client: Client, register: Held) -> None:
    code = queries.check_code_of(register)
    assert queries.check_code_of(register) == code and CheckCode.objects.count() == 1
    page = client.get(f"/verify/{code}/").content.decode()
    assert "真实有效" in page and "王*" in page and "王0" not in page


@pytest.mark.parametrize(
    ("change", "reason"), [("suspended", "暂停"), ("revoked", "撤销"), ("cancelled", "注销"), ("changed", "变更")]
)
def test_made_certificate_out_of_force_says_why(register: Held, change: str, reason: str) -> None:
    MadeCertificate.objects.filter(pk=register.identifier).update(state=change)
    verdict = queries.verdict_on(register.identifier)
    assert verdict.outcome == Outcome.NOT_IN_FORCE and reason in verdict.reason


# Three identifiers in public use, and one of a documentation whose check character is wrong.
IN_USE = [
    "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U",
    "1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9",
    "1.2.156.3005.2.11100000000013338W009.11330105002500287C.2025052201.002.0",
]
WRONG = "1.2.156.3005.2.11100000000013661B006.113700000045046442.209FA4E88F9E4C878F3E9BED2CE7EA49.001.M"


@pytest.mark.parametrize("identifier", IN_USE)
def test_identifier_of_another_city_is_well_formed_but_not_ours(client: Client, identifier: str) -> None:
    answer = client.post("/verify/", {"code": identifier})
    assert answer.status_code == 302
    page = client.get(answer["Location"])
    assert page.status_code == 404 and "标识的写法是对的" in page.content.decode()


def test_identifier_with_a_wrong_check_character_is_refused_beside_the_field(client: Client) -> None:
    answer = client.post("/verify/", {"code": WRONG})
    assert answer.status_code == 422 and "校验位不对" in answer.content.decode()


def test_wallet_page_shows_a_made_certificate_and_shares_it(
    client: Client, demo: Any, sign_in: Any, register: Held
) -> None:
    sign_in(client, demo.farmer)
    assert "居民户口簿" in client.get("/my/certificates/").content.decode()
    base = f"/my/certificates/{register.identifier}/"
    assert "涡阳县" in client.post(base).content.decode()
    made, code = sharing.share(
        demo.farmer, register, elements=["household.number"], purpose="入学", recipient="某小学", until=clock.today()
    )
    opened = sharing.open_share(code, sharing.Reader("某小学"))
    assert [line.value for line in opened.lines] == ["341600000000"] and made.uses.count() == 1
    sign_in(client, demo.restaurateur)
    assert client.get(base).status_code == 404


def test_wallet_makes_a_constant_number_of_queries(
    client: Client, demo: Any, sign_in: Any, lake: Callable[..., None], django_assert_max_num_queries: Any
) -> None:
    lake(1, 12, owner=demo.farmer.person.id_number)
    running.make(TYPE)
    sign_in(client, demo.farmer)
    client.get("/my/certificates/")
    with django_assert_max_num_queries(9):
        client.get("/my/certificates/")


def test_credential_of_a_made_certificate_is_genuine(client: Client, demo: Any, register: Held) -> None:
    mine = {"HTTP_AUTHORIZATION": f"Bearer {people.issue_token(demo.farmer, 1)}"}
    token = client.post(
        f"/api/v1/my/certificates/{register.identifier}/credential", {"elements": ["household.number"]},
        content_type="application/json", **mine,
    ).json()["credential"]  # fmt: skip
    told = client.post("/api/v1/credentials/verify", {"credential": token}, content_type="application/json").json()
    assert told["outcome"] == "genuine" and told["claims"]["household.number"]["value"] == "341600000000"
