"""Overdue units are told: once when a class turns red, and again after each further cycle that passes.

One message a unit and call, however many of its classes are late. What was told is remembered with the channel, so
that an hourly call tells nobody twice.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict

from django.db import transaction
from django.utils import timezone

from yici.platform.data.models import ClassChannel
from yici.platform.data.quality import telling
from yici.platform.data.quality.freshness import latest_due

__all__ = ["remind_overdue"]

TEMPLATE = "data.overdue"
_NAMED = 3  # classes that a message names


def remind_overdue(now: dt.datetime) -> int:
    """Tell the units whose classes have fallen due since they were last told; how many channels that were."""
    late: dict[int, list[tuple[dt.datetime, ClassChannel]]] = defaultdict(list)
    for channel in _channels():
        due = latest_due(channel.data_class.cycle, channel.last_success_at, now)
        if due is not None and (channel.reminded_for is None or channel.reminded_for < due):
            late[channel.unit_id].append((due, channel))
    officers = telling.officers_of({found[0][1].unit for found in late.values()})
    for unit, found in late.items():
        if not officers[unit]:
            continue  # nobody to tell, not even at the data centre: not told, so tried again
        with transaction.atomic():
            telling.tell(officers[unit], TEMPLATE, _context(found), link=_link(found))
            for due, channel in found:
                ClassChannel.objects.filter(pk=channel.pk).update(reminded_for=due)
    return sum(len(found) for unit, found in late.items() if officers[unit])


def _channels() -> list[ClassChannel]:
    """Every channel that has ever delivered, in the order of classes. One query."""
    channels = ClassChannel.objects.filter(
        withdrawn_at=None, data_class__withdrawn_at=None, last_success_at__isnull=False
    )
    return list(channels.select_related("data_class", "unit").order_by("data_class", "pk"))


def _context(found: list[tuple[dt.datetime, ClassChannel]]) -> dict[str, str]:
    names = "、".join(channel.data_class.name for _due, channel in found[:_NAMED])
    first = timezone.localtime(min(due for due, _channel in found))
    return {
        "title": names + (f"等 {len(found)} 类数据" if len(found) > _NAMED else ""),
        "organisation": found[0][1].unit.name,
        "due": f"{first.year}年{first.month}月{first.day}日 {first:%H:%M}",
    }


def _link(found: list[tuple[dt.datetime, ClassChannel]]) -> str:
    return f"/desk/data/classes/{found[0][1].data_class_id}/" if len(found) == 1 else "/desk/data/classes/"
