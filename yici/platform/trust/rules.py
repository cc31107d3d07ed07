"""Identifiers, check codes, validity and state of electronic certificates. Pure."""

from __future__ import annotations

import datetime as dt
import re
import secrets
from dataclasses import dataclass

from django.utils.translation import gettext as _

from yici.base.errors import Invalid

# GB/T 36904: the arc of electronic licences, before the parts the check character covers.
PREFIX = "1.2.156.3005.2"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_BODY = re.compile(r"[0-9A-Z]{21}\.[0-9A-Z]{6,18}\.[0-9A-Z]{1,40}\.[0-9]{3}\.[0-9A-Z]")

CHECK_CODE_LENGTH = 12
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_MISREAD = str.maketrans({"0": "O", "1": "I", "8": "B", "9": "G"})


def check_character(payload: str) -> str:
    """ISO/IEC 7064 Mod 37,36 over capitals and digits. Raises `Invalid` for other characters."""
    product = 36
    for character in payload:
        value = _ALPHABET.find(character)
        if value < 0:
            raise Invalid(_("电子证照标识只能含数字和大写字母。"))
        product = ((product + value) % 36 or 36) * 2 % 37
    return _ALPHABET[(37 - product) % 36]


@dataclass(frozen=True)
class Identifier:
    """A checked identifier. `type_code`: 18-character USCC of the defining body and 3 of its own."""

    type_code: str
    issuer_code: str
    serial: str
    version: int
    check: str

    def __str__(self) -> str:
        return f"{PREFIX}.{self.type_code}.{self.issuer_code}.{self.serial}.{self.version:03d}.{self.check}"


def make_identifier(type_code: str, issuer_code: str, serial: str, version: int = 1) -> Identifier:
    """GB/T 36904. `issuer_code`: the issuer's USCC, or six digits of its division where it has none."""
    check = check_character(f"{type_code}{issuer_code}{serial}{version:03d}")
    return parse_identifier(f"{PREFIX}.{type_code}.{issuer_code}.{serial}.{version:03d}.{check}")


def parse_identifier(text: str) -> Identifier:
    """Read an identifier and prove its check character. Raises `Invalid`."""
    value = text.strip()[:200]
    body = value.removeprefix(f"{PREFIX}.")
    if body == value or not _BODY.fullmatch(body):
        raise Invalid(_("这不是电子证照标识，应以 1.2.156.3005.2 开头，请核对。"))
    type_code, issuer_code, serial, version, check = body.split(".")
    if check_character(type_code + issuer_code + serial + version) != check:
        raise Invalid(_("电子证照标识的校验位不对，请核对是否输错。"))
    return Identifier(type_code, issuer_code, serial, int(version), check)


def new_check_code() -> str:
    """Twelve characters of base32 (60 random bits): short enough to type, too many to guess."""
    return "".join(secrets.choice(_BASE32) for _ in range(CHECK_CODE_LENGTH))


def read_check_code(text: str) -> str:
    """What somebody typed or scanned as a check code: gaps dropped, capitals, 0/1/8/9 read as O/I/B/G.

    Raises `Invalid` when it cannot be one.
    """
    code = re.sub(r"[\s\-—–]", "", text[:60]).upper().translate(_MISREAD)
    if len(code) != CHECK_CODE_LENGTH or any(character not in _BASE32 for character in code):
        raise Invalid(_("查验码应为 12 位字母和数字，请对照证照上二维码旁的查验码重新输入。"))
    return code


def shown_check_code(code: str) -> str:
    """ABCD-EFGH-IJKL."""
    return "-".join(code[place : place + 4] for place in range(0, len(code), 4))


def last_day(first: dt.date, *, years: int = 0, days: int = 0) -> dt.date | None:
    """Last valid day of a certificate valid from `first`; None where it is long-term."""
    if years:
        try:
            anniversary = first.replace(year=first.year + years)
        except ValueError:  # 29 February
            anniversary = dt.date(first.year + years, 3, 1)
        return anniversary - dt.timedelta(days=1)
    return first + dt.timedelta(days=days - 1) if days else None


def state_on(state: str, valid_from: dt.date, valid_to: dt.date | None, day: dt.date) -> str:
    """The state on a day: a stored `valid` has expired after its last day. Not yet in force counts as suspended."""
    if state != "valid":
        return state
    if valid_to is not None and day > valid_to:
        return "expired"
    return "valid" if day >= valid_from else "suspended"
