"""City folder → the fee list and the ledger accounts that always exist.

A version is published only when the folder's text changed since the folder was last loaded: what two people changed on the
page stays until somebody changes the file.
"""

from __future__ import annotations

from pathlib import Path

from django.db import transaction

from yici.base import clock
from yici.core.ledger import services as ledger
from yici.platform.pay import definitions
from yici.platform.pay.definitions import Fee
from yici.platform.pay.models import FeeItem, FeeVersion
from yici.platform.pay.providers import PROVIDERS


def load(city: Path) -> str:
    """One line of report. Raises `Misconfigured` for a file that cannot be read."""
    ensure_accounts()
    fees = definitions.fees_of(city)
    for fee in fees.values():
        _load_one(fee)
    for item in FeeItem.objects.exclude(code__in=fees).exclude(current=None).select_related("current"):
        if item.current and item.current.source == "folder":  # taken out of the folder: not charged any more
            item.current = None
            item.save(update_fields=["current"])
    return f"收费清单：{len(fees)} 项，其中非税 {sum(fee.non_tax for fee in fees.values())} 项"


def ensure_accounts() -> None:
    """The providers' accounts, their fees, and suspense. Payees' accounts are opened with their first order."""
    for provider, label in PROVIDERS.items():
        ledger.ensure_account(f"provider:{provider}", f"{label.zh}待结算款", "asset")
        ledger.ensure_account(f"fee:{provider}", f"{label.zh}手续费", "expense")
    ledger.ensure_account("suspense", "暂存款（待查）", "liability")


@transaction.atomic
def _load_one(fee: Fee) -> None:
    item, _made = FeeItem.objects.select_for_update().get_or_create(code=fee.code)
    last = FeeVersion.objects.filter(item=item, source="folder").order_by("-number").first()
    if last and last.digest == fee.digest():
        if item.current_id is None:
            item.current = last
            item.save(update_fields=["current"])
        return
    newest = FeeVersion.objects.filter(item=item).order_by("-number").first()
    item.current = FeeVersion.objects.create(
        item=item,
        number=newest.number + 1 if newest else 1,
        definition=fee.model_dump(mode="json"),
        digest=fee.digest(),
        state=FeeVersion.State.PUBLISHED,
        source="folder",
        reason="城市目录",
        proposed_at=clock.now(),
    )
    item.save(update_fields=["current"])
