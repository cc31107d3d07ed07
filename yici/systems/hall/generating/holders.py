"""Who holds an item: the bodies of the folder that a rule of `held_by` names.

A rule is a level (`county`), or a mapping: `level`, `only` / `except` (slugs of counties), `kinds` (镇, 街道, 村 …),
`every` (kinds of organisation: department) for what each body does for itself; `bodies` and `without` name slugs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yici.base.cityfolder import read_yaml
from yici.base.errors import Misconfigured
from yici.core.people.organisation_files import folder_bodies
from yici.core.places.loading import divisions_of

LEVELS = ("city", "county", "township", "village")
GRASSROOTS = {"township": "government", "village": "village_committee"}


@dataclass(frozen=True)
class Authority:
    """A body that can hold items. `county` is the slug of its county, empty for the city's own."""

    slug: str
    function: str
    level: str
    division: str
    kind: str
    place_kind: str
    county: str


@dataclass(frozen=True)
class Authorities:
    """All bodies, by (function, level) and by (kind of organisation, level)."""

    by_function: Mapping[tuple[str, str], list[Authority]]
    by_kind: Mapping[tuple[str, str], list[Authority]]
    stand_ins: Mapping[str, Mapping[str, str]]

    def function_at(self, function: str, level: str) -> str:
        """Who does at a level what this function does in the city: 食药监 of a county is 市场监管."""
        if level in GRASSROOTS:
            return GRASSROOTS[level]
        return self.stand_ins.get(level, {}).get(function, function)


def authorities(city: Path) -> Authorities:
    """Reads the folder's bodies. Raises `Misconfigured`."""
    kinds = {place.code: place.kind for place in divisions_of(city / "places" / "divisions.csv")}
    document = read_yaml(city / "organisations" / "counties.yaml")
    county_of = {str(entry["division"])[:6]: slug for slug, entry in document["counties"].items()}
    by_function: dict[tuple[str, str], list[Authority]] = {}
    by_kind: dict[tuple[str, str], list[Authority]] = {}
    for body in folder_bodies(city):
        one = Authority(
            body.slug, body.function, body.level, body.division, body.kind, kinds.get(body.division, ""),
            county_of.get(body.division[:6], ""),
        )  # fmt: skip
        by_function.setdefault((body.function, body.level), []).append(one)
        by_kind.setdefault((body.kind, body.level), []).append(one)
    settings = (
        read_yaml(city / "catalogue" / "settings.yaml") if (city / "catalogue" / "settings.yaml").is_file() else {}
    )
    return Authorities(by_function, by_kind, settings.get("stand_ins") or {})


def held(rules: list[Any], function: str, around: Authorities) -> Iterator[Authority]:
    """The authorities that hold an item of this function, each once. Raises `Misconfigured` for a rule that finds none."""
    seen: set[str] = set()
    for rule in rules:
        wanted: Mapping[str, Any] = {"level": rule} if isinstance(rule, str) else rule
        found = [one for one in _candidates(wanted, function, around) if _fits(one, wanted)]
        if not found:
            raise Misconfigured(f"held_by 的 {rule} 没有找到承担“{function}”职能的机构，请改正级别、县区或职能")
        for one in found:
            if one.slug not in seen:
                seen.add(one.slug)
                yield one


def _candidates(rule: Mapping[str, Any], function: str, around: Authorities) -> list[Authority]:
    level = str(rule.get("level"))
    if level not in LEVELS:
        raise Misconfigured(f"held_by 的级别 {level} 不认识，应为 {'、'.join(LEVELS)} 之一")
    if bodies := rule.get("bodies"):
        return [one for found in around.by_function.values() for one in found if one.slug in bodies]
    if kinds := rule.get("every"):
        return [one for kind in kinds for one in around.by_kind.get((kind, level), [])]
    found = around.by_function.get((around.function_at(function, level), level), [])
    # Where two bodies of a place share a function the first of the folder is the one that handles.
    first: dict[str, Authority] = {}
    for one in found:
        first.setdefault(one.division, one)
    return list(first.values())


def _fits(one: Authority, rule: Mapping[str, Any]) -> bool:
    return (
        (not rule.get("only") or one.county in rule["only"])
        and one.county not in (rule.get("except") or ())
        and one.slug not in (rule.get("without") or ())
        and (not rule.get("kinds") or one.place_kind in rule["kinds"])
    )
