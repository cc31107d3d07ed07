"""Checking, masking and showing values of data elements. Never writes; the database is asked
only for the name of a division, by `display`.

`check` gives the one normalised form a value is stored in: dates `2026-11-23`, money as integer fen,
yes/no as `yes` or `no`, identity numbers with a capital X. Everything raises `Invalid` with a sentence
in the reader's language that says what to do.
"""

from __future__ import annotations

from yici.core.vocabulary.rules.checking import check, fen, yuan
from yici.core.vocabulary.rules.cleaning import plain
from yici.core.vocabulary.rules.identity import IdNumber, check_digit_of_id, check_uscc, make_uscc, parse_id_number
from yici.core.vocabulary.rules.patterns import (
    CHECKS,
    check_bank_card,
    check_email,
    check_landline,
    check_phone,
    check_plate,
    check_postcode,
    check_vin,
)
from yici.core.vocabulary.rules.showing import display, division_name, mask, mask_name

__all__ = [
    "CHECKS",
    "IdNumber",
    "check",
    "check_bank_card",
    "check_digit_of_id",
    "check_email",
    "check_landline",
    "check_phone",
    "check_plate",
    "check_postcode",
    "check_uscc",
    "check_vin",
    "display",
    "division_name",
    "fen",
    "make_uscc",
    "mask",
    "mask_name",
    "parse_id_number",
    "plain",
    "yuan",
]
