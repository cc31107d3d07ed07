"""The site's processes on a pinned day: `granian … tests.browser.processes:application`, `python -m tests.browser.processes`.

A story with deadlines needs an ordinary working day, whenever the tests run. The clock starts on that Monday
morning and goes on; only Django's idea of the time is moved, everything else is the site as it is served.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from zoneinfo import ZoneInfo

from django.utils import timezone

MONDAY = dt.datetime(2026, 11, 23, 9, 30, tzinfo=ZoneInfo("Asia/Shanghai"))


def shift(started: float) -> float:
    """Seconds from real time to the story's, for a site started at `started` (seconds since 1970)."""
    return MONDAY.timestamp() - started


def _pin(seconds: float) -> None:
    timezone.now = lambda: dt.datetime.fromtimestamp(time.time() + seconds, tz=dt.UTC)


def _work() -> None:
    import django

    django.setup()
    from yici.web.supervisor import run_worker

    run_worker()


if __name__ == "__main__":
    _pin(shift(float(os.environ["YICI_TEST_STARTED"])))
    _work()
elif "YICI_TEST_STARTED" in os.environ:
    _pin(shift(float(os.environ["YICI_TEST_STARTED"])))
    from yici.web.wsgi import application  # noqa: F401 - what the web server looks for
