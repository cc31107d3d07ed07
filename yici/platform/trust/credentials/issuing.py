"""Credentials of one's own certificates: issued on demand, checked by anybody, with the state the library knows today."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from yici.base.errors import Conflict, Invalid
from yici.core.vocabulary import queries as vocabulary
from yici.platform.trust.credentials import sd_jwt
from yici.platform.trust.library.held import Held, checked_elements, find
from yici.platform.trust.making import keys

__all__ = ["DAYS", "credential_of", "issuer_metadata", "judge"]

DAYS = 7  # a credential is a copy: short-lived, so that a revocation is not outlived for long


def credential_of(held: Held, elements: Sequence[str], now: dt.datetime) -> str:
    """An SD-JWT that discloses these elements of the face. Raises `Conflict` unless in force, `Invalid` for others."""
    if held.state_on(timezone.localdate(now)) != "valid":
        raise Conflict(_("证照现在不在有效状态，不能出示。"))
    wanted = checked_elements(held, elements)
    issued = int(now.timestamp())
    shown = {
        "iss": settings.SITE_URL,
        "vct": held.type,
        "iat": issued,
        "exp": issued + DAYS * 86_400,
        "identifier": held.identifier,
    }
    hidden = {"number": held.number, **held.face}
    token = sd_jwt.issue(hidden, shown, keys.private_key(), keys.key_id())
    return sd_jwt.present(token, ["number", *wanted])


def judge(token: str, now: dt.datetime) -> dict[str, Any]:
    """{outcome, claims}: genuine, not_in_force, unknown, or what is wrong with the token. Never raises."""
    known, signer = keys.public_keys(), sd_jwt.key_id_of(token)
    try:
        claims = sd_jwt.verify(token.strip(), known.get(signer) or known[keys.key_id()], int(now.timestamp()))
    except sd_jwt.BadCredential as bad:
        foreign = bad.reason == "altered" and signer not in known
        return {"outcome": "foreign" if foreign else bad.reason, "claims": {}}
    try:
        held = find(str(claims.get("identifier", "")))
    except Invalid:
        held = None
    if held is None:
        return {"outcome": "unknown", "claims": {}}
    state = held.state
    told = {
        name: {"label": str(vocabulary.element(name).label) if vocabulary.has_element(name) else name, "value": value}
        for name, value in claims.items()
        if name not in ("iss", "vct", "iat", "exp")
    }
    return {
        "outcome": "genuine" if state == "valid" else "not_in_force",
        "state": state,
        "type": str(held.name),
        "claims": told,
    }


def issuer_metadata() -> dict[str, Any]:
    """What a reader fetches to check tokens by itself (`/.well-known/jwt-vc-issuer`)."""
    published = [
        {**sd_jwt.public_jwk(public), "kid": kid, "use": "sig", "alg": "ES256"}
        for kid, public in keys.public_keys().items()
    ]
    return {"issuer": settings.SITE_URL, "jwks": {"keys": published}}
