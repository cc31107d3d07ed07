"""Money goes back the way it came. Reserved first, sent second, booked when the provider confirms.

Optimistic, as GOV.UK Pay does it: whoever asks says how much was available when they looked; if that changed, the answer is
`AmountChanged`, and nobody refunds twice by pressing twice. A refund that timed out stays sent and is asked about again.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Invalid, Unavailable
from yici.core.audit import services as audit
from yici.core.ledger import services as ledger
from yici.core.ledger.errors import KeyUsed
from yici.core.ledger.services import Leg
from yici.core.people.models import Account
from yici.core.people.services import actor_of
from yici.platform.pay import providers, queries, rules
from yici.platform.pay.definitions import fee_from
from yici.platform.pay.errors import AmountChanged, NothingToRefund, TooMuch
from yici.platform.pay.models import Payment, PayOrder, Receipt, Refund
from yici.platform.pay.providers import Refunded, RefundWish, Refused
from yici.platform.pay.providers.days import accounting_day
from yici.platform.pay.providers.money import yuan
from yici.platform.pay.services.paying import note

SEND_AGAIN_AFTER = dt.timedelta(seconds=30)
logger = logging.getLogger(__name__)


@transaction.atomic
def request_refund(
    payment: Payment,
    fen: int,
    *,
    available: int,
    key: str,
    reason: str,
    account: Account | None,
    legs: Mapping[str, int] | None = None,
) -> Refund:
    """Reserve `fen` of a payment to go back; a job sends it. `available` is what the asker saw as refundable.

    `legs` says which account gives back what; without them each gives in proportion to what it has left.
    The same key with the same amount gives the refund that is there. Raises `Invalid`, `TooMuch`, `AmountChanged`, `KeyUsed`.
    """
    if not reason.strip():
        raise Invalid(_("请写明退款理由。"), fields={"reason": _("请写明退款理由。")})
    if type(fen) is not int or fen <= 0:
        raise Invalid(_("退款金额应大于零。"), fields={"fen": _("退款金额应大于零。")})
    locked = Payment.objects.select_for_update(of=("self",)).select_related("order").get(pk=payment.pk)
    if known := Refund.objects.filter(key=key).first():
        if (known.payment_id, known.fen) != (locked.pk, fen):
            raise KeyUsed()
        return known
    left = locked.fen - locked.refunded
    if available != left:
        raise AmountChanged(available=left)
    if fen > left:
        raise TooMuch(fields={"fen": _("最多可退 %(yuan)s 元。") % {"yuan": yuan(left)}})
    refund = Refund.objects.create(
        number=f"{locked.number[:26]}T{locked.refunds.count() + 1:02d}",
        key=key,
        payment=locked,
        fen=fen,
        legs=_legs(locked, fen, legs),
        reason=reason.strip(),
        asked_by=account,
        asked_at=clock.now(),
    )
    locked.refunded += fen
    locked.save(update_fields=["refunded"])
    actor = actor_of(account)
    if locked.order:
        note(locked.order, "refund_asked", actor.name, {"number": refund.number, "fen": fen, "reason": refund.reason})
    audit.record(
        actor, "change", subject=("order", locked.order.number if locked.order else locked.number),
        elements=["refund"], purpose=f"退款 {yuan(fen)} 元：{refund.reason}",
        case_number=locked.order.case_number if locked.order else "",
    )  # fmt: skip
    from yici.platform.pay.jobs import send_refund

    send_refund.defer(number=refund.number)
    return refund


def refund_rest(order: PayOrder, *, reason: str, account: Account | None, key: str) -> Refund:
    """Everything that is left of an order's payment. Raises `NothingToRefund`."""
    payment, left = queries.refundable_of(order)
    if payment is None or left <= 0:
        raise NothingToRefund()
    return request_refund(payment, left, available=left, key=key, reason=reason, account=account)


def refund_allowed(order: PayOrder, *, reason: str, account: Account | None, key: str) -> Refund:
    """What the fees' own rules bring back before a decision: their lines whole; a line whose fee never goes back stays.

    The same key gives the refund that is there. Raises `NothingToRefund`.
    """
    if known := Refund.objects.filter(key=key, payment__order=order).first():
        return known
    payment, available = queries.refundable_of(order)
    wanted: dict[str, int] = {}
    for line in order.lines.select_related("fee"):
        if line.fee and fee_from(line.fee.definition).refund == "before_decision":
            wanted[line.payee_code] = wanted.get(line.payee_code, 0) + line.fen
            if line.subsidy:
                wanted[line.subsidy_code] = wanted.get(line.subsidy_code, 0) - line.subsidy
    left = queries.left_of(payment) if payment else {}
    # Some may have gone back by hand: never more than an account still has.
    legs = {
        code: min(fen, left[code]) if fen > 0 else max(fen, left[code])
        for code, fen in wanted.items()
        if left.get(code)
    }
    fen = sum(legs.values())
    if payment is None or fen <= 0:
        raise NothingToRefund()
    return request_refund(payment, fen, available=available, key=key, reason=reason, account=account, legs=legs)


def _legs(payment: Payment, fen: int, wanted: Mapping[str, int] | None = None) -> list[list[Any]]:
    """Which account gives back what. Raises `TooMuch` where one would give more than it has left of this payment."""
    if payment.place == Payment.Place.PARKED or payment.order is None:
        return [["suspense", fen]]
    left = queries.left_of(payment)
    shares = wanted if wanted is not None else rules.split(fen, left)
    if sum(shares.values()) != fen or any(abs(amount) > abs(left.get(code, 0)) for code, amount in shares.items()):
        raise TooMuch()
    return [[code, amount] for code, amount in shares.items() if amount]


def send(number: str) -> str:
    """Give a reserved refund to the provider; safe to repeat: the number is the provider's idempotency key. Its state afterwards."""
    refund = Refund.objects.select_related("payment").get(number=number)
    if refund.state not in (Refund.State.ASKED, Refund.State.SENT):
        return refund.state
    adapter = providers.provider(refund.payment.provider)
    Refund.objects.filter(pk=refund.pk, state=Refund.State.ASKED).update(state=Refund.State.SENT)
    wish = _wish(refund)
    try:
        answer = adapter.query_refund(wish) if refund.state == Refund.State.SENT else None
        if answer is None or answer.state == "unknown":
            answer = adapter.refund(wish)
    except Unavailable as error:
        Refund.objects.filter(pk=refund.pk).update(last_error=str(error.message))
        return Refund.State.SENT
    except Refused as error:
        answer = Refunded("failed", detail=str(error.message))
    return conclude(refund, answer)


def _wish(refund: Refund) -> RefundWish:
    payment = refund.payment
    return RefundWish(
        refund.number, payment.trade_no, payment.number, refund.fen, payment.fen, refund.reason, refund.asked_at
    )


@transaction.atomic
def conclude(refund: Refund, answer: Refunded) -> str:
    """Book a refund that the provider confirmed, or set free what it refused. Once, whoever brings the news."""
    locked = Refund.objects.select_for_update(of=("self",)).select_related("payment__order").get(pk=refund.pk)
    if locked.state not in (Refund.State.ASKED, Refund.State.SENT) or answer.state in ("pending", "unknown"):
        return locked.state
    payment, order = locked.payment, locked.payment.order
    now = clock.now()
    if answer.state == "failed":
        locked.state, locked.last_error = Refund.State.FAILED, answer.detail
        Payment.objects.select_for_update().get(pk=payment.pk)
        payment.refresh_from_db()
        payment.refunded -= locked.fen
        payment.save(update_fields=["refunded"])
        kind = "refund_failed"
    else:
        moment = answer.at or now
        legs = [Leg(code, amount) for code, amount in locked.legs] + [Leg(f"provider:{payment.provider}", -locked.fen)]
        reference = order.number if order else payment.number
        ledger.post(
            f"refund:{payment.provider}:{locked.number}",
            "refund",
            legs,
            reference=reference,
            memo=locked.reason,
            at=moment,
        )
        locked.state, locked.done_at = Refund.State.DONE, moment
        locked.day = answer.day or accounting_day(payment.provider, moment)
        locked.provider_number = answer.provider_number
        kind = "refunded"
    locked.save()
    if order:
        note(
            order,
            kind,
            payment.provider,
            {"number": locked.number, "fen": locked.fen, "detail": answer.detail},
            follow_up=True,
        )
        if kind == "refunded" and payment.place == Payment.Place.APPLIED:
            gone = [code for code, fen in queries.left_of(payment, only_done=True).items() if not fen]
            Receipt.objects.filter(order=order, payee_code__in=gone).update(state=Receipt.State.REVERSED)
    audit.record(
        audit.SYSTEM, "change", subject=("order", order.number if order else payment.number), elements=["refund"],
        purpose=f"退款结果 {locked.number}：{locked.get_state_display()}", case_number=order.case_number if order else "",
    )  # fmt: skip
    return locked.state


@transaction.atomic
def book_foreign(
    provider: str, trade_no: str, number: str, fen: int, outcome: Refunded, *, reason: str, account: Account | None
) -> Refund:
    """Book a refund that was made at the provider and not by us (its merchant pages). Raises `NothingToRefund`, `TooMuch`."""
    found = Payment.objects.filter(provider=provider, trade_no=trade_no)
    payment = found.select_for_update(of=("self",)).select_related("order").first()
    if payment is None:
        raise NothingToRefund(_("退款对应的收款 %(number)s 还没有入账，请先补记收款。") % {"number": trade_no})
    if fen > payment.fen - payment.refunded:
        raise TooMuch()
    refund = Refund.objects.create(
        number=number, key=f"foreign:{provider}:{number}", payment=payment, fen=fen, legs=_legs(payment, fen), reason=reason,
        state=Refund.State.SENT, asked_by=account, asked_at=clock.now(),
    )  # fmt: skip
    payment.refunded += fen
    payment.save(update_fields=["refunded"])
    conclude(refund, outcome)
    refund.refresh_from_db()
    return refund


def send_waiting(limit: int = 200) -> int:
    """Send again, or ask about, every refund that is not concluded. How many came to an end."""
    before = clock.now() - SEND_AGAIN_AFTER
    waiting = Refund.objects.filter(state__in=["asked", "sent"], asked_at__lt=before).order_by("asked_at")
    numbers = list(waiting.values_list("number", flat=True)[:limit])
    return sum(send(number) in ("done", "failed") for number in numbers)
