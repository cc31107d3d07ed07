"""Drawing the papers: sizes and places after the originals, emblems and portraits left out."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from yici.platform.trust.papers.specimens import people
from yici.platform.trust.papers.specimens.people import Invented, invent

_INK = "#1b1b1b"
_LABEL = "#2f6fa8"
_RED = "#a32020"


@dataclass(frozen=True)
class Specimen:
    """A picture and the truth: data element → value in the vocabulary's words (dates ISO, codes as printed)."""

    kind: str
    picture: Image.Image
    truth: dict[str, str] = field(default_factory=dict)


@lru_cache(maxsize=64)
def _font(size: int, style: str = "Noto Sans CJK SC") -> ImageFont.FreeTypeFont:
    """A Chinese font of this size (pixels), wherever fontconfig finds it."""
    found = subprocess.run(["fc-match", "-f", "%{file}\n%{index}", style], capture_output=True, text=True, check=True)
    path, index = found.stdout.split("\n")
    return ImageFont.truetype(path, size, index=int(index))


class _Sheet:
    """A blank paper to write on."""

    def __init__(self, width: int, height: int, colour: str) -> None:
        self.image = Image.new("RGB", (width, height), colour)
        self.draw = ImageDraw.Draw(self.image)

    def write(self, x: int, y: int, text: str, size: int, colour: str = _INK, style: str = "Noto Sans CJK SC") -> None:
        self.draw.text((x, y), text, fill=colour, font=_font(size, style))

    def spread(self, x: int, y: int, text: str, size: int, step: int, style: str = "Noto Sans CJK SC:bold") -> None:
        """Letter-spaced, as numbers on cards are."""
        for place, character in enumerate(text):
            self.draw.text((x + place * step, y), character, fill=_INK, font=_font(size, style))

    def wrapped(self, x: int, y: int, text: str, size: int, per_line: int, leading: int) -> None:
        for line, start in enumerate(range(0, len(text), per_line)):
            self.write(x, y + line * leading, text[start : start + per_line], size)

    def box(self, x: int, y: int, width: int, height: int, fill: str | None = None, line: str = "#777777") -> None:
        self.draw.rectangle((x, y, x + width, y + height), fill=fill, outline=line, width=2)

    def waves(self, chance: random.Random, colour: str) -> None:
        """A faint guilloche, so that the ground is not plain."""
        width, height = self.image.size
        for row in range(0, height, 14):
            shift = chance.randrange(12)
            points = [(x, row + shift + (x // 18 % 2) * 5) for x in range(0, width + 18, 18)]
            self.draw.line(points, fill=colour, width=1)


def _id_card(chance: random.Random, person: Invented) -> Specimen:
    sheet = _Sheet(1011, 638, "#eef3f2")
    sheet.waves(chance, "#dde9ea")
    sheet.write(70, 72, "姓 名", 28, _LABEL)
    sheet.write(180, 64, person.name, 38)
    sheet.write(70, 150, "性 别", 28, _LABEL)
    sheet.write(180, 146, person.sex_word, 32)
    sheet.write(300, 150, "民 族", 28, _LABEL)
    sheet.write(400, 146, person.ethnicity, 32)
    sheet.write(70, 226, "出 生", 28, _LABEL)
    sheet.write(180, 222, f"{person.birth_date.year}", 32)
    sheet.write(270, 226, "年", 28, _LABEL)
    sheet.write(325, 222, f"{person.birth_date.month}", 32)
    sheet.write(375, 226, "月", 28, _LABEL)
    sheet.write(425, 222, f"{person.birth_date.day}", 32)
    sheet.write(475, 226, "日", 28, _LABEL)
    sheet.write(70, 302, "住 址", 28, _LABEL)
    sheet.wrapped(180, 300, person.address, 32, 13, 44)
    sheet.write(70, 540, "公民身份号码", 28, _LABEL)
    sheet.spread(330, 532, person.id_number, 40, 32)
    _portrait(sheet, chance, 670, 90, 280, 350)
    truth = {
        "person.name": person.name,
        "person.sex": person.sex,
        "person.ethnicity": f"{person.ethnicity}族",
        "person.birth_date": person.birth_date.isoformat(),
        "person.registered_address": person.address,
        "person.id_number": person.id_number,
    }
    return Specimen("id_card", sheet.image, truth)


def _portrait(sheet: _Sheet, chance: random.Random, x: int, y: int, width: int, height: int) -> None:
    """A shape where the photograph would be: no face of anybody."""
    grey = chance.randrange(150, 190)
    sheet.draw.rectangle((x, y, x + width, y + height), fill="#d7dfe4")
    shade = (grey - 40, grey - 30, grey - 20)
    sheet.draw.ellipse((x + width * 0.28, y + height * 0.16, x + width * 0.72, y + height * 0.58), fill=shade)
    sheet.draw.pieslice((x + width * 0.08, y + height * 0.6, x + width * 0.92, y + height * 1.4), 180, 360, fill=shade)


def _id_card_back(chance: random.Random, person: Invented) -> Specimen:
    sheet = _Sheet(1011, 638, "#eef3f2")
    sheet.waves(chance, "#e9dcdc")
    sheet.draw.ellipse((60, 60, 220, 220), fill="#d9a0a0")
    sheet.write(300, 75, "中华人民共和国", 62, _INK)
    sheet.write(330, 185, "居 民 身 份 证", 74, _INK)
    start, end = people.valid_period(chance, person)
    office = f"{person.county[6:]}公安局"
    sheet.write(210, 440, "签发机关", 28)
    sheet.write(370, 438, office, 30)
    sheet.write(210, 520, "有效期限", 28)
    sheet.write(370, 518, f"{start:%Y.%m.%d}-{end:%Y.%m.%d}", 30)
    truth = {
        "person.id_issuing_authority": office,
        "person.id_valid_from": start.isoformat(),
        "person.id_valid_until": end.isoformat(),
    }
    return Specimen("id_card_back", sheet.image, truth)


def _household_page(chance: random.Random, person: Invented) -> Specimen:
    sheet = _Sheet(1400, 980, "#f6f2e4")
    sheet.waves(chance, "#efe8d2")
    sheet.write(560, 40, "常住人口登记卡", 40, _RED, "Noto Serif CJK SC:bold")
    relation = chance.choice(("户主", "妻", "长子", "长女") if person.sex == "2" else ("户主", "长子", "次子"))
    native = person.county[:6]
    rows = [
        (("姓 名", person.name), ("户主或与户主关系", relation)),
        (("曾用名", ""), ("性 别", person.sex_word)),
        (("出 生 地", person.county), ("民 族", f"{person.ethnicity}族")),
        (
            ("籍 贯", native),
            ("出生日期", f"{person.birth_date.year}年{person.birth_date.month}月{person.birth_date.day}日"),
        ),
        (("公民身份证件编号", person.id_number), ("血 型", "")),
        (("文化程度", "初中"), ("婚姻状况", "已婚")),
        (("何时由何地迁来本址", ""), ("", "")),
    ]
    for number, (left, right) in enumerate(rows):
        top = 130 + number * 100
        for x, width, (label, value) in ((60, 240, left), (720, 240, right)):
            sheet.box(x, top, width, 100)
            sheet.box(x + width, top, 420, 100)
            sheet.write(x + 14, top + 34, label, 26, _RED)
            sheet.write(x + width + 18, top + 30, value, 32, _INK, "Noto Serif CJK SC")
    sheet.write(60, 870, "承办人签章：", 26, _RED)
    sheet.write(900, 870, "登记日期：2016年5月12日", 26, _RED)
    truth = {
        "person.name": person.name,
        "household.relation_to_head": relation,
        "person.sex": person.sex,
        "person.ethnicity": f"{person.ethnicity}族",
        "person.native_place": native,
        "person.birth_date": person.birth_date.isoformat(),
        "person.id_number": person.id_number,
    }
    return Specimen("household_register", sheet.image, truth)


def _business_licence(chance: random.Random, person: Invented) -> Specimen:
    facts = people.company(chance, person)
    sheet = _Sheet(1600, 1130, "#faf6ea")
    sheet.box(40, 40, 1520, 1050, line="#b8862b")
    sheet.write(620, 90, "营 业 执 照", 76, _INK, "Noto Serif CJK SC:bold")
    sheet.write(130, 240, "统一社会信用代码", 30)
    sheet.write(130, 288, facts["organisation.uscc"], 36)
    founded = facts["organisation.founded_date"]
    year, month, day = founded.split("-")
    left = [
        ("名 称", facts["organisation.name"]),
        ("类 型", "个体工商户"),
        ("经 营 者", facts["organisation.legal_representative"]),
        ("经营范围", facts["organisation.business_scope"]),
    ]
    right = [
        ("组成形式", "个人经营"),
        ("注册日期", f"{year}年{int(month):02d}月{int(day):02d}日"),
        ("经营场所", facts["organisation.address"]),
    ]
    for x, lines in ((130, left), (850, right)):
        for number, (label, value) in enumerate(lines):
            sheet.write(x, 400 + number * 110, label, 30, "#444444", "Noto Serif CJK SC:bold")
            sheet.wrapped(x + 190, 400 + number * 110, value, 30, 16, 44)
    sheet.write(850, 900, "登记机关", 30, "#444444", "Noto Serif CJK SC:bold")
    sheet.write(1050, 960, f"{year}年{int(month)}月{int(day)}日", 30)
    truth = {**facts, "organisation.operator_form": "个人经营"}
    return Specimen("business_licence", sheet.image, truth)


def _driving_licence(chance: random.Random, person: Invented) -> Specimen:
    sheet = _Sheet(1100, 760, "#f3f5ef")
    sheet.waves(chance, "#e6ecdf")
    sheet.write(250, 40, "中华人民共和国机动车驾驶证", 44, _INK, "Noto Serif CJK SC:bold")
    issued = people.valid_period(chance, person)[0]
    end = issued.replace(year=issued.year + 10)
    licence_class = chance.choice(("C1", "C2", "B2", "A2"))
    sheet.write(70, 130, "证号", 26, _LABEL)
    sheet.write(240, 124, person.id_number, 36)
    sheet.write(70, 205, "姓名", 26, _LABEL)
    sheet.write(180, 200, person.name, 32)
    sheet.write(500, 205, "性别", 26, _LABEL)
    sheet.write(590, 200, person.sex_word, 32)
    sheet.write(740, 205, "国籍", 26, _LABEL)
    sheet.write(830, 200, "中国", 32)
    sheet.write(70, 285, "住址", 26, _LABEL)
    sheet.wrapped(180, 280, person.address, 32, 17, 44)
    rows = [
        ("出生日期", f"{person.birth_date:%Y-%m-%d}"),
        ("初次领证日期", f"{issued:%Y-%m-%d}"),
        ("准驾车型", licence_class),
    ]
    for number, (label, value) in enumerate(rows):
        sheet.write(400, 400 + number * 80, label, 26, _LABEL)
        sheet.write(620, 396 + number * 80, value, 32)
    sheet.write(70, 660, "有效期限", 26, _LABEL)
    sheet.write(240, 654, f"{issued:%Y-%m-%d} 至 {end:%Y-%m-%d}", 32)
    _portrait(sheet, chance, 840, 380, 200, 250)
    truth = {
        "driver.licence_number": person.id_number,
        "person.name": person.name,
        "person.sex": person.sex,
        "person.residential_address": person.address,
        "person.birth_date": person.birth_date.isoformat(),
        "driver.licence_class": licence_class,
        "certificate.issued_date": issued.isoformat(),
        "driver.licence_valid_until": end.isoformat(),
    }
    return Specimen("driving_licence", sheet.image, truth)


def _vehicle_licence(chance: random.Random, person: Invented) -> Specimen:
    facts = people.vehicle(chance, person)
    sheet = _Sheet(1100, 760, "#eff1f4")
    sheet.waves(chance, "#e1e6ee")
    sheet.write(250, 40, "中华人民共和国机动车行驶证", 44, _INK, "Noto Serif CJK SC:bold")
    sheet.write(70, 130, "号牌号码", 26, _LABEL)
    sheet.write(220, 124, facts["vehicle.plate_number"], 34)
    sheet.write(560, 130, "车辆类型", 26, _LABEL)
    sheet.write(710, 124, facts["vehicle.kind"], 32)
    sheet.write(70, 210, "所有人", 26, _LABEL)
    sheet.write(220, 204, facts["vehicle.owner_name"], 32)
    sheet.write(70, 290, "住址", 26, _LABEL)
    sheet.write(220, 284, person.address, 30)
    sheet.write(70, 370, "使用性质", 26, _LABEL)
    sheet.write(220, 364, facts["vehicle.use"], 32)
    sheet.write(480, 370, "品牌型号", 26, _LABEL)
    sheet.write(640, 364, facts["vehicle.brand"], 32)
    rows = [
        ("车辆识别代号", facts["vehicle.vin"]),
        ("发动机号码", facts["vehicle.engine_number"]),
    ]
    for number, (label, value) in enumerate(rows):
        sheet.write(330, 450 + number * 80, label, 26, _LABEL)
        sheet.write(560, 446 + number * 80, value, 32)
    sheet.write(330, 620, "注册日期", 26, _LABEL)
    sheet.write(460, 616, facts["vehicle.registered_date"], 32)
    sheet.write(690, 620, "发证日期", 26, _LABEL)
    sheet.write(820, 616, facts["certificate.issued_date"], 32)
    sheet.box(70, 430, 200, 200, line=_RED)
    return Specimen("vehicle_licence", sheet.image, facts)


DRAWERS: dict[str, Callable[[random.Random, Invented], Specimen]] = {
    "id_card": _id_card,
    "id_card_back": _id_card_back,
    "household_register": _household_page,
    "business_licence": _business_licence,
    "driving_licence": _driving_licence,
    "vehicle_licence": _vehicle_licence,
}


def draw(kind: str, seed: int, person: Invented | None = None) -> Specimen:
    """The paper of this kind and seed; the same seed gives the same person on every kind."""
    someone = person or invent(random.Random(seed))  # noqa: S311 - a repeatable picture, no secret
    return DRAWERS[kind](random.Random(f"{kind}:{seed}"), someone)  # noqa: S311
