"""The catalogue linter: everything in the catalogue that contradicts itself, the folder or the law's own logic.

`lint(city)` reads files only; it needs no database and never stops at the first fault. Every item is checked, also
those that a register or a kind of handling makes; the figures the city declares are counted at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from yici.base.cityfolder import Finding, Located, read_yaml
from yici.base.errors import Misconfigured
from yici.core.forms.rules import explain
from yici.systems.hall import folder
from yici.systems.hall.definitions import ItemDefinition
from yici.systems.hall.generating import entries as generating
from yici.systems.hall.generating.counting import declared, tally
from yici.systems.hall.generating.entries import Entry
from yici.systems.hall.generating.holders import authorities, held
from yici.systems.hall.linting.checks import CHECKS
from yici.systems.hall.linting.surroundings import Surroundings, surroundings_of

__all__ = ["faults_of_entry", "findings_of_base", "lint", "lint_item", "surroundings_of"]


def lint(city: Path) -> Iterator[Finding]:
    """Findings of every item, then of the catalogue as a whole."""
    folder.forget()
    around = surroundings_of(city)
    codes: dict[str, str] = {}
    found: list[Entry] = []
    for path in folder.item_files(city):
        name = path.relative_to(city).as_posix()
        try:
            raw = read_yaml(path)
        except Misconfigured as error:
            yield Finding(name, 0, "hall.yaml", str(error.message), "按提示的行改正 YAML 写法")
            continue
        yield from lint_item(raw, name, around)
        try:
            found.extend(generating.entries_of(raw, name, city))
        except Misconfigured:
            continue
    yield from _registers(city, around, found)
    for entry in found:
        if entry.code in codes:
            message = f"编码 {entry.code} 与 {codes[entry.code]} 重复"
            line = entry.raw.line_of("code") or entry.line
            yield Finding(entry.path, line, "hall.code-unique", message, "给其中一个事项另取拼音编码")
        codes.setdefault(entry.code, entry.path)
    yield from _unused_topics(city, around)
    yield from _counts(city, found)


def lint_item(raw: object, name: str, around: Surroundings) -> Iterator[Finding]:
    """Findings of one file as read from YAML, its kinds of handling included; `name` is its path within the folder."""
    if not isinstance(raw, Located):
        yield Finding(name, 0, "hall.schema", "文件应是“名称: 值”的形式", "参照其他事项填写")
        return
    try:
        made = list(generating.entries_of(raw, name, around.city))
    except Misconfigured as error:
        yield Finding(name, raw.line, "hall.shorthand", str(error.message), "按提示改正写法")
        return
    seen: set[tuple[str, int]] = set()
    for entry in made:
        for finding in faults_of_entry(entry, around):
            # A fault of the base shows again in each of its handlings; once is enough.
            if (finding.rule, finding.line) not in seen:
                seen.add((finding.rule, finding.line))
                yield finding
    if Path(name).stem != raw.get("code"):
        message = f"文件名应与编码一致：{raw.get('code')}.yaml"
        yield Finding(name, raw.line_of("code"), "hall.file-name", message, "改文件名或编码")


def findings_of_base(city: Path, base: str) -> list[Finding]:
    """Findings of one hand-written item as its file stands; empty for an item of a register."""
    path = city / folder.ITEMS / f"{base}.yaml"
    return list(_of_file(path, city, path.stat().st_mtime_ns)) if path.is_file() else []


@lru_cache(maxsize=512)
def _of_file(path: Path, city: Path, _changed: int) -> tuple[Finding, ...]:
    return tuple(lint_item(read_yaml(path), path.relative_to(city).as_posix(), surroundings_of(city)))


def faults_of_entry(entry: Entry, around: Surroundings) -> Iterator[Finding]:
    """Findings of one item of the catalogue."""
    whole = folder.with_defaults(entry.raw, around.city)
    what = f"（{entry.code}）" if entry.handling or not entry.is_written else ""
    try:
        item = ItemDefinition.model_validate(whole)
    except ValidationError as error:
        for problem in explain(error, whole):
            place = ".".join(str(part) for part in problem.path)
            line = problem.line or entry.line
            yield Finding(entry.path, line, "hall.schema", f"{place}：{problem.message}{what}", "按字段说明改正")
        return
    for check in CHECKS:
        for fault in check(item, around):
            rule = "hall." + check.__name__.replace("_", "-")
            line = whole.line_of(*fault.where) or entry.line
            yield Finding(entry.path, line, rule, fault.message + what, fault.remedy, fault.level)


def _registers(city: Path, around: Surroundings, found: list[Entry]) -> Iterator[Finding]:
    for path in generating.register_files(city):
        try:
            made = list(generating.entries_of_register(path, city))
        except Misconfigured as error:
            yield Finding(path.relative_to(city).as_posix(), 0, "hall.register", str(error.message), "按提示改正这一行")
            continue
        for entry in made:
            yield from faults_of_entry(entry, around)
        found.extend(made)


def _counts(city: Path, found: list[Entry]) -> Iterator[Finding]:
    """Every holding has its authority, and the sums are those the city declares."""
    if not (city / "organisations").is_dir() or not found:
        return
    bodies = authorities(city)
    sound: list[Entry] = []
    for entry in found:
        handler: Any = entry.raw.get("handler") or {}
        try:
            list(held(entry.held_by, str(handler.get("function", "")), bodies))
        except Misconfigured as error:
            line = entry.raw.line_of("code") or entry.line
            yield Finding(entry.path, line, "hall.held-by-known", str(error.message), "改 held_by 或 handler.function")
            continue
        sound.append(entry)
    for what, wanted, counted in declared(city).differences(tally(sound, bodies)):
        message = f"{what} 应为 {wanted}，按现有事项和持有机构算出 {counted}，差 {counted - wanted:+d}"
        yield Finding(generating.SETTINGS, 0, "hall.counts", message, "补上或删去事项，或更正 counts")


def _unused_topics(city: Path, around: Surroundings) -> Iterator[Finding]:
    for slug in sorted(set(around.topics) - around.used_topics):
        line = around.topic_lines.get(slug, 0)
        yield Finding(
            folder.TOPICS,
            line,
            "hall.topic-empty",
            f"专题 {slug} 下没有事项",
            "给事项加上这个专题，或删去它",
            "warning",
        )
