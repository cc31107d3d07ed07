"""Assertions: who was proven to be who, by what, how well; and, where it failed, that it did.

Whoever proves somebody's identity writes an assertion and hands out its token; whoever is about to do what needs a
proof uses it up, once, within a few minutes. Only the token's SHA-256 is kept.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from yici.base import clock
from yici.base.errors import NotAllowed
from yici.core.people.assurance import lasts
from yici.core.people.models import Account, Person
from yici.platform.trust.models import Assertion

__all__ = [
    "CREDENTIAL",
    "FACE",
    "LIFE",
    "NAME",
    "SESSION",
    "AssertionRefused",
    "Proof",
    "failures_since",
    "recent",
    "record",
    "use",
    "use_for_session",
    "write",
]

NAME, FACE, CREDENTIAL = 1, 2, 3
LIFE = dt.timedelta(minutes=5)
SESSION = "session"  # the purpose of raising the session in which it was made


class AssertionRefused(NotAllowed):
    """`reason`: unknown, failed, expired, replayed, other_person, other_purpose or too_low."""

    slug = "assertion-refused"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(_WORDS[reason])


_WORDS = {
    "unknown": _("没有找到这次身份核验，请重新核验身份。"),
    "failed": _("这次身份核验没有通过，请重新核验身份。"),
    "expired": _("身份核验已过期，请重新核验身份。"),
    "replayed": _("这次身份核验已经用过，请重新核验身份。"),
    "other_person": _("身份核验的不是您本人，请由本人重新核验。"),
    "other_purpose": _("这次身份核验不是为这项操作做的，请重新核验身份。"),
    "too_low": _("这项操作需要更高等级的身份核验，请用人脸或通行密钥核验。"),
}


@dataclass(frozen=True)
class Proof:
    """What was found, as the row keeps it. `capture`: SHA-256 of what was presented, refused a second time."""

    level: int
    method: str
    outcome: str = "matched"
    succeeded: bool = True
    distance: float | None = None
    threshold: float | None = None
    liveness: float | None = None
    model: str = ""
    capture: bytes | None = None


def write(
    person: Person,
    proof: Proof,
    *,
    account: Account | None = None,
    purpose: str = "",
    life: dt.timedelta = LIFE,
    token: str = "",
    vouched_by: Account | None = None,
) -> tuple[Assertion, str]:
    """Write an assertion, of a success or a failed try; returns it with its token, which is shown this once.

    `purpose`: the one act it may authorise, in the words that `use` is given; empty: any one act. Raises
    `IntegrityError` for a capture that was presented before.
    """
    token = token or secrets.token_urlsafe(32)
    now = clock.now()
    made = Assertion.objects.create(
        person=person, account=account, token_hash=_digest(token), level=proof.level, method=proof.method,
        succeeded=proof.succeeded, outcome=proof.outcome, distance=proof.distance, threshold=proof.threshold,
        liveness=proof.liveness, model=proof.model, capture=proof.capture, made_at=now, expires_at=now + life,
        purpose=purpose[:100], vouched_by=vouched_by,
    )  # fmt: skip
    return made, token


def record(
    person: Person,
    level: int,
    method: str,
    *,
    account: Account | None = None,
    outcome: str = "matched",
    life: dt.timedelta = LIFE,
) -> str:
    """A proof that succeeded; its token. `level`: `NAME`, `FACE` or `CREDENTIAL`."""
    return write(person, Proof(level, method, outcome), account=account, life=life)[1]


@transaction.atomic
def use(token: str, person: Person, purpose: str, *, level: int = FACE) -> Assertion:
    """Use up the proof for one act, in the caller's transaction. Raises `AssertionRefused` with the reason.

    `purpose`: what it authorises, at most 100 characters, as it shall be read in the record.
    """
    found = Assertion.objects.select_for_update().filter(token_hash=_digest(token)).first()
    if found is None:
        raise AssertionRefused("unknown")
    if found.person_id != person.pk:
        raise AssertionRefused("other_person")
    if not found.succeeded:
        raise AssertionRefused("failed")
    if found.used_at is not None:
        raise AssertionRefused("replayed")
    now = clock.now()
    if found.expires_at <= now:
        raise AssertionRefused("expired")
    if found.purpose and found.purpose != purpose[:100]:
        raise AssertionRefused("other_purpose")
    if found.level < level:
        raise AssertionRefused("too_low")
    found.used_at, found.used_for = now, purpose[:100]
    found.save(update_fields=["used_at", "used_for"])
    return found


@transaction.atomic
def use_for_session(token: str, person: Person, level: int = FACE) -> Assertion:
    """Use up a proof to raise a session; it stands behind the session as long as its level lasts."""
    found = use(token, person, SESSION, level=level)
    found.expires_at = clock.now() + lasts(found.level)
    found.save(update_fields=["expires_at"])
    return found


def failures_since(person: Person, method: str, since: dt.datetime) -> int:
    """Failed tries of a method, to limit them."""
    return Assertion.objects.filter(person=person, method=method, succeeded=False, made_at__gt=since).count()


def recent(person: Person, count: int = 20) -> Sequence[Assertion]:
    """The person's own proofs and failed tries, newest first."""
    rows = Assertion.objects.filter(person=person).select_related("vouched_by__organisation")
    return list(rows.order_by("-made_at")[:count])


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
