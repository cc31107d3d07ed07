"""The outbox around real commits and real kills. What is written here is removed again, not rolled back."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, connections, transaction
from procrastinate.contrib.django import app

from tests.core.messages.conftest import LiveGateway
from yici.base import clock
from yici.core.messages import services
from yici.core.messages.models import Delivery, Message

PHONE = "13800005678"
CONTEXT = {"title": "高龄津贴", "case_number": "341600202611230000017", "organisation": "涡阳县民政局"}


@pytest.fixture(autouse=True)
def _committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Let the test commit. pytest-django's transactional tests would empty the demo city instead."""
    with django_db_blocker.unblock():
        yield
        Delivery.objects.all().delete()
        Message.objects.filter(recipient=None).delete()
        _jobs()
        connections.close_all()


def tell(phone: str) -> Delivery:
    return services.tell(None, "case.received", CONTEXT, phone=phone).deliveries.get()


def later(delivery: Delivery) -> Any:
    """The moment its next attempt is due."""
    delivery.refresh_from_db()
    return clock.at(delivery.next_attempt_at + dt.timedelta(seconds=1))


def test_rolled_back_fact_is_never_told(gateway: LiveGateway) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        tell(PHONE)
        services.send_code(PHONE, "482913")
        raise RuntimeError("the fact did not happen")
    assert services.deliver_due() == 0
    assert not Delivery.objects.exists() and gateway.messages() == []
    assert _jobs() == 0


def test_worker_sends_what_was_committed(gateway: LiveGateway) -> None:
    tell(PHONE)
    worker = app.with_connector(app.connector.get_worker_connector())  # type: ignore[attr-defined]
    worker.run_worker(wait=False, listen_notify=False, install_signal_handlers=False, queues=["default"])
    assert len(gateway.messages()) == 1
    assert Delivery.objects.get().state == Delivery.State.SENT


def test_kill_between_commit_and_sending_loses_nothing(gateway: LiveGateway) -> None:
    script = (
        "import django, os, signal; django.setup()\n"
        "from yici.core.messages import services\n"
        f"services.tell(None, 'case.received', {CONTEXT!r}, phone='{PHONE}')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    _run_killed(script, gateway.url)
    assert gateway.messages() == []
    assert _jobs() == 1
    assert services.deliver_due() == 1
    assert len(gateway.messages()) == 1


def test_kill_between_sending_and_noting_it_tells_only_once(gateway: LiveGateway) -> None:
    delivery = tell(PHONE)
    script = (
        "import django, os, signal; django.setup()\n"
        "from yici.core.messages import sending\n"
        "sending._settle_success = lambda *a: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"sending.deliver({delivery.pk})\n"
    )
    _run_killed(script, gateway.url)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("pending", 1)
    assert len(gateway.messages()) == 1
    assert services.deliver_due() == 0, "the lease of the dead worker is still running"
    with later(delivery):
        assert services.deliver_due() == 1
    assert len(gateway.messages()) == 1


def test_row_another_worker_holds_is_skipped(gateway: LiveGateway) -> None:
    held, free = tell(PHONE), tell("13900001111")
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT 1 FROM yici_messages_delivery WHERE id = %s FOR UPDATE", [held.pk])
            assert services.deliver_due() == 1
        other.rollback()
    finally:
        other.close()
    free.refresh_from_db()
    assert free.state == "sent"
    assert services.deliver_due() == 1
    assert len(gateway.messages()) == 2


def _jobs() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'messages.deliver' AND status = 'todo'"
        )
        count = int(cursor.fetchone()[0])
        cursor.execute("DELETE FROM procrastinate_jobs WHERE task_name = 'messages.deliver'")
    return count


def _run_killed(script: str, endpoint: str) -> None:
    name = connection.settings_dict["NAME"]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "yici.web.settings",
        "DATABASE_URL": os.environ["DATABASE_URL"].replace("/yici?", f"/{name}?"),
        "YICI_SMS_ENDPOINT": endpoint,
    }
    result = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == -9, result.stderr
