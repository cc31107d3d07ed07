"""The city's whole catalogue: a search and a guide page, through Django's test client, PostgreSQL's share not counted."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from bench import site
from bench.results import Result

WORDS = [
    "高龄补贴",
    "营业执照",
    "gljt",
    "开饭店",
    "房产过户",
    "驾驶证 换证",
    "生育登记",
    "laonian",
    "低保",
    "食品经营 变更",
]
ROUNDS, GUIDES = 20, 200


def run() -> list[Result]:
    site.prepare(2000)
    from django.test import Client

    from yici.systems.hall.models import ItemHolding, ServiceItem

    browser = Client(SERVER_NAME="127.0.0.1")
    codes = list(ServiceItem.objects.order_by("code").values_list("code", flat=True))
    note = f"{ItemHolding.objects.count():,} holdings, {len(codes):,} items"
    searches = [f"/search/?q={quote(words)}" for words in WORDS * ROUNDS]
    guides = [f"/items/{code}/" for code in codes[:: max(len(codes) // GUIDES, 1)]]
    return [
        *_asked(browser, "search page", searches, 50, note),
        *_asked(browser, "guide page", guides, 30, note),
    ]


def _asked(browser: Any, name: str, addresses: Sequence[str], target: float, note: str) -> list[Result]:
    """95th percentiles of wall and processor time in milliseconds; the first ten warm up."""
    wall, processor = [], []
    for place, address in enumerate([*addresses[:10], *addresses]):
        began, own = time.perf_counter(), time.process_time()
        assert browser.get(address).status_code == 200, address
        if place >= 10:
            wall.append((time.perf_counter() - began) * 1000)
            processor.append((time.process_time() - own) * 1000)
    p95 = [statistics.quantiles(values, n=20)[-1] for values in (wall, processor)]
    return [
        Result(f"{name}, wall p95", p95[0], "ms", target, note=note).told(),
        Result(f"{name}, processor p95", p95[1], "ms", note=f"median {statistics.median(processor):.1f}").told(),
    ]
