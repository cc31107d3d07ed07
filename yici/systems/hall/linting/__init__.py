"""The catalogue linter: everything in `items/` that contradicts itself, the folder or the law's own logic.

`lint(city)` reads files only; it needs no database and never stops at the first fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from yici.base.cityfolder import Finding, Located, read_yaml
from yici.base.errors import Misconfigured
from yici.core.forms.rules import explain
from yici.systems.hall import folder
from yici.systems.hall.definitions import ItemDefinition
from yici.systems.hall.linting.checks import CHECKS
from yici.systems.hall.linting.surroundings import Surroundings, surroundings_of

__all__ = ["lint", "lint_item"]


def lint(city: Path) -> Iterator[Finding]:
    """Findings of every item, then of the catalogue as a whole."""
    folder.forget()
    around = surroundings_of(city)
    codes: dict[str, str] = {}
    for path in folder.item_files(city):
        name = path.relative_to(city).as_posix()
        try:
            raw = read_yaml(path)
        except Misconfigured as error:
            yield Finding(name, 0, "hall.yaml", str(error.message), "按提示的行改正 YAML 写法")
            continue
        yield from lint_item(raw, name, around)
        code = raw.get("code") if isinstance(raw, Located) else None
        if code in codes:
            message = f"编码 {code} 与 {codes[code]} 重复"
            yield Finding(name, raw.line_of("code"), "hall.code-unique", message, "给其中一个事项另取拼音编码")
        elif code:
            codes[code] = name
    yield from _unused_topics(city, around)


def lint_item(raw: object, name: str, around: Surroundings) -> Iterator[Finding]:
    """Findings of one item as read from YAML; `name` is its path within the city folder."""
    if not isinstance(raw, Located):
        yield Finding(name, 0, "hall.schema", "文件应是“名称: 值”的形式", "参照其他事项填写")
        return
    whole = folder.with_defaults(raw, around.city)
    try:
        item = ItemDefinition.model_validate(whole)
    except ValidationError as error:
        for problem in explain(error, whole):
            place = ".".join(str(part) for part in problem.path)
            yield Finding(name, problem.line, "hall.schema", f"{place}：{problem.message}", "按字段说明改正")
        return
    for check in CHECKS:
        for fault in check(item, around):
            rule = "hall." + check.__name__.replace("_", "-")
            yield Finding(name, whole.line_of(*fault.where), rule, fault.message, fault.remedy, fault.level)
    if Path(name).stem != item.code:
        message = f"文件名应与编码一致：{item.code}.yaml"
        yield Finding(name, whole.line_of("code"), "hall.file-name", message, "改文件名或编码")


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
