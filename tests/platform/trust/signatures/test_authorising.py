"""Leave to sign: for these hashes, by this person, once, soon."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from yici.base import clock
from yici.base.errors import Invalid
from yici.core.audit import services as audit
from yici.platform.trust.identity.assertions import NAME, AssertionRefused
from yici.platform.trust.models import SigningAuthorisation, SigningKey
from yici.platform.trust.signatures import authorising, keys
from yici.platform.trust.signatures.errors import AuthorisationRefused, KeyNotUsable

ONE, TWO = (hashlib.sha256(text).digest() for text in (b"one", b"two"))


def refusal(key: SigningKey, sad: str, *hashes: bytes) -> str:
    with pytest.raises(AuthorisationRefused) as refused:
        authorising.redeem(key, sad, hashes)
    return refused.value.reason


def test_what_was_authorised_is_signed_once(key: SigningKey, prove: Callable[..., str]) -> None:
    sad, row = authorising.authorise(key, [ONE, TWO], prove(key.person), "章程")
    assert len(authorising.redeem(key, sad, [TWO, ONE])) == 2
    assert refusal(key, sad, ONE) == "used"
    assert row.assertion.used_for.startswith("签名授权")
    assert sad.encode() not in bytes(SigningAuthorisation.objects.get().token_hash)


def test_another_hash_is_refused_and_the_authorisation_is_not_lost(key: SigningKey, prove: Callable[..., str]) -> None:
    sad, _row = authorising.authorise(key, [ONE], prove(key.person))
    assert refusal(key, sad, TWO) == "other_hash"
    assert refusal(key, sad, ONE, TWO) == "other_hash"
    assert refusal(key, sad) == "other_hash"
    assert authorising.redeem(key, sad, [ONE])


def test_it_is_refused_when_expired_unknown_or_for_another_key(
    key: SigningKey, demo: Any, prove: Callable[..., str]
) -> None:
    other = keys.ensure_key(demo.trader.person, audit.SYSTEM)
    sad, _row = authorising.authorise(key, [ONE], prove(key.person))
    assert refusal(other, sad, ONE) == "other_key"
    assert refusal(key, "x", ONE) == "unknown"
    with clock.at(clock.now() + authorising.LIFE + dt.timedelta(seconds=1)):
        assert refusal(key, sad, ONE) == "expired"


def test_the_proof_must_be_the_persons_own_fresh_and_strong(
    key: SigningKey, demo: Any, prove: Callable[..., str]
) -> None:
    token = prove(key.person)
    authorising.authorise(key, [ONE], token)
    for bad, reason in (
        (token, "replayed"),
        (prove(demo.trader.person), "other_person"),
        (prove(key.person, NAME), "too_low"),
        ("", "unknown"),
    ):
        with pytest.raises(AssertionRefused) as refused:
            authorising.authorise(key, [ONE], bad)
        assert refused.value.reason == reason
    stale = prove(key.person)
    with clock.at(clock.now() + dt.timedelta(minutes=6)), pytest.raises(AssertionRefused) as refused:
        authorising.authorise(key, [ONE], stale)
    assert refused.value.reason == "expired"


def test_malformed_or_too_many_hashes_leave_the_proof_unused(key: SigningKey, prove: Callable[..., str]) -> None:
    token = prove(key.person)
    for wrong in ([], [b"short"], [ONE] * 11):
        with pytest.raises(Invalid):
            authorising.authorise(key, wrong, token)
    assert authorising.authorise(key, [ONE] * 10, token)


def test_a_key_revoked_between_authorisation_and_signature_signs_nothing(
    key: SigningKey, prove: Callable[..., str]
) -> None:
    sad, _row = authorising.authorise(key, [ONE], prove(key.person))
    keys.revoke(key, "手机丢失", audit.SYSTEM)
    with pytest.raises(KeyNotUsable):
        authorising.redeem(key, sad, [ONE])
    with pytest.raises(KeyNotUsable):
        authorising.authorise(SigningKey.objects.get(pk=key.pk), [ONE], prove(key.person))
