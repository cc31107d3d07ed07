"""The face check, one to one: a capture of now against the reference that the police gave.

The capture is looked at and forgotten; of the reference only the sealed embedding is kept. Every check becomes an
assertion with distance, threshold and model, whatever its outcome.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from yici.base import clock
from yici.core.audit import services as audit
from yici.core.people.assurance import identity
from yici.core.people.errors import TooManyRequests
from yici.core.people.models import Account, Person
from yici.platform.trust.identity import assertions, face, outcomes, police
from yici.platform.trust.identity.assertions import Proof
from yici.platform.trust.models import Assertion, FaceReference

__all__ = ["Checked", "check_face", "forget_reference"]

_SPAN = dt.timedelta(hours=1)
# What stopped the check before anything could be compared is the police's word, not a failed try of the person's.
_POLICE = {
    "mismatch": "name_mismatch",
    "not_found": "unknown_person",
    "deceased": "deceased",
    "no_photo": "no_reference",
}


@dataclass(frozen=True)
class Checked:
    """`token` authorises what the check was made for, once; empty where it failed."""

    outcome: str
    assertion: Assertion | None = None
    token: str = ""

    @property
    def succeeded(self) -> bool:
        return self.outcome == outcomes.MATCHED

    @property
    def words(self) -> str:
        return outcomes.words(self.outcome)


def check_face(
    account: Account,
    picture: bytes,
    actor: audit.Actor,
    *,
    purpose: str = assertions.SESSION,
    liveness: float | None = None,
) -> Checked:
    """Compare a capture with the account's own person. `liveness`: what the browser measured, 0 to 1; recorded only.

    Raises `PoliceUnavailable`; `TooManyRequests` after too many failed tries within an hour.
    """
    person = account.person
    assert person is not None
    rules = identity().face
    if assertions.failures_since(person, Assertion.Method.FACE, clock.now() - _SPAN) >= rules.tries_an_hour:
        raise TooManyRequests(_("一小时内核验失败次数过多。请一小时后再试，或到窗口、代办点当面核验。"))
    capture = face.read(picture)
    if capture.embedding is None:
        return _written(person, account, actor, purpose, Proof(2, Assertion.Method.FACE, capture.outcome, False))
    reference = _reference(person, actor)
    if isinstance(reference, str):
        return _written(person, account, actor, purpose, Proof(2, Assertion.Method.FACE, reference, False))
    distance = face.distance(capture.embedding, face.embedding_of_bytes(bytes(reference.embedding)))
    matched = distance <= rules.threshold
    proof = Proof(
        2, Assertion.Method.FACE, outcomes.MATCHED if matched else "other_person", matched, distance=distance,
        threshold=rules.threshold, liveness=liveness, model=face.MODEL, capture=capture.digest,
    )  # fmt: skip
    return _written(person, account, actor, purpose, proof)


def _written(person: Person, account: Account, actor: audit.Actor, purpose: str, proof: Proof) -> Checked:
    """The assertion and its entry in the log; a capture that was seen before becomes the outcome `replayed`."""
    try:
        with transaction.atomic():
            made, token = assertions.write(person, proof, account=account, purpose=purpose)
    except IntegrityError:
        replayed = Proof(2, Assertion.Method.FACE, "replayed", False, threshold=proof.threshold, model=proof.model)
        made, token = assertions.write(person, replayed, account=account, purpose=purpose)
    audit.record(
        actor, "identity", subject=("person", person.pk), elements=["person.face"],
        purpose=f"人脸核验：{'通过' if made.succeeded else '未通过'}",
    )  # fmt: skip
    return Checked(made.outcome, made, token if made.succeeded else "")


def _reference(person: Person, actor: audit.Actor) -> FaceReference | str:
    """The reference in force, fetched from the police at first use; or why there is none."""
    kept = FaceReference.objects.filter(person=person, replaced_at=None, model=face.MODEL).first()
    if kept is not None:
        return kept
    answer = police.registered(person.name, person.id_number, "实人核验", photo=True)
    audit.record(
        actor, "read", subject=("person", person.pk), elements=["person.face"],
        purpose="向公安身份服务调取证件照，用于本人实人核验",
    )  # fmt: skip
    if answer.code != "match":
        return _POLICE.get(answer.code, "unknown_person")
    reading = face.read(answer.photo)
    if reading.embedding is None:
        return "no_reference"
    with transaction.atomic():
        Person.objects.select_for_update(no_key=True).get(pk=person.pk)
        FaceReference.objects.filter(person=person, replaced_at=None).update(replaced_at=clock.now())
        return FaceReference.objects.create(
            person=person, embedding=reading.embedding.tobytes(), model=face.MODEL, source="police",
            created_at=clock.now(),
        )  # fmt: skip


def forget_reference(person: Person, actor: audit.Actor) -> int:
    """Delete what is kept of a person's face, at her wish; the next check asks the police anew."""
    deleted, _each = FaceReference.objects.filter(person=person).delete()
    audit.record(
        actor, "delete", subject=("person", person.pk), elements=["person.face"], purpose="本人删除人脸特征"
    )  # fmt: skip
    return deleted
