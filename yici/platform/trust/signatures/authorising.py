"""Leave to sign: bound to one key, to the very hashes, to one proof of identity; good once, for five minutes.

This is the sole-control part of the service (CSC's SCAL 2): no signature is made but through `redeem`.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import secrets
from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Invalid
from yici.platform.trust.identity import assertions
from yici.platform.trust.models import SigningAuthorisation, SigningKey
from yici.platform.trust.signatures import keys
from yici.platform.trust.signatures.errors import AuthorisationRefused
from yici.platform.trust.signatures.keystore import DIGEST_BYTES

__all__ = ["LIFE", "MOST", "authorise", "redeem"]

LIFE = dt.timedelta(minutes=5)
MOST = 10  # hashes of one authorisation


@transaction.atomic
def authorise(
    key: SigningKey, hashes: Sequence[bytes], assertion_token: str, description: str = ""
) -> tuple[str, SigningAuthorisation]:
    """Signature activation data for these hashes, shown this once. Uses the proof of identity up.

    Raises `AssertionRefused`, `KeyNotUsable`, or `Invalid` for no, too many or malformed hashes.
    """
    keys.demand_usable(key)
    if not 0 < len(hashes) <= MOST or any(len(digest) != DIGEST_BYTES for digest in hashes):
        raise Invalid(_("一次可以授权 1 到 %(most)s 个摘要，每个 32 字节。") % {"most": MOST})
    assertion = assertions.use(assertion_token, key.person, f"签名授权 {key.credential_id}")
    sad = secrets.token_urlsafe(32)
    now = clock.now()
    row = SigningAuthorisation.objects.create(
        key=key,
        token_hash=_digest(sad),
        hashes=[base64.b64encode(digest).decode("ascii") for digest in hashes],
        assertion=assertion,
        description=description[:500],
        created_at=now,
        expires_at=now + LIFE,
    )
    return sad, row


@transaction.atomic
def redeem(key: SigningKey, sad: str, hashes: Sequence[bytes]) -> list[bytes]:
    """Sign once with what was authorised; signatures (DER) in the order of the hashes.

    Raises `AuthorisationRefused` with the reason, `KeyNotUsable`, `KeyGone`. All hashes or none.
    """
    row = SigningAuthorisation.objects.select_for_update().filter(token_hash=_digest(sad)).first()
    if row is None:
        raise AuthorisationRefused("unknown")
    if row.key_id != key.pk:
        raise AuthorisationRefused("other_key")
    if row.used_at is not None:
        raise AuthorisationRefused("used")
    now = clock.now()
    if row.expires_at <= now:
        raise AuthorisationRefused("expired")
    allowed = set(row.hashes)
    if not hashes or any(base64.b64encode(digest).decode("ascii") not in allowed for digest in hashes):
        raise AuthorisationRefused("other_hash")
    current = SigningKey.objects.select_for_update().get(pk=key.pk)
    keys.demand_usable(current)
    row.used_at = now
    row.save(update_fields=["used_at"])
    return [keys.sign_digest(current, digest) for digest in hashes]


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
