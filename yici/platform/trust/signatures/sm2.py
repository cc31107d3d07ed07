"""SM2 signatures (GB/T 32918.2, on the curve of GB/T 32918.5) by the system's OpenSSL 3, called through ctypes.

The library of the `cryptography` package does not know the curve. Keys are passed as DER; the caller says what is
signed: a digest e = SM3(Z ‖ M), with Z made of the signer's identifier and public key (§5.5).
"""

from __future__ import annotations

import ctypes
import ctypes.util
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from asn1crypto import keys

from yici.base.errors import Misconfigured

__all__ = ["DEFAULT_ID", "PrivateKey", "ReadyKey", "digest", "is_available", "verify_digest"]

DEFAULT_ID = b"1234567812345678"  # GM/T 0009 §10
CURVE = "1.2.156.10197.1.301"
# Parameters a, b, xG, yG of the recommended curve, GB/T 32918.5 §2.
_CURVE = bytes.fromhex(
    "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFC"
    "28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93"
    "32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7"
    "BC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0"
)
_LONGEST_SIGNATURE = 80


@lru_cache(maxsize=1)
def _crypto() -> ctypes.CDLL | None:
    """libcrypto of OpenSSL 3 with the types of what is called; None where it is not there."""
    name = ctypes.util.find_library("crypto")
    if name is None:
        return None
    library = ctypes.CDLL(name)
    if not hasattr(library, "EVP_PKEY_Q_keygen"):  # new in 3.0
        return None
    pointer, size, text = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p
    sizes, pointers = ctypes.POINTER(size), ctypes.POINTER(pointer)
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "EVP_PKEY_Q_keygen": (pointer, [pointer, text, text]),
        "EVP_PKEY_free": (None, [pointer]),
        "EVP_PKEY2PKCS8": (pointer, [pointer]),
        "PKCS8_PRIV_KEY_INFO_free": (None, [pointer]),
        "i2d_PKCS8_PRIV_KEY_INFO": (ctypes.c_int, [pointer, pointers]),
        "i2d_PUBKEY": (ctypes.c_int, [pointer, pointers]),
        "d2i_AutoPrivateKey": (pointer, [pointer, pointers, ctypes.c_long]),
        "d2i_PUBKEY": (pointer, [pointer, pointers, ctypes.c_long]),
        "EVP_PKEY_is_a": (ctypes.c_int, [pointer, text]),
        "EVP_PKEY_CTX_new": (pointer, [pointer, pointer]),
        "EVP_PKEY_CTX_free": (None, [pointer]),
        "EVP_PKEY_sign_init": (ctypes.c_int, [pointer]),
        "EVP_PKEY_sign": (ctypes.c_int, [pointer, text, sizes, text, size]),
        "EVP_PKEY_verify_init": (ctypes.c_int, [pointer]),
        "EVP_PKEY_verify": (ctypes.c_int, [pointer, text, size, text, size]),
    }
    for function, (result, arguments) in signatures.items():
        getattr(library, function).restype = result
        getattr(library, function).argtypes = arguments
    return library


def is_available() -> bool:
    """Whether this machine has OpenSSL 3 and Python's hashlib knows SM3."""
    return _crypto() is not None and "sm3" in hashlib.algorithms_available


def _library() -> ctypes.CDLL:
    library = _crypto()
    if library is None:
        raise Misconfigured("本机没有 OpenSSL 3 的 libcrypto，不能使用 SM2。")
    return library


@dataclass(frozen=True)
class PrivateKey:
    """A private key as PKCS#8 (DER)."""

    der: bytes

    @classmethod
    def generate(cls) -> PrivateKey:
        library = _library()
        handle = library.EVP_PKEY_Q_keygen(None, None, b"SM2")
        _demand(handle)
        try:
            info = library.EVP_PKEY2PKCS8(handle)
            _demand(info)
            try:
                return cls(_written(library.i2d_PKCS8_PRIV_KEY_INFO, info))
            finally:
                library.PKCS8_PRIV_KEY_INFO_free(info)
        finally:
            library.EVP_PKEY_free(handle)

    @classmethod
    def load(cls, der: bytes | memoryview) -> PrivateKey:
        return cls(bytes(der))

    def pkcs8(self) -> bytes:
        return self.der

    def public_key_info(self) -> bytes:
        """SubjectPublicKeyInfo (DER)."""
        with _Handle(self.der, private=True) as handle:
            return _written(_library().i2d_PUBKEY, handle)

    def sign_digest(self, digest: bytes) -> bytes:
        """Ecdsa-Sig-Value (DER) over e, 32 bytes."""
        with _Handle(self.der, private=True) as handle:
            return _sign(handle, digest)


class ReadyKey:
    """A private key that OpenSSL holds ready, for whoever signs a lot with one key: reading it takes as long as signing."""

    def __init__(self, key: PrivateKey) -> None:
        self._handle = _Handle(key.der, private=True)

    def sign_digest(self, digest: bytes) -> bytes:
        """Ecdsa-Sig-Value (DER) over e, 32 bytes. Safe in several threads: each signature has a context of its own."""
        return _sign(self._handle.__enter__(), digest)


def _sign(handle: int, digest: bytes) -> bytes:
    library = _library()
    out, length = ctypes.create_string_buffer(_LONGEST_SIGNATURE), ctypes.c_size_t(_LONGEST_SIGNATURE)
    with _Context(handle) as context:
        _demand(library.EVP_PKEY_sign_init(context) == 1)
        _demand(library.EVP_PKEY_sign(context, out, ctypes.byref(length), digest, len(digest)) == 1)
    return out.raw[: length.value]


def verify_digest(public_key_info: bytes, digest: bytes, signature: bytes) -> bool:
    """Whether a signature (DER) is over e, 32 bytes. False for anything malformed."""
    library = _library()
    try:
        with _Handle(public_key_info, private=False) as handle, _Context(handle) as context:
            _demand(library.EVP_PKEY_verify_init(context) == 1)
            verdict: int = library.EVP_PKEY_verify(context, signature, len(signature), digest, len(digest))
            return verdict == 1
    except Misconfigured:
        return False


def digest(public_key_info: bytes, message: bytes, identifier: bytes = DEFAULT_ID) -> bytes:
    """e = SM3(Z ‖ M) with Z = SM3(ENTL ‖ ID ‖ a ‖ b ‖ xG ‖ yG ‖ xA ‖ yA), GB/T 32918.2 §5.5."""
    point = bytes(keys.PublicKeyInfo.load(public_key_info)["public_key"].native)
    if len(point) != 65 or point[0] != 4:
        raise ValueError("not an uncompressed point of 256 bits")
    length = (len(identifier) * 8).to_bytes(2, "big")
    z = hashlib.new("sm3", length + identifier + _CURVE + point[1:]).digest()
    return hashlib.new("sm3", z + message).digest()


def _demand(good: object) -> None:
    if not good:
        raise Misconfigured("SM2 运算失败：密钥损坏或不是 SM2 密钥。")


def _written(write: Any, subject: int) -> bytes:
    """What an i2d function writes."""
    length = write(subject, None)
    _demand(length > 0)
    buffer = ctypes.create_string_buffer(length)
    place = ctypes.c_void_p(ctypes.addressof(buffer))
    write(subject, ctypes.byref(place))
    return buffer.raw


class _Handle:
    """A key of OpenSSL for the time of a block."""

    def __init__(self, der: bytes, *, private: bool) -> None:
        library = _library()
        self._kept = ctypes.create_string_buffer(der, len(der))
        place = ctypes.c_void_p(ctypes.addressof(self._kept))
        read = library.d2i_AutoPrivateKey if private else library.d2i_PUBKEY
        self._handle = read(None, ctypes.byref(place), len(der))
        if self._handle and library.EVP_PKEY_is_a(self._handle, b"SM2") != 1:
            library.EVP_PKEY_free(self._handle)
            self._handle = None
        _demand(self._handle)

    def __enter__(self) -> int:
        return int(self._handle)

    def __exit__(self, *_: object) -> None:
        _library().EVP_PKEY_free(self._handle)


class _Context:
    """A context of OpenSSL for the time of a block."""

    def __init__(self, handle: int) -> None:
        self._context = _library().EVP_PKEY_CTX_new(handle, None)
        _demand(self._context)

    def __enter__(self) -> int:
        return int(self._context)

    def __exit__(self, *_: object) -> None:
        _library().EVP_PKEY_CTX_free(self._context)
