"""What the CSC API v1.0.4.0 says about parameters and errors; no database.

Errors have the shape and words of the specification (§10.1 and the tables of §11), not RFC 9457: foreign clients
compare them.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["ALGORITHMS", "SHA256", "SM3", "CscError", "hashes_of", "optional_text", "text"]

SHA256, SM3 = "2.16.840.1.101.3.4.2.1", "1.2.156.10197.1.401"
# Key algorithm → the signAlgo it knows and the hashAlgo that goes with it.
ALGORITHMS = {"P-256": ("1.2.840.10045.4.3.2", SHA256), "SM2": ("1.2.156.10197.1.501", SM3)}


class CscError(Exception):
    def __init__(self, description: str, error: str = "invalid_request", status: int = 400) -> None:
        self.error, self.description, self.status = error, description, status
        super().__init__(description)


def text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise CscError(f"Missing (or invalid type) string parameter {name}")
    return value


def optional_text(body: Mapping[str, Any], name: str, allowed: Sequence[str] = ()) -> str:
    """Empty where it is absent. Raises for another type, or a value that is not allowed."""
    value = body.get(name, "")
    if not isinstance(value, str) or (value and allowed and value not in allowed):
        raise CscError(f"Invalid parameter {name}")
    return value


def hashes_of(body: Mapping[str, Any], length: int) -> list[bytes]:
    """The `hash` array, each of `length` bytes."""
    given = body.get("hash")
    if not isinstance(given, list):
        raise CscError("Missing (or invalid type) array parameter hash")
    if not given:
        raise CscError("Empty hash array")
    return [_hash(entry, length) for entry in given]


def _hash(entry: object, length: int) -> bytes:
    if not isinstance(entry, str):
        raise CscError("Invalid Base64 hash string parameter")
    try:
        digest = base64.b64decode(entry, validate=True)
    except (binascii.Error, ValueError):
        raise CscError("Invalid Base64 hash string parameter") from None
    if len(digest) != length:
        raise CscError("Invalid digest value length")
    return digest
