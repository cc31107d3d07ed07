"""Who seals an OFD file. `Sealer` is the interface; `CitySealer` the city's own SM2 key (GB/T 32918) over SM3.

The sealed value is SignedData of GM/T 0010: the signature with the certificate that proves it. A seal by GB/T 38540
plugs in as another `Sealer`.
"""

from __future__ import annotations

import fcntl
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, Protocol

from asn1crypto import algos, cms, core, x509
from django.conf import settings

from yici.base.errors import Misconfigured
from yici.platform.trust.authority import write_whole
from yici.platform.trust.signatures import sm2, sm2_certificates

__all__ = ["CitySealer", "Sealer", "Verdict", "sealer"]

Verdict = Literal["good", "altered", "foreign"]
NAME, YEARS = "电子证照专用章", 10
_DATA, _SIGNED_DATA = "1.2.156.10197.6.1.4.2.1", "1.2.156.10197.6.1.4.2.2"  # GM/T 0010
_SM3, _SM2 = "1.2.156.10197.1.401", "1.2.156.10197.1.301.1"


class Sealer(Protocol):
    """Seals bytes, and judges what was sealed."""

    @property
    def method(self) -> str:
        """OID that stands in Signature.xml."""

    def seal(self, message: bytes) -> bytes: ...

    def judge(self, message: bytes, sealed: bytes) -> Verdict: ...


class _Content(core.Sequence):
    _fields = [("content_type", core.ObjectIdentifier)]


class _IssuerAndSerial(core.Sequence):
    _fields = [("issuer", x509.Name), ("serial_number", core.Integer)]


class _SignerInfo(core.Sequence):
    _fields = [
        ("version", core.Integer),
        ("signer", _IssuerAndSerial),
        ("digest_algorithm", algos.DigestAlgorithm),
        ("signature_algorithm", algos.DigestAlgorithm),
        ("signature", core.OctetString),
    ]


class _SignerInfos(core.SetOf):
    _child_spec = _SignerInfo


class _SignedData(core.Sequence):
    _fields = [
        ("version", core.Integer),
        ("digest_algorithms", cms.DigestAlgorithms),
        ("content", _Content),
        ("certificates", x509.Certificate, {"implicit": 0, "optional": True}),
        ("signers", _SignerInfos),
    ]


class _Envelope(core.Sequence):
    _fields = [("content_type", core.ObjectIdentifier), ("content", _SignedData, {"explicit": 0})]


@dataclass(frozen=True)
class CitySealer:
    """`certificate`: DER. What another certificate sealed is foreign, whatever name stands in it."""

    key: sm2.ReadyKey
    certificate: bytes
    method: str = sm2_certificates.SIGNATURE_OID

    def seal(self, message: bytes) -> bytes:
        public, before, info = _fixed_parts(self.certificate)
        signature = self.key.sign_digest(sm2.digest(public, message))
        signer = _der(0x30, info, _der(0x04, signature))
        data = _der(0x30, before, _der(0x31, signer))
        return _der(0x30, core.ObjectIdentifier(_SIGNED_DATA).dump(), _der(0xA0, data))

    def judge(self, message: bytes, sealed: bytes) -> Verdict:
        try:
            envelope = _Envelope.load(sealed, strict=True)
            data = envelope["content"]
            certificate = data["certificates"].dump()
            (signer,) = data["signers"]
            signature = bytes(signer["signature"].native)
            public = x509.Certificate.load(_retagged(certificate)).public_key.dump()
            good = sm2.verify_digest(public, sm2.digest(public, message), signature)
        except (ValueError, TypeError, KeyError):
            return "altered"
        if not good:
            return "altered"
        return "good" if _retagged(certificate) == self.certificate else "foreign"


def _retagged(certificate: bytes) -> bytes:
    """A certificate as it stands by itself: the field's own tag [0] becomes SEQUENCE again."""
    return b"\x30" + certificate[1:]


@lru_cache(maxsize=4)
def _fixed_parts(certificate: bytes) -> tuple[bytes, bytes, bytes]:
    """Public key; SignedData up to its signers; a signer's info up to the signature: the same in every seal (DER)."""
    own = x509.Certificate.load(certificate)
    digest = algos.DigestAlgorithm({"algorithm": _SM3}).dump()
    content = _Content({"content_type": _DATA}).dump()
    version = core.Integer(1).dump()
    before = version + _der(0x31, digest) + content + b"\xa0" + certificate[1:]
    signer = _IssuerAndSerial({"issuer": own.issuer, "serial_number": own.serial_number}).dump()
    info = version + signer + digest + algos.DigestAlgorithm({"algorithm": _SM2}).dump()
    return own.public_key.dump(), before, info


def _der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body)
    if size < 128:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def sealer() -> CitySealer:
    """The city's own, made at first use in `$YICI_HOME/trust/`. Raises `Misconfigured` on a machine without SM2."""
    return _sealer(Path(settings.HOME) / "trust")


@lru_cache(maxsize=2)
def _sealer(folder: Path) -> CitySealer:
    key_file, certificate_file = folder / "seal-sm2.key", folder / "seal-sm2.crt"
    if not sm2.is_available():
        raise Misconfigured("本机没有 OpenSSL 3，不能生成 OFD 证照；可以下载 PDF。")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not certificate_file.exists():
            key = sm2.PrivateKey.generate()
            pem = sm2_certificates.certificate_for(key.public_key_info(), NAME, "city-seal", YEARS * 365)
            write_whole(key_file, key.pkcs8())
            write_whole(certificate_file, pem.encode())  # written last: its presence means all is there
    certificate = sm2_certificates.pem_blocks(certificate_file.read_text("ascii"))[0]
    return CitySealer(sm2.ReadyKey(sm2.PrivateKey.load(key_file.read_bytes())), certificate)
