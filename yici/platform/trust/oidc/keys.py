"""The keys that sign ID tokens: RSA, in `YICI_HOME/trust/oidc-<number>.key`, the first made at first use.

The newest signs; older ones stay published, so that tokens they signed can be checked, until their file is removed.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import os
from functools import lru_cache
from pathlib import Path

from allauth.idp.oidc.models import PrivateKey
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings

__all__ = ["add_key", "private_keys"]

BITS = 2048


def _folder() -> Path:
    return Path(settings.HOME) / "trust"


def _paths() -> tuple[Path, ...]:
    return tuple(sorted(_folder().glob("oidc-*.key")))


def private_keys() -> list[PrivateKey]:
    """Every key, oldest first; one is made where there is none."""
    paths = _paths()
    if not paths:
        add_key(first=True)
        paths = _paths()
    return [_read(path, path.stat().st_mtime_ns) for path in paths]


@lru_cache(maxsize=8)
def _read(path: Path, changed: int) -> PrivateKey:
    return PrivateKey(pem=path.read_text("ascii"), issued_at=dt.datetime.fromtimestamp(changed / 1e9, tz=dt.UTC))


def add_key(first: bool = False) -> Path:
    """Make a new key that signs from now on. `first`: only where there is none yet."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        paths = _paths()
        if first and paths:
            return paths[-1]
        path = folder / f"oidc-{len(paths) + 1:03d}.key"
        key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        draft = path.with_suffix(".new")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as handle:
            handle.write(pem)
        draft.replace(path)
    return path
