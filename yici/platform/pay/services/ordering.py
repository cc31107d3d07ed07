"""An order begins: only what stands on the fee list, priced by its rules, for one or several payees."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Invalid
from yici.core.ledger import services as ledger
from yici.core.ledger.errors import KeyUsed
from yici.core.people import queries as people
from yici.core.people.models import Account, Organisation, Person
from yici.core.people.services import actor_of
from yici.platform.pay import rules
from yici.platform.pay.definitions import Fee, fee_from
from yici.platform.pay.models import FeeItem, FeeVersion, PayOrder
from yici.platform.pay.rules import NotCharged

VALID_HOURS = 72
LONGEST_KEY = 255


@dataclass(frozen=True)
class Charge:
    """One thing to be paid. `of`: the amount (fen) a rate is taken from; `facts` decide reductions.

    `payee` overrides the body of the list only where the list names it by function.
    """

    fee: str
    quantity: int = 1
    of: int | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    label: str = ""


@dataclass(frozen=True)
class Line:
    """A priced charge."""

    version: FeeVersion
    fee: Fee
    payee: Organisation
    quantity: int
    price: rules.Price
    label: str

    def row(self, place: int) -> dict[str, Any]:
        reduction = self.price.reduction
        return {
            "place": place,
            "fee": self.version.pk,
            "label": self.label or self.fee.name.zh,
            "label_en": "" if self.label else self.fee.name.en,
            "payee": self.payee.pk,
            "payee_code": payee_code(self.payee),
            "payee_name": self.payee.name,
            "quantity": self.quantity,
            "full_fen": self.price.full,
            "fen": self.price.fen,
            "subsidy": self.price.subsidy,
            "subsidy_code": f"budget:{self.fee.subsidy.budget}" if self.fee.subsidy and self.price.subsidy else "",
            "reduction": f"{reduction.label.zh} {reduction.basis}" if reduction else "",
            "non_tax": self.fee.non_tax,
        }


def payee_code(payee: Organisation) -> str:
    """The ledger account of a payee."""
    return f"payee:{payee.slug}"


def quote(charges: Sequence[Charge], *, division: str = "", on: dt.date | None = None) -> list[Line]:
    """What charges come to, without an order. Raises `NotCharged` for what is not on the list, `Invalid` for amounts."""
    if not 1 <= len(charges) <= 50:
        raise Invalid(_("一笔订单应有 1 到 50 项收费。"))
    found = FeeItem.objects.filter(code__in=[one.fee for one in charges]).select_related("current")
    current = {item.code: item.current for item in found if item.current}
    lines = []
    for charge in charges:
        version = current.get(charge.fee)
        if version is None:
            raise NotCharged(fields={charge.fee: str(NotCharged.message)})
        fee = fee_from(version.definition)
        price = rules.price(fee, charge.quantity, charge.of, charge.facts, on or clock.today())
        lines.append(Line(version, fee, _payee(fee, division), charge.quantity, price, charge.label))
    return lines


def order_for(
    key: str,
    charges: Sequence[Charge],
    *,
    title: str,
    payer: Person | None,
    account: Account | None,
    case_number: str = "",
    division: str = "",
    purpose: str = "fee",
    hours: int = VALID_HOURS,
) -> PayOrder | None:
    """One order for all charges, however many payees; None where reductions leave nothing to pay.

    `key` (1–255 characters) is the caller's idempotency key: the same key and charges give the order that is there, other
    charges raise `KeyUsed`. Raises `NotCharged`, `Invalid`.
    """
    if not 1 <= len(key) <= LONGEST_KEY:
        raise Invalid(_("幂等键应为 1 到 255 个字符。"))
    if known := PayOrder.objects.filter(key=key).first():
        return _same(known, _digest(charges, title, payer, division))
    lines = quote(charges, division=division)
    fen = sum(line.price.to_pay for line in lines)
    if fen == 0:
        return None
    if fen > rules.LARGEST_FEN:
        raise Invalid(_("金额超过上限。"))
    digest = _digest(charges, title, payer, division)
    now = clock.now()
    actor = actor_of(account)
    wanted: dict[str, Any] = {
        "key": key,
        "digest": digest.hex(),
        "title": title,
        "payer": payer.pk if payer else None,
        "account": account.pk if account else None,
        "case_number": case_number,
        "fen": fen,
        "legs": _legs(lines),
        "purpose": purpose,
        "expires_at": (now + dt.timedelta(hours=hours)).isoformat(),
        "actor": actor.name,
        "lines": [line.row(place) for place, line in enumerate(lines, 1)],
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, is_new FROM pay_open(%s, %s::jsonb)", [now, json.dumps(wanted, ensure_ascii=False)])
        number, _is_new = cursor.fetchone()
    return _same(PayOrder.objects.get(pk=number), digest)


def _same(order: PayOrder, digest: bytes) -> PayOrder:
    if bytes(order.digest) != digest:
        raise KeyUsed()
    return order


def _digest(charges: Sequence[Charge], title: str, payer: Person | None, division: str) -> bytes:
    asked = [[one.fee, one.quantity, one.of, sorted(one.facts.items()), one.label] for one in charges]
    text = json.dumps([asked, title, payer.pk if payer else None, division], ensure_ascii=False)
    return hashlib.sha256(text.encode()).digest()


def _payee(fee: Fee, division: str) -> Organisation:
    if fee.payee.function:
        return people.responsible_organisation(fee.payee.function, fee.payee.level, division)
    found = people.organisation(fee.payee.organisation)
    if found is None:
        raise NotCharged(_("收费项目“%(name)s”的执收单位不存在，请联系管理员。") % {"name": fee.name.zh})
    return found


def _legs(lines: Sequence[Line]) -> list[list[Any]]:
    """Credits of the payees, debits of budgets; one leg an account, opened where it is new."""
    sums: dict[str, int] = {}
    for line in lines:
        if line.price.fen:
            code = payee_code(line.payee)
            ledger.ensure_account(code, line.payee.name, "liability")
            sums[code] = sums.get(code, 0) - line.price.fen
        if line.price.subsidy and line.fee.subsidy:
            code = f"budget:{line.fee.subsidy.budget}"
            ledger.ensure_account(code, line.fee.subsidy.name.zh, "expense")
            sums[code] = sums.get(code, 0) + line.price.subsidy
    return [[code, amount] for code, amount in sorted(sums.items())]
