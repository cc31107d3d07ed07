"""The tree of organisations as the city folder describes it: read, instantiated for every place, unsaved.

`city.csv` lists the bodies of the city, `counties.yaml` a template of county departments, and
`grassroots.yaml` how the bodies of townships and villages are named after their divisions.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yici.base.cityfolder import read_yaml
from yici.base.errors import Misconfigured
from yici.base.text import Text
from yici.core.places.loading import divisions_of

CITY_FILE = "organisations/city.csv"
COUNTIES_FILE = "organisations/counties.yaml"
GRASSROOTS_FILE = "organisations/grassroots.yaml"
COMPLAINT_PHONE = "12345"

_ADMINISTRATIVE_ENDING = re.compile(r"(社区居民委员会|社区居委会|村民委员会|居民委员会|村委会|居委会|虚拟社区|社区)$")


@dataclass(frozen=True)
class Place:
    """What naming a body needs to know of its division."""

    code: str
    name: str
    full_name: str
    english: str
    level: str
    kind: str

    @property
    def stem(self) -> str:
        """The name without its administrative ending, and without 村 where something is left: 门庄."""
        stem = _ADMINISTRATIVE_ENDING.sub("", self.name)
        return stem[:-1] if self.kind == "村" and stem.endswith("村") and len(stem) > 2 else stem


@dataclass(frozen=True)
class Body:
    """One organisation of the folder. `parent` is a slug, empty for the root; `division` a code."""

    slug: str
    parent: str
    name: str
    short_name: str
    english: str
    kind: str
    function: str
    level: str
    division: str
    order: int
    is_municipal_unit: bool = False
    holds_data: bool = False


def bodies(city: Path, places: Iterable[Place]) -> Iterator[Body]:
    """Every organisation of the city, parents before their children. Raises `Misconfigured`."""
    places = list(places)
    root = next((place for place in places if place.level == "city"), None)
    if root is None:
        raise Misconfigured("还没有行政区划，无法生成机构；请先加载 places 目录。")
    yield from _city_bodies(city, root)
    counties = read_yaml(city / COUNTIES_FILE)
    government_of = {entry["division"]: slug for slug, entry in counties["counties"].items()}
    yield from _county_bodies(counties, root_slug(city))
    yield from _grassroots_bodies(read_yaml(city / GRASSROOTS_FILE), places, government_of)


def folder_bodies(city: Path) -> list[Body]:
    """Every organisation of the folder, its places read from the folder too: needs no database. Raises `Misconfigured`."""
    rows = divisions_of(city / "places" / "divisions.csv")
    return list(
        bodies(city, (Place(row.code, row.name, row.full_name, row.english, row.level, row.kind) for row in rows))
    )


def city_rows(city: Path) -> list[tuple[int, dict[str, str]]]:
    """(line, row) of `city.csv`."""
    with (city / CITY_FILE).open(encoding="utf-8", newline="") as handle:
        return list(enumerate(csv.DictReader(handle), start=2))


def root_slug(city: Path) -> str:
    """The slug of the city government: the row without a parent."""
    return next(row["slug"] for _line, row in city_rows(city) if not row["parent"])


def _city_bodies(city: Path, root: Place) -> Iterator[Body]:
    for order, (_line, row) in enumerate(city_rows(city)):
        yield Body(
            slug=row["slug"],
            parent=row["parent"],
            name=row["name"],
            short_name=row["short_name"],
            english=row["english"],
            kind=row["kind"],
            function=row["function"],
            level="city",
            division=root.code,
            order=order,
            is_municipal_unit=row["municipal_unit"] == "yes",
            holds_data=row["holds_data"] == "yes",
        )


def _county_bodies(document: dict[str, Any], root: str) -> Iterator[Body]:
    for number, (slug, county) in enumerate(document["counties"].items()):
        name = Text.model_validate(county["name"])
        place = {"level": "county", "division": county["division"]}
        order = 1000 * (number + 1)
        yield Body(
            slug=slug,
            parent=root,
            name=f"{name.zh}人民政府",
            short_name=f"{name.zh}政府",
            english=f"People's Government of {name.en}",
            kind="government",
            function="government",
            order=order,
            **place,
        )
        for step, entry in enumerate(document["departments"], start=1):
            label, under = Text.model_validate(entry["name"]), entry.get("under")
            yield Body(
                slug=f"{slug}.{entry['function']}",
                parent=f"{slug}.{under}" if under else slug,
                name=name.zh + label.zh,
                short_name=name.zh + entry.get("short", label.zh),
                english=f"{name.en} {label.en}",
                kind="second_level" if under else "department",
                function=entry["function"],
                order=order + step,
                **place,
            )


def _grassroots_bodies(document: dict[str, Any], places: list[Place], government_of: dict[str, str]) -> Iterator[Body]:
    full_name = {place.code: place.full_name for place in places}
    for order, place in enumerate(places, start=10_000):
        if place.level == "township":
            slug, parent = f"t{place.code[:9]}", government_of[place.code[:6] + "000000"]
            names, kind, function, above = document["townships"][place.kind], "office", "government", place.full_name
            noun = "Office"
        elif place.level == "village":
            slug, parent = f"v{place.code}", f"t{place.code[:9]}"
            names, kind, function = document["villages"][place.kind], "village", "village_committee"
            above, noun = full_name[place.code[:9] + "000"], "Committee"
        else:
            continue
        english = f"{place.english} {noun}"
        yield _grassroots_body(slug, parent, names, place, above, english, kind, function, order)
        point = document["agent_points"][place.level]
        yield _grassroots_body(
            f"{slug}.agent",
            slug,
            point,
            place,
            above,
            f"{place.english} Agent Point",
            "agent_point",
            "agent_point",
            order,
        )


def _grassroots_body(
    slug: str,
    parent: str,
    names: dict[str, str],
    place: Place,
    above: str,
    english: str,
    kind: str,
    function: str,
    order: int,
) -> Body:
    words = {"full": above, "name": place.name, "stem": place.stem}
    name = names["name"].format(**words)
    # A zone may be called 管理委员会 in the list of divisions already.
    name = name.replace("管理委员会管理委员会", "管理委员会")
    return Body(
        slug, parent, name, names["short"].format(**words), english, kind, function, place.level, place.code, order
    )
