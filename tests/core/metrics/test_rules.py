"""Periods, comparisons that know their kind, qualifiers, and cross-checks."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from yici.base.errors import Invalid
from yici.core.metrics.rules import (
    Comparison,
    ComparisonKind,
    MetricDefinition,
    Period,
    PeriodType,
    Qualifier,
    check_partition,
    check_ratio,
    check_sum,
)

days = st.dates(dt.date(1950, 1, 1), dt.date(2150, 12, 31))
types = st.sampled_from(list(PeriodType))


@pytest.mark.parametrize(
    ("text", "kind", "ratio"),
    [
        ("增加248%", "increase_percent", "3.48"),
        ("同比增长了 248%".replace(" ", ""), "increase_percent", "3.48"),
        ("是2016年的6倍", "times", "6"),
        ("是去年同期的3.9倍", "times", "3.9"),
        ("增加2倍", "increase_percent", "3"),
        ("下降12.5%", "increase_percent", "0.875"),
    ],
)
def test_a_comparison_in_words_gives_its_ratio(text: str, kind: str, ratio: str) -> None:
    read = Comparison.parse(text)
    assert (read.kind, read.ratio) == (kind, Decimal(ratio))


def test_percentage_points_are_a_difference_and_have_no_ratio() -> None:
    read = Comparison.parse("增加31.2个百分点")
    assert (read.kind, read.value) == ("percentage_points", Decimal("31.2"))
    with pytest.raises(Invalid):
        _ = read.ratio


def test_unclear_comparisons_are_refused() -> None:
    for text in ("增加248", "很多", "是6", "增加%", "9" * 10_000 + "倍"):
        with pytest.raises(Invalid):
            Comparison.parse(text)


def test_comparisons_are_described_by_kind() -> None:
    made = Comparison.between
    assert made("increase_percent", Decimal(348), Decimal(100)).describe() == "增加248%"  # type: ignore[union-attr]
    assert made("times", Decimal(600), Decimal(100)).describe("2016年") == "是2016年的6倍"  # type: ignore[union-attr]
    points = made("percentage_points", Decimal("57.2"), Decimal(26))
    assert points and points.describe() == "增加31.2个百分点" and points.describe("上月") == "比上月增加31.2个百分点"
    assert made("increase_percent", Decimal(88), Decimal(100)).describe("上月") == "比上月减少12%"  # type: ignore[union-attr]
    assert made("increase_percent", Decimal(5), Decimal(5)).describe("上月") == "比上月持平"  # type: ignore[union-attr]


def test_nothing_is_said_about_growth_from_nothing() -> None:
    assert Comparison.between("increase_percent", Decimal(5), Decimal(0)) is None
    assert Comparison.between("times", Decimal(5), None) is None
    assert Comparison.between("percentage_points", Decimal(5), Decimal(0)) is not None


@given(st.decimals(1, 10**9, places=2), st.decimals(1, 10**9, places=2))
def test_the_ratio_times_the_old_value_is_the_new_value(now: Decimal, before: Decimal) -> None:
    for kind in (ComparisonKind.INCREASE_PERCENT, ComparisonKind.TIMES):
        made = Comparison.between(kind, now, before)
        assert made and abs(made.ratio * before - now) < Decimal("0.0001")


@pytest.mark.parametrize(
    ("words", "qualifier"),
    [
        ("20多万", "≥"),
        ("近千件", "≤"),
        ("约3亿", "≈"),
        ("3亿左右", "≈"),
        ("预计超过8亿元", "forecast"),
        ("不超过5个", "≤"),
        ("218类", "="),
    ],
)
def test_qualifiers_are_read_from_words(words: str, qualifier: str) -> None:
    assert Qualifier.of_words(words) == qualifier


@given(types, days)
def test_periods_follow_each_other_without_gap_and_read_back(kind: PeriodType, day: dt.date) -> None:
    period = Period.of(kind, day)
    assert day in period and Period.parse(period.code) == period
    assert period.previous().end + dt.timedelta(days=1) == period.start
    assert period.following().previous() == period
    earlier = period.same_last_year()
    assert earlier.type is kind and 350 <= (period.start - earlier.start).days <= 378


def test_periods_of_the_day_meet_their_year_before() -> None:
    assert Period.parse("2026-11").same_last_year().code == "2025-11"
    assert Period.parse("2024-02-29").same_last_year().code == "2023-02-28"
    assert Period.parse("2026-W53").same_last_year().code == "2025-W52"
    assert Period.parse("2026-Q1").previous().code == "2025-Q4"
    start, after = Period.parse("2026-11-23").moments()
    assert start.isoformat() == "2026-11-23T00:00:00+08:00" and after - start == dt.timedelta(days=1)


@pytest.mark.parametrize(
    "code", ["", "2026-13", "2026-02-30", "2025-W53", "2026-Q5", "26", "0001", "2026-1", "２０２６", "2026\n"]
)
def test_malformed_periods_are_refused(code: str) -> None:
    with pytest.raises(Invalid):
        Period.parse(code)


def test_period_labels_are_in_the_readers_language() -> None:
    assert Period.parse("2026-Q4").label() == "2026年第4季度"
    with override("en"):
        assert Period.parse("2026-Q4").label()


def test_parts_must_make_the_whole() -> None:
    assert check_sum(10, [3, 7]) and check_sum(10, [3, None, 7])
    assert "相差 -1" in check_sum(10, [3, 6]).message
    assert check_sum(10, [3, 6], tolerance=1)


def test_a_partition_covers_everything_once() -> None:
    assert check_partition({"a", "b"}, {"x": ["a"], "y": ["b"]})
    assert "同时" in check_partition({"a"}, {"x": ["a"], "y": ["a"]}).message
    assert "没有归类" in check_partition({"a", "b"}, {"x": ["a"]}).message
    assert "不在总体" in check_partition({"a"}, {"x": ["a", "z"]}).message


def test_a_stated_rate_must_be_its_quotient() -> None:
    assert check_ratio(1954, 3417, Decimal("57.2"))
    assert not check_ratio(1954, 3417, Decimal("57.3"))
    assert not check_ratio(1, 0, 0)
    assert check_ratio(1, 3, 33)


def test_a_rate_may_be_compared_by_points_only() -> None:
    fields = {"id": "a.b", "label": "甲", "unit": "%", "definition": "乙", "kind": "ratio"}
    with pytest.raises(ValueError, match="百分点"):
        MetricDefinition.model_validate({**fields, "comparisons": [{"with": "previous", "kind": "times"}]})
