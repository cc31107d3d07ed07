"""Checks of `places/` in a city folder: counts, codes, parents, and that every link leads somewhere."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from yici.base.cityfolder import Finding, Located, read_yaml
from yici.core.places.models import Level
from yici.core.places.rules import UnknownDivision, level_of, parent_code

_DIVISIONS = "places/divisions.csv"
_HISTORIC = "places/historic_codes.csv"
_ZONES = "places/zones.yaml"


def lint(city: Path) -> Iterator[Finding]:
    """Every finding about `places/`; line numbers are those of the CSV or YAML file."""
    missing = [name for name in (_DIVISIONS, _HISTORIC, _ZONES) if not (city / name).exists()]
    for name in missing:
        yield Finding(name, 0, "places.missing", "缺少文件", "从其他城市文件夹复制表头后填写")
    if missing:
        return
    rows = _rows(city / _DIVISIONS)
    codes = {row["code"] for _line, row in rows}
    yield from _lint_divisions(rows, codes)
    zones = read_yaml(city / _ZONES)
    yield from _lint_counts(rows, zones.get("expected"))
    yield from _lint_historic(_rows(city / _HISTORIC), codes)
    yield from _lint_zones(zones, codes)


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return [(number, row) for number, row in enumerate(csv.DictReader(handle), start=2)]


def _lint_divisions(rows: list[tuple[int, dict[str, str]]], codes: set[str]) -> Iterator[Finding]:
    seen: set[str] = set()
    for line, row in rows:
        code = row["code"]
        if code in seen:
            yield Finding(_DIVISIONS, line, "places.duplicate", f"代码 {code} 重复", "删除重复的一行")
        seen.add(code)
        try:
            level, parent = level_of(code), parent_code(code)
        except UnknownDivision:
            yield Finding(_DIVISIONS, line, "places.code", f"代码 {code} 不是 12 位区划代码", "按国家统计局代码填写")
            continue
        if level != row["level"]:
            yield Finding(
                _DIVISIONS, line, "places.level", f"{code} 的级别应为 {level}，写成了 {row['level']}", f"改为 {level}"
            )
        if (parent or "") != row["parent"]:
            yield Finding(
                _DIVISIONS,
                line,
                "places.nesting",
                f"{code} 的上级应为 {parent}，写成了 {row['parent']}",
                "改正上级代码",
            )
        elif parent and parent not in codes:
            yield Finding(_DIVISIONS, line, "places.parent", f"{code} 的上级 {parent} 不存在", "补上上级区划的一行")
        if not row["name"] or not row["pinyin"]:
            yield Finding(_DIVISIONS, line, "places.name", f"{code} 缺少名称或拼音", "补全名称、拼音")


def _lint_counts(rows: list[tuple[int, dict[str, str]]], expected: Any) -> Iterator[Finding]:
    counts = Counter(row["level"] for _line, row in rows)
    if counts[Level.CITY] != 1:
        yield Finding(_DIVISIONS, 0, "places.count", f"应有 1 个市，实有 {counts[Level.CITY]} 个", "一个文件夹一个城市")
    for level, number in (expected or {}).items():
        if counts[level] != number:
            yield Finding(
                _DIVISIONS,
                0,
                "places.count",
                f"{Level(level).label}应有 {number} 个，实有 {counts[level]} 个",
                f"核对区划表；区划确有调整时改 {_ZONES} 中的 expected",
            )


def _lint_historic(rows: list[tuple[int, dict[str, str]]], codes: set[str]) -> Iterator[Finding]:
    for line, row in rows:
        if len(row["code"]) != 6 or not row["code"].isdigit():
            yield Finding(_HISTORIC, line, "places.historic", f"{row['code']} 不是六位代码", "按 GB/T 2260 填写")
        if row["division"] not in codes:
            yield Finding(_HISTORIC, line, "places.historic", f"现区划 {row['division']} 不存在", "改为现在的县区代码")
        if row["valid_from"] and row["valid_to"] and row["valid_from"] > row["valid_to"]:
            yield Finding(_HISTORIC, line, "places.historic", "启用日期晚于停用日期", "改正日期")
    held = {row["division"] for _line, row in rows if not row["valid_to"]}
    for code in sorted(codes):
        if code[2:4] != "00" and code[4:6] != "00" and code[6:] == "000000" and code not in held:
            yield Finding(_HISTORIC, 0, "places.historic", f"{code} 没有现行六位代码", "补上现行代码，停用日期留空")


def _lint_zones(document: Any, codes: set[str]) -> Iterator[Finding]:
    zones: Located = document["zones"]
    for slug, zone in zones.items():
        line = zones.lines[slug]
        if zone.get("kind") not in ("功能区", "园区"):
            yield Finding(_ZONES, line, "places.zone", f"{slug} 的 kind 应为 功能区 或 园区", "改正 kind")
        if not zone.get("divisions"):
            yield Finding(_ZONES, line, "places.zone", f"{slug} 没有对应的行政区划", "在 divisions 中写明所在区划代码")
        for code in zone.get("divisions", []):
            if code not in codes:
                yield Finding(
                    _ZONES, zone.line_of("divisions"), "places.zone", f"{slug} 指向不存在的区划 {code}", "改正区划代码"
                )
