from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest

from yici.core.forms import ports
from yici.core.forms.ports import Fact, Subject
from yici.core.forms.rules import FormDefinition
from yici.core.people.models import Account, Organisation, Person


class Records:
    """A provider like any other: a small register in memory, plugged into the port."""

    def __init__(
        self, provider_id: str, values: dict[str, Any], organisation: str = "", as_of: str = "2026-03-02"
    ) -> None:
        self.id = provider_id
        self.values = values
        self.organisation = organisation
        self.as_of = dt.date.fromisoformat(as_of)

    def facts_of(self, subject: Subject, elements: Sequence[str]) -> list[Fact]:
        return [
            Fact(element, self.values[element], "人口信息", "Population", self.organisation, self.as_of, self.id)
            for element in elements
            if element in self.values
        ]


class Broken:
    """A source whose database is down."""

    id = "broken"

    def facts_of(self, subject: Subject, elements: Sequence[str]) -> list[Fact]:
        Person.objects.raw("SELECT nonsense FROM nowhere")[0]
        raise AssertionError("unreachable")


@pytest.fixture
def records(monkeypatch):
    """`records(provider, …)`: exactly these providers are registered during the test."""
    monkeypatch.setattr(ports, "_providers", {})

    def register(*providers):
        for provider in providers:
            ports.register_fact_provider(provider)

    return register


@pytest.fixture
def police(db):
    return Organisation.objects.create(
        slug="test-police", name="市公安局", short_name="公安局", english="Public Security Bureau",
        kind="department", path="/t/",
    )  # fmt: skip


@pytest.fixture
def mother(db):
    return Person.objects.create(name="赵桂兰", id_number="342124194503051220", birth_date=dt.date(1945, 3, 5), sex="2")


@pytest.fixture
def account(db):
    person = Person.objects.create(
        name="孙小梅", id_number="342124197001011226", birth_date=dt.date(1970, 1, 1), sex="2"
    )
    return Account.objects.create(username="forms-daughter", name="孙小梅", kind="citizen", person=person)


@pytest.fixture
def stranger(db):
    return Account.objects.create(username="forms-stranger", name="陌生人", kind="citizen")


FORM = FormDefinition.model_validate(
    {
        "pages": [
            {
                "id": "who",
                "title": {"zh": "给谁办", "en": "For whom"},
                "fields": [
                    {"element": "person.name", "readonly": True},
                    {"element": "person.phone"},
                    {"element": "person.residential_address", "required": False},
                ],
            },
            {
                "id": "more",
                "title": "其他",
                "fields": [
                    {"id": "alone", "type": "yes_no", "label": {"zh": "是否独居", "en": "Living alone"}},
                    {"id": "since", "type": "date", "label": "何时起", "when": {"field": "alone", "is": True}},
                    {"id": "income", "type": "money", "label": "月收入", "required": False},
                ],
            },
            {
                "id": "family",
                "title": "家人",
                "fields": [
                    {
                        "id": "children",
                        "type": "group",
                        "label": "子女",
                        "required": False,
                        "max": 3,
                        "fields": [{"id": "name", "type": "text", "label": "姓名"}],
                    },
                    {"id": "photo", "type": "file", "label": "照片", "required": False, "accept": ["png"]},
                    {"element": "person.residential_division", "required": False},
                ],
            },
        ],
        "situations": [
            {"id": "agent", "question": "代办吗", "kind": "bool", "options": [
                {"value": "yes", "then": [{"id": "kin", "question": "是家属吗", "kind": "bool", "options": []}]}]},
        ],
    }
)  # fmt: skip


@pytest.fixture
def form():
    return FORM
