"""What the register tells forms and people about a resident."""

from __future__ import annotations

from typing import Any

import pytest

from yici.core.forms.ports import Subject
from yici.platform.data import queries
from yici.platform.data.facts import RegisterFacts
from yici.platform.data.models import Resident

pytestmark = pytest.mark.django_db

ELEMENTS = [
    "person.name", "person.phone", "person.registered_address", "person.registered_division", "household.number",
    "household.relation_to_head", "household.size", "person.residential_address", "social_insurance.card_number",
    "medical_insurance.kind", "person.birth_date", "vehicle.plate_number",
]  # fmt: skip


def facts(account: Any) -> dict[str, Any]:
    found = RegisterFacts().facts_of(Subject.of(account.person), ELEMENTS)
    return {fact.element: fact for fact in found}


def test_farmer_is_known_with_source_and_date_of_every_value(demo: Any) -> None:
    found = facts(demo.farmer)
    assert found["person.name"].value == "王秀英"
    assert found["person.birth_date"].value == "1945-03-12"
    assert found["household.size"].value == "3"
    assert found["person.registered_division"].value == "341621108201"
    assert found["social_insurance.card_number"].source_organisation == "bz.human_resources"
    assert found["person.residential_address"].source == "市公安局 实有人口信息"
    assert found["person.residential_address"].as_of.year == 2015
    assert "vehicle.plate_number" not in found
    assert all(fact.source_en and fact.as_of and fact.provider == "resident-register" for fact in found.values())


def test_one_query_however_many_elements(demo: Any, django_assert_num_queries: Any) -> None:
    queries.organisation_slug("public_security")
    subject = Subject.of(demo.farmer.person)
    with django_assert_num_queries(1):
        RegisterFacts().facts_of(subject, ELEMENTS)


def test_unknown_person_gives_no_facts() -> None:
    assert RegisterFacts().facts_of(Subject("person", "110101190001011009"), ELEMENTS) == []


def test_newcomer_is_not_registered_in_the_city(demo: Any) -> None:
    found = facts(demo.newcomer)
    assert found["person.registered_address"].value.startswith("河南省")
    assert "person.registered_division" not in found
    assert "household.number" not in found


def test_identity_is_confirmed_contradicted_or_unknown(demo: Any) -> None:
    number = demo.farmer.person.id_number
    assert queries.confirms_identity("王秀英", number) is True
    assert queries.confirms_identity("王秀兰", number) is False
    assert queries.confirms_identity("王秀英", "110101190001011009") is None


def test_the_dead_cannot_sign_in(demo: Any) -> None:
    number = demo.farmer.person.id_number
    Resident.objects.filter(pk=number).update(is_alive=False)
    assert queries.confirms_identity("王秀英", number) is False


def test_daughter_and_mother_share_a_household_and_strangers_do_not(demo: Any) -> None:
    mother, daughter = demo.farmer.person.id_number, demo.daughter.person.id_number
    assert "341621108201000123" in (queries.household_evidence(daughter, mother) or "")
    assert queries.household_evidence(daughter, demo.restaurateur.person.id_number) is None
    assert queries.household_evidence(mother, mother) is None


def test_register_is_loaded_once(city: Any) -> None:
    from yici.platform.data import loading

    before = Resident.objects.count()
    assert before == 2000
    assert "已有数据" in loading.load(city)
    assert Resident.objects.count() == before
