"""What generating takes from the city folder: villages, townships, area codes over time, schools. No database."""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yici.base.errors import Misconfigured
from yici.platform.data.region_file import place_name, read_region
from yici.platform.data.register import AreaCodes, Region, Village

EARLIEST = dt.date(1908, 1, 1)
EPOCH = dt.date(1970, 1, 1)


def day_number(day: dt.date) -> int:
    """Days since 1970-01-01: how dates stand in every array here."""
    return (day - EPOCH).days


@dataclass(frozen=True)
class Township:
    code: str
    county: str
    name: str


@dataclass
class City:
    """The places of one city. Arrays are by village: `village_county` and `village_township` are places in lists."""

    region: Region
    villages: list[Village]
    townships: list[Township]
    counties: list[str]
    county_names: list[str]
    area_codes: list[AreaCodes]
    village_township: NDArray[np.int64]
    village_county: NDArray[np.int64]
    is_urban: NDArray[np.bool_]
    all_codes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        own = {code for codes in self.area_codes for code in codes.codes}
        self.all_codes = sorted(own | set(self.region.elsewhere) | set(self.region.elsewhere_before_1996))


def read_city(folder: Path) -> City:
    """Raises `Misconfigured` where a file is missing or no village is in it."""
    region, _seed = read_region(folder)
    rows = {row["code"]: row for row in _rows(folder / "places" / "divisions.csv")}
    villages: list[Village] = []
    townships: dict[str, Township] = {}
    for code, row in sorted(rows.items()):
        if row["level"] != "village" or row["kind"] == "虚拟社区":
            continue
        township, county = rows[row["parent"]], rows[rows[row["parent"]]["parent"]]
        townships.setdefault(township["code"], Township(township["code"], county["code"], township["name"]))
        place = f"{region.place}{county['name']}{township['name']}{place_name(row['name'])}"
        villages.append(Village(code, place, row["kind"] == "社区"))
    if not villages:
        raise Misconfigured(f"{folder / 'places' / 'divisions.csv'} 没有村和社区")
    counties = sorted({township.county for township in townships.values()})
    codes: dict[str, list[tuple[str, dt.date | None]]] = {}
    for row in _rows(folder / "places" / "historic_codes.csv"):
        last = dt.date.fromisoformat(row["valid_to"]) if row["valid_to"] else None
        codes.setdefault(row["division"], []).append((row["code"], last))
    order = list(townships)
    return City(
        region=region,
        villages=villages,
        townships=list(townships.values()),
        counties=counties,
        county_names=[rows[code]["name"] for code in counties],
        area_codes=[AreaCodes.of(codes[code]) for code in counties],
        village_township=np.array([order.index(rows[village.code]["parent"]) for village in villages]),
        village_county=np.array([counties.index(village.code[:6] + "000000") for village in villages]),
        is_urban=np.array([village.is_urban for village in villages]),
    )


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        raise Misconfigured(f"缺少文件 {path}")
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


@dataclass(frozen=True)
class School:
    """`kind` is a code of school_kind; `stage` of education_stage. `township` is a place in `City.townships`."""

    kind: str
    stage: str
    name: str
    township: int
    county: int


def schools_of(city: City) -> list[School]:
    """A primary school for three villages, a middle school for a township, high and vocational schools for a county."""
    found: list[School] = []
    for place, village in enumerate(city.villages):
        if place % 3 == 0 or city.village_township[place] != city.village_township[place - 1]:
            short = village.place.removeprefix(city.region.place)
            county = int(city.village_county[place])
            found.append(School("2", "2", f"{short}小学", int(city.village_township[place]), county))
    for place, township in enumerate(city.townships):
        county = city.counties.index(township.county)
        name = f"{city.county_names[county]}{township.name}"
        found.append(School("1", "1", f"{name}中心幼儿园", place, county))
        found.append(School("3", "3", f"{name}初级中学", place, county))
    for county, name in enumerate(city.county_names):
        seat = next(at for at, township in enumerate(city.townships) if township.county == city.counties[county])
        short = name[:2]
        found += [School("4", "4", f"{short}第{order}中学", seat, county) for order in "一二三四五六"]
        found += [School("5", "5", f"{short}{order}职业教育中心", seat, county) for order in ("", "第二")]
    return found
