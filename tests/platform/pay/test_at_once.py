"""Several at once, each with a connection of its own and everything committed; and a process that is killed in the middle."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from typing import Any

from django.db import connections
from django.test import Client

from tests.conftest import SERVER, Demo
from tests.environment import ROOT
from tests.platform.pay.conftest import ALL, Live, books_agree, paid_order, permit_order, refund
from tests.systems.hall.conftest import at_once
from yici.platform.pay import queries, services
from yici.platform.pay.models import Attempt, Payment, Refund


def begun(demo: Any, provider: str) -> Attempt:
    return services.begin(permit_order(demo.farmer).number, provider, demo.farmer)


@ALL
def test_two_refunds_at_once(own_city: None, sandbox: Live, provider: str) -> None:
    """Two cashiers press at the same moment: one refund, the other is told that the amount changed."""
    demo = Demo()
    order = paid_order(demo.farmer, sandbox, Client(), provider=provider)
    results = at_once(*(partial(refund, order, 2000, key, demo.farmer, available=2000) for key in ("a", "b")))
    assert sorted(type(one).__name__ for one in results) == ["AmountChanged", "Refund"]
    assert sandbox.taken(provider) == 0 and books_agree(sandbox, provider)


@ALL
def test_callback_and_poller_at_once(own_city: None, sandbox: Live, provider: str) -> None:
    demo = Demo()
    attempt = begun(demo, provider)
    sandbox.pay(attempt.number)

    def call() -> int:
        return int(sandbox.deliver(Client(), provider, attempt.number).status_code)

    results = at_once(call, call, partial(services.ask, attempt), partial(services.ask, attempt))
    assert results == [200, 200, "paid", "paid"]
    assert Payment.objects.count() == 1 and books_agree(sandbox, provider)


KILLED = """
import os, signal, sys
import django
django.setup()
from django.conf import settings
settings.PAY_ENDPOINTS = dict.fromkeys(settings.PAY_ENDPOINTS, sys.argv[1])
from yici.platform.pay import services
from yici.platform.pay.services import refunding
what, number = sys.argv[2:4]

def die(*given, **named):
    os.kill(os.getpid(), signal.SIGKILL)

if what == "refund":
    refunding.conclude = die  # the provider has given the money back; nothing of ours is written
    services.send_refund(number)
else:
    from yici.platform.pay.services import paying
    from yici.platform.pay.models import Attempt
    paying.settle = die  # the provider has told that it took the money
    services.ask(Attempt.objects.get(number=number))
"""


def run_and_kill(sandbox: Live, keys: object, what: str, number: str) -> None:
    """A process of its own that is killed (SIGKILL) between the provider's answer and the ledger."""
    name = connections["default"].settings_dict["NAME"]
    environment = {
        **os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": SERVER.replace("/yici?", f"/{name}?"),
        "YICI_PAY_KEYS": str(keys),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", KILLED, sandbox.url, what, number],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -9, done.stderr


@ALL
def test_process_killed_between_provider_and_ledger_when_money_came(
    own_city: None, sandbox: Live, pay_keys: object, provider: str
) -> None:
    demo = Demo()
    attempt = begun(demo, provider)
    sandbox.pay(attempt.number)
    run_and_kill(sandbox, pay_keys, "payment", attempt.number)
    assert Payment.objects.count() == 0 and sandbox.taken(provider) == 2000
    assert services.ask(attempt) == "paid"
    assert Payment.objects.count() == 1 and books_agree(sandbox, provider)


@ALL
def test_process_killed_between_provider_and_ledger_when_money_went_back(
    own_city: None, sandbox: Live, pay_keys: object, provider: str
) -> None:
    demo = Demo()
    order = paid_order(demo.farmer, sandbox, Client(), provider=provider)
    payment, left = queries.refundable_of(order)
    assert payment is not None
    made = services.request_refund(payment, 500, available=left, key="a", reason="测试", account=demo.farmer)
    run_and_kill(sandbox, pay_keys, "refund", made.number)
    made.refresh_from_db()
    assert made.state == "sent" and sandbox.taken(provider) == 1500
    assert services.send_refund(made.number) == "done"
    assert Refund.objects.count() == 1 and sandbox.taken(provider) == 1500 and books_agree(sandbox, provider)
