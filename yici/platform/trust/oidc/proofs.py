"""Beside each authorization code, how well the session knew the person: carried to the ID token, once."""

from __future__ import annotations

import hashlib
from typing import Any

from django.core.cache import cache

__all__ = ["keep", "take"]

LIFE = 60  # seconds, of a code and of this


def _key(client_id: str, code: str) -> str:
    return "yici.oidc." + hashlib.sha256(f"{client_id}:{code}".encode()).hexdigest()


def keep(client_id: str, code: str, acr: str, auth_time: int) -> None:
    cache.set(_key(client_id, code), {"acr": acr, "auth_time": auth_time}, LIFE)


def take(client_id: str, code: str) -> dict[str, Any] | None:
    key = _key(client_id, code)
    found: dict[str, Any] | None = cache.get(key)
    cache.delete(key)
    return found
