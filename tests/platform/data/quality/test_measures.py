"""What the data service counts for the city's metrics."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.platform.data.factories import make_class, make_definition, make_run, make_snapshot, outcome
from yici.base import clock
from yici.core.metrics import queries as metrics
from yici.core.metrics.rules import Period
from yici.core.people.queries import scope_of
from yici.platform.data.models import DataClass, Issue
from yici.platform.data.quality.measures import register
from yici.platform.data.quality.measuring import measure

pytestmark = pytest.mark.django_db
POLICE, CIVIL = "bz.public_security", "bz.civil_affairs"
NAMES = (
    "data.classes", "data.rows", "data.quality", "data.overdue", "data.open_issues", "data.issues_opened",
    "data.rows_loaded", "data.quarantine_share",
)  # fmt: skip


def month(ago: int = 0) -> Period:
    period = Period.of("month", clock.today())
    for _step in range(ago):
        period = period.previous()
    return period


def loaded(data_class: DataClass, rows: int, held: int, ago: int = 0) -> None:
    """A load of so many rows, in the middle of a month."""
    at = clock.now() if not ago else clock.now().replace(day=15) - dt.timedelta(days=30 * ago)
    run = make_run(
        data_class, state="published", ended_at=at, rows_read=rows, rows_accepted=rows - held, rows_quarantined=held
    )
    measure(
        run,
        make_snapshot(data_class, run, published_at=at, row_count=rows - held),
        [outcome(checked=rows, failed=held)],
    )
    data_class.channels.update(last_success_at=at)


@pytest.fixture
def two_departments(demo: Any) -> tuple[DataClass, DataClass]:
    register()
    police = make_class(make_definition("public_security.a"), POLICE)
    civil = make_class(make_definition("civil_affairs.b"), CIVIL)
    loaded(police, 1000, 100, ago=1)
    loaded(police, 2000, 100)
    loaded(civil, 500, 0, ago=1)
    return police, civil


def value(name: str, ago: int = 0, **kwargs: Any) -> Any:
    return metrics.measure(name, month(ago), **kwargs).value


def test_classes_and_rows_are_those_that_stood_at_the_end_of_the_period(two_departments: Any) -> None:
    assert (value("data.classes"), value("data.classes", 1), value("data.classes", 2)) == (2, 2, 0)
    assert (value("data.rows"), value("data.rows", 1)) == (1900 + 500, 900 + 500)
    assert (value("data.rows_loaded"), value("data.rows_loaded", 1)) == (1900, 1400)


def test_quality_and_quarantine_are_ratios_of_counts(two_departments: Any) -> None:
    assert value("data.quality") == 100 * (2500 - 100) / 2500
    assert float(value("data.quality", 1)) == pytest.approx(100 * 1400 / 1500)
    assert value("data.quarantine_share") == 5
    (compared,) = metrics.measure("data.quality", month()).comparisons
    assert compared.tone == "better"


def test_a_daily_class_that_stopped_a_month_ago_is_overdue_now_and_was_already_then(two_departments: Any) -> None:
    assert value("data.overdue") == 1
    (row,) = metrics.measure("data.overdue", month(), "organisation").rows
    assert (row.row.key, row.value) == (CIVIL, 1)
    assert value("data.overdue", 1) == 2  # read from the runs: both had stopped in the middle of that month


def test_open_issues_are_counted_as_they_stood(two_departments: Any) -> None:
    police, _civil = two_departments
    run = police.runs.latest("pk")
    last_month = clock.now().replace(day=1) - dt.timedelta(days=5)
    for rule, opened, closed in (
        ("a.b", last_month, clock.now()),
        ("a.c", last_month, None),
        ("a.d", clock.now(), None),
    ):
        Issue.objects.create(
            data_class=police, rule=rule, dimension="validity", unit=police.department, opened_run=run, latest_run=run,
            checked=1, failed=1, failed_at_first=1, opened_at=opened, closed_at=closed,
        )  # fmt: skip
    assert (value("data.open_issues"), value("data.open_issues", 1)) == (2, 2)
    assert (value("data.issues_opened"), value("data.issues_opened", 1)) == (1, 2)


@pytest.mark.parametrize("name", NAMES)
def test_departments_add_up_to_the_city_and_a_scope_narrows_to_its_own(
    name: str, two_departments: Any, demo: Any
) -> None:
    whole = metrics.measure(name, month(), "organisation")
    assert not whole.problems
    assert whole.is_provided
    own = metrics.measure(name, month(), "organisation", scope_of(demo.data_officer, "metric.view"))
    assert {row.row.key for row in own.rows} <= {POLICE}
    assert not own.problems
