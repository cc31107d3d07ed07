"""The hall's stories happen on a pinned working day; staff of the demo have held their posts for years."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from yici.base import clock

CHINA = ZoneInfo("Asia/Shanghai")
MONDAY = dt.datetime(2026, 11, 23, 9, 30, tzinfo=CHINA)  # an ordinary working day


@pytest.fixture
def story_day(db: None) -> Iterator[dt.datetime]:
    """It is Monday morning for everybody until the test ends."""
    from yici.core.people.models import RoleGrant

    RoleGrant.objects.update(valid_from=dt.date(2017, 1, 1))
    with clock.at(MONDAY):
        yield MONDAY


@pytest.fixture
def run_jobs(db: None) -> Callable[[], list[str]]:
    """Do what the worker would do with the jobs deferred so far, each once; returns their names."""
    from procrastinate.contrib.django import app
    from procrastinate.contrib.django.models import ProcrastinateJob

    done: set[int] = set(ProcrastinateJob.objects.values_list("id", flat=True))

    def _run() -> list[str]:
        waiting = list(ProcrastinateJob.objects.filter(status="todo").exclude(id__in=done).order_by("id"))
        for job in waiting:
            done.add(job.id)
            app.tasks[job.task_name](**job.args)
        return [job.task_name for job in waiting]

    return _run


def totp(secret: str, at: float) -> str:
    """The six digits an authenticator shows at a moment (seconds since 1970; RFC 6238)."""
    import base64
    import hmac
    import struct

    counter = int(at // 30)
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", counter), "sha1").digest()
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def code_in(sms: Any, phone: str) -> str:
    """The newest sign-in code the phone received."""
    import re

    return re.findall(r"\d{6}", sms.messages(phone)[-1]["content"])[0]
