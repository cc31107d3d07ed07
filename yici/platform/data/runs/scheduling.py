"""What time does to runs: due channels start, dead runs end, the lake is looked after at night."""

from __future__ import annotations

import datetime as dt
import logging

from django.conf import settings

from yici.base import clock
from yici.platform.data.errors import LoadInProgress
from yici.platform.data.lake import upkeep
from yici.platform.data.landing import archive
from yici.platform.data.models import Channel, ClassChannel, DataClass, Run
from yici.platform.data.quality import freshness
from yici.platform.data.runs.beat import DEAD_AFTER
from yici.platform.data.runs.starting import retry_later, start
from yici.platform.data.runs.telling import tell_of_end, tell_of_faults

__all__ = ["end_dead_runs", "look_after", "start_due"]

AT_ONCE = 50  # channels started in one minute
SMALL_FILES = 8  # more files than this in a version are worth merging
logger = logging.getLogger(__name__)


def start_due() -> int:
    """Start the channels whose time has come, those that wait longest first. Returns how many."""
    now = clock.now()
    due = ClassChannel.objects.select_related("data_class").filter(
        next_run_at__lte=now, withdrawn_at=None, data_class__withdrawn_at=None, data_class__is_described=True
    )
    started = 0
    for channel in due.exclude(kind=Channel.STATIC).order_by("next_run_at")[:AT_ONCE]:
        try:
            start(channel, Run.Trigger.SCHEDULE)
            started += 1
        except LoadInProgress:
            logger.info("%s is being loaded already", channel.data_class_id)
        channel.next_run_at = freshness.next_run_at(
            channel.data_class.cycle, now, is_drop=channel.kind == Channel.FILE_DROP
        )
        channel.save(update_fields=["next_run_at"])
    return started


def end_dead_runs() -> int:
    """Runs without a sign of life were killed: they are closed, and tried again."""
    limit = clock.now() - dt.timedelta(seconds=DEAD_AFTER)
    dead = list(
        Run.objects.filter(state=Run.State.RUNNING, heartbeat_at__lt=limit).select_related("data_class", "channel")
    )
    for run in dead:
        closed = Run.objects.filter(pk=run.pk, state=Run.State.RUNNING).update(
            state=Run.State.FAILED,
            error="killed",
            message="运行被意外终止，未写入任何数据；已安排重试。",
            ended_at=clock.now(),
        )
        if closed:
            run.refresh_from_db()
            retry_later(run)
            tell_of_end(run)
    return len(dead)


def look_after() -> dict[str, int]:
    """Counts of what was done, and of faults found in the lake."""
    merged = expired = 0
    for data_class in DataClass.objects.exclude(current=None).select_related("current"):
        keep = int((data_class.definition or {}).get("keep_versions", 5))
        try:
            if data_class.current and len(data_class.current.files) > SMALL_FILES:
                merged += bool(upkeep.compact(data_class))
            expired += upkeep.expire(data_class, keep)
        except LoadInProgress:
            continue  # its turn comes the next time
    forgotten = archive.expire(clock.now() - dt.timedelta(days=settings.DATA_RAW_DAYS))
    swept = upkeep.sweep()
    faults = upkeep.verify()
    for fault in faults:
        logger.error("lake: %s", fault)
    tell_of_faults(faults)
    return {"merged": merged, "expired": expired, "forgotten": forgotten, "swept": swept, "faults": len(faults)}
