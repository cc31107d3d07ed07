"""Taking due deliveries from the outbox and handing them to the partners.

A delivery is claimed in a short transaction by moving its next attempt past a lease; the partner is called
outside of any transaction of ours. Whoever dies between claim and confirmation leaves a row that is due again
when the lease ends, and the same key tells the partner that it is no second message.
"""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

from django.db import transaction
from django.db.models import Q

from yici.base import clock
from yici.base.errors import Unavailable, YiciError
from yici.core.messages import rules, sealing
from yici.core.messages.models import Delivery
from yici.core.messages.providers import Refused, cloud_mas, mail, webhook

logger = logging.getLogger(__name__)
LEASE = dt.timedelta(minutes=2)  # longer than any provider's time limit
BREAK_AFTER = 3  # failures in a row after which a partner is left alone for the rest of the sweep


def deliver(delivery_id: int, seconds: float = 10.0) -> bool:
    """Try one delivery if it is due and nobody else has it; True when the partner confirmed."""
    claimed = _claim(Q(pk=delivery_id))
    return claimed is not None and _attempt(claimed, seconds)


def deliver_due(limit: int = 500) -> int:
    """Try everything that is due, at most `limit`; how many were confirmed."""
    _expire()
    confirmed, failures, broken = 0, {}, Q()
    for _round in range(limit):
        claimed = _claim(~broken if broken else Q())
        if claimed is None:
            break
        partner = _partner(claimed)
        if _attempt(claimed):
            confirmed += 1
            failures[partner] = 0
            continue
        failures[partner] = failures.get(partner, 0) + 1
        if failures[partner] >= BREAK_AFTER:
            broken |= Q(channel=partner[0]) if len(partner) == 1 else Q(channel=partner[0], address=partner[1])
    return confirmed


def _partner(delivery: Delivery) -> tuple[str, ...]:
    """Who answers for it: one gateway for all SMS, one server for all mail, each webhook for itself."""
    if delivery.channel == Delivery.Channel.WEBHOOK:
        return (delivery.channel, delivery.address)
    return (delivery.channel,)


@transaction.atomic
def _claim(which: Q) -> Delivery | None:
    now = clock.now()
    due = Delivery.objects.filter(which, state=Delivery.State.PENDING, next_attempt_at__lte=now, expires_at__gt=now)
    delivery = due.select_for_update(skip_locked=True, of=("self",)).order_by("next_attempt_at", "pk").first()
    if delivery is None:
        return None
    delivery.attempts += 1
    delivery.next_attempt_at = now + LEASE
    delivery.save(update_fields=["attempts", "next_attempt_at"])
    return delivery


def _attempt(delivery: Delivery, seconds: float = 10.0) -> bool:
    try:
        reference = _send(delivery, seconds)
    except Refused as error:
        _settle_failure(delivery, str(error.message), final=True)
    except Unavailable as error:
        _settle_failure(delivery, str(error.message))
    except Exception as error:  # one bad row must not stop the others
        logger.exception("delivery %s failed", delivery.pk)
        _settle_failure(delivery, str(error.message) if isinstance(error, YiciError) else type(error).__name__)
    else:
        _settle_success(delivery, reference)
        return True
    return False


def _send(delivery: Delivery, seconds: float) -> str:
    key, payload = str(delivery.key), delivery.payload
    if delivery.channel == Delivery.Channel.SMS:
        text = sealing.unseal(payload["sealed"]) if "sealed" in payload else payload["text"]
        return cloud_mas.send(delivery.address, text, key, seconds)
    if delivery.channel == Delivery.Channel.EMAIL:
        return mail.send(delivery.address, payload, key)
    hook = delivery.webhook
    if hook is None or not hook.is_active:
        raise Refused("这个系统回调已停用")
    return webhook.send(delivery.address, hook.secret, payload, key, seconds)


def _settle_success(delivery: Delivery, reference: str) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(
        state=Delivery.State.SENT,
        sent_at=clock.now(),
        provider_reference=reference,
        last_error="",
        payload=_kept(delivery.payload),
    )


def _settle_failure(delivery: Delivery, error: str, *, final: bool = False) -> None:
    """Only if nobody claimed it again meanwhile: a later attempt knows better."""
    given_up = final or delivery.attempts >= rules.MAX_ATTEMPTS
    fields: dict[str, Any] = {"last_error": error[:500]}
    if given_up:
        fields |= {"state": Delivery.State.FAILED}
    else:
        fields |= {"next_attempt_at": clock.now() + rules.delay_after(delivery.attempts)}
    same_claim = Delivery.objects.filter(pk=delivery.pk, attempts=delivery.attempts, state=Delivery.State.PENDING)
    same_claim.update(**fields)


def _kept(payload: dict[str, Any]) -> dict[str, Any]:
    """What may stay in the database afterwards: a one-time code does not."""
    return {"text": payload["masked"]} if "sealed" in payload else payload


def _expire() -> None:
    late = Delivery.objects.filter(state=Delivery.State.PENDING, expires_at__lte=clock.now())
    for delivery in late.filter(payload__has_key="sealed")[:500]:
        Delivery.objects.filter(pk=delivery.pk).update(payload=_kept(delivery.payload))
    late.update(state=Delivery.State.EXPIRED)
