"""The outbox: what must still happen because of an event. Each step may be repeated; none loses money, money is booked already."""

from __future__ import annotations

import datetime as dt
import logging

from django.db import transaction

from yici.base import clock
from yici.core.messages import services as messages
from yici.platform.pay import ports
from yici.platform.pay.models import FollowUp, OrderEvent, PayOrder, Receipt
from yici.platform.pay.providers import PROVIDERS
from yici.platform.pay.providers.money import yuan
from yici.platform.pay.services.receipts import issue_receipts

LONGEST_WAIT = dt.timedelta(hours=1)
logger = logging.getLogger(__name__)


def follow_up(limit: int = 200) -> int:
    """Work off what is due; how many events were done. What fails is tried again later, ever more rarely."""
    done = 0
    for event_id in list(
        FollowUp.objects.filter(next_attempt_at__lte=clock.now())
        .order_by("event_id")
        .values_list("pk", flat=True)[:limit]
    ):
        try:
            with transaction.atomic():
                row = FollowUp.objects.select_for_update(skip_locked=True).filter(pk=event_id).first()
                if row is None:
                    continue
                _act(OrderEvent.objects.select_related("order__account", "order__payer").get(pk=event_id))
                row.delete()
            done += 1
        except Exception as error:
            logger.exception("follow-up of event %s", event_id)
            _later(event_id, error)
    return done


def _later(event_id: int, error: Exception) -> None:
    row = FollowUp.objects.filter(pk=event_id).first()
    if row:
        wait = min(LONGEST_WAIT, dt.timedelta(seconds=5 * 3 ** min(row.attempts, 8)))
        row.attempts, row.next_attempt_at, row.last_error = row.attempts + 1, clock.now() + wait, str(error)[:1000]
        row.save()


def _act(event: OrderEvent) -> None:
    order = event.order
    if event.kind == "paid":
        receipts = issue_receipts(order)
        _tell_paid(order, event, receipts)
    elif event.kind == "refunded":
        messages.tell(
            order.account, "pay.refunded", {"title": order.title, "yuan": yuan(int(event.data["fen"])), "number": order.number},
            link=f"/my/payments/{order.number}/", case_number=order.case_number,
        )  # fmt: skip
    elif event.kind == "parked":
        messages.tell(
            order.account, "pay.parked", {"title": order.title, "yuan": yuan(int(event.data["fen"])), "number": order.number},
            link=f"/my/payments/{order.number}/", case_number=order.case_number,
        )  # fmt: skip
    listener = ports.listeners(order.purpose)
    if listener and event.kind in ("paid", "closed", "refunded"):
        listener(order, event.kind)


def _tell_paid(order: PayOrder, event: OrderEvent, receipts: list[Receipt]) -> None:
    context = {
        "title": order.title,
        "yuan": yuan(order.fen),
        "provider": PROVIDERS[event.actor_name].zh if event.actor_name in PROVIDERS else "",
        "number": order.number,
    }
    messages.tell(
        order.account, "pay.paid", context, link=f"/my/payments/{order.number}/", case_number=order.case_number
    )
