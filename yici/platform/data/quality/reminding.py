"""Overdue units are told: once when a class turns red, and again after each further cycle that passes."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from yici.core.messages import services as messages
from yici.core.people import queries as people
from yici.core.people.models import Account
from yici.platform.data.models import ClassChannel
from yici.platform.data.quality.freshness import due_at, light

__all__ = ["remind_overdue"]

TEMPLATE = "data.overdue"


def remind_overdue(now: dt.datetime) -> int:
    """Tell the data officers of every unit whose class is red; returns how many channels were told of."""
    told = 0
    channels = ClassChannel.objects.select_related("data_class", "unit").filter(
        withdrawn_at=None, data_class__withdrawn_at=None, last_success_at__isnull=False
    )
    for channel in channels.order_by("unit", "pk"):
        assert channel.last_success_at is not None
        cycle = channel.data_class.cycle
        due = due_at(cycle, channel.last_success_at)
        if due is None or light(cycle, channel.last_success_at, now) != "red":
            continue
        latest = _latest_due(cycle, due, now)
        if channel.reminded_for is not None and channel.reminded_for >= latest:
            continue
        for account in _officers(channel):
            _tell(account, channel, due)
        channel.reminded_for = latest
        channel.save(update_fields=["reminded_for"])
        told += 1
    return told


def _latest_due(cycle: str, due: dt.datetime, now: dt.datetime) -> dt.datetime:
    """The last due time that passed: deliveries go on being due while none comes."""
    while (following := due_at(cycle, due)) is not None and following <= now:
        due = following
    return due


def _officers(channel: ClassChannel) -> list[Account]:
    """Staff of the unit who may deliver its data."""
    staff = Account.objects.filter(kind="staff", is_active=True, organisation=channel.unit).order_by("pk")
    return [one for one in staff if people.may(one, "data.upload", organisation=channel.unit)]


def _tell(account: Account, channel: ClassChannel, due: dt.datetime) -> None:
    context = {
        "title": channel.data_class.name,
        "organisation": channel.unit.name,
        "due": timezone.localtime(due).strftime("%Y-%m-%d %H:%M"),
    }
    link = f"/desk/data/classes/{channel.data_class_id}/"
    messages.tell(account, TEMPLATE, context, channels=(), link=link)
