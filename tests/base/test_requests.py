"""Numbers and days that are sent: one reading of them, and none that breaks it."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import RequestFactory

from yici.base.requests import day_of, page_number, whole_number


@pytest.mark.parametrize("text", ["", "-1", "1.5", "x", "²", "1" * 10, "9" * 5000, "３", " 1"])
def test_what_is_no_number_of_ours_is_the_default(text: str) -> None:
    assert whole_number(text, 7) == 7


def test_a_person_may_type_full_width_digits() -> None:
    assert (whole_number("３０", 0, typed=True), whole_number("007", 0), whole_number("9" * 5000, 1, typed=True)) == (
        30,
        7,
        1,
    )


@pytest.mark.parametrize(
    ("query", "page"), [("", 1), ("?page=0", 1), ("?page=12", 12), ("?page=123456", 1), ("?page=x", 1)]
)
def test_a_list_begins_at_its_first_page(query: str, page: int) -> None:
    assert page_number(RequestFactory().get(f"/{query}")) == page


@pytest.mark.parametrize(
    ("text", "day"), [("2026-11-26", dt.date(2026, 11, 26)), ("", None), ("2026-02-30", None), ("昨天", None)]
)
def test_a_day_is_read_or_none(text: str, day: dt.date | None) -> None:
    assert day_of(text) == day
