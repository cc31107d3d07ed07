"""What the sandbox remembers: trades, refunds, and what shall go wrong next. SQLite, so that a kill loses nothing."""

from __future__ import annotations

import datetime as dt
import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ZONE = dt.timezone(dt.timedelta(hours=8))
_SCHEMA = """
CREATE TABLE IF NOT EXISTS trade (
  provider TEXT, number TEXT, trade_no TEXT UNIQUE, fen INTEGER, title TEXT, state TEXT, notify_url TEXT, code TEXT UNIQUE,
  created TEXT, paid TEXT, extra TEXT, PRIMARY KEY (provider, number));
CREATE TABLE IF NOT EXISTS refund (
  provider TEXT, number TEXT, refund_no TEXT, trade_no TEXT, payment_number TEXT, fen INTEGER, at TEXT, extra TEXT,
  PRIMARY KEY (provider, number));
CREATE TABLE IF NOT EXISTS bill (
  biller TEXT, customer TEXT, number TEXT, name TEXT, period TEXT, fen INTEGER, state TEXT, key TEXT, reference TEXT,
  PRIMARY KEY (biller, customer, number));
"""


@dataclass(frozen=True)
class Fault:
    """What goes wrong with the next call of a kind. `seconds` where it is about waiting."""

    mode: str = ""
    seconds: float = 0.0


class Book:
    """Safe to use from several threads; times are ISO with the offset of China."""

    def __init__(self, store: Path) -> None:
        store.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(store / "pay.sqlite", check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.executescript(_SCHEMA)
        self._lock = threading.RLock()
        self._faults: dict[str, list[Fault]] = {}
        self.skew = 0.0  # seconds by which the sandbox's clock is off
        self.fee_rate = 0  # what providers keep of a payment, in ten-thousandths; they give it back with a refund

    def now(self) -> dt.datetime:
        return dt.datetime.now(ZONE).replace(microsecond=0) + dt.timedelta(seconds=self.skew)

    @contextmanager
    def locked(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise

    # Faults

    def spoil(self, call: str, fault: Fault, count: int) -> None:
        with self._lock:
            self._faults[call] = [fault] * count if fault.mode else []

    def fault(self, call: str) -> Fault:
        """`call`: `<provider>.<act>`, for example `wechat.refund`."""
        with self._lock:
            waiting = self._faults.get(call)
            return waiting.pop(0) if waiting else Fault()

    # Trades

    def open(
        self, provider: str, number: str, fen: int, title: str, notify_url: str, extra: dict[str, Any]
    ) -> sqlite3.Row:
        """A new trade, or the one there is under the number. Its `code` leads to the payer's page."""
        with self.locked() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO trade VALUES (?, ?, NULL, ?, ?, 'open', ?, ?, ?, NULL, ?)",
                [
                    provider,
                    number,
                    fen,
                    title,
                    notify_url,
                    secrets.token_urlsafe(9),
                    self.now().isoformat(),
                    json.dumps(extra),
                ],
            )
        found = self.trade(provider, number)
        assert found is not None
        return found

    def trade(self, provider: str, number: str) -> sqlite3.Row | None:
        return self._one("SELECT * FROM trade WHERE provider = ? AND number = ?", provider, number)

    def trade_by(self, column: str, value: str) -> sqlite3.Row | None:
        assert column in ("code", "trade_no")
        return self._one(f"SELECT * FROM trade WHERE {column} = ?", value)  # noqa: S608 - one of two names

    def pay(self, code: str, *, at: dt.datetime | None = None, fen: int | None = None) -> sqlite3.Row | None:
        """Take the money of an open trade; None where it is not open. `fen`: another amount than was asked for."""
        with self.locked() as connection:
            row = connection.execute("SELECT * FROM trade WHERE code = ? AND state = 'open'", [code]).fetchone()
            if row is None:
                return None
            moment = at or self.now()
            trade_no = f"{ {'wechat': '42000', 'alipay': '20', 'unionpay': '3'}[row['provider']] }{moment:%Y%m%d%H%M%S}{secrets.randbelow(10**6):06d}"
            connection.execute(
                "UPDATE trade SET state = 'paid', trade_no = ?, paid = ?, fen = ? WHERE code = ?",
                [trade_no, moment.isoformat(), fen or row["fen"], code],
            )
        return self.trade_by("code", code)

    def close(self, provider: str, number: str) -> str:
        """Close an open trade; its state afterwards."""
        with self.locked() as connection:
            connection.execute(
                "UPDATE trade SET state = 'closed' WHERE provider = ? AND number = ? AND state = 'open'",
                [provider, number],
            )
        found = self.trade(provider, number)
        return str(found["state"]) if found else ""

    def trades(self, state: str) -> list[sqlite3.Row]:
        return self._all("SELECT * FROM trade WHERE state = ? ORDER BY rowid DESC LIMIT 50", state)

    # Refunds

    def refund(
        self, trade: sqlite3.Row, number: str, fen: int, extra: dict[str, Any] | None = None
    ) -> sqlite3.Row | None:
        """Give money back once for a number; None where more would go back than came."""
        with self.locked() as connection:
            known = self.refund_by(str(trade["provider"]), number)
            if known is None:
                back = connection.execute(
                    "SELECT coalesce(sum(fen), 0) FROM refund WHERE trade_no = ?", [trade["trade_no"]]
                ).fetchone()[0]
                if fen <= 0 or back + fen > trade["fen"]:
                    return None
                refund_no = f"5{self.now():%Y%m%d%H%M%S}{secrets.randbelow(10**6):06d}"
                connection.execute(
                    "INSERT INTO refund VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    [trade["provider"], number, refund_no, trade["trade_no"], trade["number"], fen, self.now().isoformat(), json.dumps(extra or {})],
                )  # fmt: skip
        return self.refund_by(str(trade["provider"]), number)

    def refund_by(self, provider: str, number: str) -> sqlite3.Row | None:
        return self._one("SELECT * FROM refund WHERE provider = ? AND number = ?", provider, number)

    def refunds_of(self, trade_no: str) -> int:
        found = self._one("SELECT coalesce(sum(fen), 0) AS fen FROM refund WHERE trade_no = ?", trade_no)
        return int(found["fen"]) if found else 0

    # A day

    def day(self, provider: str, day: str) -> tuple[list[sqlite3.Row], list[sqlite3.Row]]:
        """Payments and refunds of an accounting day (`YYYY-MM-DD`), in order; UnionPay's ends an hour before midnight."""
        midnight = dt.datetime.fromisoformat(day).replace(tzinfo=ZONE)
        begin = midnight - dt.timedelta(hours=provider == "unionpay")
        between = (begin.isoformat(), (begin + dt.timedelta(days=1)).isoformat())
        paid = self._all(
            "SELECT * FROM trade WHERE provider = ? AND paid >= ? AND paid < ? ORDER BY paid", provider, *between
        )
        back = self._all(
            "SELECT * FROM refund WHERE provider = ? AND at >= ? AND at < ? ORDER BY at", provider, *between
        )
        return paid, back

    def fee(self, fen: int) -> int:
        """What a provider keeps of an amount: half a fen up."""
        return (fen * self.fee_rate * 2 + 10_000) // 20_000

    # Bills of billers

    def bills(self, biller: str, customer: str) -> list[sqlite3.Row]:
        return self._all("SELECT * FROM bill WHERE biller = ? AND customer = ? ORDER BY number", biller, customer)

    def add_bill(self, *values: Any) -> None:
        with self.locked() as connection:
            connection.execute("INSERT OR IGNORE INTO bill VALUES (?, ?, ?, ?, ?, ?, 'due', '', '')", values)

    def mark_bill(self, biller: str, number: str, state: str, key: str, reference: str) -> None:
        with self.locked() as connection:
            connection.execute(
                "UPDATE bill SET state = ?, key = ?, reference = ? WHERE biller = ? AND number = ?",
                [state, key, reference, biller, number],
            )

    def _one(self, statement: str, *values: Any) -> sqlite3.Row | None:
        with self._lock:
            found: sqlite3.Row | None = self._connection.execute(statement, values).fetchone()
        return found

    def _all(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()
