"""GB 11643 and GB 32100: what is accepted, what is refused, and that the refusal says what to do."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc as oracle_uscc
from stdnum.cn.ric import calc_check_digit

from yici.base import clock
from yici.base.errors import Invalid
from yici.core.vocabulary.rules import check, check_digit_of_id, check_uscc, parse_id_number

FARMER = "342124194503120026"

digits = st.text("0123456789", min_size=17, max_size=17)
birth_dates = st.dates(dt.date(1880, 1, 1), dt.date(2020, 12, 31))


def number_of(area: str, born: str, order: str = "002") -> str:
    body = area + born + order
    return body + check_digit_of_id(body)


@given(digits)
def test_check_digit_agrees_with_an_independent_implementation(body: str) -> None:
    assert check_digit_of_id(body) == calc_check_digit(body + "0")


@given(st.sampled_from(["342124", "341224", "341602", "110101"]), birth_dates, st.integers(0, 999))
def test_every_number_with_a_right_check_digit_is_read_back(area: str, born: dt.date, order: int) -> None:
    number = number_of(area, f"{born:%Y%m%d}", f"{order:03d}")
    read = parse_id_number(number)
    assert (read.number, read.area_code, read.birth_date) == (number, area, born)
    assert read.sex == ("1" if order % 2 else "2")


@given(st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(place: int, shift: int) -> None:
    wrong = FARMER[:place] + str((int(FARMER[place]) + shift) % 10) + FARMER[place + 1 :]
    with pytest.raises(Invalid):
        parse_id_number(wrong)


@given(st.text(max_size=60))
def test_any_text_is_either_read_or_refused_with_words(text: str) -> None:
    try:
        assert len(parse_id_number(text).number) == 18
    except Invalid as refusal:
        assert refusal.message


@pytest.mark.parametrize(
    "typed",
    [
        f" {FARMER} ",
        f"\u3000{FARMER}\u3000",
        f"{FARMER}\n",
        f"\ufeff{FARMER}",
        FARMER.translate({48 + n: 0xFF10 + n for n in range(10)}),
    ],
)
def test_blanks_around_and_full_width_digits_are_forgiven(typed: str) -> None:
    assert parse_id_number(typed).number == FARMER


def test_small_x_becomes_capital() -> None:
    number = next(n for order in range(100) if (n := number_of("341602", "19900101", f"{order:03d}")).endswith("X"))
    assert parse_id_number(number.lower()).number == number


@pytest.mark.parametrize(("area", "born"), [("342124", "19450312"), ("341602", "19900615"), ("341224", "19720229")])
def test_area_code_is_never_held_against_the_birth_year(area: str, born: str) -> None:
    assert parse_id_number(number_of(area, born)).area_code == area


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (number_of("341602", "19900230"), "出生日期"),
        (number_of("341602", "20990101"), "晚于今天"),
        (number_of("341602", "18791231"), "1880"),
        (number_of("991602", "19900101"), "省份代码"),
        ("342124450312002", "15 位"),
        (FARMER[:-1], "17 位"),
        (FARMER[:9] + " " + FARMER[10:], "数字"),
        (FARMER[:9] + "²" + FARMER[10:], "数字"),
        (FARMER[:9] + "٣" + FARMER[10:], "数字"),
        (FARMER[:-1] + "7", "校验码"),
        ("", "18 位"),
        ("1" * 100_000, "太长"),
    ],
)
def test_refusals_say_what_is_wrong(number: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        parse_id_number(number)


def test_a_child_born_today_is_accepted_and_one_born_tomorrow_is_not() -> None:
    with clock.at(dt.datetime(2026, 11, 23, 1, tzinfo=dt.UTC)):
        assert parse_id_number(number_of("341602", "20261123")).age_on(clock.today()) == 0
        with pytest.raises(Invalid):
            parse_id_number(number_of("341602", "20261124"))


def test_age_counts_completed_years() -> None:
    read = parse_id_number(FARMER)
    assert read.age_on(dt.date(2025, 3, 11)) == 79
    assert read.age_on(dt.date(2025, 3, 12)) == 80


def test_element_check_uses_the_identity_rules() -> None:
    assert check("person.id_number", f" {FARMER}") == FARMER


@given(st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=9, max_size=9))
def test_uscc_check_agrees_with_an_independent_implementation(tail: str) -> None:
    body = "91341621" + tail
    code = body + oracle_uscc.calc_check_digit(body + "0")
    assert check_uscc(code.lower()) == code
    other = "0" if code[-1] != "0" else "1"
    with pytest.raises(Invalid, match="校验码"):
        check_uscc(code[:-1] + other)


@pytest.mark.parametrize("code", ["91341621MA2NXK7AI5", "9134162", "", "９" * 17])
def test_malformed_uscc_is_refused(code: str) -> None:
    with pytest.raises(Invalid):
        check_uscc(code)
