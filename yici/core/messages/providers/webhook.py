"""Signed calls to programs that subscribed to events.

`X-Yici-Signature: t=<unix seconds>,v1=<hex>` where v1 = HMAC-SHA256(secret, "<t>.<body>"). A target inside
the city's own network is refused unless `YICI_WEBHOOK_PRIVATE=1`: otherwise whoever may enter an address
could make this server call its neighbours. The name is resolved once and the connection goes to exactly the
address that was checked.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import os
import socket
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpx
from django.conf import settings

from yici.base import clock
from yici.base.errors import Unavailable
from yici.core.messages.providers import Refused

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def send(url: str, secret: str, payload: dict[str, Any], key: str, seconds: float = 10.0) -> str:
    """POST the event within `seconds`. 2xx confirms; 410 Gone ends it; the rest is tried again."""
    parts = check_url(url)
    address = resolve(parts)
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    moment = int(clock.now().timestamp())
    headers = {
        "Host": parts.netloc,
        "Content-Type": "application/json",
        "User-Agent": "Yici-Webhook/1",
        "X-Yici-Event": str(payload.get("event", "")),
        "X-Yici-Delivery": key,
        "X-Yici-Signature": f"t={moment},v1={signature(secret, moment, body)}",
    }
    host = f"[{address}]" if ":" in address else address
    port = f":{parts.port}" if parts.port else ""
    target = parts._replace(netloc=host + port, fragment="").geturl()
    # Certificates are checked against the name, although the connection goes to the address.
    extensions = {"sni_hostname": parts.hostname} if parts.scheme == "https" else {}
    try:
        with httpx.Client(timeout=seconds, trust_env=False, follow_redirects=False) as client:
            response = client.post(target, content=body, headers=headers, extensions=extensions)
    except httpx.HTTPError as error:
        raise Unavailable(f"对方系统没有回应：{type(error).__name__}") from error
    if response.is_success:
        return f"HTTP {response.status_code}"
    if response.status_code == 410:
        raise Refused("对方系统已停用这个回调地址（HTTP 410）")
    raise Unavailable(f"对方系统未确认：HTTP {response.status_code}")


def signature(secret: str, moment: int, body: bytes) -> str:
    """Lower-case hex of HMAC-SHA256 over `<moment>.<body>`."""
    return hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()


def check_url(url: str) -> SplitResult:
    """Only http(s) with a host and without credentials. Raises `Refused`."""
    try:
        parts = urlsplit(url)
        _port = parts.port
    except ValueError as error:
        raise Refused("回调地址无法识别") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise Refused("回调地址只能是不带账号的 http 或 https 地址")
    return parts


def resolve(parts: SplitResult) -> str:
    """One address of the host; every address it has must be allowed. Raises `Refused`, `Unavailable`."""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unavailable(f"回调地址的域名无法解析：{parts.hostname}") from error
    addresses = [str(item[4][0]) for item in found]
    if not _private_allowed():
        for address in addresses:
            if not is_public(address):
                raise Refused("回调地址指向内部网络，已拒绝")
    return addresses[0]


def is_public(address: str) -> bool:
    """Globally routable unicast, looking through IPv4 addresses wrapped in IPv6."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.sixtofour or ip.teredo:
            return False
        if ip.ipv4_mapped:
            return is_public(str(ip.ipv4_mapped))
        if ip in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
    return ip.is_global and not ip.is_multicast


def _private_allowed() -> bool:
    return bool(getattr(settings, "WEBHOOK_PRIVATE", os.environ.get("YICI_WEBHOOK_PRIVATE") == "1"))
