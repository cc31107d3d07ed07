"""What the database tallies is what the cases are, whatever happens to them and whoever writes it."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest
from typer.testing import CliRunner

from bench import seed_cases
from tests.core.cases.conftest import MONDAY, moment
from yici.base import clock
from yici.cli import app as cli
from yici.core.cases import services
from yici.core.cases.models import Case, Correction, Tally
from yici.core.cases.reading.statistics import Breakdown, StatisticsRow, count_cases, light_statistics, statistics
from yici.core.cases.rules import DECIDED_OUTCOMES
from yici.core.people.models import Organisation
from yici.core.people.queries import scope_of
from yici.core.people.scopes import Area, Scope

PERIODS: tuple[Any, ...] = (
    None,
    (dt.date(2026, 6, 1), dt.date(2026, 6, 30)),
    (dt.date(2026, 6, 1), dt.date(2026, 6, 1)),
    (dt.date(2026, 5, 31), dt.date(2026, 7, 1)),
    (dt.date(2026, 1, 31), dt.date(2026, 3, 1)),
    (dt.date(2025, 12, 29), dt.date(2026, 1, 4)),
    (dt.date(2026, 1, 1), dt.date(2026, 12, 31)),
)


def agree(scope: Scope | None = None) -> None:
    """Every period and breakdown says the same by tallies and by cases, in any order of equals."""
    for period in PERIODS:
        for by in (None, Breakdown.ORGANISATION, Breakdown.DIVISION, Breakdown.MONTH):
            tallied, counted = statistics(None, period, by, scope), count_cases(None, period, by, scope)
            assert _some(tallied) == _some(counted), (period, by)
            lights = {(row.key, row.green, row.yellow, row.red) for row in _some(counted)}
            assert {
                (row.key, row.green, row.yellow, row.red) for row in light_statistics(period, by, scope)
            } <= lights | {("", 0, 0, 0)}


def _some(rows: list[StatisticsRow]) -> list[StatisticsRow]:
    nothing = StatisticsRow("", "").__dict__
    return [row for row in rows if any(row.__dict__[name] for name in nothing if name not in ("key", "label"))]


def test_what_happens_to_cases_moves_the_tallies_with_them(open_one: Any, take: Any, demo: Any) -> None:
    assert services.verify_tallies() == 0
    before = statistics()[0].opened
    refused = take(open_one(), "refuse", demo.clerk, reason="不符合条件")
    case = take(take(open_one(), "accept", demo.clerk), "review", demo.reviewer, opinion="同意")
    take(case, "approve", demo.approver, at=moment("2026-07-20 10:00"))
    asked = take(open_one(), "request_correction", demo.clerk, demands=[{"label": "电话", "request": "补"}])
    open_one(at=moment("2026-02-28 23:59"), is_simulated=True)
    open_one(at=moment("2026-03-01 00:01"))
    assert services.verify_tallies() == 0
    agree()
    agree(scope_of(demo.supervisor, "metric.view"))
    agree(Scope((Area(None, "341621000000"),)))
    agree(Scope((Area(None, "341621100000"), Area(refused.organisation.path, None))))
    agree(Scope((Area(refused.organisation.path, None),)))
    (june,) = statistics(None, (dt.date(2026, 6, 1), dt.date(2026, 6, 30)))
    assert (june.opened, june.corrected, june.accepted, june.closed) == (3, 1, 1, 1)
    assert statistics()[0].opened == before + 4

    # Nothing is merged that changes a count, and a second correction is not a second corrected case.
    services.merge_tallies()
    given = {"reason": "", "demands": [], "requested_by": demo.clerk, "requested_at": MONDAY}
    Correction.objects.create(case=asked, number="再次补正", **given)
    Correction.objects.bulk_create([Correction(case=refused, number=f"一并补正{n}", **given) for n in (1, 2)])
    agree()
    for one, left in ((asked, 1), (refused, 0)):
        one.corrections.all().delete()
        assert services.verify_tallies() == 0
        assert statistics(None, (dt.date(2026, 6, 1), dt.date(2026, 6, 30)))[0].corrected == left


def test_a_row_written_past_the_services_is_tallied_too(open_one: Any, demo: Any) -> None:
    """Bulk writes, a repair by hand, a removal: the database sees them all."""
    draw = random.Random(5)
    cases = [open_one(at=moment(f"2026-0{month}-{day:02d} 09:00")) for month in range(1, 7) for day in (1, 15, 28)]
    elsewhere = Organisation.objects.exclude(pk=cases[0].organisation_id).filter(division__isnull=False)[:5]
    for step in range(60):
        row = Case.objects.filter(pk=draw.choice(cases).pk)
        at = moment("2026-01-01 00:00") + dt.timedelta(hours=draw.randrange(9000))
        organisation = draw.choice(list(elsewhere))
        row.update(
            **draw.choice(
                (
                    {"accepted_at": at},
                    {"accepted_at": None},
                    {"closed_at": at, "outcome": draw.choice(sorted(DECIDED_OUTCOMES)), "closed_on_time": draw.choice((True, False, None)), "used_days": draw.choice((None, 1, "2.5"))},
                    {"closed_at": at, "outcome": "withdrawn", "closed_on_time": None, "used_days": None},
                    {"closed_at": None, "outcome": ""},
                    {"organisation": organisation, "division": organisation.division_id},
                    {"is_self_filed": draw.choice((True, False))},
                    {"is_simulated": draw.choice((True, False))},
                    {"opened_at": at},
                    {"light": draw.choice(("green", "yellow", "red", "none"))},
                )
            )
        )  # fmt: skip
        if step % 20 == 7:
            services.merge_tallies()
    assert services.verify_tallies() == 0
    agree()
    Case.objects.filter(pk__in=[case.pk for case in cases[:4]]).update(closed_at=MONDAY, outcome="denied")
    assert services.verify_tallies() == 0


def test_a_tally_moves_only_with_what_is_counted(open_one: Any) -> None:
    case = open_one()
    before = Tally.objects.count()
    Case.objects.filter(pk=case.pk).update(title="另一个标题", light="red", urged=3, assignee=None)
    assert Tally.objects.count() == before


def test_a_case_that_moved_leaves_no_empty_line_behind(open_one: Any) -> None:
    case = open_one()
    elsewhere = Organisation.objects.exclude(pk=case.organisation_id).filter(division__isnull=False)[0]
    Case.objects.filter(pk=case.pk).update(organisation=elsewhere, division=elsewhere.division_id)
    day = (MONDAY.date(), MONDAY.date())
    assert Tally.objects.filter(day=MONDAY.date(), organisation=case.organisation).count() == 2
    assert [row.key for row in statistics(None, day, "organisation")] == [elsewhere.slug]


def test_merging_leaves_one_row_for_each_key(open_one: Any) -> None:
    for _ in range(3):
        open_one()
    keys = ("day", "organisation", "division", "system")
    services.merge_tallies()
    assert Tally.objects.count() == Tally.objects.values(*keys).distinct().count()
    assert not Tally.objects.filter(is_merged=False).exists()
    assert services.merge_tallies() == 0
    assert services.verify_tallies() == 0


def test_counting_anew_mends_what_was_spoilt(open_one: Any) -> None:
    open_one()
    Tally.objects.update(opened=7)
    assert services.verify_tallies() > 0
    services.rebuild_tallies()
    assert services.verify_tallies() == 0
    agree()


@pytest.mark.django_db
def test_the_generator_of_the_benchmarks_counts_what_it_copied() -> None:
    seed_cases.seed(300, 7)
    assert services.verify_tallies() == 0
    agree()


def test_the_terminal_tells_what_differs_and_mends_it(open_one: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yici.cli.set_up_django", lambda: None)  # it is set up, on the database of the test
    case = open_one()

    def verify(*options: str) -> tuple[int, str]:
        done = CliRunner().invoke(cli, ["cases", "verify", *options], env={"COLUMNS": "200"})
        return done.exit_code, done.output

    Case.objects.exclude(pk=case.pk).delete()
    with clock.at(MONDAY):
        assert verify() == (0, "办件核对无误：各栏与经过一致，计数与办件一致。\n")
        Case.objects.filter(pk=case.pk).update(event_count=9)
        Tally.objects.update(opened=7)
        code, told = verify()
        assert code == 1
        assert f"{case.number} event_count：9 ≠ 1" in told
        assert "计数与办件不符：1 组" in told
        assert verify("--mend")[0] == 0
        assert verify()[0] == 0
