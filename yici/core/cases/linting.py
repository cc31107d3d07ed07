"""Checks of `workflows/*.yaml`: shape, both languages, and everything that would strand a case."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from yici.base.cityfolder import Finding, Located, read_yaml, yaml_files
from yici.base.errors import Misconfigured
from yici.core.cases.rules import Workflow, faults_of
from yici.core.people.permissions import PERMISSIONS


def lint(city: Path) -> Iterable[Finding]:
    """Every finding about the city's workflows."""
    for path in yaml_files(city / "workflows"):
        yield from _of_file(path, str(path.relative_to(city)))


def _of_file(path: Path, name: str) -> Iterator[Finding]:
    try:
        raw = read_yaml(path)
    except Misconfigured as error:
        yield Finding(name, 0, "yaml", str(error.message), "改正 YAML 写法")
        return
    if not isinstance(raw, Located):
        yield Finding(name, 1, "shape", "流程文件应为键值结构")
        return
    try:
        workflow = Workflow.model_validate(raw)
    except ValidationError as error:
        for fault in error.errors():
            yield Finding(
                name, raw.line_of(*fault["loc"]), "shape", f"{_path(fault['loc'])}：{fault['msg']}", "按流程格式改正"
            )
        return
    if workflow.slug != path.stem:
        yield Finding(name, raw.line_of("slug"), "slug", f"slug 是 {workflow.slug}，与文件名不同", f"改为 {path.stem}")
    for found in faults_of(workflow, frozenset(PERMISSIONS)):
        yield Finding(name, raw.line_of(*found.where), found.rule, found.message, found.remedy)
    yield from _untranslated(workflow, raw, name)


def _untranslated(workflow: Workflow, raw: Located, name: str) -> Iterator[Finding]:
    labels = {
        "stages": [stage.label for stage in workflow.stages],
        "clocks": [clock.label for clock in workflow.clocks],
        "actions": [action.label for action in workflow.actions],
    }
    for part, texts in labels.items():
        for index, text in enumerate(texts):
            if not text.en:
                line = raw.line_of(part, index)
                yield Finding(name, line, "english-missing", f"{text.zh} 没有英文名称", "补上 en", "warning")


def _path(parts: tuple[Any, ...]) -> str:
    return ".".join(str(part) for part in parts)
