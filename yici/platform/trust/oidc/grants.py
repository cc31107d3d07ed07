"""Which tokens came of one authorization code. A code or a refresh token that comes twice was stolen from somebody:
everything that came of that code is revoked (RFC 6749 §4.1.2, RFC 9700 §4.14.2).

The hash of the code stands in the `data` of every token of its family, with an index of our own (migration 0013).
"""

from __future__ import annotations

from typing import Any

from allauth.idp.oidc.adapter import get_adapter
from allauth.idp.oidc.models import Token
from django.conf import settings
from django.core.cache import cache
from django.db import connection

from yici.core.audit import services as audit

__all__ = ["family_of", "lock", "mark", "revoke"]

_MARK = """
    UPDATE allauth_idp_oidc_token SET data = COALESCE(data, '{}'::jsonb) || jsonb_build_object('code', %s::text)
    WHERE type = ANY(%s) AND hash = ANY(%s)
"""
_TYPES = [Token.Type.ACCESS_TOKEN.value, Token.Type.REFRESH_TOKEN.value]


def _hash(value: str) -> str:
    """As allauth keeps tokens, so that they are found by it."""
    return str(get_adapter().hash_token(value))


def _spent(refresh_token: str) -> str:
    return f"yici.oidc.spent.{_hash(refresh_token)}"


def family_of(*, code: str = "", refresh_token: str = "") -> str:
    """The family that a code begins, or that a refresh token, good or spent, belongs to; empty where unknown."""
    if code:
        return _hash(code)
    if not refresh_token:
        return ""
    found = Token.objects.by_value(refresh_token).filter(type=Token.Type.REFRESH_TOKEN).first()
    if found is not None:
        return str((found.data or {}).get("code", ""))
    return str(cache.get(_spent(refresh_token), ""))


def lock(family: str) -> None:
    """Until the transaction ends nobody else redeems anything of this family: what is sent twice at once is used once."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 11))", [f"oidc {family}"])


def mark(family: str, told: dict[str, Any], spent: str = "") -> None:
    """Write the family beside the tokens of an answer; remember the refresh token that was given up for them."""
    hashes = [_hash(told[name]) for name in ("access_token", "refresh_token") if told.get(name)]
    with connection.cursor() as cursor:
        cursor.execute(_MARK, [family, _TYPES, hashes])
    if spent:
        cache.set(_spent(spent), family, settings.IDP_OIDC_REFRESH_TOKEN_EXPIRES_IN)


def revoke(family: str) -> int:
    """Revoke what came of a code, with a record that the person reads. Returns how many tokens."""
    tokens = Token.objects.valid().filter(type__in=_TYPES, data__has_key="code", data__code=family)
    found = list(tokens.select_related("client", "user"))
    if found:
        Token.objects.filter(pk__in=[one.pk for one in found]).delete()
        client, user = found[0].client, found[0].user
        subject = ("person", user.person_id) if user.person_id else ("account", user.pk)
        purpose = f"登录“{client.name}”的凭据被重复使用，可能已泄露，已全部作废"
        audit.record(audit.SYSTEM, "sign-in", subject=subject, purpose=purpose)
    return len(found)
