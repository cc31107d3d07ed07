"""A certificate issued to the farmer of the story."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.platform.trust.lake import TYPE
from tests.platform.trust.lake import lake as lake
from yici.core.people import queries as people
from yici.platform.trust import queries, services
from yici.platform.trust.making import running
from yici.platform.trust.models import Certificate
from yici.platform.trust.queries import Held

CASE = "341600202611230000017"


def issue_to(demo: Any, case_number: str = CASE) -> Certificate:
    person = demo.farmer.person
    return services.issue(
        "senior_allowance",
        holder=person,
        face={
            "person.name": person.name,
            "person.id_number": person.id_number,
            "person.registered_address": "安徽省亳州市涡阳县高炉镇陆杨村3组27号",
            "subsidy.monthly_amount": "5000",
        },
        case_number=case_number,
        issuer=people.responsible_organisation("civil_affairs", "county", "341621108201"),
    )


@pytest.fixture
def certificate(demo: Any) -> Certificate:
    return issue_to(demo)


@pytest.fixture
def pdf(certificate: Certificate) -> bytes:
    from yici.core.files import services as files

    assert certificate.file is not None
    with files.open_file(certificate.file) as stream:
        return stream.read()


@pytest.fixture
def register(demo: Any, lake: Callable[..., None]) -> Held:
    """The farmer's household register, made from the lake among others."""

    lake(1, 30, owner=demo.farmer.person.id_number)
    running.make(TYPE)
    held = queries.valid_certificate(demo.farmer.person, TYPE)
    assert held is not None
    return held
