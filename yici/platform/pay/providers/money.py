"""Amounts as providers write them, and HTTP as all of them are spoken to."""

from __future__ import annotations

import datetime as dt
import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from django.utils.translation import gettext as _

from yici.base.errors import Unavailable
from yici.platform.pay.providers import BillUnreadable, Refused

SHANGHAI = ZoneInfo("Asia/Shanghai")
_YUAN = re.compile(r"-?[0-9]{1,11}(\.[0-9]{1,2})?")
_FEE = re.compile(r"-?[0-9]{1,11}(\.[0-9]{1,5})?")


def yuan(fen: int) -> str:
    """1234 → `12.34`."""
    return f"{fen // 100}.{fen % 100:02d}"


def fen(text: str) -> int:
    """`12.34`, `12.3`, `12` → fen. Raises `BillUnreadable` for anything else: no float ever touches money."""
    if not _YUAN.fullmatch(text):
        raise BillUnreadable(_("金额 %(text)s 无法识别。") % {"text": text[:40]})
    whole, _dot, fraction = text.lstrip("-").partition(".")
    amount = int(whole) * 100 + int(fraction.ljust(2, "0") or 0)
    return -amount if text.startswith("-") else amount


def fee(text: str) -> Decimal:
    """A fee as it stands on a bill, in yuan, with up to five places; its direction follows from the line, not from its sign.

    Empty is nothing. Raises `BillUnreadable`.
    """
    if text and not _FEE.fullmatch(text):
        raise BillUnreadable(_("手续费 %(text)s 无法识别。") % {"text": text[:40]})
    return abs(Decimal(text or 0))


def whole(amount: Decimal) -> int:
    """Yuan → fen, half a fen up: providers settle in whole fen."""
    return int((amount * 100).quantize(Decimal(1), ROUND_HALF_UP))


def local(moment: dt.datetime, form: str) -> str:
    """A moment in China's time, by `strftime` form."""
    return moment.astimezone(SHANGHAI).strftime(form)


def at(text: str, form: str) -> dt.datetime:
    """The other way. Raises `BillUnreadable`."""
    try:
        return dt.datetime.strptime(text, form).replace(tzinfo=SHANGHAI)
    except ValueError as error:
        raise BillUnreadable(_("时间 %(text)s 无法识别。") % {"text": text[:40]}) from error


def send(method: str, url: str, seconds: float = 10.0, **arguments: Any) -> httpx.Response:
    """One request; 5xx and silence are `Unavailable`: nobody knows whether it was done."""
    try:
        with httpx.Client(timeout=httpx.Timeout(seconds, connect=min(5.0, seconds)), trust_env=False) as client:
            response = client.request(method, url, **arguments)
    except httpx.HTTPError as error:
        raise Unavailable(_("支付机构没有回应：%(error)s") % {"error": type(error).__name__}) from error
    if response.status_code >= 500:
        raise Unavailable(_("支付机构出错：HTTP %(status)s") % {"status": response.status_code})
    return response


def refused(code: str, message: str) -> Refused:
    return Refused(
        _("支付机构未受理：%(message)s（%(code)s）") % {"message": message or "-", "code": code or "-"}, code
    )
