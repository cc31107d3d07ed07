"""What the demo's applicants fill in: plausible answers from the form's own definition, by element and by type."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from yici.core.forms.rules import FormDefinition, question
from yici.core.forms.rules.questions import Question
from yici.core.people.models import Person
from yici.platform.data.register import numbers

Maker = Callable[[Random, "Applicant"], Any]


class Applicant:
    """Whom the answers are about: person, home address, the day of the application."""

    def __init__(self, person: Person, address: str, day: dt.date, item: str) -> None:
        self.person, self.day, self.item = person, day, item
        self.address = address or "安徽省亳州市谯城区汤陵街道魏武大道66号"
        self.admitted = day - dt.timedelta(days=20 + person.pk % 60)
        self.shop = self._shop()

    def _shop(self) -> str:
        kinds = {
            "dongwu-fangyi-tiaojian": ("生猪养殖场", "肉羊养殖场", "蛋鸡养殖场", "黄牛养殖场"),
            "shipin-jingying-xuke": ("牛肉馍店", "面馆", "早点店", "地锅鸡饭店", "羊肉汤馆"),
            "geti-gongshanghu": ("百货店", "药材经营部", "理发店", "五金店", "服装店", "电动车行"),
        }.get(self.item, ("商店",))
        county = next((part for part in ("谯城区", "涡阳县", "蒙城县", "利辛县") if part in self.address), "谯城区")
        return f"{county}{self.person.name[0]}记{kinds[self.person.pk % len(kinds)]}"


def _iso(day: dt.date) -> str:
    return day.isoformat()


def _uscc(chance: Random, applicant: Applicant) -> str:
    """A valid code of a sole trader (92…), GB 32100 with its check character."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    body = "92" + "341602" + "MA2" + "".join(chance.choices("0123456789ABCDEFGHJKLMNPQRTUWXY", k=6))
    total = sum(alphabet.index(character) * pow(3, place, 31) for place, character in enumerate(body))
    return body + alphabet[-total % 31]


_DISEASES = (
    "脑梗死", "冠状动脉粥样硬化性心脏病", "肺恶性肿瘤", "胃恶性肿瘤", "慢性肾脏病 5 期", "2 型糖尿病伴并发症",
    "腰椎间盘突出症", "股骨颈骨折", "乳腺恶性肿瘤", "慢性阻塞性肺疾病急性加重",
)  # fmt: skip
_HOSPITALS = (
    "亳州市人民医院",
    "涡阳县人民医院",
    "蒙城县第一人民医院",
    "利辛县人民医院",
    "安徽医科大学第一附属医院",
    "安徽省立医院",
)
_BANKS = (("314", "621778"), ("403", "621799"), ("103", "622848"), ("102", "621226"))
_COLLEGES = (
    "安徽大学",
    "安徽农业大学",
    "安徽师范大学",
    "亳州学院",
    "阜阳师范学院",
    "淮北师范大学",
    "安徽中医药大学",
    "合肥工业大学",
)
_MAJORS = ("中药学", "护理学", "软件工程", "小学教育", "会计学", "动物医学", "土木工程", "电气工程及其自动化")
_SCOPES = (
    "日用百货、五金交电零售", "中药材（不含饮片）购销", "理发及美容服务", "服装、鞋帽零售", "电动自行车销售、维修", "预包装食品零售",
)  # fmt: skip
_VETS = ("王德才", "李永胜", "张学军", "刘占魁", "马振国")

BY_ELEMENT: dict[str, Maker] = {
    "person.phone": lambda r, a: numbers.phone(r),
    "person.registered_address": lambda r, a: a.address,
    "person.residential_address": lambda r, a: a.address,
    "person.residential_division": lambda r, a: a.person.division_id or "341602003006",
    "person.registered_division": lambda r, a: a.person.division_id or "341602003006",
    "person.living_arrangement": lambda r, a: r.choices(("1", "2", "3", "4"), weights=(42, 36, 18, 4))[0],
    "person.marital_status": lambda r, a: "20",
    "person.spouse_name": lambda r, a: (
        r.choice(("王", "李", "张", "刘", "陈")) + r.choice(("磊", "强", "志远", "浩", "建军"))
    ),
    "person.spouse_id_number": lambda r, a: numbers.with_check_digit(
        f"341621{a.person.birth_date.year - 1}{r.randint(1, 12):02d}{r.randint(1, 28):02d}{r.randint(0, 99):02d}1"
    ),
    "social_insurance.card_number": lambda r, a: f"A{r.randrange(10**8):08d}",
    "bank.name": lambda r, a: _BANKS[a.person.pk % 4][0],
    "bank.account_number": lambda r, a: numbers.bank_card(r, _BANKS[a.person.pk % 4][1]),
    "bank.account_holder": lambda r, a: a.person.name,
    "medical_insurance.kind": lambda r, a: "392",
    "household.size": lambda r, a: r.randint(2, 6),
    "hospital.name": lambda r, a: r.choice(_HOSPITALS),
    "hospital.admission_date": lambda r, a: _iso(a.admitted),
    "hospital.discharge_date": lambda r, a: _iso(a.admitted + dt.timedelta(days=r.randint(4, 18))),
    "hospital.diagnosis": lambda r, a: r.choice(_DISEASES),
    "hospital.total_cost": lambda r, a: f"{r.randint(21_000, 148_000)}.{r.randint(0, 99):02d}",
    "hospital.basic_paid": lambda r, a: f"{r.randint(8_000, 20_000)}.{r.randint(0, 99):02d}",
    "disability.kind": lambda r, a: r.choices("1234567", weights=(12, 9, 2, 56, 8, 9, 4))[0],
    "disability.cause": lambda r, a: r.choices("124", weights=(12, 50, 38))[0],
    "disability.detail": lambda r, a: r.choice(
        ("左腿行动不便，走路要扶拐", "听不清别人说话", "右眼看不见，左眼视力模糊", "中风后右半身活动困难")
    ),
    "disability.needs_home_visit": lambda r, a: "yes" if r.random() < 0.6 else "no",
    "organisation.name": lambda r, a: a.shop,
    "organisation.uscc": _uscc,
    "organisation.address": lambda r, a: a.address,
    "organisation.legal_representative": lambda r, a: a.person.name,
    "organisation.business_scope": lambda r, a: r.choice(_SCOPES),
    "organisation.operating_fund": lambda r, a: str(r.choice((20_000, 30_000, 50_000, 80_000, 100_000))),
    "organisation.employee_count": lambda r, a: r.randint(1, 9),
    "organisation.premises_area": lambda r, a: r.randint(28, 260),
    "food.business_kind": lambda r, a: "2",
    "food.kitchen_area": lambda r, a: r.randint(10, 60),
    "animal.kinds": lambda r, a: r.choices(("1", "2", "3", "5"), weights=(50, 14, 24, 12))[0],
    "animal.count": lambda r, a: r.randrange(60, 2_400, 20),
    "animal.premises_area": lambda r, a: r.randrange(400, 6_000, 50),
    "animal.distance_to_homes": lambda r, a: r.randrange(520, 1_600, 10),
    "animal.distance_to_water": lambda r, a: r.randrange(1_050, 3_000, 10),
    "animal.veterinarian_name": lambda r, a: r.choice(_VETS),
    "vehicle.plate_number": lambda r, a: numbers.plate(r, "皖S"),
    "vehicle.kind": lambda r, a: "K33",
    "vehicle.inspection_valid_until": lambda r, a: _iso(a.day + dt.timedelta(days=r.randint(8, 80))),
    "vehicle.insurance_valid_until": lambda r, a: _iso(a.day + dt.timedelta(days=r.randint(30, 330))),
    "residence_permit.residence_since": lambda r, a: _iso(a.day - dt.timedelta(days=r.randint(200, 1_900))),
    "house.tenure": lambda r, a: r.choices(("1", "2", "4"), weights=(30, 60, 10))[0],
    "education.school_name": lambda r, a: r.choice(_COLLEGES),
    "education.major": lambda r, a: r.choice(_MAJORS),
    "education.stage": lambda r, a: r.choice(("6", "7")),
    "birth.expected_date": lambda r, a: _iso(a.day + dt.timedelta(days=r.randint(30, 200))),
}

_OWN: dict[str, Maker] = {
    "institution_name": lambda r, a: "涡阳县社会福利中心",
    "account_kind": lambda r, a: r.choices(("social", "bank"), weights=(82, 18))[0],
    "delivery_address": lambda r, a: a.address,
    "landmark": lambda r, a: r.choice(("村委会往东第三家", "小学对面红大门", "小区 2 号楼后面", "卫生室隔壁")),
    "visit_date": lambda r, a: _iso(a.day + dt.timedelta(days=r.randint(3, 9))),
    "spare_name": lambda r, a: a.shop.replace("记", "家"),
    "cold_room_area": lambda r, a: r.randint(6, 18),
    "workplace": lambda r, a: r.choice(
        ("亳州市药都中药饮片有限公司", "古井集团", "谯城区实验小学", "亳州经济开发区某制衣厂")
    ),
    "species_other": lambda r, a: "鹌鹑",
}


def answers_for(
    definition: FormDefinition, known: Mapping[str, Any], applicant: Applicant, chance: Random
) -> dict[str, Any]:
    """An answer for every question that may be asked and that the records do not answer already."""
    given: dict[str, Any] = {}
    for key, field in definition.by_key.items():
        if field.readonly or key in known:
            continue
        asked = question(field)
        value = _answer(asked, applicant, chance)
        if value is not None:
            given[key] = value
    return given


def _answer(asked: Question, applicant: Applicant, chance: Random) -> Any:
    maker = BY_ELEMENT.get(asked.key) or _OWN.get(asked.key)
    if maker:
        return maker(chance, applicant)
    kind = str(asked.type)
    if kind in ("choice", "multi") and asked.options:
        return chance.choice(asked.options).value
    if kind == "yes_no":
        return "yes" if chance.random() < 0.5 else "no"
    if kind == "date":
        return _iso(applicant.day)
    if kind in ("number", "money"):
        return str(chance.randint(1, 20))
    if kind in ("text", "textarea") and asked.field.required:
        return "见所附材料"
    return None


def situation_for(definition: FormDefinition, chance: Random) -> dict[str, Any]:
    """An answer to every question of the situation tree that is reached; the first option is the usual one."""
    chosen: dict[str, Any] = {}
    waiting = list(definition.situations)
    while waiting:
        asked = waiting.pop(0)
        option = asked.options[0] if chance.random() < 0.72 else chance.choice(asked.options)
        chosen[asked.id] = [option.value] if asked.kind == "multi" else option.value
        waiting = [*option.then, *waiting]
    return chosen
