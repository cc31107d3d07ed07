"""Cells a spreadsheet shows and never runs."""

from __future__ import annotations

import csv
import datetime as dt
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yici.base.spreadsheets import csv_lines, safe_cell


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1+1", "-cmd", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u3000=1", "\x00=1"]
)
def test_cells_a_spreadsheet_would_run_are_quoted(cell: str) -> None:
    assert str(safe_cell(cell)).startswith("'")


@pytest.mark.parametrize("cell", ["", "涡阳县", "1,234", "a=b", " ", "-12.50", "342124194503121221"])
def test_plain_cells_stay(cell: str) -> None:
    assert safe_cell(cell) == cell


def test_numbers_stay_numbers_and_long_ones_become_text() -> None:
    assert safe_cell(-12) == -12 and safe_cell(Decimal("1.5")) == 1.5
    assert safe_cell(342124194503121221) == "342124194503121221"
    assert safe_cell(dt.date(2017, 1, 1)) == dt.date(2017, 1, 1) and safe_cell(None) is None


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=20), min_size=1, max_size=5))
def test_a_line_reads_back_as_its_safe_cells(row: list[str]) -> None:
    text = "".join(csv_lines(["列"] * len(row), [row]))
    assert text.startswith("\ufeff")
    assert list(csv.reader(io.StringIO(text[1:])))[1] == [safe_cell(cell) for cell in row]
