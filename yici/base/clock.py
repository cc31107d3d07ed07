"""The one place that says what time it is, so that tests and back-dated demos can say it too."""

from __future__ import annotations

import contextlib
import contextvars
import datetime as dt
from collections.abc import Iterator

from django.utils import timezone

_fixed: contextvars.ContextVar[dt.datetime | None] = contextvars.ContextVar("yici_now", default=None)


def now() -> dt.datetime:
    """Aware current time; the fixed one inside `at(…)`."""
    return _fixed.get() or timezone.now()


def physical() -> dt.datetime:
    """Real time in UTC, whatever `at(…)` says: for certificates and time stamps, which strangers compare with theirs."""
    return dt.datetime.now(dt.UTC)


def today() -> dt.date:
    """The current date in the city's time zone."""
    return timezone.localdate(now())


@contextlib.contextmanager
def at(moment: dt.datetime) -> Iterator[None]:
    """Let `now()` be `moment` (aware) within the block: for tests and for seeding past cases."""
    token = _fixed.set(moment)
    try:
        yield
    finally:
        _fixed.reset(token)
