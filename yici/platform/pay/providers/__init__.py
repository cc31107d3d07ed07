"""One module per provider, all with the same five acts: create, query, close, refund, bill; and reading what they tell us.

An adapter speaks the provider's published protocol over HTTP to the base address in the settings. It never touches the
database. `Unavailable` means nobody knows what happened: ask again, never assume. `Refused` means the provider said no.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Literal, Protocol

from django.utils.translation import gettext as _

from yici.base.errors import Invalid, YiciError
from yici.base.text import Text

LARGEST_FEN = 10**13  # as the ledger's
PROVIDERS: dict[str, Text] = {
    "wechat": Text(zh="微信支付", en="WeChat Pay"),
    "alipay": Text(zh="支付宝", en="Alipay"),
    "unionpay": Text(zh="银联云闪付", en="UnionPay"),
}


class Refused(YiciError):
    """The provider refuses this for good; `code` is its own word for why."""

    status = 502
    slug = "provider-refused"

    def __init__(self, message: str, code: str = "") -> None:
        self.code = code
        super().__init__(message)


class NotGenuine(Invalid):
    """A callback or an answer whose signature, time or addressee is wrong: believed in nothing."""

    slug = "not-genuine"


class BillUnreadable(Invalid):
    """A bill that is cut short, garbled, or does not add up: none of it is believed."""

    slug = "bill-unreadable"


class NoBill(YiciError):
    """The provider says that there is no bill for the day: nothing was traded, or it is not made yet."""

    status = 404
    slug = "no-bill"


@dataclass(frozen=True)
class Wish:
    """What is to be paid. `number` is ours (商户订单号), `is_phone` chooses how the payer gets to the provider."""

    number: str
    title: str
    fen: int
    created_at: dt.datetime
    expires_at: dt.datetime
    is_phone: bool = False
    address: str = ""


@dataclass(frozen=True)
class Opened:
    """Where the payer goes: `scan` stands in a QR code, `link` is followed on a phone."""

    scan: str = ""
    link: str = ""


@dataclass(frozen=True)
class Paid:
    """What the provider took, in its own words; `day`: the accounting day, where it tells. Raises `NotGenuine` for no amount of money."""

    trade_no: str
    number: str
    fen: int
    at: dt.datetime
    day: dt.date | None = None

    def __post_init__(self) -> None:
        if not 0 < self.fen <= LARGEST_FEN:
            raise NotGenuine(_("金额 %(text)s 无法识别。") % {"text": self.fen})


@dataclass(frozen=True)
class Standing:
    """How an attempt stands with the provider; `paid` is given when money was taken."""

    state: Literal["open", "paid", "closed", "unknown"]
    paid: Paid | None = None


@dataclass(frozen=True)
class RefundWish:
    """`fen` of a payment of `total` fen goes back; `number` is ours (商户退款单号)."""

    number: str
    trade_no: str
    payment_number: str
    fen: int
    total: int
    reason: str
    asked_at: dt.datetime


@dataclass(frozen=True)
class Refunded:
    state: Literal["done", "pending", "failed", "unknown"]
    provider_number: str = ""
    at: dt.datetime | None = None
    detail: str = ""
    day: dt.date | None = None


@dataclass(frozen=True)
class Notice:
    """A callback that was believed: about a payment, or about a refund by `refund_number`, or nothing of interest."""

    paid: Paid | None = None
    refund_number: str = ""
    refunded: Refunded | None = None


@dataclass(frozen=True)
class Row:
    """One line of a bill. `kind`: payment or refund; `fee`: fen the provider keeps, below zero where it gives them back."""

    kind: Literal["payment", "refund"]
    trade_no: str
    number: str
    fen: int
    at: dt.datetime | None = None
    refund_number: str = ""
    fee: int = 0


@dataclass(frozen=True)
class Acknowledgement:
    """What the provider wants to hear, in its own form."""

    status: int
    body: str
    content_type: str


class Provider(Protocol):
    """What every adapter module is."""

    def create(self, wish: Wish) -> Opened: ...
    def query(self, number: str, created_at: dt.datetime) -> Standing: ...
    def close(self, number: str) -> None: ...
    def refund(self, wish: RefundWish) -> Refunded: ...
    def query_refund(self, wish: RefundWish) -> Refunded: ...
    def bill(self, day: dt.date) -> bytes: ...
    def read_bill(self, content: bytes) -> Iterator[Row]: ...
    def read_notice(self, headers: Mapping[str, str], body: bytes) -> Notice: ...
    def acknowledge(self, *, taken: bool, message: str = "") -> Acknowledgement: ...


def provider(name: str) -> Provider:
    """The adapter by name. Raises `Invalid` for a provider the city does not use."""
    if name not in PROVIDERS:
        raise Invalid("没有这种支付方式。")
    module: Provider = import_module(f"yici.platform.pay.providers.{name}")  # type: ignore[assignment]
    return module
