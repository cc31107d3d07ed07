"""Generating a city with every described class: people a second of processor, and memory, beside the register."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import site
from bench.results import Result

PEOPLE, REGISTER_PEOPLE, SEED = 200_000, 5_000, 341600
MEGABYTE = 1_000_000


def run() -> list[Result]:
    site.prepare()
    mass, truth, rows, kilobytes = _in_own_process()
    register = _register()
    note = f"{PEOPLE:,} people, {rows:,.0f} rows of every described class, with the ledger of faults"
    return [
        Result("generating: people a second of processor", mass, "", 5_000, higher_is_better=True, note=note),
        Result("generating: the truth alone, times faster than the register", truth / register, "×", 2, higher_is_better=True, note=f"{truth:,.0f} against {register:,.0f} people a second"),
        Result("generating: most memory", kilobytes * 1024 / MEGABYTE, "MB", 3_000),
    ]  # fmt: skip


def _in_own_process() -> tuple[float, float, float, float]:
    """People a CPU-second in all and for the truth alone, rows, peak memory in KiB: a process of its own, so that memory is this work's alone."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.data_generating"], capture_output=True, text=True, check=True, env=dict(os.environ)
    )  # fmt: skip
    speed, truth, rows, kilobytes = (float(part) for part in done.stdout.split())
    return speed, truth, rows, kilobytes


def _register() -> float:
    """People a CPU-second of the register that is composed one by one, which knows less about each."""
    from yici.base.cityfolder import city_folder
    from yici.platform.data.generating.places import read_city
    from yici.platform.data.register import generate

    city = read_city(city_folder())
    codes = {county[:6]: codes for county, codes in zip(city.counties, city.area_codes, strict=True)}
    started = time.process_time()
    for _ in generate(REGISTER_PEOPLE, SEED, region=city.region, villages=city.villages, area_codes=codes):
        pass
    return REGISTER_PEOPLE / (time.process_time() - started)


def _alone() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yici.web.settings")
    django.setup()
    from yici.base.cityfolder import city_folder
    from yici.platform.data import generating
    from yici.platform.data.generating import truth
    from yici.platform.data.generating.places import read_city

    folder = Path(tempfile.mkdtemp(prefix="generated-"))
    try:
        started = time.process_time()
        report = generating.generate(PEOPLE, SEED, folder)
        seconds = time.process_time() - started
        started = time.process_time()
        truth.write(PEOPLE, SEED, read_city(city_folder()), folder / "again")
        alone = time.process_time() - started
    finally:
        shutil.rmtree(folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(PEOPLE / seconds, PEOPLE / alone, sum(report.rows.values()), peak)


if __name__ == "__main__":
    _alone()
