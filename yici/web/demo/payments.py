"""Payments of yesterday and of this morning, made as payers make them: on the page of each provider's sandbox.

Yesterday's callbacks never came, so the providers were asked; one bill holds a payment that nobody here knows, and
providers kept their fees: what a finance officer finds in the morning.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx
from django.conf import settings
from django.utils import timezone

from yici.base import clock
from yici.base.errors import YiciError
from yici.core.messages.services import in_app_only
from yici.core.people.models import Account
from yici.platform.pay import services as pay
from yici.platform.pay.models import Attempt, PayOrder

YESTERDAY, TODAY = 45, 9
SEED = 341600
FEE_RATE = 60  # ten-thousandths that providers keep
_PROVIDERS = {"wechat": 5, "alipay": 3, "unionpay": 1}
_KEY, _DIVISION = "demo.payment.", "341602000000"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """One order, and who pays it when and where."""

    key: str
    payer: Account
    provider: str
    moment: dt.datetime
    title: str
    charges: list[pay.Charge]


def fill() -> int:
    """Make what is missing of them; how many were made. Safe to repeat; nothing where others have paid before."""
    if PayOrder.objects.exclude(key__startswith=_KEY).exists():
        return 0
    providers = {
        name: weight for name, weight in _PROVIDERS.items() if settings.PAY_ENDPOINTS[name] == settings.PAY_SANDBOX
    }
    payers = list(Account.objects.filter(kind="citizen").exclude(person=None).order_by("pk")[:40])
    if not payers or not providers:
        return 0
    known, made = set(PayOrder.objects.values_list("key", flat=True)), 0
    with httpx.Client(base_url=settings.PAY_SANDBOX, timeout=10, trust_env=False) as sandbox, in_app_only():
        try:
            _control(sandbox, fee=FEE_RATE)
            for plan in _plans(payers, providers):
                if plan.key not in known:
                    _pay(sandbox, plan)
                    made += 1
            if made:
                _control(sandbox, skew=0)
                _control(sandbox, call="alipay.bill.rows", mode="unknown_row")
                for provider in providers:
                    pay.reconcile(provider, clock.today() - dt.timedelta(days=1))
        except (YiciError, httpx.HTTPError) as error:
            logger.warning("demo payments: %s", error)
            with suppress(httpx.HTTPError):  # its clock goes right again, if it is there
                _control(sandbox, skew=0)
    return made


def _plans(payers: list[Account], providers: dict[str, int]) -> Iterator[Plan]:
    """The same in every demo of a day, whatever of it was paid before."""
    chance = Random(SEED)  # noqa: S311
    for number, moment in enumerate(_moments(chance)):
        (provider,) = chance.choices(list(providers), list(providers.values()))
        yield Plan(f"{_KEY}{number}", chance.choice(payers), provider, moment, *_wanted(chance))


def _moments(chance: Random) -> list[dt.datetime]:
    """Of yesterday's office hours; then of the last half hour."""
    now = timezone.localtime(clock.now()).replace(microsecond=0)
    opening = (now - dt.timedelta(days=1)).replace(hour=8, minute=30, second=0)
    past = sorted(opening + dt.timedelta(seconds=chance.randrange(9 * 3600)) for _ in range(YESTERDAY))
    return past + [now - dt.timedelta(minutes=2 * (TODAY - number)) for number in range(TODAY)]


def _pay(sandbox: httpx.Client, plan: Plan) -> None:
    """Ordered and paid at its moment on the provider's page, and found by asking."""
    payer = plan.payer
    with clock.at(plan.moment):
        order = pay.order_for(
            plan.key, plan.charges, title=plan.title, payer=payer.person, account=payer, division=_DIVISION
        )
        assert order is not None  # nothing of this is free
        _control(sandbox, skew=(plan.moment - clock.physical()).total_seconds())
        _control(sandbox, call=f"{plan.provider}.notify", mode="never")
        attempt = pay.begin(order.number, plan.provider, payer)
        sandbox.post(_page_of(attempt)).raise_for_status()
        pay.ask(attempt)
        pay.follow_up()


def _page_of(attempt: Attempt) -> str:
    """The payer's page at the sandbox: the last part of what the code holds."""
    return "/pay/" + re.split("[/=]", attempt.scan)[-1]


def _wanted(chance: Random) -> tuple[str, list[pay.Charge]]:
    """What somebody comes to pay for: a permit made again, a survey, all that a house costs."""
    kind, area = chance.choices(("permit", "survey", "house"), (8, 3, 2))[0], chance.randrange(58, 143)
    survey = pay.Charge("fangchan-cehui", quantity=area)
    if kind == "permit":
        return "居住证补领", [pay.Charge("juzhuzheng-bufa")]
    if kind == "survey":
        return "房产测绘", [survey]
    tax = pay.Charge("fangwu-qishui", of=area * 520_000, facts={"house.is_first": "1"})
    rest = [pay.Charge("budongchan-dengji-zhuzhai"), pay.Charge("fangwu-jiaoyi-shouxu", quantity=area)]
    return "二手房过户一次缴费", [*rest, tax, survey]


def _control(sandbox: httpx.Client, **wish: Any) -> None:
    sandbox.post("/control", json=wish).raise_for_status()
