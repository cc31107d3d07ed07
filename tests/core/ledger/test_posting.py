"""Posting, repeating, refusing, and what the database itself refuses."""

from __future__ import annotations

from functools import partial

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.systems.hall.conftest import at_once
from yici.core.ledger import queries, services
from yici.core.ledger.errors import KeyUsed, Unbalanced
from yici.core.ledger.models import LedgerAccount, LedgerBalance, LedgerEntry, LedgerTransaction
from yici.core.ledger.services import Leg


@pytest.fixture
def accounts(db: None) -> None:
    for name in ("a", "b", "c"):
        services.ensure_account(name, f"账户{name}", "asset")


def move(key: str, fen: int = 100, *, to: str = "b", reference: str = "r") -> services.Posted:
    return services.post(key, "test", [Leg("a", -fen), Leg(to, fen)], reference=reference)


def test_balances_follow_from_entries(accounts: None) -> None:
    move("1", 100)
    move("2", 250)
    assert (queries.balance_of("a"), queries.balance_of("b")) == (-350, 350)
    assert services.verify() == []


def test_same_key_and_content_is_posted_once(accounts: None) -> None:
    first, again = move("1"), move("1")
    assert first.is_new and not again.is_new and first.transaction_id == again.transaction_id
    assert queries.balance_of("b") == 100


@pytest.mark.parametrize("other", [{"fen": 101}, {"to": "c"}, {"reference": "other"}])
def test_same_key_with_other_content_is_a_conflict(accounts: None, other: dict[str, object]) -> None:
    move("1")
    with pytest.raises(KeyUsed):
        move("1", **other)  # type: ignore[arg-type]
    assert queries.balance_of("b") == 100


@pytest.mark.parametrize(
    "legs",
    [
        [Leg("a", 1)],
        [Leg("a", 1), Leg("b", 1)],
        [Leg("a", 0), Leg("b", 0)],
        [Leg("a", 10**13 + 1), Leg("b", -(10**13) - 1)],
        [Leg("a", 1.5), Leg("b", -1.5)],  # type: ignore[arg-type]
        [Leg("a", True), Leg("b", -1)],
        [Leg("a", 1), Leg("nobody", -1)],
    ],
)
def test_what_cannot_be_a_transaction_is_refused_whole(accounts: None, legs: list[Leg]) -> None:
    with pytest.raises(Unbalanced):
        services.post("1", "test", legs, reference="r")
    assert not LedgerTransaction.objects.filter(key="1").exists()
    assert services.verify() == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_ledgerentry SET amount = amount + 1",
        "DELETE FROM ledger_ledgerentry",
        "TRUNCATE ledger_ledgerentry",
        "UPDATE ledger_ledgertransaction SET memo = 'x'",
        "DELETE FROM ledger_ledgertransaction",
        "TRUNCATE ledger_ledgertransaction CASCADE",
        "UPDATE ledger_ledgerbalance SET amount = 0",
        "DELETE FROM ledger_ledgerbalance",
        "TRUNCATE ledger_ledgerbalance",
        "DELETE FROM ledger_ledgeraccount",
        "INSERT INTO ledger_ledgerbalance (account_id, shard, amount, entries) SELECT id, 99, 5, 1 FROM ledger_ledgeraccount LIMIT 1",
        # one leg alone, a third leg, and both legs again for a transaction that has its two
        "INSERT INTO ledger_ledgerentry (transaction_id, account_id, amount) SELECT transaction_id, account_id, 5 FROM ledger_ledgerentry LIMIT 1",
        "INSERT INTO ledger_ledgerentry (transaction_id, account_id, amount) SELECT transaction_id, account_id, amount FROM ledger_ledgerentry",
    ],
)
def test_database_itself_refuses_to_alter_the_books(accounts: None, statement: str) -> None:
    move("1")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert (queries.balance_of("a"), queries.balance_of("b"), services.verify()) == (-100, 100, [])


def test_books_that_somebody_with_power_over_the_database_altered_are_found(accounts: None) -> None:
    move("1")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # nothing may be pending when a table is altered
        cursor.execute("ALTER TABLE ledger_ledgerentry DISABLE TRIGGER USER")
        cursor.execute("UPDATE ledger_ledgerentry SET amount = 90 WHERE amount > 0")
        cursor.execute("ALTER TABLE ledger_ledgerentry ENABLE TRIGGER USER")
    faults = services.verify()
    assert [(fault.where, fault.stated, fault.summed) for fault in faults] == [("b", 100, 90), ("1", 0, -10)]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc"), st.integers(1, 10**12)), max_size=12))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_sequence_of_movements_leaves_the_books_right(accounts: None, moves: list[tuple[str, str, int]]) -> None:
    with transaction.atomic():
        before = {name: queries.balance_of(name) for name in "abc"}
        base = LedgerTransaction.objects.count()
        for number, (origin, target, fen) in enumerate(moves):
            services.post(f"{base}-{number}", "test", [Leg(origin, -fen), Leg(target, fen)], reference="r")
            before[origin] -= fen
            before[target] += fen
        assert {name: queries.balance_of(name) for name in "abc"} == before
        assert sum(before.values()) == 0 and services.verify() == []


def test_many_connections_post_to_one_account_at_once(own_city: None) -> None:
    """Sixteen threads, one hot account, some keys given twice: each is posted once and nobody waits for ever."""
    for name in "ab":
        services.ensure_account(name, f"账户{name}", "asset")

    def work(thread: int) -> None:
        for number in range(20):
            move(f"{thread // 2}-{number}")  # every key comes from two threads

    assert at_once(*(partial(work, thread) for thread in range(16))) == [None] * 16
    assert queries.balance_of("b") == 8 * 20 * 100
    assert services.verify() == []
    assert LedgerBalance.objects.filter(account__code="b").count() <= 32
    assert LedgerEntry.objects.filter(account__code="b").count() == 160
    assert LedgerAccount.objects.filter(code="b").count() == 1
