"""Checks of single values by form: numbers of phones, plates, cards, vehicles, places.

Every pattern is linear and sees bounded text only; digits are always `[0-9]`, never `\\d`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Invalid
from yici.core.vocabulary.rules.cleaning import one_line, plain
from yici.core.vocabulary.rules.identity import PROVINCES, check_uscc, parse_id_number

_GAPS = str.maketrans("", "", " -")

_PHONE = re.compile(r"1[3-9][0-9]{9}")
_LANDLINE = re.compile(r"(0[0-9]{2,3})-?([2-9][0-9]{6,7})(?:-([0-9]{1,5}))?")
_EMAIL = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}")
_NAME = re.compile(r"[^\W\d_]+(?:[·. '’-][^\W\d_]+)*\.?")
_URL = re.compile(r"https?://[A-Za-z0-9.-]{1,190}(?::[0-9]{1,5})?(?:/[!-~]*)?")
_VIN = re.compile(r"[0-9A-HJ-NPR-Z]{17}")

# GA 36: province character, office letter, then 5 characters without I and O, the last maybe a special word;
# new-energy plates have 6: a letter D/F-class first (small cars) or last (large cars).
_PROVINCE_CHARACTERS = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PLATE = re.compile(rf"[{_PROVINCE_CHARACTERS}][A-HJ-NP-Z][A-HJ-NP-Z0-9]{{4}}[A-HJ-NP-Z0-9挂学警港澳]")
_NEW_ENERGY_PLATE = re.compile(
    rf"[{_PROVINCE_CHARACTERS}][A-HJ-NP-Z](?:[A-HJK][A-HJ-NP-Z0-9][0-9]{{4}}|[0-9]{{5}}[A-HJK])"
)


def check_phone(text: str) -> str:
    """A mainland mobile number, 11 ASCII digits; +86 and gaps are dropped. Raises `Invalid`."""
    value = plain(text, 30).translate(_GAPS)
    value = value.removeprefix("+86").removeprefix("0086")
    if not _PHONE.fullmatch(value):
        raise Invalid(_("手机号码应为 11 位数字，以 13 至 19 开头，请核对后重新填写。"))
    return value


def check_landline(text: str) -> str:
    """Area code and number as `0558-5551234`, an extension after a second hyphen. Raises `Invalid`."""
    match = _LANDLINE.fullmatch(plain(text, 30).replace(" ", ""))
    if not match:
        raise Invalid(_("固定电话应写成“区号-号码”，例如 0558-5551234。"))
    return "-".join(part for part in match.groups() if part)


def check_plate(text: str) -> str:
    """A plate number of 7 characters, or 8 for new-energy vehicles (GA 36). Raises `Invalid`."""
    value = plain(text, 20).upper().translate(_GAPS).replace("·", "").replace("•", "")
    if not (_PLATE.fullmatch(value) or _NEW_ENERGY_PLATE.fullmatch(value)):
        raise Invalid(_("号牌号码应为 7 位，新能源车为 8 位，例如 皖S12345，请对照行驶证填写。"))
    return value


def check_bank_card(text: str) -> str:
    """A card number of 13 to 19 digits with the Luhn check (ISO/IEC 7812-1). Raises `Invalid`."""
    value = plain(text, 40).translate(_GAPS)
    if not re.fullmatch(r"[0-9]{13,19}", value):
        raise Invalid(_("银行账号应为 13 至 19 位数字，请对照银行卡填写。"))
    if _luhn(value) != 0:
        raise Invalid(_("银行账号的校验位不对，请核对是否输错一位。"))
    return value


def _luhn(digits: str) -> int:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10


def check_postcode(text: str) -> str:
    return _matching(text, r"[0-9]{6}", _("邮政编码应为 6 位数字，例如 236800。"))


def check_email(text: str) -> str:
    """An address a mail server can take (RFC 5321 dot-atom subset). Raises `Invalid`."""
    value = plain(text, 254)
    local = value.partition("@")[0]
    if not _EMAIL.fullmatch(value) or ".." in value or local.startswith(".") or local.endswith("."):
        raise Invalid(_("电子邮箱格式不对，应类似 limei@example.cn，请核对。"))
    return value


def check_vin(text: str) -> str:
    """A vehicle identification number (GB 16735): 17 characters without I, O, Q. Raises `Invalid`.

    The check digit in place 9 is compulsory only on vehicles made since 2004 here, so it is not demanded.
    """
    return _matching(text.upper(), _VIN.pattern, _("车辆识别代号应为 17 位，不含字母 I、O、Q，请对照行驶证填写。"))


def check_person_name(text: str) -> str:
    """A person's name: letters of any script, inner dots and hyphens; a middle dot is always U+00B7."""
    value = one_line(text, 50, _("姓名最多 50 个字，写在一行里，请核对。"))
    value = value.replace("•", "·").replace("．", "·").replace("・", "·")
    if len(value) < 2 or not _NAME.fullmatch(value):
        raise Invalid(_("姓名应至少 2 个字，不含数字和其他符号，请与身份证一致。"))
    return value


def check_holder_name(text: str) -> str:
    """A person's or an organisation's name."""
    message = _("名称应为 2 至 100 个字，请与证件一致。")
    value = one_line(text, 100, message)
    if len(value) < 2:
        raise Invalid(message)
    return value


def check_address(text: str) -> str:
    value = one_line(text, 150, _("地址最多 150 个字，写在一行里，请删去多余内容。"))
    if len(value) < 4:
        raise Invalid(_("地址太短，请从县（区）写到门牌号。"))
    return value


def check_division(text: str) -> str:
    """A division code padded to 12 digits (GB/T 2260, GB/T 10114). Whether it exists, `places` knows."""
    value = plain(text, 20)
    if not re.fullmatch(r"[0-9]{6}(?:[0-9]{3}|[0-9]{6})?", value) or value[:2] not in PROVINCES:
        raise Invalid(_("请选择所在的县（区）、乡镇和村（社区）。"))
    return value.ljust(12, "0")


def check_disability_certificate(text: str) -> str:
    """20 characters (22 with replacement number): identity number, kind 1–7, level 1–4, then B1… . Raises `Invalid`."""
    value = plain(text, 40).upper()
    if not re.fullmatch(r"[0-9]{17}[0-9X][1-7][1-4](?:B[1-9])?", value):
        raise Invalid(_("残疾人证号应为 20 位：18 位身份证号码加残疾类别和等级，请对照残疾人证填写。"))
    parse_id_number(value[:18])
    return value


def check_birth_certificate(text: str) -> str:
    return _matching(text.upper(), r"[A-Z][0-9]{9}", _("出生医学证明编号应为 1 个字母加 9 位数字。"))


def check_property_unit(text: str) -> str:
    message = _("不动产单元号应为 28 位数字和字母，请对照不动产权证填写。")
    return _matching(text.upper().replace(" ", ""), r"[0-9]{12}[A-Z]{2}[0-9]{5}[A-Z][0-9]{8}", message)


def check_digits(text: str) -> str:
    return _matching(text, r"[0-9]{1,40}", _("这里只能填写数字，请核对。"))


def check_icd10(text: str) -> str:
    pattern = r"[A-Z][0-9]{2}(?:\.[0-9A-Z]{1,6})?"
    return _matching(text.upper(), pattern, _("疾病编码应类似 I63.9，请对照出院小结填写。"))


def check_year(text: str) -> str:
    value = _matching(text, r"[0-9]{4}", _("年份应为 4 位数字，例如 2026。"))
    if not 1900 <= int(value) <= clock.today().year + 20:
        raise Invalid(_("年份不合理，请核对。"))
    return value


def check_year_month(text: str) -> str:
    value = plain(text, 20).replace("年", "-").replace("月", "").replace("/", "-")
    match = re.fullmatch(r"((?:19|20)[0-9]{2})-?(0?[1-9]|1[0-2])", value)
    if not match:
        raise Invalid(_("年月应写成 2026-10 这样。"))
    return f"{match[1]}-{int(match[2]):02d}"


def check_url(text: str) -> str:
    return _matching(text, _URL.pattern, _("网址应以 http:// 或 https:// 开头，请核对。"), longest=200)


def _matching(text: str, pattern: str, message: str, longest: int = 60) -> str:
    value = plain(text, longest)
    if not re.fullmatch(pattern, value):
        raise Invalid(message)
    return value


# The names `check:` may have in the city folder for text elements.
CHECKS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "address": check_address,
        "bank_card": check_bank_card,
        "birth_certificate": check_birth_certificate,
        "digits": check_digits,
        "disability_certificate": check_disability_certificate,
        "division": check_division,
        "email": check_email,
        "holder_name": check_holder_name,
        "icd10": check_icd10,
        "id_number": lambda text: parse_id_number(text).number,
        "landline": check_landline,
        "person_name": check_person_name,
        "phone": check_phone,
        "plate": check_plate,
        "postcode": check_postcode,
        "property_unit": check_property_unit,
        "url": check_url,
        "uscc": check_uscc,
        "vin": check_vin,
        "year": check_year,
        "year_month": check_year_month,
    }
)
