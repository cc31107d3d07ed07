"""From an open order to money in the ledger: attempts with a provider, callbacks, asking, expiry.

Nothing is assumed: a timeout leaves an attempt open, and whoever asks next (page, poller, reconciliation) settles it by the
same function. A payment is settled once, however it was heard of.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils.translation import gettext as _
from procrastinate.exceptions import AlreadyEnqueued

from yici.base import clock
from yici.base.errors import Unavailable
from yici.core.audit import services as audit
from yici.core.people.models import Account
from yici.core.people.services import actor_of
from yici.platform.pay import providers
from yici.platform.pay.errors import OrderExpired, OrderNotOpen
from yici.platform.pay.models import Attempt, Callback, FollowUp, OrderEvent, PayOrder, Refund
from yici.platform.pay.providers import Acknowledgement, NotGenuine, Opened, Paid, Refused, Wish
from yici.platform.pay.providers.days import accounting_day

POLL_AFTER = dt.timedelta(seconds=20)
POLL_UNTIL = dt.timedelta(days=4)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settled:
    """What became of one payment: settled, parked (`why`), repeated, or contradicts (another amount for a known number)."""

    trade_no: str
    outcome: str
    order_id: int | None
    why: str


def begin(number: str, provider: str, account: Account, *, is_phone: bool = False, address: str = "") -> Attempt:
    """Open an attempt with a provider, or give the one that is open. Raises `OrderNotOpen`, `OrderExpired`, `Unavailable`, `Refused`."""
    adapter = providers.provider(provider)
    with transaction.atomic():
        order = _locked(number)
        if order.state != PayOrder.State.OPEN:
            raise OrderNotOpen()
        if order.expires_at <= clock.now():
            raise OrderExpired()
        attempt = _usable(order, provider, is_phone) or _new_attempt(order, provider, account)
    if attempt.state == Attempt.State.OPEN:
        return attempt
    wish = Wish(attempt.number, order.title, order.fen, attempt.created_at, order.expires_at, is_phone, address)
    try:
        opened = adapter.create(wish)
    except Refused:
        Attempt.objects.filter(pk=attempt.pk, state=Attempt.State.MADE).update(state=Attempt.State.CLOSED)
        raise
    return _keep_opened(attempt, opened)


def _usable(order: PayOrder, provider: str, is_phone: bool) -> Attempt | None:
    for attempt in order.attempts.filter(provider=provider, state__in=["made", "open"]).order_by("-id"):
        if attempt.state == Attempt.State.MADE or bool(attempt.link if is_phone else attempt.scan):
            return attempt
    return None


def _new_attempt(order: PayOrder, provider: str, account: Account | None) -> Attempt:
    attempt = Attempt.objects.create(
        order=order,
        provider=provider,
        number=f"{order.number}{order.attempts.count() + 1:02d}",
        fen=order.fen,
        created_at=clock.now().replace(microsecond=0),
    )
    note(order, "attempt", actor_of(account).name, {"provider": provider, "number": attempt.number})
    return attempt


def _keep_opened(attempt: Attempt, opened: Opened) -> Attempt:
    changes = {"scan": opened.scan, "link": opened.link, "state": Attempt.State.OPEN}
    Attempt.objects.filter(pk=attempt.pk, state=Attempt.State.MADE).update(**changes)
    return Attempt.objects.get(pk=attempt.pk)


def _locked(number: str) -> PayOrder:
    return PayOrder.objects.select_for_update(no_key=True).get(number=number)


def note(
    order: PayOrder, kind: str, actor_name: str, data: dict[str, object], *, follow_up: bool = False
) -> OrderEvent:
    """Write an event of an order; `follow_up` puts it on the outbox too."""
    now = clock.now()
    event = OrderEvent.objects.create(order=order, kind=kind, at=now, actor_name=actor_name, data=data)
    if follow_up:
        FollowUp.objects.create(event=event, next_attempt_at=now)
        transaction.on_commit(wake)
    return event


def wake() -> None:
    """Have the outbox looked at now; the periodic sweep would find it anyway."""
    from yici.platform.pay.jobs import follow_up

    with suppress(AlreadyEnqueued):
        follow_up.configure(queueing_lock="pay.follow_up").defer()


def settle(provider: str, taken: Sequence[Paid], *, seen_by: str) -> list[Settled]:
    """Take money that a provider says it has: one round trip for all, in one transaction, once for each trade number."""
    if not taken:
        return []
    rows = [
        {
            "provider": provider,
            "trade_no": one.trade_no,
            "number": one.number,
            "fen": one.fen,
            "paid_at": one.at.isoformat(),
            "day": (one.day or accounting_day(provider, one.at)).isoformat(),
            "seen_by": seen_by,
        }
        for one in taken
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT trade_no, outcome, order_id, why FROM pay_settle(%s, %s::jsonb)", [clock.now(), json.dumps(rows)]
        )
        settled = [Settled(*row) for row in cursor.fetchall()]
    if any(one.outcome in ("settled", "parked") for one in settled):
        transaction.on_commit(wake)
    return settled


def take_notice(provider: str, headers: Mapping[str, str], body: bytes) -> Acknowledgement:
    """A callback: believed and booked, or refused with a reason; either way it is remembered. Never raises for bad input."""
    adapter = providers.provider(provider)
    try:
        notice = adapter.read_notice(headers, body)
        if notice.paid:
            number, (one,) = notice.paid.number, settle(provider, [notice.paid], seen_by="callback")
            outcome, detail = one.outcome, one.why
        elif notice.refunded:
            from yici.platform.pay.services.refunding import conclude

            number = notice.refund_number
            refund = Refund.objects.filter(number=number, payment__provider=provider).first()
            outcome = conclude(refund, notice.refunded) if refund else "unknown_refund"
            detail = ""
        else:
            number, outcome, detail = "", "ignored", ""
        taken = True
    except NotGenuine as error:
        number, outcome, detail, taken = "", "refused", str(error.message), False
        logger.warning("callback of %s refused: %s", provider, detail)
    Callback.objects.create(provider=provider, number=number, outcome=outcome, detail=detail, at=clock.now())
    if outcome == "contradicts":
        logger.error("callback of %s contradicts what it said before about %s", provider, number)
    return adapter.acknowledge(taken=taken, message=detail)


def ask(attempt: Attempt, *, seen_by: str = "query") -> str:
    """Ask the provider how an attempt stands and act on it; its word: open, paid, closed, unknown.

    Raises `Unavailable`, also for an answer that cannot be believed, and `Refused`.
    """
    try:
        standing = providers.provider(attempt.provider).query(attempt.number, attempt.created_at)
    except NotGenuine as error:
        logger.error("answer of %s about %s: %s", attempt.provider, attempt.number, error.message)
        raise Unavailable(str(error.message)) from error
    Attempt.objects.filter(pk=attempt.pk).update(asked_at=clock.now())
    if standing.paid:
        settle(attempt.provider, [standing.paid], seen_by=seen_by)
    elif standing.state == "closed":
        Attempt.objects.filter(pk=attempt.pk, state__in=["made", "open"]).update(state=Attempt.State.CLOSED)
    return standing.state


def poll(limit: int = 200) -> dict[str, int]:
    """Ask about every attempt that is still open: callbacks get lost. Counts by what the providers said."""
    now = clock.now()
    waiting = Attempt.objects.filter(
        state__in=["made", "open"], created_at__lt=now - POLL_AFTER, created_at__gt=now - POLL_UNTIL
    ).order_by("asked_at", "id")[:limit]
    counts: dict[str, int] = {}
    for attempt in waiting:
        try:
            word = ask(attempt, seen_by="poll")
        except (Unavailable, Refused) as error:
            word = "unavailable"
            Attempt.objects.filter(pk=attempt.pk).update(asked_at=now)
            logger.info("poll of %s: %s", attempt.number, error.message)
        counts[word] = counts.get(word, 0) + 1
    return counts


def close_expired(limit: int = 200) -> int:
    """Close orders past their time, each only after every provider said that it took nothing. How many were closed."""
    overdue = PayOrder.objects.filter(state=PayOrder.State.OPEN, expires_at__lt=clock.now()).order_by("expires_at")
    return sum(close(order.number, why="expired") for order in overdue[:limit])


def cancel(number: str, account: Account) -> bool:
    """The payer does not want to pay. False where the provider has taken the money already: then it is paid."""
    return close(number, why="cancelled", account=account)


def close(number: str, *, why: str, account: Account | None = None) -> bool:
    """Close an open order at the providers, then here. False: it is paid, or a provider does not answer; nothing changed."""
    order = PayOrder.objects.get(number=number)
    for attempt in order.attempts.filter(state__in=["made", "open"]):
        try:
            if ask(attempt) == "open":
                providers.provider(attempt.provider).close(attempt.number)
            Attempt.objects.filter(pk=attempt.pk, state__in=["made", "open"]).update(state=Attempt.State.CLOSED)
        except (Unavailable, Refused) as error:  # also: paid between the question and the closing
            logger.info("closing %s: %s", attempt.number, error.message)
            return False
    with transaction.atomic():
        order = _locked(number)
        if order.state != PayOrder.State.OPEN or order.attempts.filter(state__in=["made", "open", "paid"]).exists():
            return False
        order.state, order.closed_why = PayOrder.State.CLOSED, why
        order.save(update_fields=["state", "closed_why"])
        actor = actor_of(account)
        note(order, "closed", actor.name, {"why": why}, follow_up=True)
        words = {"expired": _("超过付款期限"), "cancelled": _("付款人取消"), "withdrawn": _("办件已撤回")}
        audit.record(
            actor, "change", subject=("order", number), elements=["state"],
            purpose=f"关闭订单：{words.get(why, why)}", case_number=order.case_number,
        )  # fmt: skip
    return True
