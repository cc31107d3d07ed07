"""People's signing keys: made in the keystore, certified by the people's authority, replaced, suspended, revoked.

The certificate is the only part that anybody sees. Validity is physical time, never the demo's clock.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import secrets

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import transaction
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.encrypted import index_of
from yici.base.errors import Conflict, Invalid
from yici.core.audit import services as audit
from yici.core.people.models import Person
from yici.platform.trust.models import SigningKey
from yici.platform.trust.signatures import issuing, keystore, sm2_certificates
from yici.platform.trust.signatures.errors import KeyNotUsable
from yici.platform.trust.signatures.keystore import P256, SM2, Algorithm, KeyGone

__all__ = [
    "DAYS",
    "active_key",
    "certificates_der",
    "demand_usable",
    "ensure_key",
    "is_usable",
    "resume",
    "revoke",
    "rotate",
    "sign_digest",
    "suspend",
]

DAYS = 365  # a certificate's life
RENEW_DAYS = 30  # a key with less left is replaced before it signs again
State = SigningKey.State


def active_key(person: Person, algorithm: Algorithm = P256) -> SigningKey | None:
    """The key that signs today; None where there is none, or it is suspended or about to expire."""
    enough = clock.physical() + dt.timedelta(days=RENEW_DAYS)
    return (
        SigningKey.objects.filter(person=person, algorithm=algorithm, state=State.ACTIVE, valid_to__gt=enough)
        .order_by("-pk")
        .first()
    )


@transaction.atomic
def ensure_key(person: Person, actor: audit.Actor, algorithm: Algorithm = P256) -> SigningKey:
    """The active key, made when there is none and replaced when it is about to expire. Raises `KeyNotUsable` while
    it is suspended: whoever suspended it must resume or revoke it first."""
    Person.objects.select_for_update().get(pk=person.pk)  # two phones at once make one key
    if found := active_key(person, algorithm):
        return found
    mine = SigningKey.objects.filter(person=person, algorithm=algorithm)
    if mine.filter(state=State.SUSPENDED).exists():
        raise KeyNotUsable(_("您的签名密钥已暂停使用，请先恢复或更换。"))
    for old in mine.filter(state=State.ACTIVE).select_for_update():
        _end(old, State.ROTATED, "即将到期，自动更换", actor)
    return _make(person, algorithm, actor)


@transaction.atomic
def rotate(key: SigningKey, reason: str, actor: audit.Actor) -> SigningKey:
    """A new key in place of this one, whose private part is destroyed. What it signed stays valid."""
    locked = _locked(key, {State.ACTIVE, State.SUSPENDED})
    _end(locked, State.ROTATED, _reason(reason), actor)
    return _make(locked.person, _algorithm(locked), actor)


@transaction.atomic
def revoke(key: SigningKey, reason: str, actor: audit.Actor) -> SigningKey:
    """The key is lost or misused: it is destroyed and its certificate enters the revocation list."""
    locked = _locked(key, {State.ACTIVE, State.SUSPENDED})
    _end(locked, State.REVOKED, _reason(reason), actor)
    return locked


@transaction.atomic
def suspend(key: SigningKey, reason: str, actor: audit.Actor) -> SigningKey:
    locked = _locked(key, {State.ACTIVE})
    locked.state, locked.end_reason = State.SUSPENDED, _reason(reason)
    locked.save(update_fields=["state", "end_reason"])
    _note(locked, f"暂停签名密钥：{locked.end_reason}", actor)
    return locked


@transaction.atomic
def resume(key: SigningKey, reason: str, actor: audit.Actor) -> SigningKey:
    locked = _locked(key, {State.SUSPENDED})
    locked.state, locked.end_reason = State.ACTIVE, ""
    locked.save(update_fields=["state", "end_reason"])
    _note(locked, f"恢复签名密钥：{_reason(reason)}", actor)
    return locked


def is_usable(key: SigningKey) -> bool:
    return key.state == State.ACTIVE and key.valid_to > clock.physical()


def demand_usable(key: SigningKey) -> None:
    """Raises `KeyNotUsable`."""
    if not is_usable(key):
        raise KeyNotUsable()


def sign_digest(key: SigningKey, digest: bytes) -> bytes:
    """Ecdsa-Sig-Value (DER) by the keystore. Only for who holds leave to sign: see `authorising`."""
    return keystore.named(key.keystore).sign(key.label, digest)


def certificates_der(key: SigningKey) -> list[bytes]:
    """The key's certificate, then those above it."""
    return sm2_certificates.pem_blocks(key.certificate)


def _make(person: Person, algorithm: Algorithm, actor: audit.Actor) -> SigningKey:
    store = keystore.for_new_key(algorithm)
    label = f"person-{person.pk}-{secrets.token_hex(8)}"
    public = store.create(label, algorithm)
    until = clock.physical() + dt.timedelta(days=DAYS)
    key = SigningKey.objects.create(
        credential_id=secrets.token_hex(16),
        person=person,
        label=label,
        keystore=store.name,
        algorithm=algorithm,
        certificate=_certify(person, algorithm, public),
        created_at=clock.physical(),
        valid_to=until,
    )
    _note(key, f"签发签名证书（{algorithm}，{store.name}）", actor)
    return key


def _certify(person: Person, algorithm: Algorithm, public: bytes) -> str:
    """PEM of the certificate and its authority. The subject never holds the ID number, only its blind index."""
    distinct = index_of(person.id_number, "person.id_number").hex()
    if algorithm == SM2:
        return sm2_certificates.certificate_for(public, person.name, distinct, DAYS)
    loaded = serialization.load_der_public_key(public)
    assert isinstance(loaded, ec.EllipticCurvePublicKey)
    made = issuing.certificate_for(loaded, person.name, distinct, DAYS)
    return "".join(_pem(certificate) for certificate in (made, issuing.issuer().certificate))


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")


def _locked(key: SigningKey, allowed: set[str]) -> SigningKey:
    locked = SigningKey.objects.select_for_update(of=("self",)).select_related("person").get(pk=key.pk)
    if locked.state not in allowed:
        raise Conflict(_("签名密钥现在的状态是“%(state)s”，不能这样操作。") % {"state": locked.get_state_display()})
    return locked


def _end(key: SigningKey, state: SigningKey.State, reason: str, actor: audit.Actor) -> None:
    """The private part goes when the transaction is sure to hold."""
    key.state, key.ended_at, key.end_reason = state, clock.physical(), reason
    key.save(update_fields=["state", "ended_at", "end_reason"])
    _note(key, f"{key.get_state_display()}签名密钥：{reason}", actor)
    name, label = key.keystore, key.label
    transaction.on_commit(lambda: _destroy(name, label))


def _destroy(name: str, label: str) -> None:
    """A module that is not there any more took its keys along."""
    with contextlib.suppress(KeyGone):
        keystore.named(name).destroy(label)


def _algorithm(key: SigningKey) -> Algorithm:
    return SM2 if key.algorithm == SM2 else P256


def _reason(reason: str) -> str:
    if not reason.strip():
        raise Invalid(_("请写明理由。"), fields={"reason": _("请写明理由。")})
    return reason.strip()


def _note(key: SigningKey, purpose: str, actor: audit.Actor) -> None:
    audit.record(actor, "change", subject=("person", key.person_id), elements=["person.signing_key"], purpose=purpose)
