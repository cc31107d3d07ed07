"""The OpenAPI document: the committed copy is the served one, and no generated request ends in a 5xx."""

from __future__ import annotations

import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error

from tests.environment import ROOT
from yici.core.people import services as people

DOCUMENT = ROOT / "docs" / "openapi.json"
EXAMPLES = 15  # of each operation and identity
bounded = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # a 5xx is reported as it was found; shrinking would cost minutes
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def document(db: None) -> Any:
    """The document as the running application serves it, bound to that application."""
    from yici.web.wsgi import application

    loaded = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)
    loaded.config.generation.update(modes=[schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE])
    loaded.config.phases.coverage.enabled = False
    return loaded


api = schemathesis.pytest.from_fixture("document")


def bearer(account: Any, assurance: int = 1) -> dict[str, str]:
    return {"Authorization": f"Bearer {people.issue_token(account, assurance)}"}


def test_the_committed_document_is_the_one_the_application_serves(client: Any, db: None) -> None:
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
def test_no_generated_request_of_a_citizen_ends_in_a_5xx(case: schemathesis.Case, demo: Any) -> None:
    case.call_and_validate(checks=[not_a_server_error], headers=bearer(demo.farmer, assurance=3))


@api.exclude(method="DELETE", path="/api/v1/session").parametrize()
@bounded
def test_no_generated_request_of_staff_ends_in_a_5xx(case: schemathesis.Case, demo: Any) -> None:
    case.call_and_validate(checks=[not_a_server_error], headers=bearer(demo.approver))
