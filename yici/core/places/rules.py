"""What a division code says by itself: its level, its parents and the range of codes inside it.

The code is the 12-digit statistical code: 2 province, 2 city, 2 county, 3 township, 3 village; trailing
zeros stand for "all of it". Pure: never asks the database whether the code exists.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from yici.base.errors import Invalid

# Significant digits of each level, widest first.
SIGNIFICANT_DIGITS = {"city": 4, "county": 6, "township": 9, "village": 12}


class UnknownDivision(Invalid):
    """No division has this code. Status 422: the caller sent it, so the caller can mend it."""

    slug = "unknown-division"

    def __init__(self, code: str) -> None:
        super().__init__(_("没有这个行政区划代码，请重新选择所在地区。"), code=code)


def level_of(code: str) -> str:
    """`city`, `county`, `township` or `village`. Raises `UnknownDivision` for a malformed code or a province."""
    if len(code) != 12 or not (code.isascii() and code.isdigit()) or code[2:4] == "00":
        raise UnknownDivision(code=code)
    for level, digits in SIGNIFICANT_DIGITS.items():
        if code[digits:] == "0" * (12 - digits):
            return level
    raise AssertionError("twelve digits always match the last level")


def prefix_of(code: str) -> str:
    """The digits that everything inside the division shares: 4, 6, 9 or 12 of them."""
    return code[: SIGNIFICANT_DIGITS[level_of(code)]]


def code_range(code: str) -> tuple[str, str]:
    """(low, high), high exclusive: the codes of the division and of everything in it, compared as text."""
    prefix = prefix_of(code)
    return prefix.ljust(12, "0"), str(int(prefix) + 1).ljust(12, "0")


def is_within(code: str, outer: str) -> bool:
    """Whether division `code` is `outer` or lies in it."""
    return code.startswith(prefix_of(outer))


def parent_code(code: str) -> str | None:
    """Code of the division one level up; None for a city."""
    levels = list(SIGNIFICANT_DIGITS)
    position = levels.index(level_of(code))
    return None if position == 0 else code[: SIGNIFICANT_DIGITS[levels[position - 1]]].ljust(12, "0")


def ancestor_codes(code: str) -> list[str]:
    """Codes of the divisions around this one, widest first, without itself."""
    return [code[:digits].ljust(12, "0") for digits in SIGNIFICANT_DIGITS.values() if digits < len(prefix_of(code))]
