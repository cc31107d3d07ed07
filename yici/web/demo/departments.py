"""The data side of the living demo city: departments' data generated, delivered to their demo servers, and loaded.

Each step looks at what is there and does the next thing, so that it may be killed and called again.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
from pathlib import Path

from django.conf import settings

from yici.base.errors import YiciError
from yici.platform.data.errors import LoadInProgress
from yici.platform.data.generating import delivering, generate, next_day, read_manifest
from yici.platform.data.models import ClassChannel, Run
from yici.platform.data.runs.starting import start

__all__ = ["is_due", "step", "wanted"]

POPULATION = 10_000
SEED = 341600
DAYS = 2
_DELIVERED = "delivered"  # file: how many days
logger = logging.getLogger(__name__)


def wanted() -> int:
    """People of the generated city: `YICI_DEMO_PEOPLE`, none where `YICI_DEMO` is 0."""
    if os.environ.get("YICI_DEMO") == "0":
        return 0
    number = os.environ.get("YICI_DEMO_PEOPLE", "")
    return int(number) if number.isdecimal() else POPULATION


def step() -> bool:
    """Do the next step; True when nothing is left to do, False to be called again soon."""
    home = Path(settings.DATA_HOME)
    folder = home / "generated"
    if not (home / "sandbox.json").exists():
        return False  # the departments' servers are not up yet
    try:
        if not (folder / "manifest.json").exists():
            generate(wanted(), SEED, folder)
        days = read_manifest(folder)["days"]
        if _delivered(folder) < len(days):
            delivering.deliver(folder)
            _start_all(once=False)
            (folder / _DELIVERED).write_text(str(len(days)), "utf-8")
        if _start_all(once=True) or Run.objects.filter(state__in=Run.OPEN).exists():
            return False
        if len(days) < DAYS:  # a second day: increments, mended rows, issues that close
            next_day(folder, dt.date.fromisoformat(days[-1]) + dt.timedelta(days=7))
            return False
    except YiciError as error:
        logger.warning("the demo departments were not filled: %s", error.message)
        return False
    return True


def _delivered(folder: Path) -> int:
    """How many days were delivered to the departments' servers and are being loaded."""
    noted = folder / _DELIVERED
    return int(noted.read_text("utf-8")) if noted.exists() else 0


def _start_all(once: bool) -> int:
    """Start every channel of a described class; `once`: only those that never ran. Returns how many."""
    channels = ClassChannel.objects.select_related("data_class").filter(
        withdrawn_at=None, data_class__withdrawn_at=None, data_class__is_described=True
    )
    if once:
        channels = channels.exclude(runs__isnull=False)
    started = 0
    for channel in channels.order_by("data_class", "pk"):
        try:
            start(channel, Run.Trigger.SCHEDULE)
            started += 1
        except LoadInProgress:  # the class's other channel runs; it is this one's turn the next time
            continue
    return started


def is_due() -> bool:
    """Whether the city is still to be filled: nothing was loaded by anybody yet, or a day is missing."""
    folder = Path(settings.DATA_HOME) / "generated"
    if not wanted():
        return False
    return ((folder / "manifest.json").exists() and _delivered(folder) < DAYS) or not Run.objects.exists()
