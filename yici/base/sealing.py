"""Sealing single values: authenticated encryption bound to a place, a blind index to find them by, keys with versions.

A sealed value is `version (1 byte) · nonce (12) · ciphertext and tag`. The place — table and field — is authenticated
with it, so that a value moved to another column cannot be opened there. Keys stand in files readable by their owner;
the newest seals, older ones still open, and `rewrap` brings a value up to date. AES-256-GCM by default; SM4-GCM
(GB/T 32907) and HMAC-SM3 (GB/T 32905) where `YICI_CRYPTO=sm`. Never logs what it is given.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4

from yici.base.errors import Misconfigured

__all__ = ["Broken", "Keyring", "keyring"]

Profile = Literal["aes", "sm"]
_NONCE = 12
_TAG = 16
_SECRET = 32  # bytes of a master key
_BLOCK = 64  # bytes, of SHA-256 and SM3
OVERHEAD = 1 + _NONCE + _TAG


class Broken(Misconfigured):
    """The value was altered, moved here from elsewhere, or its key is gone."""

    slug = "sealed-value-broken"
    message = "加密保存的内容无法读取：密钥已更换或内容已损坏，请联系管理员。"


@dataclass(frozen=True)
class _Key:
    """What is derived from one master key: one key to seal with, one for the blind index, nothing shared."""

    version: int
    profile: Profile
    sealing: bytes
    indexing: bytes

    @classmethod
    def of(cls, version: int, profile: Profile, master: bytes) -> _Key:
        length = 16 if profile == "sm" else 32
        return cls(version, profile, _derive(master, f"seal-{profile}", length), _derive(master, "index", 32))

    @cached_property
    def indexes(self) -> tuple[Any, Any]:
        """The two hashes of HMAC (RFC 2104), each begun with the key: what an index adds goes into copies of them."""
        digest, key = "sm3" if self.profile == "sm" else "sha256", self.indexing.ljust(_BLOCK, b"\0")
        return (
            hashlib.new(digest, bytes(byte ^ 0x36 for byte in key)),
            hashlib.new(digest, bytes(byte ^ 0x5C for byte in key)),
        )

    @cached_property
    def _aes(self) -> AESGCM:
        return AESGCM(self.sealing)

    def encrypt(self, nonce: bytes, data: bytes, place: bytes) -> bytes:
        if self.profile == "aes":
            return self._aes.encrypt(nonce, data, place)
        box = Cipher(SM4(self.sealing), modes.GCM(nonce)).encryptor()
        box.authenticate_additional_data(place)
        return box.update(data) + box.finalize() + box.tag

    def decrypt(self, nonce: bytes, sealed: bytes, place: bytes) -> bytes:
        if self.profile == "aes":
            return self._aes.decrypt(nonce, sealed, place)
        box = Cipher(SM4(self.sealing), modes.GCM(nonce, sealed[-_TAG:])).decryptor()
        box.authenticate_additional_data(place)
        return box.update(sealed[:-_TAG]) + box.finalize()


def _derive(master: bytes, purpose: str, length: int) -> bytes:
    """HKDF-Expand with one block (RFC 5869); the master key is uniformly random, so nothing is to be extracted."""
    return hmac.new(master, b"yici:" + purpose.encode() + b"\x01", hashlib.sha256).digest()[:length]


class Keyring:
    """The keys of a folder: `field-1.key`, `field-2.key`, … Safe against several processes at first use."""

    def __init__(self, folder: Path, profile: Profile = "aes") -> None:
        self._folder = folder
        self._profile = profile
        self._keys = self._read() or {1: self._make(1)}

    @property
    def newest(self) -> int:
        return max(self._keys)

    def seal(self, value: str | bytes, place: str) -> bytes:
        """`place`: `table.field`. The same value sealed twice gives different bytes."""
        return self.sealer(place)(value.encode() if isinstance(value, str) else value)

    def sealer(self, place: str) -> Callable[[bytes], bytes]:
        """`seal` for many values of one place: what they share is worked out once."""
        key = self._keys[self.newest]
        mark, bound, encrypt, urandom = bytes([self._mark(key)]), self._bound(key, place), key.encrypt, os.urandom

        def sealed(data: bytes) -> bytes:
            nonce = urandom(_NONCE)
            return mark + nonce + encrypt(nonce, data, bound)

        return sealed

    def unseal(self, sealed: bytes | memoryview, place: str) -> bytes:
        """Raises `Broken` for what was altered, belongs elsewhere, or was sealed with a key that is gone."""
        blob = bytes(sealed)
        if len(blob) < OVERHEAD:
            raise Broken
        key = self._of_mark(blob[0])
        try:
            return key.decrypt(blob[1 : 1 + _NONCE], blob[1 + _NONCE :], self._bound(key, place))
        except InvalidTag:
            raise Broken from None

    def blind_index(self, value: str, place: str) -> bytes:
        """16 bytes by which equal values of one place are found; tells nothing without the key.

        Always by the first key, so that an index stays good when keys are changed.
        """
        return self.indexer(place)(value)

    def indexer(self, place: str) -> Callable[[str], bytes]:
        """`blind_index` for many values of one place: the key is hashed once, and so is the place."""
        begun, ended = self._keys[min(self._keys)].indexes
        placed = begun.copy()
        placed.update(f"{place}\x00".encode())
        inner, outer = placed.copy, ended.copy

        def index(value: str) -> bytes:
            within, around = inner(), outer()
            within.update(value.encode())
            around.update(within.digest())
            return around.digest()[:16]

        return index

    @property
    def versions(self) -> list[int]:
        return sorted(self._keys)

    @property
    def mark(self) -> int:
        """The first byte of what is sealed now: key version and profile."""
        return self._mark(self._keys[self.newest])

    def needs_rewrap(self, sealed: bytes | memoryview) -> bool:
        return bytes(sealed[:1]) != bytes([self._mark(self._keys[self.newest])])

    def rewrap(self, sealed: bytes | memoryview, place: str) -> bytes:
        """The same value under the newest key and the profile in force."""
        return self.seal(self.unseal(sealed, place), place) if self.needs_rewrap(sealed) else bytes(sealed)

    def add_key(self) -> int:
        """Make a new key that seals from now on; returns its version. Other processes read with it at once and seal with it
        after a restart."""
        version = self.newest + 1
        if version > 127:
            raise Misconfigured("密钥版本已用尽，请先清理旧密钥。")
        self._keys[version] = self._make(version)
        return version

    def _mark(self, key: _Key) -> int:
        return key.version | (0x80 if key.profile == "sm" else 0)

    def _of_mark(self, mark: int) -> _Key:
        version, profile = mark & 0x7F, "sm" if mark & 0x80 else "aes"
        if version not in self._keys:
            self._keys = self._read()  # another process made a key since
        known = self._keys.get(version)
        if known is None:
            raise Broken
        return known if known.profile == profile else _Key.of(version, profile, self._master(version))  # type: ignore[arg-type]

    def _bound(self, key: _Key, place: str) -> bytes:
        return f"{place}\x00{key.version}".encode()

    def _path(self, version: int) -> Path:
        return self._folder / f"field-{version}.key"

    def _master(self, version: int) -> bytes:
        return bytes.fromhex(self._path(version).read_text("ascii").strip())

    def _read(self) -> dict[int, _Key]:
        versions = [int(path.stem.partition("-")[2]) for path in self._folder.glob("field-*.key")]
        return {version: _Key.of(version, self._profile, self._master(version)) for version in versions}

    def _make(self, version: int) -> _Key:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._path(version)
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                draft = path.with_suffix(".new")
                descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                with os.fdopen(descriptor, "w") as handle:
                    handle.write(secrets.token_hex(_SECRET))
                    handle.flush()
                    os.fsync(handle.fileno())
                draft.replace(path)
        return _Key.of(version, self._profile, self._master(version))


def keyring() -> Keyring:
    """The keys of this installation: `YICI_HOME/keys`, or `YICI_KEYS` where they are mounted from elsewhere."""
    from django.conf import settings

    return _keyring(os.environ.get("YICI_KEYS", ""), settings.HOME, os.environ.get("YICI_CRYPTO") == "sm")


@lru_cache(maxsize=4)
def _keyring(keys: str, home: Path | str, is_sm: bool) -> Keyring:
    """Asked for at every value, so the path is put together once."""
    return Keyring(Path(keys) if keys else Path(home) / "keys", "sm" if is_sm else "aes")
