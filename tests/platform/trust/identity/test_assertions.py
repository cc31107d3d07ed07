"""Assertions: a proof of identity is good for one act, of one person, within five minutes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from yici.base import clock
from yici.platform.trust.identity import assertions
from yici.platform.trust.identity.assertions import CREDENTIAL, FACE, NAME, AssertionRefused
from yici.platform.trust.models import Assertion


def refusal(token: str, person: Any, **options: Any) -> str:
    with pytest.raises(AssertionRefused) as refused:
        assertions.use(token, person, "测试", **options)
    return refused.value.reason


def test_a_proof_is_used_once_and_says_for_what(demo: Any) -> None:
    person = demo.farmer.person
    token = assertions.record(person, FACE, Assertion.Method.FACE)
    used = assertions.use(token, person, "签名授权 7")
    assert (used.used_for, used.level, used.person_id) == ("签名授权 7", FACE, person.pk)
    assert refusal(token, person) == "replayed"


def test_only_the_digest_of_a_token_is_kept(demo: Any) -> None:
    token = assertions.record(demo.farmer.person, FACE, Assertion.Method.FACE)
    assert token.encode() not in bytes(Assertion.objects.get().token_hash)


def test_a_proof_of_somebody_else_expired_unknown_or_too_weak_is_refused(demo: Any) -> None:
    person = demo.farmer.person
    token = assertions.record(person, NAME, Assertion.Method.NAME)
    assert refusal(token, demo.daughter.person) == "other_person"
    assert refusal(token, person) == "too_low"
    assert refusal(token, person, level=CREDENTIAL) == "too_low"
    assert refusal("x" * 43, person) == refusal("", person) == "unknown"
    with clock.at(clock.now() + dt.timedelta(minutes=5, seconds=1)):
        assert refusal(token, person, level=NAME) == "expired"
    assert assertions.use(token, person, "测试", level=NAME).used_at is not None
    Assertion.objects.update(used_at=None, succeeded=False)
    assert refusal(token, person, level=NAME) == "failed"
