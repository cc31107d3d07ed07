"""Every change of messages: tell a person, tell a program, send a code, mark read, try again.

Nothing is sent here. What is to be told is written beside the fact it tells, in the same transaction; the
worker sends it after the commit (`sending.py`).
"""

from __future__ import annotations

import contextlib
import contextvars
import datetime as dt
import json
import logging
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Conflict, NotFound
from yici.core.audit import services as audit
from yici.core.messages import jobs, rules, sealing, sending
from yici.core.messages.models import Delivery, Message, Webhook
from yici.core.messages.providers.webhook import check_url
from yici.core.messages.wording import template as template_of
from yici.core.messages.wording import wording
from yici.core.people.models import Account

__all__ = [
    "add_webhook",
    "deliver_due",
    "in_app_only",
    "mark_all_read",
    "mark_read",
    "notify",
    "publish_event",
    "retry",
    "send_code",
    "tell",
]

CODE_MINUTES = 10
NEWS_DAYS = 3
WEBHOOK_DAYS = 7
IMMEDIATE_SECONDS = 4.0  # somebody is waiting in front of the page

# The names by which the people kernel, which comes before this one, calls its occasions.
_OCCASIONS = {
    "phone_changed": "account.phone_changed",
    "sign_in_new_phone": "sign_in.new_phone",
    "delegation_asked": "delegation.requested",
    "delegation_made": "delegation.made",
    "delegation_accepted": "delegation.accepted",
}

logger = logging.getLogger(__name__)
deliver_due = sending.deliver_due

_in_app_only: contextvars.ContextVar[bool] = contextvars.ContextVar("yici_in_app_only", default=False)


@contextlib.contextmanager
def in_app_only() -> Iterator[None]:
    """Within the block nothing is sent outside: for seeding the past, of which nobody wants an SMS today."""
    token = _in_app_only.set(True)
    try:
        yield
    finally:
        _in_app_only.reset(token)


@transaction.atomic(savepoint=False)  # the message goes with what it tells of, or not at all
def tell(
    recipient: Account | None,
    template: str,
    context: dict[str, Any],
    *,
    channels: Sequence[str] = ("sms",),
    phone: str = "",
    link: str = "",
    case_number: str = "",
) -> Message:
    """Write the in-app message in the account's language and one delivery per channel that has an address.

    `template` is a key of `wording/messages.yaml`; `link` is a path within the site; `phone` (11 digits) goes
    before the account's own. SMS are always Chinese. Raises `Misconfigured` for an unknown template.
    """
    chosen = template_of(template)
    if missing := rules.placeholders_of(chosen.body.zh) - context.keys():
        logger.warning("message %s was told without %s", template, ", ".join(sorted(missing)))
    language = recipient.language if recipient else settings.LANGUAGE_CODE
    with translation.override(language):
        title, body = rules.fill(str(chosen.title), context), rules.fill(str(chosen.body), context)
    message = Message.objects.create(
        recipient=recipient, template=template, title=title, body=body, link=link, case_number=case_number
    )
    if _in_app_only.get():
        return message
    number = phone or (recipient.phone if recipient else "")
    if "sms" in channels and number and chosen.sms is not None:
        with translation.override(settings.LANGUAGE_CODE):
            text = rules.signed(rules.fill(chosen.sms.zh, context), wording().signature)
        _enqueue(Delivery.Channel.SMS, number, {"text": text}, message=message)
    if "email" in channels and recipient is not None and recipient.email:
        text = f"{body}\n\n{settings.SITE_URL}{link}\n" if link else f"{body}\n"
        _enqueue(Delivery.Channel.EMAIL, recipient.email, {"subject": title, "text": text}, message=message)
    return message


def notify(recipient: Account | None, template: str, context: dict[str, Any], phone: str = "") -> None:
    """For `people.ports.register_notifier`."""
    tell(recipient, _OCCASIONS.get(template, template), context, phone=phone)


@transaction.atomic
def publish_event(name: str, payload: dict[str, Any]) -> int:
    """Tell every webhook that listens to `name`; how many. `payload` must not hold more than they may know."""
    event = {
        "id": str(uuid.uuid4()),
        "event": name,
        "at": clock.now().isoformat(),
        "data": json.loads(json.dumps(payload, cls=DjangoJSONEncoder)),
    }
    told = 0
    for hook in Webhook.objects.filter(is_active=True).order_by("pk"):
        if not hook.events or name in hook.events:
            lifetime = dt.timedelta(days=WEBHOOK_DAYS)
            _enqueue(Delivery.Channel.WEBHOOK, hook.url, event, webhook=hook, lifetime=lifetime)
            told += 1
    return told


def send_code(phone: str, code: str) -> None:
    """Send a one-time code: tried at once after the commit, then by the worker while the code is valid.

    The text is kept sealed, and masked once sent or expired.
    """
    context = {"code": code, "minutes": CODE_MINUTES}
    sms = template_of("sign_in.code").sms
    text = rules.signed(rules.fill(sms.zh if sms else "{code}", context), wording().signature)
    payload = {"sealed": sealing.seal(text), "masked": text.replace(code, "*" * len(code))}
    with transaction.atomic():
        lifetime = dt.timedelta(minutes=CODE_MINUTES)
        delivery = _enqueue(Delivery.Channel.SMS, phone, payload, lifetime=lifetime)
        transaction.on_commit(lambda: _deliver_now(delivery.pk), robust=True)


def _deliver_now(delivery_id: int) -> None:
    sending.deliver(delivery_id, IMMEDIATE_SECONDS)


def _enqueue(
    channel: str,
    address: str,
    payload: dict[str, Any],
    *,
    message: Message | None = None,
    webhook: Webhook | None = None,
    lifetime: dt.timedelta = dt.timedelta(days=NEWS_DAYS),
) -> Delivery:
    now = clock.now()
    delivery = Delivery.objects.create(
        message=message,
        webhook=webhook,
        channel=channel,
        address=address,
        payload=payload,
        key=uuid.uuid4(),
        next_attempt_at=now,
        expires_at=now + lifetime,
    )
    jobs.deliver.defer(delivery_id=delivery.pk)
    return delivery


def mark_read(account: Account, message_id: int) -> Message:
    """Open one message. Raises `NotFound` for somebody else's."""
    message = Message.objects.filter(pk=message_id, recipient=account).first()
    if message is None:
        raise NotFound()
    if message.read_at is None:
        message.read_at = clock.now()
        message.save(update_fields=["read_at"])
    return message


def mark_all_read(account: Account) -> int:
    """How many were unread."""
    return Message.objects.filter(recipient=account, read_at=None).update(read_at=clock.now())


@transaction.atomic
def retry(delivery_id: int, actor: audit.Actor) -> Delivery:
    """Put a delivery that failed back into the outbox, with its old key. Raises `NotFound`, `Conflict`."""
    delivery = Delivery.objects.select_for_update().filter(pk=delivery_id).first()
    if delivery is None:
        raise NotFound()
    if delivery.state not in (Delivery.State.FAILED, Delivery.State.EXPIRED):
        raise Conflict(_("这条消息已经送达或正在发送，无需重发。"))
    if _is_code(delivery):
        raise Conflict(_("验证码已失效，不能重发，请本人重新获取。"))
    now = clock.now()
    lifetime = dt.timedelta(days=WEBHOOK_DAYS if delivery.webhook_id else NEWS_DAYS)
    delivery.state, delivery.attempts = Delivery.State.PENDING, 0
    delivery.next_attempt_at, delivery.expires_at = now, now + lifetime
    delivery.save(update_fields=["state", "attempts", "next_attempt_at", "expires_at"])
    jobs.deliver.defer(delivery_id=delivery.pk)
    audit.record(
        actor,
        "change",
        subject=("delivery", delivery.pk),
        elements=["state"],
        purpose="重发消息",
        case_number=delivery.message.case_number if delivery.message else "",
    )
    return delivery


def _is_code(delivery: Delivery) -> bool:
    return delivery.channel == Delivery.Channel.SMS and delivery.message_id is None


def add_webhook(name: str, url: str, secret: str, events: Sequence[str] = ()) -> Webhook:
    """Subscribe a program; `events` empty means all. Raises `Refused` for an address that is no http(s) URL."""
    check_url(url)
    return Webhook.objects.create(name=name, url=url, secret=secret, events=list(events))
