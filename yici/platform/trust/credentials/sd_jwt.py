"""SD-JWT (RFC 9901): a signed token whose claims its holder discloses one by one. ES256 and SHA-256 only.

Pure: knows keys and claims, no database. `issue` makes one with every claim hidden behind a digest, `present` keeps
the disclosures of some, `verify` gives back what was disclosed and refuses everything else.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from django.utils.translation import gettext_lazy as _

from yici.base.errors import Invalid

__all__ = [
    "BadCredential",
    "issue",
    "key_id_of",
    "key_of_jwk",
    "presence_of",
    "present",
    "public_jwk",
    "sign_presence",
    "verify",
]

TYPE = "dc+sd-jwt"
PRESENCE = "kb+jwt"
_FORBIDDEN = frozenset({"_sd", "...", "_sd_alg"})
_LONGEST = 100_000  # characters of a token that is read at all
_PRESENCE_SECONDS = 300


class BadCredential(Invalid):
    """`reason`: unreadable, altered, foreign_type, expired, not_yet, holder."""

    slug = "bad-credential"
    message = _("这份凭证无法通过验证，请不要采信。")

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason=reason)


def issue(
    hidden: Mapping[str, Any],
    shown: Mapping[str, Any],
    key: ec.EllipticCurvePrivateKey,
    key_id: str,
    holder: Mapping[str, str] | None = None,
) -> str:
    """A token ending in `~`, with a disclosure for each hidden claim.

    `shown`: claims everybody sees (iss, vct, iat, exp …). `holder`: public JWK of the phone that holds it; presenting
    it then needs that phone's signature.
    """
    if wrong := _FORBIDDEN & {*hidden, *shown}:
        raise ValueError(f"reserved names: {wrong}")
    disclosures = [_encode([secrets.token_urlsafe(16), name, value]) for name, value in hidden.items()]
    payload: dict[str, Any] = {**shown, "_sd_alg": "sha-256", "_sd": sorted(map(_digest, disclosures))}
    if holder is not None:
        payload["cnf"] = {"jwk": dict(holder)}
    return "~".join([_sign({"alg": "ES256", "typ": TYPE, "kid": key_id}, payload, key), *disclosures, ""])


def present(token: str, names: Iterable[str]) -> str:
    """The same token with the disclosures of these claims only. Raises `BadCredential` for one it cannot disclose."""
    jwt, disclosures, _presence = _split(token)
    by_name = {_decode(one)[1]: one for one in disclosures}
    wanted = list(dict.fromkeys(names))
    if not set(wanted) <= by_name.keys():
        raise BadCredential("unreadable")
    return "~".join([jwt, *(by_name[name] for name in wanted), ""])


def sign_presence(presented: str, key: ec.EllipticCurvePrivateKey, audience: str, nonce: str, now: int) -> str:
    """Bind a presentation to one reader and one moment with the holder's key (key binding, §4.3)."""
    if not presented.endswith("~"):
        raise ValueError("already bound")
    payload = {"iat": now, "aud": audience, "nonce": nonce, "sd_hash": _digest(presented)}
    return presented + _sign({"alg": "ES256", "typ": PRESENCE}, payload, key)


def verify(token: str, key: ec.EllipticCurvePublicKey, now: int, audience: str = "", nonce: str = "") -> dict[str, Any]:
    """Claims that are shown or disclosed. `audience` and `nonce`: demand the holder's binding to them.

    Raises `BadCredential` with the reason; nothing is returned of a token of which anything is wrong.
    """
    jwt, disclosures, presence = _split(token)
    header, payload = _verified(jwt, key)
    if header.get("typ") != TYPE or payload.get("_sd_alg", "sha-256") != "sha-256":
        raise BadCredential("foreign_type")
    if "exp" in payload and now >= _number(payload["exp"]):
        raise BadCredential("expired")
    if now < _number(payload.get("nbf", 0)):
        raise BadCredential("not_yet")
    claims = _disclosed(payload, disclosures)
    if audience or nonce or presence:
        _check_presence(payload, token, presence, audience, nonce, now)
    return claims


def presence_of(token: str) -> bool:
    """Whether a holder's binding stands at its end."""
    return not token.endswith("~")


def public_jwk(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    numbers = key.public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": _base64(numbers.x.to_bytes(32, "big")),
        "y": _base64(numbers.y.to_bytes(32, "big")),
    }


def key_of_jwk(jwk: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
    """Raises `BadCredential` for what is no P-256 key."""
    try:
        if jwk["kty"] != "EC" or jwk["crv"] != "P-256":
            raise BadCredential("holder")
        x, y = (int.from_bytes(_bytes(str(jwk[name])), "big") for name in ("x", "y"))
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except (KeyError, TypeError, ValueError):
        raise BadCredential("holder") from None


def _disclosed(payload: Mapping[str, Any], disclosures: list[str]) -> dict[str, Any]:
    digests = payload.get("_sd", [])
    if not isinstance(digests, list) or len(set(map(str, digests))) != len(digests):
        raise BadCredential("altered")
    claims = {name: value for name, value in payload.items() if name not in _FORBIDDEN and name != "cnf"}
    seen: set[str] = set()
    for disclosure in disclosures:
        digest = _digest(disclosure)
        if digest not in digests or digest in seen:
            raise BadCredential("altered")
        seen.add(digest)
        _salt, name, value = _decode(disclosure)
        if name in claims or name in _FORBIDDEN:
            raise BadCredential("altered")
        claims[name] = value
    return claims


def _check_presence(payload: Mapping[str, Any], token: str, presence: str, audience: str, nonce: str, now: int) -> None:
    cnf = payload.get("cnf")
    if not presence or not isinstance(cnf, dict) or not isinstance(cnf.get("jwk"), dict):
        raise BadCredential("holder")
    header, bound = _verified(presence, key_of_jwk(cnf["jwk"]))
    fresh = abs(now - _number(bound.get("iat", 0))) <= _PRESENCE_SECONDS
    same = bound.get("sd_hash") == _digest(token[: token.rindex("~") + 1])
    meant = (not audience or bound.get("aud") == audience) and (not nonce or bound.get("nonce") == nonce)
    if header.get("typ") != PRESENCE or not (fresh and same and meant):
        raise BadCredential("holder")


def _split(token: str) -> tuple[str, list[str], str]:
    if len(token) > _LONGEST or token.count("~") < 1 or not token.isascii():
        raise BadCredential("unreadable")
    jwt, *middle, last = token.split("~")
    if any(not part for part in (jwt, *middle)):
        raise BadCredential("unreadable")
    return jwt, middle, last


def _sign(header: Mapping[str, Any], payload: Mapping[str, Any], key: ec.EllipticCurvePrivateKey) -> str:
    message = f"{_encode(header)}.{_encode(payload)}"
    r, s = decode_dss_signature(key.sign(message.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{message}.{_base64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _verified(jwt: str, key: ec.EllipticCurvePublicKey) -> tuple[dict[str, Any], dict[str, Any]]:
    parts = jwt.split(".")
    if len(parts) != 3:
        raise BadCredential("unreadable")
    header, payload, signature = _object(parts[0]), _object(parts[1]), _bytes(parts[2])
    if header.get("alg") != "ES256" or len(signature) != 64:
        raise BadCredential("altered")
    encoded = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    try:
        key.verify(encoded, f"{parts[0]}.{parts[1]}".encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise BadCredential("altered") from None
    return header, payload


def key_id_of(token: str) -> str:
    """Which key a token says it is signed with; empty where it says nothing that can be read. Proves nothing."""
    try:
        return str(_object(token.strip().split(".", 1)[0]).get("kid", ""))
    except BadCredential:
        return ""


def _object(text: str) -> dict[str, Any]:
    found = _json(text)
    if not isinstance(found, dict):
        raise BadCredential("unreadable")
    return found


def _decode(disclosure: str) -> tuple[str, str, Any]:
    found = _json(disclosure)
    if not isinstance(found, list) or len(found) != 3 or not isinstance(found[1], str):
        raise BadCredential("unreadable")
    return str(found[0]), found[1], found[2]


def _json(text: str) -> Any:
    try:
        return json.loads(_bytes(text))
    except (ValueError, RecursionError):
        raise BadCredential("unreadable") from None


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadCredential("unreadable")
    return float(value)


def _encode(value: Any) -> str:
    return _base64(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def _digest(text: str) -> str:
    return _base64(hashlib.sha256(text.encode("ascii")).digest())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    """Strict: base64url without padding, one way to write each value."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise BadCredential("unreadable") from None
    if _base64(data) != text:
        raise BadCredential("unreadable")
    return data
