"""A delivery that nobody watched and that was not loaded is told: once, and to who can do something."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.platform.data.runs.conftest import content, line
from yici.core.messages.models import Message
from yici.platform.data.lake import reading as lake
from yici.platform.data.models import ClassChannel, DataClass, Run
from yici.platform.data.runs import scheduling, starting
from yici.platform.data.runs.carrying_out import load

TEMPLATES = ("data.delivery_refused", "data.delivery_waiting", "data.source_failed")
Deliver = Callable[..., Run]


@pytest.fixture
def channel(data_class: DataClass, demo: Any) -> ClassChannel:
    return data_class.channels.get()


@pytest.fixture
def deliver(channel: ClassChannel, tmp_path: Path) -> Deliver:
    """What a program hands over by itself, loaded here and now."""

    def _deliver(file: bytes, trigger: str = Run.Trigger.PUSH, actor: Any = None) -> Run:
        path = tmp_path / "delivered"
        path.write_bytes(file)
        run = starting.keep_and_queue(channel, path, "a.csv", trigger)
        Run.objects.filter(pk=run.pk).update(actor=actor)
        load(run.pk)
        run.refresh_from_db()
        return run

    return _deliver


def told() -> list[tuple[str, Any]]:
    found = Message.objects.filter(template__in=TEMPLATES).order_by("pk")
    return [(one.template, one.recipient) for one in found]


def test_a_file_that_cannot_be_used_is_told_to_the_unit_once(deliver: Deliver, demo: Any) -> None:
    run = deliver(b"%PDF-1.7 one")
    assert run.state == "refused" and told() == [("data.delivery_refused", demo.data_officer)]
    message = Message.objects.get(template="data.delivery_refused")
    assert message.link == f"/desk/data/runs/{run.pk}/" and "认不出" in message.body
    assert deliver(b"%PDF-1.7 two").state == "refused" and len(told()) == 1
    assert deliver(content(line(1))).state == "published"
    assert deliver(b"%PDF-1.7 three").state == "refused" and len(told()) == 2


def test_a_layout_that_changed_is_told_to_who_may_confirm_it(deliver: Deliver, demo: Any) -> None:
    assert deliver(content(line(1), header="证号,xm,出生日期,住址,金额")).state == "waiting"
    assert told() == [("data.delivery_waiting", demo.data_officer)]


def test_who_started_a_run_is_not_told_of_it(deliver: Deliver, demo: Any) -> None:
    deliver(b"%PDF-1.7", actor=demo.data_engineer)
    deliver(b"%PDF-1.8", trigger=Run.Trigger.UPLOAD)
    assert told() == []


def test_a_source_that_cannot_be_read_is_told_when_it_is_tried_no_more(channel: ClassChannel, demo: Any) -> None:
    """No folder: each attempt fails, and only the last is the data centre's."""
    run = starting.start(channel, Run.Trigger.SCHEDULE)
    attempts = 0
    while run is not None:
        assert load(run.pk) == "failed" and run.channel == channel
        attempts += 1
        assert len(told()) == (attempts == starting.MAXIMUM_ATTEMPTS or not run.retries.exists())
        run = run.retries.first()
    assert told() == [("data.source_failed", demo.data_engineer)]
    again = starting.start(channel, Run.Trigger.SCHEDULE)
    while again is not None:
        load(again.pk)
        again = again.retries.first()
    assert len(told()) == 1, "the same fault the next night is no news"


def test_a_damaged_file_of_the_lake_is_told_to_the_data_centre(
    deliver: Deliver, data_class: DataClass, demo: Any
) -> None:
    deliver(content(*(line(number) for number in range(9))))
    assert scheduling.look_after()["faults"] == 0
    data_class.refresh_from_db()
    (path,) = lake.files_of(data_class)
    path.chmod(0o600)
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)
    assert scheduling.look_after()["faults"] == 1
    (message,) = Message.objects.filter(template="data.lake_damaged")
    assert message.recipient == demo.data_engineer and path.name[:8] in message.body
