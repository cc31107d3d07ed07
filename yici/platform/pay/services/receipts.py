"""Electronic non-tax receipts (非税收入电子票据): one for each non-tax payee of a paid order, numbered, signed, checkable.

Layout and fields after 财政部《财政电子票据管理办法》 (财政部令第113号): 票据代码, 票据号码, 校验码, 交款人, 项目, 金额, 收款单位.
"""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from yici.base import clock
from yici.base.cityfolder import city_folder
from yici.core.files import services as files
from yici.platform.pay import ports, queries
from yici.platform.pay.definitions import FOLDER
from yici.platform.pay.models import OrderLine, PayOrder, Receipt
from yici.platform.pay.providers.money import local, yuan

REGION = "3416"


@transaction.atomic
def issue_receipts(order: PayOrder) -> list[Receipt]:
    """Every receipt of a paid order, made once however often it is called; none of a payee who gave back all of it already."""
    PayOrder.objects.select_for_update(no_key=True).get(pk=order.pk)
    if already := list(Receipt.objects.filter(order=order)):
        return already
    payment, _available = queries.refundable_of(order)
    left = queries.left_of(payment) if payment else {}
    by_payee: dict[str, list[OrderLine]] = {}
    for line in order.lines.filter(non_tax=True, fen__gt=0):
        by_payee.setdefault(line.payee_code, []).append(line)
    return [_issue(order, lines) for code, lines in by_payee.items() if left.get(code)]


def _issue(order: PayOrder, lines: list[OrderLine]) -> Receipt:
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('pay_receipt_serial')")
        (serial,) = cursor.fetchone()
    receipt = Receipt(
        order=order,
        payee_code=lines[0].payee_code,
        payee_name=lines[0].payee_name,
        batch=f"{REGION}{local(now, '%y')}01",
        number=f"{serial:010d}",
        check_code=secrets.token_hex(3),
        fen=sum(line.fen for line in lines),
        payer_name=order.payer.name if order.payer else "",
        lines=[
            {"label": line.label, "quantity": line.quantity, "fen": line.fen, "reduction": line.reduction}
            for line in lines
        ],
        issued_at=now,
    )
    template = city_folder() / FOLDER / "templates" / "receipt.typ"
    identifier = f"{receipt.batch}{receipt.number}"
    pdf = ports.press()(_sheet(receipt), template, identifier, receipt.payee_name)
    receipt.file = files.store(
        pdf, f"非税票据-{identifier}.pdf", holder=order.payer, trust="A", case_number=order.case_number
    )
    receipt.save()
    return receipt


def _sheet(receipt: Receipt) -> dict[str, Any]:
    """What is printed."""
    return {
        "batch": receipt.batch,
        "number": receipt.number,
        "check_code": receipt.check_code,
        "payer": receipt.payer_name,
        "payee": receipt.payee_name,
        "order": receipt.order.number,
        "case_number": receipt.order.case_number,
        "lines": [{**line, "yuan": yuan(line["fen"])} for line in receipt.lines],
        "yuan": yuan(receipt.fen),
        "capitals": capitals(receipt.fen),
        "issued_on": local(receipt.issued_at, "%Y-%m-%d"),
        "verify_url": f"{settings.SITE_URL}/pay/receipts/{receipt.batch}{receipt.number}/?code={receipt.check_code}",
    }


def capitals(fen: int) -> str:
    """An amount in the numerals of cheques (《支付结算办法》附一): 人民币壹仟零伍元陆角整."""
    digits, units = "零壹贰叁肆伍陆柒捌玖", ("", "拾", "佰", "仟")
    whole, rest = divmod(fen, 100)
    text = ""
    for power, group_name in ((8, "亿"), (4, "万"), (0, "")):
        group = whole // 10**power % 10**4
        part, gap = "", bool(text) and group < 1000
        for place in range(3, -1, -1):
            digit = group // 10**place % 10
            if digit:
                part += ("零" if gap else "") + digits[digit] + units[place]
            gap = not digit and bool(part or text)
        if part:
            text += part + group_name
    text += "元" if whole else ""
    tenths, hundredths = divmod(rest, 10)
    if not rest:
        return f"人民币{text or '零元'}整"
    text += digits[tenths] + "角" if tenths else ("零" if whole else "")
    return f"人民币{text}" + (f"{digits[hundredths]}分" if hundredths else "整")
