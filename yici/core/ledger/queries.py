"""Reading the books: balances, and the entries behind a number."""

from __future__ import annotations

import datetime as dt

from django.db.models import QuerySet, Sum

from yici.core.ledger.models import LedgerAccount, LedgerBalance, LedgerEntry, LedgerTransaction

__all__ = ["account", "accounts_with_balance", "balance_of", "entries_of", "transactions_about"]


def balance_of(code: str) -> int:
    """Fen, debit positive; 0 for an account nobody opened."""
    return LedgerBalance.objects.filter(account__code=code).aggregate(fen=Sum("amount"))["fen"] or 0


def accounts_with_balance() -> QuerySet[LedgerAccount]:
    """Every account by code, with `fen` and `number`, its balance and how many entries it has."""
    return LedgerAccount.objects.annotate(
        fen=Sum("balances__amount", default=0), number=Sum("balances__entries", default=0)
    ).order_by("code")


def account(account_id: int) -> LedgerAccount | None:
    return LedgerAccount.objects.filter(pk=account_id).first()


def entries_of(account: LedgerAccount, between: tuple[dt.datetime, dt.datetime] | None = None) -> QuerySet[LedgerEntry]:
    """Newest first, each with its transaction; those whose money moved from one moment to before another where they are given."""
    found = LedgerEntry.objects.filter(account=account).select_related("transaction").order_by("-id")
    return found.filter(transaction__at__gte=between[0], transaction__at__lt=between[1]) if between else found


def transactions_about(reference: str) -> QuerySet[LedgerTransaction]:
    """Everything that was posted about one order, oldest first, with entries and accounts."""
    return LedgerTransaction.objects.filter(reference=reference).prefetch_related("entries__account").order_by("id")
