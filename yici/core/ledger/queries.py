"""Reading the books: balances, and the entries behind a number."""

from __future__ import annotations

from django.db.models import QuerySet, Sum

from yici.core.ledger.models import LedgerAccount, LedgerBalance, LedgerEntry, LedgerTransaction

__all__ = ["accounts_with_balance", "balance_of", "entries_of", "find_account", "transactions_about"]


def balance_of(code: str) -> int:
    """Fen, debit positive; 0 for an account nobody opened."""
    return LedgerBalance.objects.filter(account__code=code).aggregate(fen=Sum("amount"))["fen"] or 0


def accounts_with_balance() -> QuerySet[LedgerAccount]:
    """Every account with `fen` and `number`, its balance and how many entries it has."""
    return LedgerAccount.objects.annotate(
        fen=Sum("balances__amount", default=0), number=Sum("balances__entries", default=0)
    )


def find_account(code: str) -> LedgerAccount | None:
    return LedgerAccount.objects.filter(code=code).first()


def entries_of(account: LedgerAccount) -> QuerySet[LedgerEntry]:
    """Newest first, each with its transaction."""
    return LedgerEntry.objects.filter(account=account).select_related("transaction").order_by("-id")


def transactions_about(reference: str) -> QuerySet[LedgerTransaction]:
    """Everything that was posted about one order, oldest first, with entries and accounts."""
    return LedgerTransaction.objects.filter(reference=reference).prefetch_related("entries__account").order_by("id")
