"""The cache: in the process's own memory, but in the database for what several processes must agree on."""

from __future__ import annotations

from typing import Any

from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.locmem import LocMemCache

# Authorization codes of the OpenID provider: made by one process, redeemed in another.
SHARED = ("allauth.idp.oidc.authorization_code", "yici.oidc.")
TABLE = "trust_sharedcache"


class Cache(LocMemCache):
    """Keys that begin with one of `SHARED` stand in a table; `clear` empties only the memory."""

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__(name, params)
        self._shared = DatabaseCache(TABLE, params)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        if key.startswith(SHARED):
            return self._shared.get(key, default, version)
        return super().get(key, default, version)

    def set(self, key: str, value: Any, timeout: Any = 300, version: int | None = None) -> None:
        if key.startswith(SHARED):
            self._shared.set(key, value, timeout, version)
        else:
            super().set(key, value, timeout, version)

    def delete(self, key: str, version: int | None = None) -> bool:
        if key.startswith(SHARED):
            return bool(self._shared.delete(key, version))
        return bool(super().delete(key, version))
