"""Identifiers of GB/T 36904, check codes, validity and state."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yici.base.errors import Invalid
from yici.platform.trust import rules

# Identifiers in public use.
GENUINE = [
    "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U",
    "1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9",
    "1.2.156.3005.2.11100000000013338W009.11330105002500287C.2025052201.002.0",
]
# A documentation sample whose check character is wrong.
WRONG = "1.2.156.3005.2.11100000000013661B006.113700000045046442.209FA4E88F9E4C878F3E9BED2CE7EA49.001.M"


@pytest.mark.parametrize("identifier", GENUINE)
def test_identifiers_in_public_use_are_accepted_and_made_again(identifier: str) -> None:
    parsed = rules.parse_identifier(identifier)
    assert str(parsed) == identifier
    assert rules.make_identifier(parsed.type_code, parsed.issuer_code, parsed.serial, parsed.version) == parsed


def test_identifier_with_a_wrong_check_character_is_refused() -> None:
    with pytest.raises(Invalid, match="校验位"):
        rules.parse_identifier(WRONG)


@pytest.mark.parametrize(
    "text", ["", "1.2.156.3005.2.", "1.2.156.3005.3" + GENUINE[0][14:], GENUINE[0].lower(), "x" * 999]
)
def test_what_is_not_an_identifier_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        rules.parse_identifier(text)


@given(st.text(alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=2, max_size=60), st.data())
def test_one_wrong_character_is_always_found(payload: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(payload) - 1))
    other = data.draw(st.sampled_from([c for c in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" if c != payload[place]]))
    assert rules.check_character(payload) != rules.check_character(payload[:place] + other + payload[place + 1 :])


@given(st.text(alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=60))
def test_check_character_agrees_with_an_independent_implementation(payload: str) -> None:
    from stdnum.iso7064 import mod_37_36

    assert rules.check_character(payload) == mod_37_36.calc_check_digit(payload)


def test_check_codes_are_long_random_and_readable() -> None:
    codes = {rules.new_check_code() for _ in range(500)}
    assert len(codes) == 500
    assert all(rules.read_check_code(rules.shown_check_code(code).lower()) == code for code in codes)


@pytest.mark.parametrize("text", ["", "ABC", "ABCD-EFGH-IJK!", "ABCDEFGHIJKLM", "<script>alert"])
def test_what_cannot_be_a_check_code_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        rules.read_check_code(text)


def test_misread_digits_become_the_letters_they_look_like() -> None:
    assert rules.read_check_code("0bcd 1fgh 8jkl") == "OBCDIFGHBJKL"


def test_validity_ends_the_day_before_the_anniversary() -> None:
    assert rules.last_day(dt.date(2026, 11, 23), years=5) == dt.date(2031, 11, 22)
    assert rules.last_day(dt.date(2024, 2, 29), years=1) == dt.date(2025, 2, 28)
    assert rules.last_day(dt.date(2026, 11, 23), days=30) == dt.date(2026, 12, 22)
    assert rules.last_day(dt.date(2026, 11, 23)) is None


def test_a_valid_certificate_expires_after_its_last_day_and_a_revoked_one_stays_revoked() -> None:
    first, last = dt.date(2026, 1, 1), dt.date(2026, 12, 31)
    assert rules.state_on("valid", first, last, last) == "valid"
    assert rules.state_on("valid", first, last, dt.date(2027, 1, 1)) == "expired"
    assert rules.state_on("revoked", first, last, dt.date(2027, 1, 1)) == "revoked"
    assert rules.state_on("valid", first, None, dt.date(2099, 1, 1)) == "valid"
