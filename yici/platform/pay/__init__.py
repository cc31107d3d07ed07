"""Paying: fee list, orders, providers, refunds, receipts, reconciliation. Money itself is in core.ledger."""
