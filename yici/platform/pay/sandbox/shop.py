"""What the three providers of the sandbox share: the book, faults, callbacks, where the payer goes, spoiled bills."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from yici.platform.pay.sandbox.book import Book
from yici.platform.pay.sandbox.notifying import Letter, Postman


@dataclass(frozen=True)
class Answer:
    """`call` names the fault that may spoil it once it is ready: the effect stays, the answer is late or lost."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    call: str = ""


@dataclass(frozen=True)
class Keys:
    """What the sandbox holds: its own private keys and the merchant's public ones."""

    folder: Path

    def _private(self, name: str) -> Any:
        return load_pem_private_key((self.folder / name).read_bytes(), password=None)

    def _certificate(self, name: str) -> x509.Certificate:
        return x509.load_pem_x509_certificate((self.folder / name).read_bytes())

    @property
    def wechat_merchant(self) -> x509.Certificate:
        return self._certificate("wechat-merchant.pem")

    @property
    def wechat_platform(self) -> x509.Certificate:
        return self._certificate("wechat-platform.pem")

    @property
    def wechat_platform_pem(self) -> bytes:
        return (self.folder / "wechat-platform.pem").read_bytes()

    @property
    def wechat_platform_key(self) -> Any:
        return self._private("sandbox/wechat-platform.key")

    @property
    def wechat_apiv3(self) -> bytes:
        return (self.folder / "wechat-apiv3.key").read_bytes().strip()

    @property
    def alipay_key(self) -> Any:
        return self._private("sandbox/alipay.key")

    @property
    def alipay_merchant(self) -> Any:
        return self._private("alipay-merchant.key").public_key()

    @property
    def unionpay_key(self) -> Any:
        return self._private("sandbox/unionpay-signer.key")

    @property
    def unionpay_signer_pem(self) -> str:
        return (self.folder / "sandbox/unionpay-signer.pem").read_text("ascii")

    @property
    def unionpay_merchant(self) -> x509.Certificate:
        return self._certificate("unionpay-merchant.pem")


class Side(Protocol):
    """A provider as the shop sees it."""

    def letter(self, trade: sqlite3.Row) -> Letter: ...
    def refund_letter(self, refund: sqlite3.Row) -> Letter: ...


class Shop:
    """One sandbox: `base` is its address."""

    def __init__(self, store: Path, base: str) -> None:
        self.book, self.postman, self.base = Book(store), Postman(), base
        self.sides: dict[str, Side] = {}

    def page(self, trade: sqlite3.Row) -> str:
        """Where a payer pays."""
        return f"{self.base}/pay/{trade['code']}"

    def refunded(self, refund: sqlite3.Row) -> None:
        """The callback of a refund, as `<provider>.notify` will have it."""
        self.tell(refund["provider"], self.sides[refund["provider"]].refund_letter(refund))

    def paid(self, trade: sqlite3.Row) -> None:
        """The callback of a trade that was just paid, as the faults of `<provider>.notify` will have it."""
        self.tell(trade["provider"], self.sides[trade["provider"]].letter(trade))

    def tell(self, provider: str, letter: Letter) -> None:
        self.postman.send(letter, self.book.fault(f"{provider}.notify"))

    def before_answer(self, call: str, trade: sqlite3.Row) -> None:
        """The fault `callback_first`: the payer was faster than the answer to the merchant."""
        if self.book.fault(f"{call}.first").mode:
            paid = self.book.pay(trade["code"])
            if paid:
                self.postman.deliver(self.sides[trade["provider"]].letter(paid))

    def traded(self, provider: str, day: str) -> list[tuple[Any, sqlite3.Row | None]]:
        """What a day's bill lists: each payment, then each refund with the trade it belongs to; spoiled as ordered."""
        paid, back = self.book.day(provider, day)
        listed: list[tuple[Any, sqlite3.Row | None]] = [(trade, None) for trade in self._spoiled_rows(provider, paid)]
        for refund in back:
            trade = self.book.trade_by("trade_no", refund["trade_no"])
            assert trade is not None
            listed.append((trade, refund))
        return listed

    def _spoiled_rows(self, provider: str, rows: list[sqlite3.Row]) -> list[Any]:
        mode = self.book.fault(f"{provider}.bill.rows").mode
        if mode == "missing_row":
            return rows[1:]
        if mode == "unknown_row" and rows:
            stranger = dict(rows[0]) | {
                "trade_no": f"{rows[0]['trade_no'][:-6]}999999",
                "number": "88880000111122223333",
            }
            return [*rows, stranger]
        if mode == "twice" and rows:
            return [*rows, rows[0]]
        return rows

    def spoiled_bill(self, provider: str, content: bytes) -> bytes:
        mode = self.book.fault(f"{provider}.bill").mode
        if mode == "truncated":
            return content[: len(content) * 2 // 3]
        if mode == "gbk":
            return content.decode("utf-8-sig").encode("gbk")
        if mode == "wrong_summary":
            head, _mark, tail = content.rpartition(b"`")
            return head + b"`9" + tail
        return content
