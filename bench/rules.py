"""Ratios in one run: rules of the kernels against the plainest way to do the same, so that the machine drops out."""

from __future__ import annotations

import datetime as dt
import statistics
import time
from collections.abc import Callable
from zoneinfo import ZoneInfo

from bench import site
from bench.results import Result

CHINA = ZoneInfo("Asia/Shanghai")
ROUNDS = 7
SEARCHES = ("高龄补贴", "gljt", "laonian", "开饭店", "残疾")


def run() -> list[Result]:
    site.prepare()
    return [*_calendar(), *_identity_numbers(), *_audit(), _search()]


def cpu(work: Callable[[], object], times: int) -> float:
    """Microseconds of CPU per call: the median of seven rounds."""
    taken = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(times):
            work()
        taken.append((time.process_time() - started) * 1e6 / times)
    return statistics.median(taken)


def _calendar() -> list[Result]:
    """Twenty working days from a moment: prefix sums over the year against a loop that asks day by day."""
    from yici.core.calendars.queries import calendar
    from yici.core.calendars.rules import Unit

    ours, start = calendar(), dt.datetime(2026, 1, 5, 10, tzinfo=CHINA)
    results = []
    for days in (5, 20, 200):
        assert day_by_day(ours.is_working_day, start.date(), days) == (
            ours.add_working_time(start, days, Unit.WORKING_DAY).date()
        )
        fast = cpu(lambda n=days: ours.add_working_time(start, n, Unit.WORKING_DAY), 2000)  # type: ignore[misc]
        naive = cpu(lambda n=days: day_by_day(ours.is_working_day, start.date(), n), 500)  # type: ignore[misc]
        note = f"{fast:.1f} µs against {naive:.1f} µs"
        results.append(
            Result(f"calendar: {days} working days, times faster than a day loop", naive / fast, "×", note=note)
        )
    return results


def day_by_day(is_working_day: Callable[[dt.date], bool], day: dt.date, amount: int) -> dt.date:
    """The plainest way, which everybody writes first."""
    while amount:
        day += dt.timedelta(days=1)
        amount -= is_working_day(day)
    return day


def _identity_numbers() -> list[Result]:
    """Checking and reading an ID number, against python-stdnum, which checks the same and reads less."""
    import stdnum.cn.ric as stdnum

    from yici.core.vocabulary import rules
    from yici.platform.data.models import Resident

    numbers = list(Resident.objects.values_list("id_number", flat=True)[:2000])
    numbers = [number for number in numbers if stdnum.is_valid(number)]  # it does not know every old area code

    def ours() -> None:
        for number in numbers:
            rules.parse_id_number(number)

    def theirs() -> None:
        for number in numbers:
            stdnum.validate(number)

    mine, other = (cpu(work, 1) / len(numbers) for work in (ours, theirs))
    return [
        Result("ID numbers checked a second", 1e6 / mine, "", note=f"{mine:.1f} µs each"),
        Result("ID numbers: times faster than python-stdnum", other / mine, "×", 1, higher_is_better=True),
    ]


def _audit() -> list[Result]:
    """One look recorded in the hash chain, against the same row put into a bare table, each in its own transaction."""
    from django.db import connection

    from yici.core.audit import services as audit

    actor = audit.Actor(None, "性能测量", "市信息局", "127.0.0.1")

    def chained() -> None:
        audit.record(actor, "read", subject=("person", 1), elements=["person.name", "person.phone"], purpose="性能测量")

    row = ("性能测量", "市信息局", "read", "person", "1", '["person.name", "person.phone"]', "性能测量", "127.0.0.1")
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE bench_bare (id bigserial PRIMARY KEY, at timestamptz DEFAULT now(), actor text,"
            " organisation text, action text, kind text, subject text, elements jsonb, purpose text, address text)"
        )

        def bare() -> None:
            cursor.execute(
                "INSERT INTO bench_bare (actor, organisation, action, kind, subject, elements, purpose, address)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                row,
            )

        with_chain, without = _elapsed(chained, 300), _elapsed(bare, 300)
        cursor.execute("DROP TABLE bench_bare")
    note = f"{with_chain:.2f} ms against {without:.2f} ms"
    return [
        Result("audit records a second, one connection", 1000 / with_chain, ""),
        Result("audit: cost of a chained record in bare inserts", with_chain / without, "×", note=note),
    ]


def _elapsed(work: Callable[[], object], times: int) -> float:
    """Milliseconds per call, database included: the median round."""
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(times):
            work()
        taken.append((time.perf_counter() - started) * 1000 / times)
    return statistics.median(taken)


def _search() -> Result:
    from yici.systems.hall import queries

    each = cpu(lambda: [queries.search(words) for words in SEARCHES], 20) / len(SEARCHES) / 1000
    return Result("search: application CPU of one query", each, "ms", 5)
