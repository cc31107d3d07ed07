"""Every change of the ledger: opening an account, posting a transaction; and proving that the books are right.

Never changes or removes anything: a mistake is mended by another transaction. A posting takes part in the caller's
transaction and is one round trip.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import DatabaseError, connection, transaction

from yici.base import clock
from yici.core.ledger.errors import KeyUsed, Unbalanced
from yici.core.ledger.models import LedgerAccount

__all__ = ["LARGEST_FEN", "Fault", "Leg", "Posted", "ensure_account", "post", "verify"]

LARGEST_FEN = 10**13  # a hundred billion yuan


@dataclass(frozen=True)
class Leg:
    """One side of a transaction: `fen` positive for debit, negative for credit."""

    account: str
    fen: int


@dataclass(frozen=True)
class Posted:
    """`is_new` is false for a repetition of a key with the same content."""

    transaction_id: int
    is_new: bool


@dataclass(frozen=True)
class Fault:
    """One thing that does not agree: the account or transaction, what it says and what its entries say, in fen."""

    where: str
    stated: int
    summed: int
    message: str


def ensure_account(code: str, name: str, kind: str) -> LedgerAccount:
    """Open the account unless it is there. A later call may bring a better name, never another kind."""
    account, _made = LedgerAccount.objects.get_or_create(
        code=code, defaults={"name": name, "kind": kind, "opened_at": clock.now()}
    )
    if account.kind != kind:
        raise KeyUsed()
    if account.name != name:
        account.name = name
        account.save(update_fields=["name"])
    return account


def post(
    key: str, kind: str, legs: Sequence[Leg], *, reference: str, memo: str = "", at: dt.datetime | None = None
) -> Posted:
    """Write one transaction of two or more legs that sum to zero, within the caller's transaction.

    The same key with the same kind, reference and legs gives what is there; with other content raises `KeyUsed`.
    Raises `Unbalanced` for a sum other than zero, a zero or huge leg, or an unknown account.
    """
    now = clock.now()
    check(legs)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, is_new FROM ledger_post(%s, %s, %s, %s, %s, %s, %s::jsonb)",
                [key, kind, reference, memo, at or now, now, json.dumps([[leg.account, leg.fen] for leg in legs])],
            )
            number, is_new = cursor.fetchone()
    except DatabaseError as error:
        raise told(error) from error
    return Posted(number, is_new)


def check(legs: Iterable[Leg]) -> None:
    """Raises `Unbalanced` unless the legs are whole numbers of fen, in range, and sum to zero."""
    given = list(legs)
    whole = all(type(leg.fen) is int and leg.fen != 0 and abs(leg.fen) <= LARGEST_FEN for leg in given)
    if len(given) < 2 or not whole or sum(leg.fen for leg in given) != 0:
        raise Unbalanced()


def told(error: DatabaseError) -> Exception:
    """What the database refused, as an error for people; anything else stays itself."""
    cause = error.__cause__
    if getattr(getattr(cause, "diag", None), "constraint_name", "") == "ledger_key_used":
        return KeyUsed()
    if getattr(cause, "sqlstate", "") in ("23514", "23503"):  # check and foreign key violation
        return Unbalanced()
    return error


# One statement each, so one snapshot: postings may go on while they run.
_BALANCES = """
WITH stated AS (SELECT account_id, sum(amount) AS fen, sum(entries) AS number FROM ledger_ledgerbalance GROUP BY account_id),
     summed AS (SELECT account_id, sum(amount) AS fen, count(*) AS number FROM ledger_ledgerentry GROUP BY account_id)
SELECT coalesce(a.code, '#' || coalesce(s.account_id, e.account_id)), coalesce(s.fen, 0), coalesce(e.fen, 0)
FROM stated s FULL JOIN summed e ON e.account_id = s.account_id
LEFT JOIN ledger_ledgeraccount a ON a.id = coalesce(s.account_id, e.account_id)
WHERE s.fen IS DISTINCT FROM e.fen OR s.number IS DISTINCT FROM e.number OR a.id IS NULL
ORDER BY 1
"""
_TRANSACTIONS = """
SELECT t.key, 0, coalesce(sum(e.amount), 0) FROM ledger_ledgertransaction t LEFT JOIN ledger_ledgerentry e ON e.transaction_id = t.id
GROUP BY t.id HAVING coalesce(sum(e.amount), 0) <> 0 OR count(e.id) <> t.legs ORDER BY t.id LIMIT 1000
"""


def verify() -> list[Fault]:
    """Every balance against the sum of its entries, every transaction against zero. Empty: the books are right."""
    with connection.cursor() as cursor:
        cursor.execute(_BALANCES)
        faults = [
            Fault(code, int(stated), int(summed), f"账户 {code} 的余额是 {stated} 分，分录合计是 {summed} 分。")
            for code, stated, summed in cursor.fetchall()
        ]
        cursor.execute(_TRANSACTIONS)
        faults += [
            Fault(key, 0, int(summed), f"交易 {key} 的借贷相差 {summed} 分，或分录数目不对。")
            for key, _zero, summed in cursor.fetchall()
        ]
    return faults
