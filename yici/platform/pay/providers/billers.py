"""The city's interface to whoever sends bills: query, confirm, reverse. JSON over HTTP, signed with a shared secret.

`X-Biller-Signature` is HMAC-SHA256 (hex) over method, path, `X-Biller-Time` (Unix seconds) and body, each on a line.
GET /billers/<biller>/customers/<customer>/bills tells who it is (masked) and what is due; POST …/bills/<number>/confirm says
that it was paid, with our key, once however often it comes; …/reverse takes a confirmation of the same key back.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Unavailable
from yici.platform.pay.providers import Refused
from yici.platform.pay.providers.money import send


@dataclass(frozen=True)
class DueBill:
    """One bill as the biller has it, in fen."""

    number: str
    period: str
    fen: int


@dataclass(frozen=True)
class Customer:
    name: str
    bills: list[DueBill]


def bills_of(biller: str, customer: str) -> Customer:
    """What is due. Raises `Unavailable`; `Refused` for a customer the biller does not know."""
    answer = _call("GET", f"/billers/{biller}/customers/{customer}/bills")
    try:
        due = [DueBill(str(one["number"]), str(one.get("period", "")), _fen(one["fen"])) for one in answer["bills"]]
        return Customer(str(answer.get("name", "")), due)
    except (KeyError, TypeError, ValueError) as error:
        raise Unavailable(_("收费单位的应答无法解读，请稍后再试。")) from error


def _fen(value: Any) -> int:
    if type(value) is not int or not 0 < value <= 10**9:
        raise ValueError("fen")
    return value


def confirm(biller: str, customer: str, number: str, fen: int, key: str) -> str:
    """Tell that a bill was paid; the biller's reference. Raises `Unavailable` (tell again), `Refused` (paid elsewhere)."""
    path = f"/billers/{biller}/customers/{customer}/bills/{number}/confirm"
    return str(_call("POST", path, {"key": key, "fen": fen}).get("reference", ""))


def reverse(biller: str, customer: str, number: str, key: str) -> None:
    """Take a confirmation back, before the money goes back to the payer. Raises as `confirm`."""
    _call("POST", f"/billers/{biller}/customers/{customer}/bills/{number}/reverse", {"key": key})


def _call(method: str, path: str, document: dict[str, Any] | None = None) -> dict[str, Any]:
    body = json.dumps(document, ensure_ascii=False).encode() if document is not None else b""
    moment = str(int(clock.now().timestamp()))
    secret = str(settings.PAY_MERCHANTS["billers"]["secret"]).encode()
    signature = hmac.new(secret, f"{method}\n{path}\n{moment}\n".encode() + body, hashlib.sha256).hexdigest()
    headers = {"X-Biller-Time": moment, "X-Biller-Signature": signature, "Content-Type": "application/json"}
    response: httpx.Response = send(
        method, settings.PAY_ENDPOINTS["billers"].rstrip("/") + path, content=body, headers=headers
    )
    try:
        answer = response.json()
    except ValueError as error:
        raise Unavailable(_("收费单位的应答无法解读，请稍后再试。")) from error
    if response.status_code == 200 and isinstance(answer, dict):
        return answer
    raise Refused(
        _("收费单位未受理：%(why)s") % {"why": str(answer.get("error", "-")) if isinstance(answer, dict) else "-"},
        str(response.status_code),
    )
