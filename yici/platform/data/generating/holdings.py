"""What households and people own: houses, vehicles, businesses. Numbers that must be unique are bijections of serials."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from django.utils.translation import gettext as _

from yici.base.errors import Invalid
from yici.platform.data.generating import composing, people, texts
from yici.platform.data.generating.chunk import Chunk
from yici.platform.data.generating.composing import TODAY
from yici.platform.data.generating.draws import Ints
from yici.platform.data.generating.people import dates
from yici.platform.data.generating.places import day_number
from yici.platform.data.register.numbers import PLATE_LETTERS

_BRANDS = (
    ("江淮瑞风", "K33", "A"), ("奇瑞瑞虎", "K32", "A"), ("五菱宏光", "K31", "A"), ("大众朗逸", "K33", "A"),
    ("哈弗H6", "K32", "A"), ("吉利帝豪", "K33", "A"), ("比亚迪秦", "K33", "C"), ("福田轻卡", "H31", "B"),
    ("时风三轮", "N11", "B"),
)  # fmt: skip
_TRADES = (  # (word in the name, industry GB/T 4754, scope)
    ("商贸", "F", "日用百货、预包装食品批发零售"), ("建筑工程", "E", "房屋建筑工程、市政工程施工"),
    ("药业", "C", "中药材收购、加工、销售"), ("农业科技", "A", "农作物种植、农产品初加工"),
    ("物流", "G", "普通货物道路运输、仓储服务"), ("餐饮管理", "H", "餐饮服务、餐饮企业管理"),
    ("酒业", "C", "白酒生产、销售"), ("服装", "C", "服装加工、销售"), ("信息科技", "I", "软件开发、信息技术服务"),
    ("置业", "K", "房地产开发经营"), ("劳务", "L", "劳务派遣、人力资源服务"), ("汽车服务", "O", "机动车维修"),
)  # fmt: skip
_SHOPS = (
    ("超市", "F"),
    ("饭店", "H"),
    ("服装店", "F"),
    ("理发店", "O"),
    ("五金店", "F"),
    ("药材行", "F"),
    ("修理部", "O"),
    ("早点铺", "H"),
)
_WORDS = "华源宏盛德信恒泰金谷亳兴康美鼎丰万和瑞祥天成嘉禾中诚永安"
_LETTERS = np.frombuffer(PLATE_LETTERS.encode(), dtype=np.uint8)
# Shapes of the five characters after the office letter (GA 36: at most two letters), with how many each gives.
_PLATE_SHAPES = ("D####", "L####", "#L###", "LL###", "##L##", "###L#", "####L")
_PLATE_SIZES = np.array([100_000, 240_000, 240_000, 576_000, 240_000, 240_000, 240_000])
_PLATES = int(_PLATE_SIZES.sum())
_SINCE = day_number(dt.date(2006, 3, 1))


@dataclass
class Serials:
    """How many of each kind were made in the chunks before."""

    vehicles: int = 0
    houses: int = 0
    businesses: int = 0


def plates(serials: Ints, prefix: str) -> pa.Array:
    """Plates that never repeat. A city of more vehicles than its letter has numbers for is given the letters after it.

    Raises `Invalid` where the province has none left.
    """
    letters = prefix[-1] + PLATE_LETTERS.replace(prefix[-1], "")
    if len(serials) and serials[-1] >= _PLATES * len(letters):
        words = _("{province} 的号牌只有 {count:,} 个号码，请减少人口。")
        raise Invalid(words.format(province=prefix[:-1], count=_PLATES * len(letters)))
    office, serials = np.divmod(serials, _PLATES)
    place = texts.scattered(serials, _PLATES, 1_000_003)
    edges = np.cumsum(_PLATE_SIZES)
    shape = np.searchsorted(edges, place, side="right")
    rest = place - (edges - _PLATE_SIZES)[shape]
    characters = np.zeros((len(serials), 5), dtype=np.uint8)
    for at, pattern in enumerate(_PLATE_SHAPES):
        rows = np.flatnonzero(shape == at)
        left = rest[rows]
        for position in range(4, -1, -1):
            if pattern[position] == "L":
                left, letter = np.divmod(left, len(_LETTERS))
                characters[rows, position] = _LETTERS[letter]
            else:
                left, digit = np.divmod(left, 10)
                characters[rows, position] = digit + 48
    offices = [f"{prefix[:-1]}{letter}" for letter in letters]
    heads = [*offices, *(f"{office}D" for office in offices)]  # new-energy plates: D and five digits
    head = texts.taken(heads, office + len(letters) * (shape == 0))
    return texts.joined(head, texts.column(characters))


def vehicles(chunk: Chunk, serials: Serials) -> pa.Table:
    draws, who, city = chunk.draws, chunk.who, chunk.city
    alive = (who.died == 0) | (who.died > TODAY)
    share = np.where(who.sex == 1, 0.33, 0.12)
    owner = np.flatnonzero((who.age >= 20) & (who.age < 75) & alive & draws.chance("vehicle", who.n, share))
    n = who.n[owner]
    serial = serials.vehicles + np.arange(len(owner))
    serials.vehicles += len(owner)
    brand = draws.choice("brand", n, (14, 13, 17, 14, 14, 12, 8, 5, 3))
    registered = np.maximum(draws.integers("registered", n, day_number(dt.date(2008, 1, 1)), TODAY - 3),
                            who.birth[owner] + 20 * 366)  # fmt: skip
    registered = np.minimum(registered, TODAY - 2)
    vin = np.hstack([texts.spelled(draws.integers("vin", n, 0, 33**9), 9, texts.VIN_ALPHABET),
                     texts.spelled(serial, 8, texts.VIN_ALPHABET)])  # fmt: skip
    vin[:, 0], vin[:, 1] = ord("L"), ord("S")
    price = (draws.triangular("price", n, 3, 45, 8) * 10_000).astype(np.int64) // 100 * 100 * 100
    takes = pa.array(owner)
    brands = [name for name, _, _ in _BRANDS]
    return pa.table(
        {
            "v": serial, "owner": n,
            "owner_name": who.name.take(takes), "owner_id": who.id_number.take(takes),
            "owner_phone": who.phone.take(takes), "owner_address": chunk.person_address.take(takes),
            "county": chunk.person_county[owner],
            "plate": plates(serial, city.region.plate_prefix), "vin": texts.column(texts.with_vin_check(vin)),
            "engine": texts.column(texts.spelled(draws.integers("engine", n, 0, 33**8), 8, texts.VIN_ALPHABET)),
            "brand": texts.taken(brands, brand), "kind": texts.taken([kind for _, kind, _ in _BRANDS], brand),
            "fuel": texts.taken([fuel for _, _, fuel in _BRANDS], brand),
            "colour": texts.taken(tuple("AAABEHJJGI"), draws.integers("colour", n, 0, 10)),
            "registered": dates(registered), "price": price,
        }
    )  # fmt: skip


def houses(chunk: Chunk, serials: Serials) -> pa.Table:
    """First houses at the address of the household, and second ones in town."""
    draws, ids, who, city, village = chunk.draws, chunk.ids, chunk.who, chunk.city, chunk.village
    head, spouse = chunk.head, chunk.head_spouse
    urban = city.is_urban[village]
    first = np.flatnonzero(draws.chance("house", ids, np.where(urban, 0.75, 0.35)))
    second = np.flatnonzero(draws.chance("second house", ids, np.where(urban, 0.12, 0.06)))
    # In the order of households, as chunks of any size must give the same serials.
    rows, is_second = np.divmod(np.sort(np.r_[first * 2, second * 2 + 1]), 2)
    is_second = is_second.astype(bool)
    numbers = ids[rows] * 2 + is_second
    serial = serials.houses + np.arange(len(rows))
    serials.houses += len(rows)
    town = np.flatnonzero(city.is_urban)
    where = np.where(is_second, town[draws.integers("house town", numbers, 0, len(town))], village[rows])
    elsewhere = people.addresses(draws, "house", numbers, city, where)
    county = city.village_county[where]
    registered = np.minimum(np.maximum(draws.integers("house registered", numbers, _SINCE, TODAY - 2),
                                       who.birth[head[rows]] + 18 * 366), TODAY - 1)  # fmt: skip
    year = registered.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    co_owned = (spouse[rows] >= 0) & draws.chance("co-owned", numbers, 0.55)
    area = draws.triangular("floor area", numbers, 55, 180, 105).round(2)
    area_code = np.array([int(code[:6]) for code in city.counties])[county]
    flat = city.is_urban[where]
    unit = texts.joined(
        texts.column(texts.digits(area_code * 10**6 + draws.integers("cadastre", numbers, 1001, 99099), 12)), "GB",
        texts.column(texts.digits(serial // 10_000 % 100_000, 5)), "F",
        texts.column(texts.digits(serial % 10_000 * 10**4 + draws.integers("unit", numbers, 1, 9999), 8)),
    )  # fmt: skip
    owner, partner = pa.array(head[rows]), pa.array(spouse[rows], mask=~co_owned)
    return pa.table(
        {
            "h": serial, "household": ids[rows], "is_second": is_second,
            "owner": who.n[head[rows]], "owner_name": who.name.take(owner), "owner_id": who.id_number.take(owner),
            "owner_phone": who.phone.take(owner),
            "partner_name": who.name.take(partner), "partner_id": who.id_number.take(partner),
            "number": texts.joined("皖（", texts.number_text(year), "）", texts.taken(city.county_names, county),
                                   "不动产权第", texts.column(texts.digits(serial + 1, 7)), "号"),
            "unit": unit,
            "address": texts.where(is_second, elsewhere, chunk.address.take(pa.array(rows))),
            "village_code": texts.taken([entry.code for entry in city.villages], where), "county": county,
            "is_flat": flat, "area": area, "registered": dates(registered),
            "built_year": np.minimum(year, year - draws.integers("built", numbers, 0, 15)).astype(np.int32),
            "structure": texts.where(flat, "3", texts.taken(("4", "5"), draws.integers("structure", numbers, 0, 2))),
            "mortgaged": flat & draws.chance("mortgaged", numbers, 0.3),
            "price": (area * draws.triangular("price a square metre", numbers, 2200, 8800, 4800)).astype(np.int64) * 100,
        }
    )  # fmt: skip


def businesses(chunk: Chunk, serials: Serials) -> pa.Table:
    """Companies and individual businesses by their owners."""
    draws, who, lives, city = chunk.draws, chunk.who, chunk.lives, chunk.city
    own = lives.work == people.SELF_EMPLOYED
    company = (who.age >= 24) & (who.age < 66) & (lives.work > 0) & draws.chance("company", who.n, 0.02)
    rows = np.flatnonzero(own | company)
    n, is_company = who.n[rows], company[rows]
    serial = serials.businesses + np.arange(len(rows))
    serials.businesses += len(rows)
    place = chunk.village[who.row[rows]]
    county = city.village_county[place]
    founded = np.minimum(np.maximum(draws.integers("founded", n, day_number(dt.date(2005, 1, 1)), TODAY - 2),
                                    who.birth[rows] + 18 * 366), TODAY - 1)  # fmt: skip
    area = np.array([int(code[:6]) for code in city.counties])[county]
    head = np.where(is_company, 91, 92) * 10**6 + area
    code = np.hstack([texts.digits(head, 8), texts.organisation_code(texts.scattered(serial, 31**6, 7_654_321))])
    trade = draws.integers("trade", n, 0, len(_TRADES))
    shop = draws.integers("shop", n, 0, len(_SHOPS))
    word = texts.joined(*(texts.taken(tuple(_WORDS), draws.integers(f"word {at}", n, 0, len(_WORDS))) for at in (0, 1)))
    takes = pa.array(rows)
    short = texts.taken(list(city.county_names), county)
    cooperative = is_company & (trade == 3) & draws.chance("cooperative", n, 0.5)
    tail = texts.where(
        cooperative, "种植专业合作社", texts.joined(texts.taken([t[0] for t in _TRADES], trade), "有限公司")
    )
    shop_name = texts.joined(short, who.name.take(takes), texts.taken([s[0] for s in _SHOPS], shop))
    return pa.table(
        {
            "b": serial, "owner": n, "is_company": is_company, "is_cooperative": cooperative,
            "owner_name": who.name.take(takes), "owner_id": who.id_number.take(takes),
            "owner_phone": who.phone.take(takes),
            "uscc": texts.column(texts.with_uscc_check(code)),
            "name": texts.where(is_company, texts.joined(city.region.place[3:], short, word, tail), shop_name),
            "industry": texts.where(is_company, texts.taken([t[1] for t in _TRADES], trade),
                                    texts.taken([s[1] for s in _SHOPS], shop)),
            "scope": texts.where(is_company, texts.taken([t[2] for t in _TRADES], trade),
                                 texts.taken([s[0] for s in _SHOPS], shop)),
            "address": people.addresses(draws, "business", n, city, place),
            "village_code": texts.taken([entry.code for entry in city.villages], place), "county": county,
            "founded": dates(founded),
            "capital": (10 ** draws.triangular("capital", n, 1, 3.7, 2)).astype(np.int64) * 10_000_00,
            "employees": np.where(is_company, (3 * 10 ** draws.triangular("employees", n, 0, 2.4, 0.4)), 1).astype(np.int64),
        }
    )  # fmt: skip


def couples(chunk: Chunk) -> pa.Table:
    """Couples both of whom are in the city."""
    who, lives = chunk.who, chunk.lives
    man = np.flatnonzero((lives.spouse >= 0) & (who.sex == 1))
    woman = who.local[who.row[man], who.seat[man] ^ 1]
    one, other = pa.array(man), pa.array(woman)
    return pa.table(
        {
            "n": who.n[man], "household": who.n[man] // composing.SEATS, "married": dates(lives.married[man]),
            "man_name": who.name.take(one), "man_id": who.id_number.take(one), "man_birth": dates(who.birth[man]),
            "man_phone": who.phone.take(one), "man_ethnicity": lives.ethnicity.take(one),
            "woman_name": who.name.take(other), "woman_id": who.id_number.take(other),
            "woman_birth": dates(who.birth[woman]), "woman_ethnicity": lives.ethnicity.take(other),
            "woman_phone": who.phone.take(other),
            "village_code": chunk.village_codes(who.row[man]), "county": chunk.person_county[man],
        }
    )  # fmt: skip


def children(chunk: Chunk) -> pa.Table:
    """Children at home with the parents who live with them."""
    who, made = chunk.who, chunk.made
    rows = np.flatnonzero(who.seat >= composing.FIRST_CHILD)
    father = who.local[who.row[rows], composing.MAN]
    mother = who.local[who.row[rows], composing.WOMAN]
    child, dad, mum = pa.array(rows), pa.array(father, mask=father < 0), pa.array(mother, mask=mother < 0)
    return pa.table(
        {
            "n": who.n[rows], "household": who.n[rows] // composing.SEATS, "name": who.name.take(child),
            "id_number": who.id_number.take(child), "sex": texts.number_text(who.sex[rows]),
            "birth": dates(who.birth[rows]), "child_order": made.child_order[who.row[rows], who.seat[rows]],
            "father_name": who.name.take(dad), "father_id": who.id_number.take(dad),
            "father_birth": pa.array(who.birth.astype("datetime64[D]")).take(dad),
            "mother_name": who.name.take(mum), "mother_id": who.id_number.take(mum),
            "mother_birth": pa.array(who.birth.astype("datetime64[D]")).take(mum),
            "mother_phone": who.phone.take(mum), "address": chunk.person_address.take(child),
            "village_code": chunk.village_codes(who.row[rows]), "county": chunk.person_county[rows],
        }
    )  # fmt: skip
