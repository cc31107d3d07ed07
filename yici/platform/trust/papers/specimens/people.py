"""Invented people, companies and vehicles with valid check digits, from a seed."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass

from yici.core.vocabulary.rules import check_digit_of_id, check_uscc

_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
_GIVEN = "秀英伟芳娜敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂梅玉红建国文华志海云雪婷欣怡梓涵浩宇晨曦子轩思远"
_ETHNICITIES = ("汉",) * 17 + ("回", "满", "蒙古")
# GB/T 2260 and villages of the demo city's counties; the addresses are invented.
_PLACES = (
    ("341602", "安徽省亳州市谯城区", ("十八里镇", "古井镇", "谯东镇", "双沟镇")),
    ("341621", "安徽省亳州市涡阳县", ("高炉镇", "西阳镇", "义门镇", "龙山镇")),
    ("341622", "安徽省亳州市蒙城县", ("坛城镇", "小涧镇", "许疃镇", "乐土镇")),
    ("341623", "安徽省亳州市利辛县", ("阚疃镇", "望疃镇", "张村镇", "永兴镇")),
)
_VILLAGES = ("陆杨村", "前进村", "大周村", "柳林村", "新桥村", "丁楼村")
_TRADES = (
    ("餐饮店", "餐饮服务；食品销售"),
    ("药材商行", "中药材种植、收购、销售"),
    ("便利店", "日用百货、预包装食品零售"),
    ("汽车维修部", "机动车修理和维护；汽车零配件零售"),
)
_BRANDS = ("大众牌SVW71612BS", "比亚迪牌BYD7150WT", "江淮牌HFC7160", "奇瑞牌SQR7150")
_VIN = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"
_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


@dataclass(frozen=True)
class Invented:
    """A person. `sex` is 1 or 2 (GB/T 2261.1); `ethnicity` the word on the card, without 族."""

    name: str
    sex: str
    ethnicity: str
    birth_date: dt.date
    address: str
    id_number: str
    county: str

    @property
    def sex_word(self) -> str:
        return "男" if self.sex == "1" else "女"


def invent(chance: random.Random) -> Invented:
    area, county, towns = chance.choice(_PLACES)
    born = dt.date(1940, 1, 1) + dt.timedelta(days=chance.randrange(365 * 66))
    sex = chance.choice("12")
    serial = chance.randrange(100) * 10 + chance.randrange(5) * 2 + (1 if sex == "1" else 0)
    body = f"{area}{born:%Y%m%d}{serial:03d}"
    address = f"{county}{chance.choice(towns)}{chance.choice(_VILLAGES)}{chance.randrange(1, 20)}组{chance.randrange(1, 300)}号"
    name = chance.choice(_SURNAMES) + "".join(chance.choice(_GIVEN) for _ in range(chance.choice((1, 2, 2))))
    return Invented(name, sex, chance.choice(_ETHNICITIES), born, address, body + check_digit_of_id(body), county)


def company(chance: random.Random, owner: Invented) -> dict[str, str]:
    """Name, code, address, scope, capital of an invented sole trader, by data element."""
    trade, scope = chance.choice(_TRADES)
    body = f"92{chance.choice(_PLACES)[0]}MA{''.join(chance.choice(_USCC) for _ in range(7))}"
    return {
        "organisation.uscc": _with_check_character(body),
        "organisation.name": f"{owner.county[6:]}{owner.name[:2]}{trade}",
        "organisation.legal_representative": owner.name,
        "organisation.address": owner.address,
        "organisation.business_scope": scope,
        "organisation.founded_date": _day(chance, 2005, 2023).isoformat(),
    }


def _with_check_character(body: str) -> str:
    """The body with the one last character by which it is valid (GB 32100)."""
    weights = sum(_USCC.index(character) * pow(3, place, 31) for place, character in enumerate(body))
    return check_uscc(body + _USCC[-weights % 31])


def vehicle(chance: random.Random, owner: Invented) -> dict[str, str]:
    """Plate, model, numbers and dates of an invented car, by data element."""
    registered = _day(chance, 2010, 2024)
    return {
        "vehicle.plate_number": "皖S" + "".join(chance.choice("0123456789ABCDEFGH") for _ in range(5)),
        "vehicle.kind": chance.choice(("小型轿车", "小型普通客车")),
        "vehicle.owner_name": owner.name,
        "vehicle.use": "非营运",
        "vehicle.brand": chance.choice(_BRANDS),
        "vehicle.vin": "L" + "".join(chance.choice(_VIN) for _ in range(16)),
        "vehicle.engine_number": "".join(chance.choice("0123456789ABCDEFGH") for _ in range(7)),
        "vehicle.registered_date": registered.isoformat(),
        "certificate.issued_date": (registered + dt.timedelta(days=3)).isoformat(),
    }


def _day(chance: random.Random, first: int, last: int) -> dt.date:
    return dt.date(first, 1, 1) + dt.timedelta(days=chance.randrange(365 * (last - first)))


def valid_period(chance: random.Random, person: Invented) -> tuple[dt.date, dt.date]:
    """From and until of an identity card: twenty years, as for people between 26 and 45 (居民身份证法 §5)."""
    start = _day(chance, 2012, 2024)
    start = start.replace(day=min(start.day, 28))
    return start, start.replace(year=start.year + 20)
