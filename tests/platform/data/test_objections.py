"""A person says a record is wrong; its source department decides."""

from __future__ import annotations

from typing import Any

import pytest

from yici.base import clock
from yici.base.errors import Invalid, NotAllowed
from yici.core.audit import queries as audit
from yici.core.cases import services as cases
from yici.core.cases.models import Case
from yici.core.forms.ports import Subject
from yici.platform.data.facts import RegisterFacts
from yici.platform.data.models import Resident
from yici.platform.data.panels import objection_panels
from yici.platform.data.services import raise_objection

pytestmark = pytest.mark.django_db


def held(account: Any, element: str) -> dict[str, Any]:
    (fact,) = RegisterFacts().facts_of(Subject.of(account.person), [element])
    return {
        "value": fact.value, "source": fact.source, "source_organisation": fact.source_organisation, "as_of": fact.as_of,
    }  # fmt: skip


def object_to(demo: Any, element: str, claimed: str) -> Case:
    return raise_objection(
        demo.farmer.person, element, held(demo.farmer, element), claimed, "341600202611230000001", demo.daughter
    )


def test_objection_goes_to_the_source_department(demo: Any) -> None:
    case = object_to(demo, "person.phone", "13956701945")
    assert case.organisation.slug == "bz.public_security"
    assert (case.data["held"], case.data["claimed"]) == ("13856701945", "13956701945")
    assert case.data["raised_in"] == "341600202611230000001"
    assert case.state == "received"
    assert case.due_at is not None


def test_confirmed_objection_corrects_the_row_today_and_is_recorded(demo: Any) -> None:
    case = object_to(demo, "person.phone", "13956701945")
    cases.act(case.number, "confirm", demo.data_officer, opinion="已向本人核实")
    row = Resident.objects.get(pk=demo.farmer.person.id_number)
    assert (row.phone, row.as_of) == ("13956701945", clock.today())
    entry = next(iter(audit.entries_about("person", demo.farmer.person.pk, 5)))
    assert (entry.action, entry.elements, entry.case_number) == ("change", ["person.phone"], case.number)


def test_confirmed_residence_is_corrected_beside_the_columns(demo: Any) -> None:
    case = object_to(demo, "person.residential_address", "安徽省亳州市涡阳县高炉镇陆杨村3组27号")
    cases.act(case.number, "confirm", demo.data_officer, opinion="属实")
    assert held(demo.farmer, "person.residential_address")["value"].endswith("3组27号")
    assert held(demo.farmer, "person.residential_address")["as_of"] == clock.today()


def test_rejected_objection_leaves_the_row(demo: Any) -> None:
    case = object_to(demo, "person.phone", "13956701945")
    closed = cases.act(case.number, "reject", demo.data_officer, data={"reason": "本人留存号码仍在使用"})
    assert closed.state == "denied"
    assert Resident.objects.get(pk=demo.farmer.person.id_number).phone == "13856701945"


def test_a_clerk_of_another_department_cannot_decide(demo: Any) -> None:
    case = object_to(demo, "person.phone", "13956701945")
    with pytest.raises(NotAllowed):
        cases.act(case.number, "confirm", demo.clerk, opinion="同意")


def test_the_same_claim_twice_is_one_case(demo: Any) -> None:
    assert object_to(demo, "person.phone", "13956701945").pk == object_to(demo, "person.phone", "139 5670 1945").pk


def test_a_wrong_value_and_an_identity_number_are_refused(demo: Any) -> None:
    with pytest.raises(Invalid):
        object_to(demo, "person.phone", "12345")
    with pytest.raises(Invalid):
        object_to(demo, "person.id_number", "342124194503121221")


def test_only_the_decider_sees_the_values_in_clear(demo: Any) -> None:
    case = object_to(demo, "person.phone", "13956701945")
    (clear,) = objection_panels(case, demo.data_officer)
    (masked,) = objection_panels(case, demo.clerk)
    assert clear.context["claimed"] == "13956701945"
    assert "5670" not in masked.context["claimed"]
    assert masked.context["is_masked"]
