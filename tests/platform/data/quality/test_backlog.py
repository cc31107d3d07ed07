"""Series on paper: how far they are, and who says so."""

from __future__ import annotations

from typing import Any

import pytest

from yici.base.errors import Invalid
from yici.core.audit import queries as audit
from yici.core.people.models import Organisation
from yici.core.people.queries import scope_of
from yici.platform.data.models import PaperSeries
from yici.platform.data.quality import backlog

pytestmark = pytest.mark.django_db


@pytest.fixture
def series(demo: Any) -> PaperSeries:
    PaperSeries.objects.all().delete()
    make("civil_affairs.files", "bz.civil_affairs", 500, 400, 100)
    make("civil_affairs.ledgers", "bz.civil_affairs", 100, 0, 0)
    return make("public_security.books", "bz.public_security", 1000, 300, 200)


def make(slug: str, organisation: str, papers: int, scanned: int, structured: int) -> PaperSeries:
    return PaperSeries.objects.create(
        slug=slug, name=slug, department=Organisation.objects.get(slug=organisation), first_year=1950, last_year=2000,
        papers=papers, scanned=scanned, structured=structured,
    )  # fmt: skip


def test_series_with_the_most_papers_left_come_first(series: PaperSeries) -> None:
    assert [one.slug for one in backlog.series()] == [
        "public_security.books", "civil_affairs.files", "civil_affairs.ledgers",
    ]  # fmt: skip


def test_departments_add_up_their_series(series: PaperSeries) -> None:
    first, second = backlog.by_department()
    assert (first.department.slug, first.left) == ("bz.public_security", 800)
    assert (second.papers, second.scanned, second.structured, second.left) == (600, 400, 100, 500)
    assert (second.scanned_share, round(second.structured_share, 3)) == (400 / 600, 0.167)


def test_an_officer_sees_the_series_of_the_own_department(series: PaperSeries, demo: Any) -> None:
    scope = scope_of(demo.data_officer, "data.view")
    assert [one.slug for one in backlog.series(scope)] == ["public_security.books"]
    assert [one.department.slug for one in backlog.by_department(scope)] == ["bz.public_security"]
    assert list(backlog.series(scope_of(demo.clerk, "data.view"))) == []


def test_progress_is_recorded_with_who_noted_it(series: PaperSeries, demo: Any) -> None:
    backlog.note_progress(series, 350, 250, demo.data_officer)
    series.refresh_from_db()
    assert (series.scanned, series.structured) == (350, 250)
    entry = next(iter(audit.entries_about("paper_series", series.pk, 1)))
    assert entry.actor_name == demo.data_officer.name
    assert "300→350" in entry.purpose


def test_counts_shrink_only_with_a_reason(series: PaperSeries, demo: Any) -> None:
    with pytest.raises(Invalid) as refused:
        backlog.note_progress(series, 290, 200, demo.data_officer)
    assert "reason" in refused.value.fields
    backlog.note_progress(series, 290, 200, demo.data_officer, "重复扫描的十份剔除")
    entry = next(iter(audit.entries_about("paper_series", series.pk, 1)))
    assert "重复扫描" in entry.purpose


@pytest.mark.parametrize(("scanned", "structured"), [(1001, 0), (300, 301), (300, -1)])
def test_more_structured_than_scanned_or_scanned_than_there_are_is_refused(
    series: PaperSeries, demo: Any, scanned: int, structured: int
) -> None:
    with pytest.raises(Invalid):
        backlog.note_progress(series, scanned, structured, demo.data_officer, "更正")
    series.refresh_from_db()
    assert (series.scanned, series.structured) == (300, 200)
