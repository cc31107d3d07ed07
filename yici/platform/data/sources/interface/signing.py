"""Signatures of the data interface, for what we ask of departments and for what they push to us.

    X-Yici-App: who signs
    X-Yici-Timestamp: seconds since 1970
    X-Yici-Nonce: never used twice
    X-Yici-Signature: hex(HMAC-SHA256(secret, text))

text is six lines joined by a line feed: METHOD, path, query, timestamp, nonce, hex(SHA-256(body)). The query is its
pairs, percent-encoded (RFC 3986, everything but letters, digits and `-._~`), sorted, joined by `&`. Pure functions.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from yici.base.errors import YiciError

WINDOW_SECONDS = 300
_NONCE_LENGTHS = range(16, 129)


class PushRefused(YiciError):
    """A push that cannot be trusted. `extra["code"]`: unsigned, stale, replayed or wrong-signature."""

    status = 401
    slug = "push-refused"
    message: str | Promise = _("推送未通过验证，已拒收；请核对签名后重新推送。")


@dataclass(frozen=True)
class Push:
    """A push that is genuine. The caller keeps `nonce` until `forget_at` (seconds since 1970), each only once."""

    app: str
    nonce: str
    forget_at: float
    sha256: str


def canonical_query(pairs: Iterable[tuple[str, str]]) -> str:
    return "&".join(sorted(f"{quote(name, safe='-._~')}={quote(value, safe='-._~')}" for name, value in pairs))


def signature(secret: str, method: str, path: str, query: str, timestamp: str, nonce: str, body: bytes) -> str:
    """`query` in any order and encoding; lower-case hexadecimal digits."""
    canonical = canonical_query(parse_qsl(query, keep_blank_values=True))
    text = "\n".join((method.upper(), path, canonical, timestamp, nonce, hashlib.sha256(body).hexdigest()))
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def sign(
    app: str, secret: str, method: str, path: str, query: str, now: float, nonce: str, body: bytes = b""
) -> dict[str, str]:
    """The headers of a signed request."""
    timestamp = str(int(now))
    return {
        "X-Yici-App": app,
        "X-Yici-Timestamp": timestamp,
        "X-Yici-Nonce": nonce,
        "X-Yici-Signature": signature(secret, method, path, query, timestamp, nonce, body),
    }


def verify_push(
    headers: Mapping[str, str],
    body: bytes,
    secret: str,
    now: float,
    seen_nonces: Container[str],
    *,
    path: str,
    query: str = "",
    method: str = "POST",
) -> Push:
    """Check a signed request. Raises `PushRefused`. The signature comes first: a forger learns nothing else.

    Two pushes with one nonce at the same moment both pass here; the caller's unique index lets one through.
    """
    given = {name.lower(): value for name, value in headers.items()}
    app, timestamp, nonce, signed = (
        given.get(f"x-yici-{one}", "") for one in ("app", "timestamp", "nonce", "signature")
    )
    if not (app and signed and timestamp.isascii() and timestamp.isdecimal() and len(nonce) in _NONCE_LENGTHS):
        raise PushRefused(_("缺少签名或签名头不完整，请按接口说明补全四个 X-Yici 请求头。"), code="unsigned")
    expected = signature(secret, method, path, query, timestamp, nonce, body)
    if not secret or not hmac.compare_digest(expected.encode(), signed.encode("utf-8", "replace")):
        raise PushRefused(_("签名不符，请核对密钥和签名的各项内容。"), code="wrong-signature")
    if abs(now - int(timestamp)) > WINDOW_SECONDS:
        raise PushRefused(_("签名时间与平台时间相差超过 5 分钟，请校时后重新签名推送。"), code="stale")
    if nonce in seen_nonces:
        raise PushRefused(_("这次推送已经收到过，请勿重复发送；新的推送请用新的随机数。"), code="replayed")
    return Push(app, nonce, int(timestamp) + WINDOW_SECONDS, hashlib.sha256(body).hexdigest())
