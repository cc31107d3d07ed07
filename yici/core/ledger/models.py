"""Accounts, transactions, entries and balances. All amounts are integers in fen, CNY; debit is positive, credit negative.

Rows of transactions and entries are only ever added: the database refuses every update, deletion and truncation, refuses
a transaction that does not sum to zero, and keeps the balances itself (`migrations/0002_posting.py`).
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class LedgerAccount(models.Model):
    """Something that has or owes money. `code` is how others name it: `payee:bz.land`, `provider:wechat`."""

    class Kind(models.TextChoices):
        ASSET = "asset", _("资产")
        LIABILITY = "liability", _("负债")
        INCOME = "income", _("收入")
        EXPENSE = "expense", _("支出")

    code = models.CharField(max_length=120, unique=True)
    name = models.TextField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    opened_at = models.DateTimeField()

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code


class LedgerTransaction(models.Model):
    """One movement of money, whole or not at all. `key` is its idempotency key, `digest` SHA-256 of what was asked for."""

    key = models.CharField(max_length=200)
    digest = models.BinaryField(max_length=32)
    kind = models.CharField(max_length=40, help_text="payment, refund, suspense, fee …")
    reference = models.CharField(max_length=120, help_text="order number, or what else it is about")
    memo = models.TextField(blank=True)
    legs = models.SmallIntegerField(help_text="how many entries it has")
    at = models.DateTimeField(help_text="when the money moved")
    posted_at = models.DateTimeField(help_text="when it was written")

    class Meta:
        constraints = [
            # Not `unique=True`: that would keep a second index of the keys, for prefixes nobody asks for.
            models.UniqueConstraint(fields=["key"], name="ledger_transaction_key"),
            models.CheckConstraint(condition=models.Q(legs__gte=2), name="ledger_transaction_legs"),
        ]
        indexes = [
            models.Index(fields=["reference"], name="ledger_transaction_reference"),
            models.Index(fields=["at"], name="ledger_transaction_at"),
        ]


class LedgerEntry(models.Model):
    """One leg: `amount` in fen, positive for debit, negative for credit, never zero."""

    # No constraints in the database: every entry of a popular payee would lock the payee's one row. The posting trigger checks both.
    transaction = models.ForeignKey(LedgerTransaction, models.PROTECT, related_name="entries", db_constraint=False)
    account = models.ForeignKey(
        LedgerAccount, models.PROTECT, related_name="entries", db_constraint=False, db_index=False
    )
    amount = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(amount=0) & models.Q(amount__gte=-(10**13), amount__lte=10**13),
                name="ledger_entry_amount",
            )
        ]
        indexes = [models.Index(fields=["account", "id"], name="ledger_entry_account")]


class LedgerBalance(models.Model):
    """A part of an account's balance; the balance is the sum over `shard`, so that many may post to one account at once."""

    account = models.ForeignKey(LedgerAccount, models.PROTECT, related_name="balances", db_constraint=False)
    shard = models.SmallIntegerField()
    amount = models.BigIntegerField(help_text="fen, debit positive")
    entries = models.BigIntegerField(help_text="how many entries it sums")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "shard"], name="ledger_balance_part")]
