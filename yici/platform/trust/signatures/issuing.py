"""The authority that issues certificates to people's signing keys and to the time-stamp service.

Apart from the root that seals the city's own certificates (`authority`), since it must be on line. ECDSA P-256; keys in
`YICI_HOME/trust/`, readable by their owner only. A city in production puts a licensed authority in its place.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.conf import settings

from yici.base import clock
from yici.platform.trust.authority import DOCUMENT_SIGNING, key_usage, pem, write_whole

__all__ = ["REVOCATION_LIST", "Issuer", "Stamper", "certificate_for", "issuer", "stamper"]

REVOCATION_LIST = "/trust/people.crl"
AUTHORITY_YEARS, STAMPER_YEARS = 20, 10
# A clock that is a little behind ours must not find a fresh certificate not yet valid.
_BACK = dt.timedelta(minutes=5)


@dataclass(frozen=True)
class Issuer:
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


@dataclass(frozen=True)
class Stamper:
    """The time-stamp service's own key and certificate (RFC 3161 §2.3: nothing else may use it)."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    issuer: x509.Certificate


def issuer() -> Issuer:
    return _issuer(Path(settings.HOME) / "trust")


def stamper() -> Stamper:
    return _stamper(Path(settings.HOME) / "trust")


@lru_cache(maxsize=2)
def _issuer(folder: Path) -> Issuer:
    key, certificate = _pair(folder, "people-authority", _new_authority)
    return Issuer(key, certificate)


@lru_cache(maxsize=2)
def _stamper(folder: Path) -> Stamper:
    authority = _issuer(folder)

    def new(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        return (
            _builder(
                _name("City Time Stamp Service"), authority.certificate.subject, key.public_key(), STAMPER_YEARS * 365
            )
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(key_usage(digital_signature=True, content_commitment=True), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(_authority_key(authority), critical=False)
            .sign(authority.key, hashes.SHA256())
        )

    key, certificate = _pair(folder, "time-stamp", new)
    return Stamper(key, certificate, authority.certificate)


def certificate_for(
    public_key: ec.EllipticCurvePublicKey, name: str, serial_subject: str, days: int
) -> x509.Certificate:
    """A signing certificate for a person's key. `serial_subject`: tells people of one name apart, never an ID number."""
    authority = issuer()
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.COMMON_NAME, name[:64]),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, serial_subject),
        ]
    )
    usage = x509.ExtendedKeyUsage([DOCUMENT_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION])
    return (
        _builder(subject, authority.certificate.subject, public_key, days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage(digital_signature=True, content_commitment=True), critical=True)
        .add_extension(usage, critical=False)
        .add_extension(_authority_key(authority), critical=False)
        .add_extension(_distribution_point(), critical=False)
        .sign(authority.key, hashes.SHA256())
    )


def _distribution_point() -> x509.CRLDistributionPoints:
    """Where the revocation list of people's certificates is (RFC 5280 §4.2.1.13)."""
    name = x509.UniformResourceIdentifier(f"{settings.SITE_URL}{REVOCATION_LIST}")
    return x509.CRLDistributionPoints([x509.DistributionPoint([name], None, None, None)])


def _authority_key(authority: Issuer) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())


def _new_authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = _name("City Personal Signature Authority")
    return (
        _builder(name, name, key.public_key(), AUTHORITY_YEARS * 365)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _pair(
    folder: Path, name: str, new: Callable[[ec.EllipticCurvePrivateKey], x509.Certificate]
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """Key and certificate from the folder, made at first use; the certificate is written last."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key_path, certificate_path = folder / f"{name}.key", folder / f"{name}.crt"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not certificate_path.exists():
            made = ec.generate_private_key(ec.SECP256R1())
            write_whole(key_path, pem(made))
            write_whole(certificate_path, new(made).public_bytes(serialization.Encoding.PEM))
    key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key, x509.load_pem_x509_certificate(certificate_path.read_bytes())


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"), x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name, authority: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = clock.physical()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority)
        .public_key(key)
        .serial_number(secrets.randbits(120) | 1)
        .not_valid_before(now - _BACK)
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )
