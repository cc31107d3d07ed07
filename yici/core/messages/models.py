"""Messages to people and programs, and one delivery per channel, written before anything is sent."""

from django.db import models

from yici.base import clock
from yici.core.people.models import Account


class Message(models.Model):
    """What somebody was told. The in-app message is this row itself."""

    recipient = models.ForeignKey(Account, models.CASCADE, null=True, related_name="messages")
    template = models.CharField(max_length=60, help_text="key of wording/messages.yaml")
    title = models.TextField()
    body = models.TextField()
    link = models.TextField(blank=True, help_text="path within the site")
    case_number = models.TextField(blank=True)
    read_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [
            models.Index(fields=["recipient", "-id"], name="messages_recipient"),
            models.Index(fields=["recipient"], name="messages_unread", condition=models.Q(read_at=None)),
        ]


class Webhook(models.Model):
    """A program that wants to be told. Bodies are signed with HMAC-SHA256 of `secret`."""

    name = models.TextField()
    url = models.URLField()
    secret = models.TextField()
    events = models.JSONField(default=list, help_text="event names; empty: all")
    is_active = models.BooleanField(default=True)


class Delivery(models.Model):
    """One attempt chain on one channel: the outbox. Stays `pending` until the other side confirmed."""

    class Channel(models.TextChoices):
        SMS = "sms", "短信"
        EMAIL = "email", "电子邮件"
        WEBHOOK = "webhook", "系统回调"

    class State(models.TextChoices):
        PENDING = "pending", "待发送"
        SENT = "sent", "已送达"
        FAILED = "failed", "发送失败"
        EXPIRED = "expired", "已过时未发"

    message = models.ForeignKey(Message, models.CASCADE, null=True, related_name="deliveries")
    webhook = models.ForeignKey(Webhook, models.CASCADE, null=True, related_name="deliveries")
    channel = models.CharField(max_length=10, choices=Channel.choices)
    address = models.TextField(help_text="phone number, e-mail address or URL")
    payload = models.JSONField(default=dict, help_text="channel's own form: text for SMS, event for a webhook")
    key = models.UUIDField(unique=True, help_text="idempotency key sent with every attempt")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    attempts = models.SmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text="no attempt after this: news that comes too late only confuses")
    last_error = models.TextField(blank=True)
    provider_reference = models.TextField(blank=True)
    created_at = models.DateTimeField(default=clock.now)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["next_attempt_at"], name="messages_delivery_due", condition=models.Q(state="pending")),
            models.Index(fields=["state", "-id"], name="messages_delivery_state"),
        ]
