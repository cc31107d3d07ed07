"""Payments a second against a bare ledger in the same run, with many payees and with one; and a day's reconciliation.

The bare ledger is one function on two tables: a payment and two entries, idempotent by key, nothing else. The service makes
the order (lines, event, audit entry), opens the attempt, and settles it (payment, three balances, event, outbox, audit entry).
Wall-clock figures depend on who else uses the machine; CPU (database and client together) a payment does not, and two
free cores do 2,000 ms of it a second.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from bench import site
from bench.results import Result

CLIENTS = int(os.environ.get("YICI_BENCH_CLIENTS", "8"))
SECONDS = float(os.environ.get("YICI_BENCH_SECONDS", "6"))
DAY_PAYMENTS = int(os.environ.get("YICI_BENCH_PAYMENTS", "100000"))
PAYEES = 50
BATCH = 20
BARE = """
DROP SCHEMA IF EXISTS bare CASCADE;
CREATE SCHEMA bare;
CREATE TABLE bare.payment (id bigserial PRIMARY KEY, key text UNIQUE NOT NULL, fen bigint NOT NULL, at timestamptz NOT NULL);
CREATE TABLE bare.entry (id bigserial PRIMARY KEY, payment bigint NOT NULL, account int NOT NULL, fen bigint NOT NULL);
CREATE TABLE bare.balance (account int PRIMARY KEY, fen bigint NOT NULL);
INSERT INTO bare.balance SELECT n, 0 FROM generate_series(0, 200) n;
CREATE FUNCTION bare.pay(given text, payee int, amount bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE number bigint;
BEGIN
  INSERT INTO bare.payment (key, fen, at) VALUES (given, amount, now()) ON CONFLICT (key) DO NOTHING RETURNING id INTO number;
  IF number IS NULL THEN RETURN false; END IF;
  INSERT INTO bare.entry (payment, account, fen) VALUES (number, 0, amount), (number, payee, -amount);
  UPDATE bare.balance SET fen = fen - amount WHERE account = payee;
  RETURN true;
END $$;
"""


def run() -> list[Result]:
    site.prepare(1000)
    results = []
    with _connect() as connection:
        connection.execute(BARE)
        _ensure_payees(connection)
    for name, payees in (("many payees", PAYEES), ("one payee", 1)):
        bare = _rate(lambda c, n, p=payees: _bare(c, n, p))  # type: ignore[misc]
        results.append(
            Result(f"bare ledger, {name}", bare.rate, "payments/s", note=f"CPU {bare.cpu:.2f} ms a payment").told()
        )
        for way, act, each in (("one by one", _whole, 1), (f"settled in batches of {BATCH}", _batched, BATCH)):
            found = _rate(lambda c, n, a=act, p=payees: a(c, n, p), each)  # type: ignore[misc]
            note = f"{found.rate / bare.rate:.2f} of bare in the same minute; CPU {found.cpu:.2f} ms: {2000 / found.cpu:,.0f}/s of two free cores"
            target = 1000 if payees > 1 else 700
            results.append(
                Result(f"whole service, {name}, {way}", found.rate, "payments/s", target, True, note=note).told()
            )
    results.append(_day())
    results.append(_verified())
    return results


def _connect() -> psycopg.Connection[Any]:
    return psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)


def _ensure_payees(connection: psycopg.Connection[Any]) -> None:
    for number in range(PAYEES):
        connection.execute(
            "INSERT INTO ledger_ledgeraccount (code, name, kind, opened_at) VALUES (%s, %s, 'liability', now()) ON CONFLICT DO NOTHING",
            [f"payee:bench{number}", f"bench{number}"],
        )


@dataclass(frozen=True)
class Pace:
    """Payments a second, and CPU of database and client in milliseconds a payment."""

    rate: float
    cpu: float


def _rate(act: Callable[[psycopg.Connection[Any], str], Any], each: int = 1) -> Pace:
    """Calls of eight connections over a few seconds, times what each does."""
    done = [0] * CLIENTS
    stop = threading.Event()
    run_id = f"{time.time_ns()}"

    def work(client: int) -> None:
        with _connect() as connection:
            number = 0
            while not stop.is_set():
                act(connection, f"{run_id}-{client}-{number}")
                number += 1
                done[client] = number

    threads = [threading.Thread(target=work, args=(client,)) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    time.sleep(1)  # plans and pages are warm
    before, begun, cpu = sum(done), time.monotonic(), _cpu_seconds()
    time.sleep(SECONDS)
    payments = (sum(done) - before) * each
    pace = Pace(payments / (time.monotonic() - begun), (_cpu_seconds() - cpu) * 1000 / max(1, payments))
    stop.set()
    for thread in threads:
        thread.join()
    return pace


def _cpu_seconds() -> float:
    """Of this process and of PostgreSQL with everything it started."""
    return time.process_time() + site.cpu_of(site.postmaster())


def _payee(key: str, payees: int) -> int:
    return hash(key) % payees


def _bare(connection: psycopg.Connection[Any], key: str, payees: int) -> None:
    connection.execute("SELECT bare.pay(%s, %s, 2000)", [key, 1 + _payee(key, payees)])


def _wish(key: str, payees: int) -> str:
    payee = f"payee:bench{_payee(key, payees)}"
    line = {
        "place": 1, "label": "bench", "label_en": "", "payee_code": payee, "payee_name": "bench", "quantity": 1, "full_fen": 2000,
        "fen": 2000, "subsidy": 0, "subsidy_code": "", "reduction": "", "non_tax": True,
    }  # fmt: skip
    return json.dumps({
        "key": key, "digest": "00" * 32, "title": "bench", "case_number": "", "fen": 2000, "legs": [[payee, -2000]], "purpose": "bench",
        "expires_at": "2099-01-01T00:00:00+08:00", "actor": "bench", "lines": [line],
    })  # fmt: skip


_OPEN = """
WITH made AS (SELECT * FROM pay_open(now(), %s::jsonb))
INSERT INTO pay_attempt (order_id, provider, number, fen, state, scan, link, created_at)
SELECT id, 'wechat', number || '01', 2000, 'open', 'x', '', now() FROM made RETURNING number
"""


def _opened(connection: psycopg.Connection[Any], key: str, payees: int) -> str:
    row = connection.execute(_OPEN, [_wish(key, payees)]).fetchone()
    assert row is not None
    return str(row[0])


def _taken(number: str) -> dict[str, object]:
    now = dt.datetime.now(dt.UTC).isoformat()
    return {
        "provider": "wechat",
        "trade_no": f"B{number}",
        "number": number,
        "fen": 2000,
        "paid_at": now,
        "day": now[:10],
        "seen_by": "callback",
    }


def _whole(connection: psycopg.Connection[Any], key: str, payees: int) -> None:
    number = _opened(connection, key, payees)
    connection.execute("SELECT * FROM pay_settle(now(), %s::jsonb)", [json.dumps([_taken(number)])])


def _batched(connection: psycopg.Connection[Any], key: str, payees: int) -> None:
    """As the poller and reconciliation settle: orders one by one, what the provider took in one call."""
    numbers = [_opened(connection, f"{key}-{n}", payees) for n in range(BATCH)]
    connection.execute(
        "SELECT * FROM pay_settle(now(), %s::jsonb)", [json.dumps([_taken(number) for number in numbers])]
    )


def _day() -> Result:
    """Reading a WeChat bill of a day and holding it against as many payments; one row differs, and is found."""
    from yici.platform.pay import services
    from yici.platform.pay.models import Difference
    from yici.platform.pay.sandbox.wechat import COLUMNS, SUMMARY, _ticked

    day = dt.date(2020, 1, 2)
    with _connect() as connection:
        if connection.execute("SELECT count(*) FROM pay_payment WHERE day = %s", [day]).fetchone() != (DAY_PAYMENTS,):
            connection.execute(
                "INSERT INTO pay_payment (provider, trade_no, number, fen, refunded, place, why, paid_at, day, seen_at, seen_by)"
                " SELECT 'wechat', 'D' || lpad(n::text, 12, '0'), 'N' || n, 100 + n %% 900, 0, 'applied', '',"
                " '2020-01-02 12:00+08', %s, now(), 'bench' FROM generate_series(1, %s) n ON CONFLICT DO NOTHING",
                [day, DAY_PAYMENTS],
            )
            connection.execute("ANALYZE pay_payment")
    place = {name: number for number, name in enumerate(COLUMNS)}
    lines, total = [], 0
    for n in range(1, DAY_PAYMENTS + 1):
        fen = 100 + n % 900 + (n == 77)
        total += fen
        values = ["0"] * len(COLUMNS)
        text = f"{fen // 100}.{fen % 100:02d}"
        for name, value in (
            ("交易时间", "2020-01-02 12:00:00"), ("微信订单号", f"D{n:012d}"), ("商户订单号", f"N{n}"), ("交易状态", "SUCCESS"), ("货币种类", "CNY"),
            ("应结订单金额", text), ("订单金额", text), ("申请退款金额", "0.00"), ("退款金额", "0.00"),
        ):  # fmt: skip
            values[place[name]] = value
        lines.append(_ticked(values))
    yuan = f"{total // 100}.{total % 100:02d}"
    summary = _ticked([str(DAY_PAYMENTS), yuan, "0.00", "0.00", "0.00", yuan, "0.00"])
    content = "\r\n".join([",".join(COLUMNS), *lines, ",".join(SUMMARY), summary]).encode()
    begun, cpu = time.monotonic(), time.process_time()
    bill = services.take_bill("wechat", day, content)
    seconds = time.monotonic() - begun
    found = Difference.objects.filter(bill=bill, kind="amount", is_settled=False).count()
    assert (bill.paid_count, found) == (DAY_PAYMENTS, 1), (bill.state, bill.detail, found)
    note = f"{len(content) / 2**20:.0f} MB; {time.process_time() - cpu:.1f} s of it CPU of the application"
    return Result(f"reconciling a day of {DAY_PAYMENTS:,} payments", seconds, "s", 10, note=note).told()


def _verified() -> Result:
    """Proving every balance and transaction that the run has made."""
    from yici.core.ledger.models import LedgerEntry
    from yici.core.ledger.services import verify

    begun = time.monotonic()
    assert verify() == []
    return Result(
        "ledger verify", time.monotonic() - begun, "s", note=f"{LedgerEntry.objects.count():,} entries"
    ).told()
