"""What every keystore can do: make a key, sign a digest with it, destroy it. A private key never leaves it."""

from __future__ import annotations

from typing import ClassVar, Literal, Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from yici.base.errors import Unavailable

__all__ = ["DIGEST_BYTES", "P256", "SM2", "Algorithm", "KeyGone", "Keystore"]

Algorithm = Literal["P-256", "SM2"]
P256: Algorithm = "P-256"
SM2: Algorithm = "SM2"
DIGEST_BYTES = 32  # SHA-256 for P-256, SM3 for SM2


class KeyGone(Unavailable):
    """The keystore has no key of that label: destroyed, or another machine's token."""

    slug = "signing-key-gone"
    message: str | Promise = _("签名密钥不在密钥库中，请更换签名密钥后再签。")


class Keystore(Protocol):
    """`name` stands with each key, so that a key is always asked of the keystore that made it."""

    name: ClassVar[str]
    is_hardware: bool

    @property
    def description(self) -> str:
        """What it is, for people: a product and its serial number, or that there is none."""

    def algorithms(self) -> frozenset[Algorithm]: ...

    def create(self, label: str, algorithm: Algorithm) -> bytes:
        """Make a key; its public part as SubjectPublicKeyInfo (DER)."""

    def sign(self, label: str, digest: bytes) -> bytes:
        """Ecdsa-Sig-Value (DER) over a digest of 32 bytes; for SM2 the digest is SM3(Z ‖ M). Raises `KeyGone`."""

    def destroy(self, label: str) -> None:
        """For good. Destroying twice is no fault."""
