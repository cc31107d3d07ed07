"""Keys of the merchant and of the providers, as PEM files in one folder; and RSA with SHA-256 over them.

`<provider>-merchant.key`: our private key; `<provider>-merchant.pem`: our certificate, where the protocol names its serial;
`wechat-platform.pem`, `alipay-public.pem`, `unionpay-root.pem`: whom to believe; `wechat-apiv3.key`: 32 characters.
"""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from django.conf import settings

from yici.base.errors import Misconfigured


def _read(name: str) -> bytes:
    path = Path(settings.PAY_KEYS) / name
    if not path.is_file():
        raise Misconfigured(f"缺少支付密钥文件 {name}，请放到 {path.parent}。")
    return path.read_bytes()


def private_key(name: str) -> RSAPrivateKey:
    return _private(_read(name))


def certificate(name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(_read(name))


def public_key(name: str) -> RSAPublicKey:
    key = load_pem_public_key(_read(name))
    if not isinstance(key, RSAPublicKey):
        raise Misconfigured(f"支付密钥 {name} 应是 RSA 公钥。")
    return key


def secret(name: str) -> bytes:
    return _read(name).strip()


@lru_cache(maxsize=8)
def _private(pem: bytes) -> RSAPrivateKey:
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, RSAPrivateKey):
        raise Misconfigured("支付密钥应是 RSA 私钥。")
    return key


def serial_of(one: x509.Certificate) -> str:
    """As WeChat writes it: upper-case hexadecimal."""
    return f"{one.serial_number:X}"


def sign(key: RSAPrivateKey, message: bytes) -> str:
    """SHA256withRSA (PKCS #1 v1.5), Base64."""
    return base64.b64encode(key.sign(message, PKCS1v15(), hashes.SHA256())).decode()


def is_signed(key: RSAPublicKey, message: bytes, signature: str) -> bool:
    try:
        key.verify(base64.b64decode(signature, validate=True), message, PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def rsa_key_of(one: x509.Certificate) -> RSAPublicKey:
    key = one.public_key()
    if not isinstance(key, RSAPublicKey):
        raise Misconfigured("支付机构的证书应是 RSA 证书。")
    return key
