"""A set of keys for the sandbox and the merchant it knows, made at first start. Not for a city that takes real money."""

from __future__ import annotations

import datetime as dt
import fcntl
import secrets
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

DAYS = 3650
EDITION = "sandbox 2\n"  # keys of an older edition are made anew: UnionPay's certificate was named otherwise


def ensure(folder: Path) -> None:
    """Make every key that is missing; what is private to the sandbox goes to `sandbox/`. Safe against several processes."""
    own = folder / "sandbox"
    own.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        complete = folder / "complete"
        if complete.exists() and complete.read_text("ascii") == EDITION:
            return
        _wechat(folder, own)
        _alipay(folder, own)
        _unionpay(folder, own)
        complete.write_text(EDITION, "ascii")


def _wechat(folder: Path, own: Path) -> None:
    merchant = _key(folder / "wechat-merchant.key")
    _write(folder / "wechat-merchant.pem", _certificate(merchant, "Sandbox Merchant 1900007291", merchant))
    platform = _key(own / "wechat-platform.key")
    certificate = _certificate(platform, "Tenpay.com Sandbox", platform)
    _write(folder / "wechat-platform.pem", certificate)
    _write(folder / "wechat-apiv3.key", secrets.token_hex(16).encode())


def _alipay(folder: Path, own: Path) -> None:
    _key(folder / "alipay-merchant.key")
    _write(folder / "alipay-public.pem", _public(_key(own / "alipay.key")))


def _unionpay(folder: Path, own: Path) -> None:
    merchant = _key(folder / "unionpay-merchant.key")
    _write(folder / "unionpay-merchant.pem", _certificate(merchant, "Sandbox Merchant 777290058110048", merchant))
    root = _key(own / "unionpay-root.key")
    _write(folder / "unionpay-root.pem", _certificate(root, "Sandbox Root CA", root, is_authority=True))
    signer = _key(own / "unionpay-signer.key")
    name = "041@8310000000083040@中国银联股份有限公司@00016494"
    _write(own / "unionpay-signer.pem", _certificate(signer, name, root, issuer="Sandbox Root CA"))


def _key(path: Path) -> rsa.RSAPrivateKey:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    _write(path, key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return key


def _public(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _certificate(
    key: rsa.RSAPrivateKey, name: str, signer: rsa.RSAPrivateKey, *, issuer: str = "", is_authority: bool = False
) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    by = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]) if issuer else subject
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=30))  # the demo pays in the past
        .not_valid_after(now + dt.timedelta(days=DAYS))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)
