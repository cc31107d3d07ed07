"""Rules agree with the checks of the vocabulary on single values, and DuckDB with the reference on drawn ones."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.platform.data.rules import corpus
from tests.platform.data.rules.tables import (
    class_of,
    every_kind,
    expected,
    land,
    screen,
    screening,
    standard_by_duckdb,
    standard_by_reference,
)
from yici.base.errors import Invalid
from yici.core.vocabulary import queries as vocabulary
from yici.core.vocabulary import rules as checks
from yici.core.vocabulary.rules import checking, cleaning
from yici.platform.data.engines import engine
from yici.platform.data.rules import reference, standard
from yici.platform.data.rules.deriving import rules_of

BY_CHECK = {
    "bank_card": corpus.NUMBERS_OF_THINGS, "birth_certificate": corpus.NUMBERS_OF_THINGS, "digits": corpus.PHONES,
    "disability_certificate": corpus.NUMBERS_OF_THINGS, "division": corpus.NUMBERS_OF_THINGS, "email": corpus.NUMBERS_OF_THINGS,
    "icd10": corpus.NUMBERS_OF_THINGS, "id_number": corpus.ID_NUMBERS, "landline": corpus.PHONES, "person_name": corpus.NAMES,
    "phone": corpus.PHONES, "plate": corpus.PLATES, "postcode": corpus.NUMBERS_OF_THINGS, "property_unit": corpus.NUMBERS_OF_THINGS,
    "uscc": corpus.NUMBERS_OF_THINGS, "vin": corpus.NUMBERS_OF_THINGS, "year": corpus.NUMBERS_OF_THINGS,
    "year_month": corpus.NUMBERS_OF_THINGS, "holder_name": corpus.NAMES, "address": corpus.NAMES, "url": corpus.NUMBERS_OF_THINGS,
}  # fmt: skip
# What forms refuse and deliveries may hold, because standard form puts it right: a blank of an input method inside.
FORGIVEN_INSIDE = "\u3000\u00a0"
# What text of the field is made of. Letters that only some engines know as letters are not: ſ is an S to `str.upper`.
ALPHABET = "0123456789０１９Ｘxｘ张三阿·•．- \t\n　\u00a0\u200b\ufeff皖S挂元万年月日/.,:+-@'\"\\$%（）IOQBZ"


@pytest.mark.parametrize("check", sorted(BY_CHECK))
def test_a_check_of_the_vocabulary_and_its_rules_agree_on_every_value(check: str) -> None:
    element = next(item for item in vocabulary.elements() if item.type == "text" and item.check == check)
    definition = class_of([{"name": "number", "type": "text"}, {"name": "value", "element": element.id}])
    column = definition.by_name["value"]
    rules = [rule for rule in rules_of(definition) if rule.column == "value"]
    judged = 0
    for raw in (*corpus.EVERYTHING, *BY_CHECK[check]):
        if (
            raw is None
            or reference.standard(column, raw) is None
            or any(sign in raw.strip() for sign in FORGIVEN_INSIDE)
        ):
            continue
        if raw != raw.translate({ord(sign): None for sign in "ßıſİ"}) or raw in ("e\u0301", "½", "Ⅷ", "²", "①"):
            continue
        try:
            theirs = checks.check(element, raw)
        except Invalid:
            theirs = None
        failed = reference.failures(definition, rules, {"number": "1", "value": raw})
        assert (theirs is None) == bool(failed), (raw, theirs, failed)
        if theirs is not None:
            assert reference.standard(column, raw) == theirs
            judged += 1
    assert judged, "no value of the corpus is right"


def test_every_date_that_a_form_takes_is_the_same_date_here() -> None:
    column = class_of([{"name": "day", "type": "date"}]).by_name["day"]
    taken = {raw: _or_none(checking.parse_date, raw) for raw in corpus.EVERYTHING if raw}
    taken = {raw: day for raw, day in taken.items() if day is not None}

    assert len(taken) > 30
    assert {raw: reference.standard(column, raw) for raw in taken} == taken


def test_every_sum_that_a_form_takes_is_the_same_sum_here() -> None:
    column = class_of([{"name": "sum", "type": "money"}]).by_name["sum"]
    taken = {raw: _or_none(checks.fen, raw) for raw in corpus.EVERYTHING if raw}
    taken = {raw: fen for raw, fen in taken.items() if fen is not None}

    assert len(taken) > 30
    assert {raw: reference.standard(column, raw) for raw in taken} == taken


def _or_none(check: Callable[[str], object], raw: str) -> object:
    try:
        return check(raw)
    except Invalid:
        return None


def test_the_characters_that_are_cleaned_away_are_those_of_the_vocabulary() -> None:
    assert standard.INVISIBLE == cleaning._INVISIBLE
    assert dict(zip(standard.FULL_WIDTH, standard.HALF_WIDTH, strict=True)) == {
        chr(wide): chr(narrow) for wide, narrow in cleaning._FULL_WIDTH.items()
    }


raw_text = st.one_of(
    st.none(),
    st.text(st.sampled_from(ALPHABET), max_size=24),
    st.builds(
        lambda value, place, sign: value[: place % (len(value) + 1)] + sign + value[place % (len(value) + 1) :],
        st.sampled_from([value for value in corpus.EVERYTHING if value and len(value) < 100]),
        st.integers(0, 100),
        st.sampled_from(["", *ALPHABET]),
    ),
    st.dates().map(lambda day: f"{day:%Y}-{day.month}-{day.day}"),
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=12),
)


@given(st.lists(st.lists(raw_text, min_size=36, max_size=36), min_size=60, max_size=60))
@settings(max_examples=3)
def test_drawn_rows_have_the_standard_form_and_the_tags_of_the_reference(values: list[list[str | None]]) -> None:
    definition = every_kind()
    names = list(definition.by_name)
    rows = [dict(zip(names, [f"{place}", *row], strict=False)) for place, row in enumerate(values)]
    rules = rules_of(definition)
    with tempfile.TemporaryDirectory() as name:
        landed = land(rows, Path(name) / "landed.parquet", names)
        assert standard_by_duckdb(definition, landed) == standard_by_reference(definition, rows)
        counts, accepted, held = expected(definition, rules, rows)
        screened, found, found_held = screen(engine("duckdb"), screening(definition, [landed], Path(name) / "out"))
    assert found_held == held
    assert found == accepted
    assert {one.rule.id: (one.checked, one.failed) for one in screened.outcomes} == counts


@given(st.integers(0, 10**17 - 1), st.sampled_from("0123456789X"))
@example(11010519491231002, "X")
def test_the_check_digit_by_divisions_is_the_check_digit(number: int, last: str) -> None:
    """The sum the templates use, in Python: q(0) - 8 (q(1) + 2 q(2) + …)."""
    nested = number // 10**16
    for place in range(15, 0, -1):
        nested = number // 10**place + 2 * nested
    total = 2 * (number - 8 * nested) + (10 if last == "X" else int(last))
    assert (total % 11 == 1) == (checks.check_digit_of_id(f"{number:017d}") == last)
