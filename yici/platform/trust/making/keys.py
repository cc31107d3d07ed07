"""Signing and judging raw bytes with the city's key: what stands under a batch of records.

ES256 by default. Where a key is changed, batches signed with the old one still verify: its certificate stays in
the trust folder as `signer-<key id>.crt` (`authority.renew_signer`).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from yici.base.errors import Misconfigured
from yici.platform.trust.authority import KeyFiles, key_files

__all__ = ["ALGORITHM", "key_id", "private_key", "public_keys", "sign", "verify"]

ALGORITHM = "ES256"


@lru_cache(maxsize=2)
def _key(files: KeyFiles) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(files.signer_key.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Misconfigured(f"{files.signer_key} 不是 P-256 私钥。")
    return key


@lru_cache(maxsize=8)
def _certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def key_id() -> str:
    """SHA-256 of the signer's certificate, in hexadecimal."""
    return _certificate(key_files().signer_certificate).fingerprint(hashes.SHA256()).hex()


def private_key() -> ec.EllipticCurvePrivateKey:
    """The city's signing key, read once a process."""
    return _key(key_files())


def sign(data: bytes) -> bytes:
    """A DER signature over the bytes."""
    return private_key().sign(data, ec.ECDSA(hashes.SHA256()))


def public_keys() -> dict[str, ec.EllipticCurvePublicKey]:
    """Key id → public key of every signer of this city, the present one first."""
    files = key_files()
    past = sorted(files.signer_certificate.parent.glob("signer-*.crt"))
    found = {}
    for path in (files.signer_certificate, *past):
        certificate = _certificate(path)
        public = certificate.public_key()
        if isinstance(public, ec.EllipticCurvePublicKey):
            found[certificate.fingerprint(hashes.SHA256()).hex()] = public
    return found


def verify(data: bytes, signature: bytes, signer: str) -> bool:
    """Whether the key with that id signed the bytes. False for a key of another city."""
    public = public_keys().get(signer)
    if public is None:
        return False
    try:
        public.verify(signature, data, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True
