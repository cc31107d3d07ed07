"""Identity numbers of persons (GB 11643) and of organisations (GB 32100)."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Invalid
from yici.core.vocabulary.rules.cleaning import plain

EARLIEST_BIRTH = dt.date(1880, 1, 1)

# First two digits of GB/T 2260 by region, with 83 of the residence permit for Taiwan residents.
_REGIONS = {1: "12345", 2: "123", 3: "1234567", 4: "123456", 5: "01234", 6: "12345", 7: "1", 8: "123"}
PROVINCES = frozenset(f"{region}{digit}" for region, digits in _REGIONS.items() for digit in digits)

_ID = re.compile(r"[0-9]{17}[0-9X]")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_REMAINDERS = "10X98765432"

# GB 32100 §4.2.5: no I, O, S, V, Z.
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC = re.compile(r"[0-9A-HJ-NP-RTUWXY]{2}[0-9]{6}[0-9A-HJ-NP-RTUWXY]{10}")
_USCC_VALUE = {character: value for value, character in enumerate(_USCC_ALPHABET)}


@dataclass(frozen=True)
class IdNumber:
    """A checked identity number and what it says. `sex` is a code of GB/T 2261.1 (1 male, 2 female).

    `area_code` is where the number was first given, in the codes of that day: never a present division.
    """

    number: str
    area_code: str
    birth_date: dt.date
    sex: str

    def age_on(self, day: dt.date) -> int:
        """Completed years (周岁) on `day`."""
        born = self.birth_date
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def check_digit_of_id(first_seventeen: str) -> str:
    """ISO 7064 MOD 11-2 over 17 ASCII digits, GB 11643 §4."""
    total = sum(int(digit) * weight for digit, weight in zip(first_seventeen, _WEIGHTS, strict=True))
    return _REMAINDERS[total % 11]


def parse_id_number(text: str) -> IdNumber:
    """Check an 18-character identity number strictly and read it. Raises `Invalid`.

    Blanks at the ends, full-width characters and a small x are forgiven. The area code is not compared with
    the birth year: numbers given or corrected later carry later codes.
    """
    number = plain(text, 40).upper()
    if re.fullmatch(r"[0-9]{15}", number):
        raise Invalid(_("您填写的是 15 位旧身份证号码，已停止使用，请填写现在身份证上的 18 位号码。"))
    if len(number) != 18:
        raise Invalid(_("身份证号码应为 18 位，您填写了 %(count)d 位，请对照身份证重新填写。") % {"count": len(number)})
    if not _ID.fullmatch(number):
        raise Invalid(_("身份证号码前 17 位应为数字，第 18 位为数字或字母 X，请去掉其他字符。"))
    if number[:2] not in PROVINCES:
        raise Invalid(_("身份证号码前 2 位不是有效的省份代码，请核对前 6 位。"))
    birth_date = _birth_date(number[6:14])
    if check_digit_of_id(number[:17]) != number[17]:
        raise Invalid(_("身份证号码应为 18 位，其中第 18 位校验码不对，请核对是否输错一位。"))
    return IdNumber(number, number[:6], birth_date, "1" if int(number[16]) % 2 else "2")


def _birth_date(digits: str) -> dt.date:
    try:
        day = dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        raise Invalid(_("身份证号码第 7 至 14 位不是有效的出生日期，请核对。")) from None
    if not EARLIEST_BIRTH <= day <= clock.today():
        raise Invalid(_("身份证号码中的出生日期不合理（早于 1880 年或晚于今天），请核对第 7 至 14 位。"))
    return day


def check_uscc(text: str) -> str:
    """A unified social credit code (GB 32100) in capitals. Raises `Invalid`."""
    code = plain(text, 40).upper()
    if len(code) != 18:
        raise Invalid(
            _("统一社会信用代码应为 18 位，您填写了 %(count)d 位，请对照营业执照重新填写。") % {"count": len(code)}
        )
    if not _USCC.fullmatch(code):
        raise Invalid(_("统一社会信用代码只含数字和大写字母（没有 I、O、S、V、Z），第 3 至 8 位是数字，请核对。"))
    total = sum(_USCC_VALUE[character] * pow(3, place, 31) for place, character in enumerate(code[:17]))
    if _USCC_ALPHABET[-total % 31] != code[17]:
        raise Invalid(_("统一社会信用代码第 18 位校验码不对，请核对是否输错一位。"))
    return code


_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)  # GB 11714


def make_uscc(area: str, serial: int) -> str:
    """The unified social credit code of an enterprise (91) of an area (six digits) with a serial below 31^6 (GB 32100)."""
    signs = ""
    for _place in range(6):
        serial, value = divmod(serial, 31)
        signs = _USCC_ALPHABET[value] + signs
    if serial:
        raise ValueError("no codes are left")
    body = f"MA{signs}"
    spent = sum(int(sign, 36) * weight for sign, weight in zip(body, _ORGANISATION_WEIGHTS, strict=True))
    code = f"91{area}{body}{'0123456789X0'[11 - spent % 11]}"
    total = sum(_USCC_VALUE[sign] * pow(3, place, 31) for place, sign in enumerate(code))
    return code + _USCC_ALPHABET[-total % 31]
