"""What an approval does to a certificate: it issues, changes or ends one, once however often the job runs; and what a
certificate that was made in bulk proves.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from tests.platform.trust.lake import TYPE as REGISTER
from tests.platform.trust.lake import lake as lake
from tests.systems.hall.conftest import submitted
from yici.platform.trust import queries as trust
from yici.platform.trust.making import running
from yici.platform.trust.models import Certificate, CertificateEvent
from yici.systems.hall.definitions import Ended
from yici.systems.hall.models import MaterialInstance
from yici.systems.hall.services import results

pytestmark = pytest.mark.django_db
TYPE = "senior_allowance"


@pytest.fixture
def following(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`following(action)`: the allowance's item does that to its certificate from now on."""
    real = results.definition_of

    def stand(action: str) -> None:
        def changed(version: Any) -> Any:
            definition = real(version)
            result = definition.result.model_copy(update={"certificate_action": action})
            if action == "end":
                told = {
                    "certificate": "general_decision",
                    "certificate_action": "issue",
                    "ends": Ended(certificate=TYPE),
                }
                result = definition.result.model_copy(update=told)
            return definition.model_copy(update={"result": result})

        monkeypatch.setattr(results, "definition_of", changed)

    return stand


def issued(demo: Any) -> Certificate:
    certificate = results.issue(submitted(demo.farmer).number)
    assert certificate is not None
    return certificate


def test_an_item_that_changes_gives_a_new_version_once(demo: Any, story_day: dt.datetime, following: Any) -> None:
    first = issued(demo)
    following("change")
    case = submitted(demo.farmer)
    second = results.issue(case.number)
    assert second is not None and (second.number, second.version) == (first.number, 2)
    again = results.issue(case.number)
    assert again is not None and again.pk == second.pk
    first.refresh_from_db()
    assert first.state == "changed"
    held = trust.valid_certificate(demo.farmer.person, TYPE)
    assert held is not None and held.identifier == second.identifier


def test_an_item_that_ends_one_cancels_it_once(demo: Any, story_day: dt.datetime, following: Any) -> None:
    first = issued(demo)
    following("end")
    case = submitted(demo.farmer)
    decision, again = results.issue(case.number), results.issue(case.number)
    assert decision is not None and again is not None and decision.pk == again.pk
    assert decision.type == "general_decision", "that it ended is told on a paper of its own"
    first.refresh_from_db()
    assert first.state == "cancelled"
    (event,) = CertificateEvent.objects.filter(identifier=first.identifier, action="cancel")
    assert event.case_number == case.number
    assert trust.valid_certificate(demo.farmer.person, TYPE) is None


def test_what_was_held_on_paper_only_comes_as_a_first_one(demo: Any, story_day: dt.datetime, following: Any) -> None:
    following("change")
    first = results.issue(submitted(demo.farmer).number)
    assert first is not None and (first.version, first.state) == (1, "valid")


def test_a_certificate_made_in_bulk_is_attached_by_itself(
    demo: Any, story_day: dt.datetime, lake: Callable[..., None]
) -> None:
    lake(1, 3, owner=demo.farmer.person.id_number)
    running.make(REGISTER)
    held = trust.valid_certificate(demo.farmer.person, REGISTER)
    assert held is not None and held.is_made
    case = submitted(demo.farmer)
    shown = MaterialInstance.objects.filter(application__case=case)
    proven = [one for one in shown if one.proof.get("identifier") == held.identifier]
    assert [(one.source, one.trust) for one in proven] == [("certificate", "A")]
