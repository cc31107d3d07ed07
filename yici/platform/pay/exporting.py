"""Orders, a day's reconciliation, entries and the fee list as workbooks: amounts as numbers in yuan, every text safe for a spreadsheet program."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import Workbook

from yici.base.spreadsheets import safe_cell
from yici.core.ledger.models import LedgerAccount, LedgerEntry
from yici.core.vocabulary import rules as vocabulary
from yici.platform.pay.definitions import Fee
from yici.platform.pay.models import DayBill, Difference, FeeItem, PayOrder
from yici.platform.pay.providers import PROVIDERS

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_ROWS = 50_000


def orders_workbook(orders: Iterable[PayOrder]) -> bytes:
    """Number, title, payer (masked), amount, state, times; the query decides which and how many."""
    heads = [
        _("订单号"),
        _("事由"),
        _("付款人"),
        _("金额（元）"),
        _("状态"),
        _("办件编号"),
        _("创建时间"),
        _("付款时间"),
    ]
    rows = (
        [
            one.number, one.title, vocabulary.mask("person.name", one.payer.name) if one.payer else "", _yuan(one.fen),
            one.get_state_display(), one.case_number, one.created_at, one.paid_at,
        ]
        for one in orders
    )  # fmt: skip
    return _workbook(_("订单"), heads, rows)


def reconciliation_workbook(bill: DayBill, differences: Iterable[Difference]) -> bytes:
    """Totals of both sides, then every difference with its decision."""
    heads = [
        _("差异"),
        _("流水号"),
        _("商户订单号"),
        _("账单金额（元）"),
        _("我方金额（元）"),
        _("建议"),
        _("处理"),
        _("依据"),
        _("处理人"),
        _("已消除"),
    ]
    total = [
        _("合计"), f"{PROVIDERS[bill.provider]} {bill.day}", bill.get_state_display(), _yuan(bill.paid_fen - bill.refund_fen),
        _yuan(bill.own_paid_fen - bill.own_refund_fen), "", "", "", "", "",
    ]  # fmt: skip
    fees = [_("手续费"), "", "", _yuan(bill.fee_fen), _yuan(bill.own_fee_fen), "", "", "", "", ""]
    rows = (
        [
            one.get_kind_display(), one.subject, one.number, _yuan(one.their_fen), _yuan(one.our_fen), one.get_proposal_display(),
            one.get_decision_display() if one.decision else "", one.note, one.decided_by.name if one.decided_by else "",
            _("是") if one.is_settled else _("否"),
        ]
        for one in differences
    )  # fmt: skip
    return _workbook(_("对账"), heads, [total, fees, *rows])


def entries_workbook(account: LedgerAccount, entries: Iterable[LedgerEntry]) -> bytes:
    """Entries of one account: when the money moved, what for, what it is about, debit and credit."""
    heads = [_("时间"), _("记账时间"), _("业务"), _("关联订单"), _("说明"), _("借（元）"), _("贷（元）")]
    rows = (
        [
            one.transaction.at, one.transaction.posted_at, one.transaction.kind, one.transaction.reference, one.transaction.memo,
            _yuan(one.amount) if one.amount > 0 else None, _yuan(-one.amount) if one.amount < 0 else None,
        ]
        for one in entries
    )  # fmt: skip
    return _workbook(account.code.replace(":", " "), heads, rows)


def fees_workbook(listed: Iterable[tuple[FeeItem, Fee | None, bool]]) -> bytes:
    """The fee list as it is charged today; a fee that is not charged any more has no price."""
    heads = [
        _("代码"),
        _("项目"),
        _("标准（元）"),
        _("单位"),
        _("费率（‰）"),
        _("依据"),
        _("减免"),
        _("非税票据"),
        _("待复核"),
    ]
    rows = (
        [
            item.code, str(fee.name) if fee else _("已停收"), _yuan(fee.fen) if fee and not fee.rate else None, fee.unit if fee else "",
            fee.rate.per_mille if fee and fee.rate else None, "；".join(map(str, fee.basis)) if fee else "",
            "；".join(f"{one.label} {one.percent}%" for one in fee.reductions) if fee else "",
            _("是") if fee and fee.non_tax else _("否"), _("是") if waiting else _("否"),
        ]
        for item, fee, waiting in listed
    )  # fmt: skip
    return _workbook(_("收费清单"), heads, rows)


def _yuan(fen: int | None) -> Decimal | None:
    return None if fen is None else Decimal(fen).scaleb(-2)


def _workbook(title: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.append([safe_cell(head) for head in heads])
    for row in rows:
        sheet.append([safe_cell(value) for value in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
