"""The police ID service: does a name belong to a number, and the photo that is registered for it.

Requests and responses are compact JWS (ES256): the platform signs with its own key, the service with its. Each
request lives a minute and is answered once; a response names the request it answers. Times are physical time, never
the demo's clock. The counterpart for one machine is `sandbox.py`.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from yici.base.errors import Unavailable

__all__ = ["PoliceUnavailable", "Registered", "client_key", "confirms", "registered"]

AUDIENCE = "police-id"
_REQUEST, _RESPONSE = "police-request+jwt", "police-response+jwt"
_LIFE, _SKEW = 60, 30  # seconds
_PHOTO_LIMIT = 4 * 1024 * 1024


class PoliceUnavailable(Unavailable):
    slug = "police-unavailable"
    message = _("公安身份服务暂时没有回应。请稍后再试，或到窗口、代办点当面核验。")


@dataclass(frozen=True)
class Registered:
    """`code`: match, mismatch, not_found, deceased, no_photo. `photo`: JPEG, where it was asked for and is there."""

    code: str
    photo: bytes = b""


def client_key() -> tuple[ec.EllipticCurvePrivateKey, Path]:
    """The platform's key towards the police, made at first use, and the file of its public half."""
    folder = Path(settings.HOME) / "trust"
    private, public = folder / "police-client.key", folder / "police-client.pub"
    if not public.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not public.exists():
                _make(private, public)
    key = serialization.load_pem_private_key(private.read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key, public


def _make(private: Path, public: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with os.fdopen(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as handle:
        handle.write(pem)
    public.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def registered(name: str, id_number: str, purpose: str, *, photo: bool = False, seconds: float = 6.0) -> Registered:
    """Ask about one person. Raises `PoliceUnavailable` where no answer comes that can be trusted."""
    moment, number = int(time.time()), secrets.token_urlsafe(16)
    claims = {
        "iss": settings.POLICE_APP, "aud": AUDIENCE, "iat": moment, "exp": moment + _LIFE, "jti": number,
        "service": "reference_photo" if photo else "name_match",
        "name": name, "id_number": id_number, "purpose": purpose,
    }  # fmt: skip
    key, _public = client_key()
    body = jwt.encode(claims, key, algorithm="ES256", headers={"typ": _REQUEST})
    answer = _read(_post(body, seconds), number)
    try:
        picture = base64.b64decode(answer.get("photo", ""), validate=True)
    except (binascii.Error, TypeError) as error:
        raise PoliceUnavailable from error
    return Registered(str(answer.get("code", "")), picture)


def _post(body: str, seconds: float) -> bytes:
    timeout = httpx.Timeout(seconds, connect=min(seconds, 3.0))
    try:
        with httpx.Client(timeout=timeout, trust_env=False) as client:
            response = client.post(
                f"{settings.POLICE_ENDPOINT.rstrip('/')}/v1/check",
                content=body,
                headers={"Content-Type": "application/jose"},
            )
    except httpx.HTTPError as error:
        raise PoliceUnavailable from error
    if response.status_code != 200 or len(response.content) > 2 * _PHOTO_LIMIT:
        raise PoliceUnavailable
    return response.content


def _read(body: bytes, number: str) -> dict[str, Any]:
    """The claims of a response that is signed by the service, fresh, for us, and an answer to this request."""
    try:
        key = serialization.load_pem_public_key(Path(settings.POLICE_KEY).read_bytes())
        answer: dict[str, Any] = jwt.decode(
            body,
            key,  # type: ignore[arg-type]
            algorithms=["ES256"],
            audience=settings.POLICE_APP,
            issuer=AUDIENCE,
            leeway=_SKEW,
            options={"require": ["exp", "iat", "iss", "aud"]},
        )
        kind = jwt.get_unverified_header(body).get("typ")
    except (jwt.InvalidTokenError, ValueError, OSError) as error:
        raise PoliceUnavailable from error
    if kind != _RESPONSE or answer.get("in_reply_to") != number:
        raise PoliceUnavailable
    return answer


def confirms(name: str, id_number: str) -> bool | None:
    """An identity source for sign-in: None where the police do not know the person or do not answer."""
    try:
        code = registered(name, id_number, "登录核对", seconds=3.0).code
    except PoliceUnavailable:
        return None
    return {"match": True, "mismatch": False, "deceased": False}.get(code)
