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


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """Run the jobs in threads that start together, each with a connection of its own; results or exceptions in order."""
    import contextvars
    import threading

    from django.db import connections

    barrier = threading.Barrier(len(jobs))
    results: list[Any] = [None] * len(jobs)

    def run(position: int) -> None:
        try:
            barrier.wait(10)
            results[position] = jobs[position]()
        except Exception as error:
            results[position] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=contextvars.copy_context().run, args=(run, n)) for n in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


ANSWERS = {
    "person.residential_address": "安徽省亳州市涡阳县高炉镇陆杨村3组27号",
    "person.living_arrangement": "1",
    "person.phone": "13956731945",
    "account_kind": "social",
    "filed_by": "self",
}
SITUATION = {"lives_elsewhere": "no", "collected_by_other": "no"}


def filled_draft(account: Any, code: str = "gaoling-jintie", **changes: Any) -> Any:
    """A draft of the allowance that needs nothing but its submission."""
    from yici.core.forms import services as forms
    from yici.systems.hall import services

    draft = services.start(account, code, assurance=1)
    application = services.opened(account, draft.token)
    forms.save_situation(draft, application.definition.form, SITUATION, draft.revision)
    errors = forms.save_answers(draft, application.definition.form, {**ANSWERS, **changes}, draft.revision)
    assert errors == {}, errors
    return draft


def submitted(account: Any, **changes: Any) -> Any:
    """The case of a submitted allowance."""
    from yici.systems.hall import services

    return services.submit(filled_draft(account, **changes).token, account).case
