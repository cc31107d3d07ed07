"""Papers read: how many of generated, harmed pictures come out right in every field, and CPU-seconds a page.

`YICI_BENCH_PAPERS` sets how many identity cards (default 60); each other kind gets a third of that. One thread.
"""

from __future__ import annotations

import os
import time

from bench.results import Result

COUNT = int(os.environ.get("YICI_BENCH_PAPERS", "60"))
SEED = 20_000  # no seed of the tests


def run() -> list[Result]:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yici.web.settings")
    import django

    django.setup()  # no database is asked
    from yici.platform.trust.papers.specimens import DRAWERS

    _read_one("id_card", SEED - 1)  # the models are loaded once a process
    results: list[Result] = []
    for kind in DRAWERS:
        results += _measured(kind, COUNT if kind == "id_card" else max(1, COUNT // 3))
    return results


def _measured(kind: str, count: int) -> list[Result]:
    right, seconds = 0, []
    for seed in range(SEED, SEED + count):
        is_right, cost = _read_one(kind, seed)
        right += is_right
        seconds.append(cost)
    target = 95.0 if kind == "id_card" else None
    return [
        Result(
            f"paper {kind}: every field right",
            100 * right / count,
            "%",
            target,
            higher_is_better=True,
            note=f"{count} harmed pictures",
        ),
        Result(
            f"paper {kind}: CPU a page",
            sum(seconds) / count,
            "s",
            2.0,
            higher_is_better=False,
            note=f"most {max(seconds):.2f} s",
        ),
    ]


def _read_one(kind: str, seed: int) -> tuple[bool, float]:
    """Whether every field has its true value (and not one worked out from another), and CPU-seconds of the reading."""
    from yici.core.vocabulary.rules import check
    from yici.platform.trust.papers import checking, layouts, pictures, reader
    from yici.platform.trust.papers.pictures import PictureRefused
    from yici.platform.trust.papers.specimens import degraded, draw

    specimen = draw(kind, seed)
    content = degraded(specimen.picture, seed)
    begun = time.process_time()
    try:
        layout, found = layouts.values_of(reader.read_page(pictures.open_picture(content)))
        fields = checking.checked(layout, found)
    except PictureRefused:
        fields = {}
    cost = time.process_time() - begun
    right = all(
        element in fields and fields[element].value == check(element, value) and not fields[element].derived
        for element, value in specimen.truth.items()
    )
    return right, cost
