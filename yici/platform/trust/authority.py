"""The city's own certification authority and document-signing key, made at first use in `$YICI_HOME/trust/`.

Files are readable by their owner only. A city in production replaces them with a certificate of a licensed
authority: same file names, or a hardware module behind `signing.Signer`.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.conf import settings

from yici.base import clock
from yici.base.errors import Misconfigured

ROOT_YEARS, SIGNER_YEARS = 20, 10
# Certificates issued in a back-dated demonstration must not be older than the key that signs them.
_EARLIER = dt.timedelta(days=365 * 3)
DOCUMENT_SIGNING = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")  # id-kp-documentSigning, RFC 9336


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"), x509.NameAttribute(NameOID.COMMON_NAME, common)])


_ROOT = _name("City Electronic Certificates Root")


@dataclass(frozen=True)
class KeyFiles:
    """Paths of PEM files."""

    root_certificate: Path
    signer_key: Path
    signer_certificate: Path


def key_files() -> KeyFiles:
    """The files, made now if this is the first use. Safe against several processes at once."""
    folder = Path(settings.HOME) / "trust"
    files = KeyFiles(folder / "root.crt", folder / "signer.key", folder / "signer.crt")
    if files.signer_certificate.exists():
        return files
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not files.signer_certificate.exists():
            _make(folder, files)
    return files


def _archived(files: KeyFiles, fingerprint: str) -> Path:
    """Where the certificate of a signer stays, present or past, by the SHA-256 of the certificate in hexadecimal."""
    return files.signer_certificate.with_name(f"signer-{fingerprint[:16]}.crt")


def renew_signer() -> str:
    """A new key signs from the next start of each process on; what older ones signed stays checkable. Returns its id.

    Needs the root's key in the folder. Raises `Misconfigured` without it.
    """
    files = key_files()
    folder = files.root_certificate.parent
    if not (folder / "root.key").exists():
        raise Misconfigured(f"{folder}/root.key 不在这里：请先把离线保存的根密钥放回，换完再取走。")
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        root_key = serialization.load_pem_private_key((folder / "root.key").read_bytes(), password=None)
        assert isinstance(root_key, ec.EllipticCurvePrivateKey)
        old = files.signer_certificate.read_bytes()
        key, certificate = _new_signer(root_key)
        new = certificate.public_bytes(serialization.Encoding.PEM)
        for one in (old, new):  # the new one too: a process that has not started again yet finds it there
            write_whole(_archived(files, _fingerprint(one)), one)
        write_whole(files.signer_key, pem(key))
        write_whole(files.signer_certificate, new)
    return _fingerprint(new)


def _fingerprint(certificate: bytes) -> str:
    return x509.load_pem_x509_certificate(certificate).fingerprint(hashes.SHA256()).hex()


def _make(folder: Path, files: KeyFiles) -> None:
    """Root and signer, ECDSA P-256. The signer's certificate is written last: its presence means all is there."""
    now = clock.physical()
    root_key = ec.generate_private_key(ec.SECP256R1())
    root = (
        _builder(_ROOT, _ROOT, root_key.public_key(), now, ROOT_YEARS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    signer_key, signer = _new_signer(root_key)
    write_whole(folder / "root.key", pem(root_key))
    write_whole(files.root_certificate, root.public_bytes(serialization.Encoding.PEM))
    write_whole(files.signer_key, pem(signer_key))
    write_whole(files.signer_certificate, signer.public_bytes(serialization.Encoding.PEM))


def _new_signer(root_key: ec.EllipticCurvePrivateKey) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name("City Electronic Certificates Signing")
    certificate = (
        _builder(subject, _ROOT, key.public_key(), clock.physical(), SIGNER_YEARS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage(digital_signature=True, content_commitment=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([DOCUMENT_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    return key, certificate


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: dt.datetime, years: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + dt.timedelta(days=365 * years))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def key_usage(
    *,
    digital_signature: bool = False,
    content_commitment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature, content_commitment=content_commitment, key_cert_sign=key_cert_sign,
        crl_sign=crl_sign, key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def write_whole(path: Path, content: bytes) -> None:
    """Whole or not at all, readable by the owner only."""
    draft = path.with_suffix(path.suffix + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    draft.replace(path)
