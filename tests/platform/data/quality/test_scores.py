"""Scores are counts that add up; which deliveries they are of; the league table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.platform.data.factories import make_class, make_definition, make_run, make_snapshot, outcome
from yici.base import clock
from yici.core.people.models import Organisation
from yici.core.people.queries import scope_of
from yici.platform.data.models import DataClass, Issue, RuleResult, Score, Snapshot
from yici.platform.data.quality import queries
from yici.platform.data.quality.measuring import measure, month_of
from yici.platform.data.quality.queries import Tally

pytestmark = pytest.mark.django_db

POLICE, CIVIL, EDUCATION = "bz.public_security", "bz.civil_affairs", "bz.education"


def class_of(slug: str, organisation: str = POLICE) -> DataClass:
    return make_class(make_definition(slug), organisation)


def measured(data_class: DataClass, *outcomes: Any, mode: str = "full", months_ago: int = 0) -> Snapshot:
    """A load with these outcomes, published now or in the middle of an earlier month."""
    at = clock.now()
    for _month in range(months_ago):
        at = at.replace(day=1) - dt.timedelta(days=10)
    run = make_run(data_class, state="published")
    snapshot = make_snapshot(data_class, run, mode=mode, published_at=at)
    measure(run, snapshot, outcomes)
    return snapshot


def test_results_and_scores_are_kept_by_column_and_dimension(demo: Any) -> None:
    data_class = class_of("public_security.a")
    snapshot = measured(
        data_class,
        outcome("id_number.cn_id", 100, 3),
        outcome("id_number.matches", 100, 1),
        outcome("id_number.not_blank", 100, 2, "completeness"),
        outcome("phone.phone", 0, 0),
    )
    assert RuleResult.objects.filter(run=snapshot.run).count() == 4
    found = {(one.column, one.dimension): (one.checked, one.failed) for one in Score.objects.filter(snapshot=snapshot)}
    assert found == {("id_number", "validity"): (200, 4), ("id_number", "completeness"): (100, 2)}
    assert Score.objects.filter(snapshot=snapshot, month=month_of(clock.now())).count() == 2


def test_measuring_a_run_again_replaces_its_figures(demo: Any) -> None:
    data_class = class_of("public_security.a")
    snapshot = measured(data_class, outcome("id_number.cn_id", 100, 3), outcome("name.not_blank", 100, 1))
    measure(snapshot.run, snapshot, [outcome("id_number.cn_id", 100, 0)])
    assert queries.class_scores([data_class.pk]) == {data_class.pk: Tally(100, 0)}
    assert RuleResult.objects.get(run=snapshot.run, rule="id_number.cn_id").failed == 0


def test_columns_add_up_to_the_class_classes_to_the_department_departments_to_the_city(demo: Any) -> None:
    first, second, third = (
        class_of("public_security.a"),
        class_of("public_security.b"),
        class_of("civil_affairs.c", CIVIL),
    )
    measured(first, outcome("id_number.cn_id", 100, 10), outcome("name.not_blank", 50, 1, "completeness"))
    measured(second, outcome("id_number.cn_id", 1000, 5))
    measured(third, outcome("id_number.unique", 10, 10, "uniqueness"))
    columns = queries.column_scores(first.pk)
    whole = sum((tally for one in columns.values() for tally in one.values()), Tally())
    assert whole == queries.class_scores([first.pk])[first.pk] == Tally(150, 11)
    police = Organisation.objects.get(slug=POLICE)
    assert sum(queries.dimension_scores(department=police).values(), Tally()) == Tally(1150, 16)
    city = queries.dimension_scores()
    assert city == {"validity": Tally(1100, 15), "completeness": Tally(50, 1), "uniqueness": Tally(10, 10)}
    assert sum(city.values(), Tally()) == sum((one.tally for one in queries.league()), Tally())


def test_a_full_delivery_replaces_what_the_one_before_was_found_to_be(demo: Any) -> None:
    data_class = class_of("public_security.a")
    measured(data_class, outcome(checked=100, failed=90))
    measured(data_class, outcome(checked=100, failed=1))
    assert queries.class_scores([data_class.pk])[data_class.pk] == Tally(100, 1)


def test_increments_of_a_month_are_counted_together_with_the_full_delivery_before_them(demo: Any) -> None:
    data_class = class_of("public_security.a")
    measured(data_class, outcome(checked=7, failed=7), mode="increment")
    measured(data_class, outcome(checked=1000, failed=20))
    measured(data_class, outcome(checked=10, failed=1), mode="increment")
    measured(data_class, outcome(checked=5, failed=0), mode="increment")
    assert queries.class_scores([data_class.pk])[data_class.pk] == Tally(1015, 21)


def test_a_version_that_was_rolled_back_no_longer_counts(demo: Any) -> None:
    data_class = class_of("public_security.a")
    measured(data_class, outcome(checked=100, failed=1))
    bad = measured(data_class, outcome(checked=100, failed=90))
    Snapshot.objects.filter(pk=bad.pk).update(state=Snapshot.State.ROLLED_BACK)
    make_snapshot(data_class, mode="rollback")
    assert queries.class_scores([data_class.pk])[data_class.pk] == Tally(100, 1)


def test_the_trend_keeps_the_score_of_a_class_that_brought_nothing_in_a_month(demo: Any) -> None:
    quarterly, monthly = class_of("public_security.a"), class_of("public_security.b")
    measured(quarterly, outcome(checked=100, failed=10), months_ago=3)
    measured(monthly, outcome(checked=100, failed=30), months_ago=2)
    measured(monthly, outcome(checked=100, failed=20), months_ago=1)
    points = queries.trend()
    assert [tally for _month, tally in points] == [Tally(100, 10), Tally(200, 40), Tally(200, 30), Tally(200, 30)]
    assert points[-1][0] == month_of(clock.now())
    assert [tally for _month, tally in queries.trend(class_id=monthly.pk, months=2)] == [Tally(100, 20), Tally(100, 20)]
    assert queries.trend(class_id="public_security.none") == []


def test_the_worst_classes_and_rules_come_first(demo: Any) -> None:
    good, bad, clean = class_of("public_security.a"), class_of("public_security.b"), class_of("public_security.c")
    measured(good, outcome("id_number.cn_id", 1000, 5))
    measured(bad, outcome("id_number.cn_id", 10, 4), outcome("name.not_blank", 10, 1, "completeness"))
    measured(clean, outcome("id_number.cn_id", 10, 0))
    assert [one.data_class for one in queries.worst_classes()] == [bad, good]
    assert [one.data_class for one in queries.worst_classes(dimension="completeness")] == [bad]
    assert [(one.class_id, one.tally.failed) for one in queries.failing_rules()] == [
        (good.pk, 5), (bad.pk, 4), (bad.pk, 1),
    ]  # fmt: skip


@pytest.fixture
def three_departments(demo: Any) -> dict[str, DataClass]:
    police, civil, school = (
        class_of("public_security.a"), class_of("civil_affairs.c", CIVIL), class_of("education.e", EDUCATION),
    )  # fmt: skip
    measured(police, outcome(checked=100, failed=30), months_ago=1)
    measured(police, outcome(checked=100, failed=10))
    measured(civil, outcome(checked=100, failed=10))
    measured(school, outcome(checked=100, failed=1))
    return {"police": police, "civil": civil, "school": school}


def test_the_league_table_ranks_departments_and_says_how_they_moved(three_departments: dict[str, DataClass]) -> None:
    table = queries.league()
    assert (table[0].department.slug, table[0].of) == (EDUCATION, 3)
    assert {one.department.slug: one.rank for one in table} == {EDUCATION: 1, POLICE: 2, CIVIL: 2}
    police = next(one for one in table if one.department.slug == POLICE)
    assert police.change == pytest.approx(0.2)
    assert next(one for one in table if one.department.slug == CIVIL).change is None


def test_the_league_table_counts_open_issues_and_overdue_classes(three_departments: dict[str, DataClass]) -> None:
    police = three_departments["police"]
    run = police.runs.latest("pk")
    police.channels.update(last_success_at=clock.now() - dt.timedelta(days=60))
    three_departments["civil"].channels.update(last_success_at=clock.now())
    for rule, closed_at in (("a.b", None), ("a.c", clock.now())):
        Issue.objects.create(
            data_class=police, rule=rule, dimension="validity", unit=police.department, opened_run=run,
            latest_run=run, checked=1, failed=1, failed_at_first=1, opened_at=clock.now(), closed_at=closed_at,
        )  # fmt: skip
    table = {one.department.slug: (one.open_issues, one.overdue) for one in queries.league()}
    assert table == {POLICE: (1, 1), CIVIL: (0, 0), EDUCATION: (0, 0)}
    assert queries.open_issues().get().rule == "a.b"


def test_an_officer_sees_the_own_department_with_its_rank_in_the_city(
    three_departments: dict[str, DataClass], demo: Any
) -> None:
    scope = scope_of(demo.data_officer, "data.view")
    (own,) = queries.league(scope)
    assert (own.department.slug, own.rank, own.of) == (POLICE, 2, 3)
    assert [one.data_class.pk for one in queries.worst_classes(scope)] == ["public_security.a"]
    assert {one.class_id for one in queries.failing_rules(scope)} == {"public_security.a"}
    assert sum(queries.dimension_scores(scope).values(), Tally()) == Tally(100, 10)
    assert queries.league(scope_of(demo.clerk, "data.view")) == []


@pytest.mark.parametrize(
    ("ask", "most"),
    [
        (lambda: queries.league(), 5),
        (lambda: queries.trend(), 1),
        (lambda: queries.worst_classes(), 2),
        (lambda: queries.dimension_scores(), 1),
        (lambda: queries.failing_rules(), 1),
        (lambda: queries.lights_of(), 2),
        (lambda: queries.feedback(), 2),
        (lambda: queries.feedback_counts(), 3),
    ],
    ids=["league", "trend", "worst", "dimensions", "rules", "lights", "feedback", "counts"],
)
def test_a_list_costs_the_same_however_long_it_is(
    three_departments: dict[str, DataClass], ask: Callable[[], Any], most: int
) -> None:
    ask()  # the working calendar is read once
    with CaptureQueriesContext(
        connection,
    ) as few:
        ask()
    for place in range(20):
        measured(class_of(f"public_security.more{place}"), outcome(checked=10, failed=place), mode="increment")
    with CaptureQueriesContext(connection) as many:
        ask()
    assert len(few) == len(many) <= most


def test_lights_count_described_classes_by_their_freshest_channel(demo: Any) -> None:
    before = queries.lights_of()
    late, fresh = class_of("public_security.a"), class_of("public_security.b")
    late.channels.update(last_success_at=clock.now() - dt.timedelta(days=60))
    fresh.channels.update(last_success_at=clock.now())
    after = queries.lights_of()
    assert (after["red"] - before["red"], after["green"] - before["green"]) == (1, 1)
