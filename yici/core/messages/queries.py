"""Reading messages: a person's own, and the outbox for those who look after it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from yici.core.messages import rules
from yici.core.messages.models import Delivery, Message
from yici.core.people.models import Account

__all__ = ["OutboxPage", "OutboxRow", "messages_of", "outbox_counts", "outbox_page", "unread_count"]

COUNT_LIMIT = 10_000
UNREAD_LIMIT = 99


def unread_count(account: Account | None) -> int:
    """Unread messages of the account, at most 99: nobody needs to know more."""
    if account is None or not account.is_authenticated:
        return 0
    return Message.objects.filter(recipient=account, read_at=None)[:UNREAD_LIMIT].count()


def messages_of(account: Account) -> QuerySet[Message]:
    """Newest first."""
    return Message.objects.filter(recipient=account).order_by("-pk")


@dataclass(frozen=True)
class OutboxRow:
    """One delivery as the desk sees it: the address masked, the text left out."""

    id: int
    channel: str
    address: str
    title: str
    case_number: str
    state: str
    state_label: str
    attempts: int
    created_at: dt.datetime
    next_attempt_at: dt.datetime
    sent_at: dt.datetime | None
    last_error: str
    may_retry: bool


@dataclass(frozen=True)
class OutboxPage:
    rows: list[OutboxRow]
    next_before: int | None


def outbox_page(state: str = "", channel: str = "", before: int | None = None, size: int = 50) -> OutboxPage:
    """Deliveries newest first, below id `before`; always one query."""
    found = Delivery.objects.select_related("message", "webhook").order_by("-pk")
    if state:
        found = found.filter(state=state)
    if channel:
        found = found.filter(channel=channel)
    if before is not None:
        found = found.filter(pk__lt=before)
    deliveries = list(found[: size + 1])
    rows = [_row(delivery) for delivery in deliveries[:size]]
    return OutboxPage(rows, rows[-1].id if len(deliveries) > size else None)


def _row(delivery: Delivery) -> OutboxRow:
    is_code = delivery.channel == Delivery.Channel.SMS and delivery.message is None
    if delivery.webhook is not None:
        title = f"{delivery.webhook.name} · {delivery.payload.get('event', '')}"
    else:
        title = delivery.message.title if delivery.message else _("登录验证码")
    ended = delivery.state in (Delivery.State.FAILED, Delivery.State.EXPIRED)
    return OutboxRow(
        id=delivery.pk,
        channel=_(delivery.get_channel_display()),
        address=rules.mask_address(delivery.channel, delivery.address),
        title=title,
        case_number=delivery.message.case_number if delivery.message else "",
        state=delivery.state,
        state_label=_(delivery.get_state_display()),
        attempts=delivery.attempts,
        created_at=delivery.created_at,
        next_attempt_at=delivery.next_attempt_at,
        sent_at=delivery.sent_at,
        last_error=delivery.last_error,
        may_retry=ended and not is_code,
    )


def outbox_counts() -> dict[str, int]:
    """State → deliveries, of the newest 10,000."""
    newest = Delivery.objects.order_by("-pk").values("pk")[:COUNT_LIMIT]
    counts = Delivery.objects.filter(pk__in=newest).order_by().values_list("state").annotate(Count("pk"))
    return dict.fromkeys(Delivery.State.values, 0) | dict(counts)
