"""Assertions: one proof of identity each, held as a token, good for one act within a few minutes.

Whoever proves somebody's identity records an assertion and hands out its token; whoever is about to do what needs a
proof uses it up. Only the token's SHA-256 is kept.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets

from django.utils.translation import gettext_lazy as _

from yici.base import clock
from yici.base.errors import NotAllowed
from yici.core.people.models import Account, Person
from yici.platform.trust.models import Assertion

__all__ = ["CREDENTIAL", "FACE", "LIFE", "NAME", "AssertionRefused", "record", "use"]

NAME, FACE, CREDENTIAL = 1, 2, 3
LIFE = dt.timedelta(minutes=5)


class AssertionRefused(NotAllowed):
    """`reason`: unknown, failed, expired, replayed, other_person or too_low."""

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
    "too_low": _("这项操作需要更高等级的身份核验，请用人脸或通行密钥核验。"),
}


def record(
    person: Person,
    level: int,
    method: str,
    *,
    account: Account | None = None,
    outcome: str = "matched",
    life: dt.timedelta = LIFE,
) -> str:
    """A proof that succeeded; its token is shown this once. `level`: `NAME`, `FACE` or `CREDENTIAL`."""
    token = secrets.token_urlsafe(32)
    now = clock.now()
    Assertion.objects.create(
        person=person,
        account=account,
        token_hash=_digest(token),
        level=level,
        method=method,
        succeeded=True,
        outcome=outcome,
        made_at=now,
        expires_at=now + life,
    )
    return token


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
    if found.level < level:
        raise AssertionRefused("too_low")
    found.used_at, found.used_for = now, purpose[:100]
    found.save(update_fields=["used_at", "used_for"])
    return found


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
