"""The OpenAPI document: the committed copy is the served one, and no generated request ends in a 5xx."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.conf import settings as site
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error

from tests.environment import ROOT
from yici.core.people import services as people

DOCUMENT = ROOT / "docs" / "openapi.json"
EXAMPLES = 12  # of each operation and identity
bounded = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # a 5xx is reported as it was found; shrinking would cost minutes
    suppress_health_check=list(HealthCheck),
)


def _document() -> Any:
    """The document as the running application serves it, bound to that application; one test per operation."""
    Path(site.STATIC_ROOT).mkdir(parents=True, exist_ok=True)  # WhiteNoise warns of a missing folder
    from yici.web.wsgi import application

    loaded = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)
    loaded.config.phases.coverage.enabled = False
    return loaded


api = _document()
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """A real request closes the connection it used; here that would end the test's own transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def as_citizen(demo: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {people.issue_token(demo.farmer, 3)}"}


@pytest.fixture
def as_staff(demo: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {people.issue_token(demo.approver, 1)}"}


def test_the_committed_document_is_the_one_the_application_serves(client: Any) -> None:
    served = client.get("/api/v1/openapi.json").json()
    assert DOCUMENT.exists() and json.loads(DOCUMENT.read_text("utf-8")) == served, (
        "docs/openapi.json is out of date: run `yici openapi` and commit what changed"
    )


@api.parametrize()
@bounded
def test_no_generated_request_of_an_anonymous_caller_ends_in_a_5xx(case: schemathesis.Case) -> None:
    case.call_and_validate(checks=[not_a_server_error])


@api.exclude(method="DELETE", path="/api/v1/session").parametrize()
@bounded
def test_no_generated_request_of_a_citizen_ends_in_a_5xx(case: schemathesis.Case, as_citizen: dict[str, str]) -> None:
    case.call_and_validate(checks=[not_a_server_error], headers=as_citizen)


@api.exclude(method="DELETE", path="/api/v1/session").parametrize()
@bounded
def test_no_generated_request_of_staff_ends_in_a_5xx(case: schemathesis.Case, as_staff: dict[str, str]) -> None:
    case.call_and_validate(checks=[not_a_server_error], headers=as_staff)
