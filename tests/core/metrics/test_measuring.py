"""Measuring through providers, freezing, pages, export and API."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from yici.base import clock
from yici.base.errors import Invalid, Misconfigured
from yici.core.metrics import ports, queries, services
from yici.core.metrics.errors import AlreadyFrozen, ChecksFailed, UnknownBreakdown, UnknownMetric
from yici.core.metrics.linting import lint
from yici.core.metrics.models import Snapshot
from yici.core.metrics.rules import Period, Row
from yici.core.people.scopes import Scope

NOVEMBER = Period.parse("2026-11")
NOON = dt.datetime(2026, 11, 23, 4, tzinfo=dt.UTC)
COUNTS = {"2026-11": 348, "2026-10": 100, "2025-11": 58}


def accepted(period: Period, breakdown: str | None, scope: Scope | None) -> list[Row]:
    total = COUNTS.get(period.code, 0)
    if breakdown is None:
        return [Row("", "", total, url=f"/desk/cases/?period={period.code}")]
    return [Row("a", "=谯城区", total - total // 3, url="/desk/cases/?by=a"), Row("b", "涡阳县", total // 3)]


def self_filed_rate(period: Period, breakdown: str | None, scope: Scope | None) -> list[Row]:
    if breakdown:
        return [Row("a", "甲", 1000, 2000), Row("b", "乙", 954, 1417)]
    return [Row("", "", *((1954, 3417) if period == NOVEMBER else (26, 100)))]


@pytest.fixture
def counted() -> Iterator[None]:
    """Two metrics counted by the functions above, and nothing else, for the length of a test."""
    before = {metric.id: ports.forget(metric.id) for metric in queries.metrics()}
    ports.register("case.accepted", accepted)
    ports.register("case.self_filed_rate", self_filed_rate)
    yield
    for metric_id, provider in before.items():
        ports.forget(metric_id)
        if provider:
            ports.register(metric_id, provider)


@pytest.mark.usefixtures("counted")
def test_a_count_is_compared_with_last_month_and_last_year() -> None:
    measured = queries.measure("case.accepted", NOVEMBER)
    assert (measured.value, measured.text, measured.unit) == (Decimal(348), "348", "件")
    assert [made.words for made in measured.comparisons] == ["比上月增加248%", "比去年同期增加500%"]
    assert measured.comparison and measured.comparison.ratio == Decimal("3.48")


@pytest.mark.usefixtures("counted")
def test_a_rate_is_the_quotient_and_moves_in_points() -> None:
    measured = queries.measure("case.self_filed_rate", NOVEMBER, "organisation")
    assert measured.text == "57.2"
    assert measured.comparisons[0].words == "比上月增加31.2个百分点" and measured.comparisons[0].tone == "better"
    assert [part.text for part in measured.rows] == ["50.0", "67.3"]
    assert measured.problems == []


@pytest.mark.usefixtures("counted")
def test_an_empty_period_has_no_rate_and_no_comparison() -> None:
    measured = queries.measure("case.accepted", Period.parse("2020-01"))
    assert measured.text == "0" and measured.comparison is None


@pytest.mark.usefixtures("counted")
def test_the_history_ends_with_the_period_and_is_measured_by_its_highest() -> None:
    months = queries.history("case.accepted", NOVEMBER)
    assert [one.period.code for one in months][::11] == ["2025-12", "2026-11"]
    assert [(one.text, one.share) for one in months][-3:] == [("0", 0), ("100", 29), ("348", 100)]
    rates = queries.history("case.self_filed_rate", Period.parse("2026-Q1"))
    assert [(one.period.short_label(), one.text, one.share) for one in rates][-2:] == [
        ("Q4", "26.0", 100),
        ("Q1", "26.0", 100),
    ]
    assert [one.short_label() for one in map(Period.parse, ("2026", "2026-11", "2026-W47", "2026-11-03"))] == [
        "2026", "11月", "W47", "11-3",
    ]  # fmt: skip
    assert queries.history("case.accepted", NOVEMBER, Scope()) == []
    assert queries.history("case.closed", NOVEMBER) == [], "nobody counts it here"


@pytest.mark.usefixtures("counted")
def test_parts_of_a_count_come_largest_first_and_divisions_in_their_order() -> None:
    def some(period: Period, breakdown: str | None, scope: Scope | None) -> list[Row]:
        return [Row("a", "甲", 1), Row("b", "乙", 5), Row("c", "丙", 3)] if breakdown else [Row("", "", 9)]

    ports.forget("case.accepted")
    ports.register("case.accepted", some)
    by = {
        name: [one.row.key for one in queries.measure("case.accepted", NOVEMBER, name).rows]
        for name in ("organisation", "division")
    }
    assert by == {"organisation": ["b", "c", "a"], "division": ["a", "b", "c"]}
    ports.forget("case.accepted")
    ports.register("case.accepted", accepted)


@pytest.mark.usefixtures("counted")
def test_unknown_metrics_and_breakdowns_are_refused() -> None:
    with pytest.raises(UnknownMetric):
        queries.measure("case.nope", NOVEMBER)
    with pytest.raises(UnknownBreakdown):
        queries.measure("case.accepted", NOVEMBER, "zodiac")


@pytest.mark.usefixtures("counted")
def test_nobody_counts_for_an_empty_scope_or_an_unregistered_metric() -> None:
    assert queries.measure("case.accepted", NOVEMBER, None, Scope()).value is None
    assert not queries.measure("case.urges", NOVEMBER).is_provided


@pytest.mark.usefixtures("counted")
def test_a_metric_is_counted_by_one_function_only() -> None:
    ports.register("case.accepted", accepted)
    with pytest.raises(Misconfigured):
        ports.register("case.accepted", self_filed_rate)


def test_the_citys_metrics_have_no_findings(city: Path) -> None:
    assert list(lint(city)) == []
    assert len(queries.metrics()) >= 10


def test_linter_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "metrics.yaml").write_text("metrics:\n  - id: a.b\n    label: 甲\n  - nonsense\n", "utf-8")
    assert next((finding.rule, finding.line) for finding in lint(tmp_path)) == ("metrics.shape", 2)


@pytest.mark.django_db
@pytest.mark.usefixtures("counted")
def test_frozen_values_stay_while_live_ones_move(monkeypatch: pytest.MonkeyPatch) -> None:
    with clock.at(NOON):
        kept = services.freeze("case.accepted", NOVEMBER)
        assert {row.breakdown for row in kept} == {"", "organisation", "division"}
        monkeypatch.setitem(COUNTS, "2026-11", 400)
        assert queries.measure("case.accepted", NOVEMBER).text == "400"
        assert [row.value for row in queries.frozen("case.accepted", NOVEMBER)] == [Decimal(348)]
        with pytest.raises(AlreadyFrozen):
            services.freeze("case.accepted", NOVEMBER)
    with clock.at(NOON + dt.timedelta(hours=1)):
        services.freeze("case.accepted", NOVEMBER)
    assert [row.value for row in queries.frozen("case.accepted", NOVEMBER)] == [Decimal(400)]
    assert [row.value for row in queries.frozen("case.accepted", NOVEMBER, cutoff=NOON)] == [Decimal(348)]


@pytest.mark.django_db
@pytest.mark.usefixtures("counted")
def test_the_database_refuses_to_change_a_frozen_value() -> None:
    with clock.at(NOON):
        services.freeze("case.accepted", NOVEMBER)
    for change in (lambda: Snapshot.objects.update(value=1), lambda: Snapshot.objects.all().delete()):
        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            change()


@pytest.mark.django_db
@pytest.mark.usefixtures("counted")
def test_contradicting_figures_cannot_be_frozen() -> None:
    def wrong(period: Period, breakdown: str | None, scope: Scope | None) -> list[Row]:
        return [Row("", "", 10)] if breakdown is None else [Row("a", "甲", 3)]

    ports.register("case.urges", wrong)
    with clock.at(NOON), pytest.raises(ChecksFailed) as refused:
        services.freeze("case.urges", NOVEMBER)
    assert "相差 -7" in refused.value.extra["problems"][0]
    assert not Snapshot.objects.exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("counted")
def test_freezing_needs_a_cutoff_that_has_come_and_a_source() -> None:
    with clock.at(NOON):
        for metric, cutoff in (
            ("case.accepted", NOON + dt.timedelta(days=1)),
            ("case.accepted", NOON - dt.timedelta(days=40)),
            ("case.urges", NOON),
        ):
            with pytest.raises(Invalid):
                services.freeze(metric, NOVEMBER, cutoff)


@pytest.mark.django_db
@pytest.mark.usefixtures("counted")
def test_staff_see_cards_with_definitions_and_links(client: Client, demo: Any, sign_in: Any) -> None:
    sign_in(client, demo.supervisor, 2)
    page = client.get("/desk/metrics/", {"period": "2026-11"}).content.decode()
    assert "348" in page and "比上月增加248%" in page and "/desk/cases/?period=2026-11" in page
    assert "按受理时间计" in page and "还没有统计来源" in page
    detail = client.get("/desk/metrics/case.accepted/", {"period": "2026-11", "by": "division"}).content.decode()
    assert "<rect" in detail and "style=" not in detail and "/desk/cases/?by=a" in detail
    assert "2026年10月：100 件" in detail
    assert "?period=2026-10&amp;by=division" in detail
    assert client.get("/desk/metrics/case.nope/").status_code == 404
    assert client.get("/desk/metrics/", {"period": "x"}).status_code == 422
    assert client.get("/desk/metrics/", {"type": "week", "on": "2026-11-23"}).status_code == 200
    assert client.get("/desk/metrics/", {"type": "decade"}).status_code == 422


@pytest.mark.django_db
@pytest.mark.usefixtures("counted")
def test_export_is_safe_for_spreadsheets(client: Client, demo: Any, sign_in: Any) -> None:
    sign_in(client, demo.supervisor, 2)
    reply = client.get("/desk/metrics/case.accepted/export/", {"period": "2026-11", "by": "division"})
    text = reply.content.decode()
    assert text.startswith("\ufeff") and "'=谯城区" in text and "合计,,348" in text
    assert reply["Content-Disposition"].startswith("attachment")


@pytest.mark.django_db
def test_metrics_need_their_permission(client: Client, demo: Any, sign_in: Any) -> None:
    assert client.get("/desk/metrics/").status_code == 302
    assert client.get("/api/v1/metrics").status_code == 401
    sign_in(client, demo.farmer)
    assert client.get("/desk/metrics/").status_code == 403
    assert client.get("/api/v1/metrics").status_code in (401, 403)


@pytest.mark.django_db
@pytest.mark.usefixtures("counted")
def test_api_gives_values_with_their_kind_of_comparison(client: Client, demo: Any, sign_in: Any) -> None:
    sign_in(client, demo.supervisor, 2)
    listed = {metric["id"]: metric for metric in client.get("/api/v1/metrics").json()}
    assert listed["case.accepted"]["is_provided"] and not listed["case.urges"]["is_provided"]
    reply = client.get("/api/v1/metrics/case.self_filed_rate", {"period": "2026-11", "by": "organisation"}).json()
    assert Decimal(str(reply["value"])) == Decimal("57.2")
    assert reply["comparisons"][0]["kind"] == "percentage_points" and len(reply["rows"]) == 2
    assert client.get("/api/v1/metrics/case.accepted", {"period": "nope"}).status_code == 422
