"""Checks of `coverage.yaml`: shape, both languages, and that every class and column it names is described."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from yici.base.cityfolder import Finding, Located, read_yaml
from yici.base.errors import Misconfigured
from yici.base.faults import first_fault
from yici.platform.data.catalogue.definition import ClassDefinition
from yici.platform.data.catalogue.reading import definitions_in
from yici.platform.data.quality.coverage import FILE, Entry, Side


def lint(city: Path) -> Iterable[Finding]:
    """Every finding about the city's comparisons; a city without any has none."""
    path = city / FILE
    if not path.is_file():
        return []
    try:
        body = read_yaml(path)
        return list(_findings(body, definitions_in(city)))
    except (Misconfigured, KeyError, TypeError) as error:
        return [Finding(FILE, 1, "coverage.shape", str(error), "写成 coverage: 后面一列对照。")]


def _findings(body: Located, classes: Any) -> Iterator[Finding]:
    seen: set[str] = set()
    for place, fields in enumerate(body["coverage"]):
        line = body.line_of("coverage", place)
        try:
            entry = Entry.model_validate(fields)
        except ValidationError as error:
            yield Finding(FILE, line, "coverage.shape", first_fault(error), "参照同文件中其他条目。")
            continue
        if entry.id in seen:
            yield Finding(FILE, line, "coverage.duplicate", f"对照 {entry.id} 重复。", "只保留一处。")
        seen.add(entry.id)
        if not entry.label.en:
            yield Finding(FILE, line, "coverage.english", f"对照 {entry.id} 没有英文名称。", "补上 en。", "warning")
        for message in _unknown(entry, classes):
            yield Finding(FILE, line, "coverage.unknown", f"对照 {entry.id}：{message}", "只用已描述的数据类和它的列。")


def _unknown(entry: Entry, classes: dict[str, ClassDefinition]) -> Iterator[str]:
    sides: list[tuple[Side, tuple[str, ...]]] = [
        (entry.reference, (entry.reference.key, *entry.reference.where)),
        (entry.covered_by, (entry.covered_by.key,)),
    ]
    if entry.reference.without is not None:
        sides.append((entry.reference.without, (entry.reference.without.key,)))
    for side, columns in sides:
        definition = classes.get(side.data_class)
        if definition is None:
            yield f"没有已描述的数据类 {side.data_class}"
            continue
        for column in columns:
            if column not in definition.by_name:
                yield f"{side.data_class} 没有 {column} 这一列"
    of, born = classes.get(entry.reference.data_class), entry.reference.born
    if of is not None and born and (born not in of.by_name or of.by_name[born].type != "date"):
        yield f"{of.id} 的 {born} 不是日期列"
