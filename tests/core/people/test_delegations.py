"""Acting for another rests on evidence, starts when it is proven or accepted, and can be ended at once."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from tests.core.people.conftest import City
from yici.base import clock
from yici.base.errors import Conflict, Invalid, NotFound
from yici.core.audit import queries as audit
from yici.core.audit import services as audit_services
from yici.core.people import queries, services

pytestmark = pytest.mark.django_db

MOTHER = {"name": "王秀英", "id_number": "342124194503121221"}
DAUGHTER = {"name": "李梅", "id_number": "342124197205161640"}
STRANGER = {"name": "李娜", "id_number": "341281199706112688"}


def test_one_household_is_proven_at_once_with_its_evidence(sources: City, demo: Any) -> None:
    made = services.ask_delegation(demo.daughter, **MOTHER, basis="household")
    assert made.accepted_at and made.evidence == "市公安局户籍信息：同一户"
    assert queries.delegation_between(demo.daughter.person, demo.farmer.person) == made
    assert [each.principal for each in queries.principals_of(demo.daughter.person)] == [demo.farmer.person]
    assert queries.delegation_between(demo.farmer.person, demo.daughter.person) is None
    assert audit.entries_about("person", demo.farmer.person_id, 1)[0].action == "delegate"
    assert [template for _who, template, _context, _phone in sources.told] == ["delegation.made"]


def test_a_household_that_no_source_proves_is_refused(sources: City, demo: Any) -> None:
    with pytest.raises(Invalid, match="同一户"):
        services.ask_delegation(demo.daughter, **STRANGER, basis="household")


def test_consent_holds_only_when_the_principal_accepts(sources: City, demo: Any) -> None:
    made = services.ask_delegation(demo.expecting, **MOTHER, basis="consent")
    agent, principal = demo.expecting.person, demo.farmer.person
    assert queries.delegation_between(agent, principal) is None
    for nobody in (demo.expecting, demo.daughter, demo.clerk):
        with pytest.raises(NotFound):
            services.accept_delegation(made.pk, nobody)
    services.accept_delegation(made.pk, demo.farmer)
    services.accept_delegation(made.pk, demo.farmer)
    assert queries.delegation_between(agent, principal) == made


def test_giving_is_consent(sources: City, demo: Any) -> None:
    made = services.give_delegation(demo.farmer, **STRANGER, item_codes=["gaoling-jintie"])
    agent, principal = demo.expecting.person, demo.farmer.person
    assert queries.delegation_between(agent, principal, "gaoling-jintie") == made
    assert queries.delegation_between(agent, principal, "canjirenzheng") is None
    assert queries.principals_of(agent, "canjirenzheng") == []


@pytest.mark.parametrize("who", ["farmer", "daughter"])
def test_either_side_ends_it_at_once(sources: City, demo: Any, who: str) -> None:
    made = services.ask_delegation(demo.daughter, **MOTHER, basis="household")
    with pytest.raises(NotFound):
        services.revoke_delegation(made.pk, demo.expecting)
    services.revoke_delegation(made.pk, getattr(demo, who))
    assert queries.delegation_between(demo.daughter.person, demo.farmer.person) is None
    with pytest.raises(Conflict):
        services.accept_delegation(made.pk, demo.farmer)


def test_it_ends_with_its_last_day(sources: City, demo: Any) -> None:
    last = clock.today() + dt.timedelta(days=3)
    services.ask_delegation(demo.daughter, **MOTHER, basis="household", valid_to=last)
    for days, holds in ((3, True), (4, False)):
        with clock.at(clock.now() + dt.timedelta(days=days)):
            assert bool(queries.delegation_between(demo.daughter.person, demo.farmer.person)) is holds


@pytest.mark.parametrize("days", [-1, 4000])
def test_its_term_has_bounds(sources: City, demo: Any, days: int) -> None:
    with pytest.raises(Invalid):
        services.give_delegation(demo.farmer, **DAUGHTER, valid_to=clock.today() + dt.timedelta(days=days))


def test_nobody_acts_for_themselves_or_twice_for_another(sources: City, demo: Any) -> None:
    with pytest.raises(Invalid, match="自己"):
        services.give_delegation(demo.farmer, **MOTHER)
    services.give_delegation(demo.farmer, **DAUGHTER)
    with pytest.raises(Conflict):
        services.give_delegation(demo.farmer, **DAUGHTER)


def test_a_name_that_does_not_fit_the_number_is_refused(sources: City, demo: Any) -> None:
    with pytest.raises(Invalid, match="核对一致"):
        services.give_delegation(demo.farmer, name="李没", id_number=DAUGHTER["id_number"])


def test_a_guardian_needs_evidence_that_was_seen(sources: City, demo: Any) -> None:
    with pytest.raises(Invalid, match="证明材料"):
        services.delegate(demo.farmer.person, demo.expecting.person, basis="guardian")
    services.delegate(demo.farmer.person, demo.expecting.person, basis="guardian", evidence="（2026）皖1621民特5号判决")
    with pytest.raises(Invalid):
        services.delegate(demo.farmer.person, demo.expecting.person, basis="friendship")


# The pages ------------------------------------------------------------------------------------------


def test_the_daughter_asks_on_the_page_and_the_mother_sees_and_revokes(
    client: Client, sources: City, demo: Any, sign_in: Any
) -> None:
    sign_in(client, demo.daughter)
    answer = client.post("/my/delegations/ask/", {**MOTHER, "basis": "household"}, follow=True)
    assert answer.status_code == 200 and "同一户" in answer.content.decode()
    made = queries.principals_of(demo.daughter.person)[0]
    client.logout()
    sign_in(client, demo.farmer)
    assert "市公安局户籍信息" in client.get("/my/delegations/").content.decode()
    client.post(f"/my/delegations/{made.pk}/revoke/")
    assert queries.principals_of(demo.daughter.person) == []
    assert client.post("/my/delegations/999999999/revoke/").status_code == 404


def test_a_bad_form_comes_back_with_what_was_typed(client: Client, sources: City, demo: Any, sign_in: Any) -> None:
    sign_in(client, demo.daughter)
    answer = client.post("/my/delegations/give/", {"name": "王秀英", "id_number": "123", "valid_to": "tomorrow"})
    assert answer.status_code == 422 and "error-summary" in answer.content.decode()
    answer = client.post("/my/delegations/give/", {"name": "王秀英", "id_number": "123"})
    assert 'value="123"' in answer.content.decode()


def test_the_person_sees_which_official_looked_at_what_and_why(client: Client, demo: Any, sign_in: Any) -> None:
    sign_in(client, demo.farmer)
    assert "还没有人查看过" in client.get("/my/record/").content.decode()
    audit_services.record(
        services.actor_of(demo.clerk), "read", subject=("person", demo.farmer.person_id),
        elements=["person.name", "person.birth_date"], purpose="办理高龄津贴", case_number="341600202611230000017",
    )  # fmt: skip
    audit_services.record(
        services.actor_of(demo.clerk), "read", subject=("person", demo.daughter.person_id), purpose="与她无关的一次"
    )
    text = client.get("/my/record/").content.decode()
    for words in ("张晓雨", "涡阳县民政局", "姓名", "办理高龄津贴", "341600202611230000017"):
        assert words in text
    assert "与她无关的一次" not in text
    assert client.get("/my/record/?page=99999").status_code == 200
