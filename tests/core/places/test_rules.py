"""What a code says by itself."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yici.base.cityfolder import city_folder
from yici.core.places.rules import (
    UnknownDivision,
    ancestor_codes,
    code_range,
    is_within,
    level_of,
    parent_code,
)


def _codes() -> list[str]:
    with (Path(city_folder()) / "places" / "divisions.csv").open(encoding="utf-8") as handle:
        return [row["code"] for row in csv.DictReader(handle)]


CODES = _codes()


@pytest.mark.parametrize(
    ("code", "level", "low", "high"),
    [
        ("341600000000", "city", "341600000000", "341700000000"),
        ("341621000000", "county", "341621000000", "341622000000"),
        ("341621103000", "township", "341621103000", "341621104000"),
        ("341621103201", "village", "341621103201", "341621103202"),
        ("341699999999", "village", "341699999999", "341700000000"),
    ],
)
def test_level_and_range_follow_from_the_significant_digits(code: str, level: str, low: str, high: str) -> None:
    assert level_of(code) == level
    assert code_range(code) == (low, high)


@pytest.mark.parametrize(
    "code", ["", "3416", "34162110300", "3416211030000", "34162110300a", "340000000000", "３４１６２１００００００"]
)
def test_malformed_code_is_an_unknown_division(code: str) -> None:
    with pytest.raises(UnknownDivision) as caught:
        level_of(code)
    assert caught.value.status == 422


@given(st.sampled_from(CODES), st.sampled_from(CODES))
def test_range_holds_exactly_what_lies_within(inner: str, outer: str) -> None:
    low, high = code_range(outer)
    by_ancestry = inner == outer or outer in ancestor_codes(inner)
    assert (low <= inner < high) == by_ancestry == is_within(inner, outer)


@given(st.sampled_from(CODES))
def test_ancestors_end_at_the_parent(code: str) -> None:
    above = ancestor_codes(code)
    assert (above[-1] if above else None) == parent_code(code)
