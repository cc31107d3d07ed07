"""Lives of certificates of both kinds: every step by its rule, an event each, counts that stay exact."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import Count

from tests.platform.trust.lake import TYPE
from yici.base import clock
from yici.base.errors import Conflict, Invalid, NotFound
from yici.core.audit import services as audit
from yici.platform.trust import queries, rules, services
from yici.platform.trust.library import states
from yici.platform.trust.library.held import from_issued
from yici.platform.trust.making import running
from yici.platform.trust.models import Certificate, CertificateEvent, MadeCertificate, MadeCount
from yici.platform.trust.queries import Held

pytestmark = pytest.mark.django_db
CLERK = audit.Actor(7, "李审批", "涡阳县民政局")


@pytest.fixture(params=["issued", "made"])
def held(request: pytest.FixtureRequest) -> Held:
    if request.param == "made":
        made: Held = request.getfixturevalue("register")
        return made
    return from_issued(request.getfixturevalue("certificate"))


def kept_counts() -> dict[tuple[str, str], int]:
    return {(one.type, one.state): one.count for one in MadeCount.objects.all() if one.count}


def true_counts() -> dict[tuple[str, str], int]:
    rows = MadeCertificate.objects.values_list("type", "state").annotate(count=Count("pk"))
    return {(type, state): count for type, state, count in rows}


@pytest.mark.parametrize("action", list(states.ACTIONS))
@pytest.mark.parametrize("state", ["made", "valid", "changed", "suspended", "cancelled", "revoked", "expired"])
def test_every_action_from_every_state_is_allowed_or_refused(held: Held, action: str, state: str) -> None:
    MadeCertificate.objects.filter(pk=held.identifier).update(state=state)
    Certificate.objects.filter(identifier=held.identifier).update(state=state)
    MadeCount.objects.all().delete()
    before = CertificateEvent.objects.count()
    if state in states.ACTIONS[action].allowed:
        after = states.act(held.identifier, action, "核查", CLERK)
        assert after.stored_state == states.ACTIONS[action].state
        event = CertificateEvent.objects.latest("pk")
        assert (event.action, event.state, event.reason) == (action, after.stored_state, "核查")
        assert event.actor_name == "涡阳县民政局 李审批"
        assert after.state_reason == ("" if after.stored_state == "valid" else "核查")
    else:
        with pytest.raises(Conflict):
            states.act(held.identifier, action, "核查", CLERK)
        assert CertificateEvent.objects.count() == before


def test_a_reason_is_demanded_and_an_unknown_one_is_not_there(held: Held) -> None:
    with pytest.raises(Invalid):
        states.act(held.identifier, "revoke", "  ", CLERK)
    with pytest.raises(NotFound):
        states.act("1.2.156.3005.2.X", "revoke", "核查", CLERK)


def test_counts_stay_exact_through_making_changes_and_expiry(lake: Callable[..., None]) -> None:
    lake(1, 40)
    running.make(TYPE)
    assert kept_counts() == true_counts() == {(TYPE, "valid"): 40}
    lake(2, 44, moved=5)
    running.make(TYPE)
    assert kept_counts() == true_counts() == {(TYPE, "valid"): 44, (TYPE, "changed"): 5}
    first = MadeCertificate.objects.filter(state="valid").order_by("pk")[0]
    states.act(first.pk, "suspend", "核查", CLERK)
    MadeCertificate.objects.filter(state="valid").update(valid_to=clock.today())
    assert states.expire(clock.today()) == 0
    assert states.expire(clock.today() + dt.timedelta(days=1)) == 43
    assert states.expire(clock.today() + dt.timedelta(days=1)) == 0
    assert kept_counts() == true_counts() == {(TYPE, "expired"): 43, (TYPE, "changed"): 5, (TYPE, "suspended"): 1}
    assert CertificateEvent.objects.filter(action="expire").count() == 43


def test_nightly_job_lets_issued_ones_expire_with_an_event(certificate: Certificate) -> None:
    from yici.platform.trust import jobs

    Certificate.objects.filter(pk=certificate.pk).update(valid_to=clock.today() - dt.timedelta(days=1))
    jobs.expire.func(0)
    certificate.refresh_from_db()
    assert certificate.state == "expired"
    assert [event.state for event in states.history_of(certificate.identifier)] == ["expired", "valid"]


def test_change_makes_a_new_version_and_keeps_the_old_one(demo: Any, certificate: Certificate, pdf: bytes) -> None:
    new = services.change(
        certificate.identifier, {"subsidy.monthly_amount": "8000"}, "标准调整", CLERK, "341600202611230000099"
    )
    parts, old_parts = rules.parse_identifier(new.identifier), rules.parse_identifier(certificate.identifier)
    assert (parts.serial, parts.version, old_parts.version) == (old_parts.serial, 2, 1)
    assert (new.number, new.version, new.face["subsidy.monthly_amount"]) == (certificate.number, 2, "8000")
    assert new.face["person.name"] == certificate.face["person.name"]
    verdict = queries.verify_file(pdf)
    assert not verdict.genuine and "已变更" in verdict.reason
    found = queries.valid_certificate(demo.farmer.person, "senior_allowance")
    assert found is not None and found.identifier == new.identifier
    old = states.history_of(certificate.identifier)[0]
    assert (old.state, old.successor, old.case_number) == ("changed", new.identifier, "341600202611230000099")
    with pytest.raises(Conflict):
        services.change(certificate.identifier, {}, "再变更", CLERK)


def test_one_made_in_bulk_follows_its_data(register: Held) -> None:
    with pytest.raises(Conflict, match="数据"):
        services.change(register.identifier, {"person.name": "甲"}, "更名", CLERK)


def test_a_cancelled_one_is_no_longer_in_the_wallet_but_its_history_is(demo: Any, register: Held) -> None:
    states.act(register.identifier, "cancel", "迁出", CLERK)
    assert queries.certificates_for(demo.farmer) == []
    verdict = queries.verdict_on(register.identifier)
    assert "注销" in verdict.reason and verdict.certificate is not None and verdict.certificate.state_reason == "迁出"
