"""Remarks about the vocabulary of a city folder: file, line, what is wrong, what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from yici.base.cityfolder import Finding, Located, read_yaml, yaml_files
from yici.base.errors import Invalid, Misconfigured
from yici.base.faults import first_fault
from yici.core.vocabulary.definitions import CodeList, Element
from yici.core.vocabulary.registry import CODE_LIST_ID, code_lists_folder, elements_folder
from yici.core.vocabulary.rules import CHECKS, check

ELEMENT_ID = re.compile(r"[a-z][a-z0-9_]{0,39}\.[a-z][a-z0-9_]{0,59}")
NUMBER_CHECKS = frozenset({"whole_number"})


def lint(city: Path) -> Iterable[Finding]:
    """Findings in file order."""
    lists = {path.stem for path in yaml_files(code_lists_folder(city))}
    functions = _functions(city)
    seen: dict[str, str] = {}
    labels: dict[str, str] = {}
    for path in yaml_files(elements_folder(city)):
        yield from _Elements(city, path, lists, functions, seen, labels).findings()
    for path in yaml_files(code_lists_folder(city)):
        yield from _code_list(city, path)


def _functions(city: Path) -> set[str]:
    """Every `function:` named by an organisation; empty where organisations are not there to compare with."""
    found: set[str] = set()
    for path in yaml_files(city / "organisations"):
        try:
            _collect_functions(read_yaml(path), found)
        except Misconfigured:
            continue
    return found


def _collect_functions(node: Any, found: set[str]) -> None:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "function" and isinstance(value, str):
                found.add(value)
            elif key == "functions" and isinstance(value, list):
                found.update(str(item) for item in value)
            else:
                _collect_functions(value, found)
    elif isinstance(node, list):
        for item in node:
            _collect_functions(item, found)


class _Elements:
    """One file of elements."""

    def __init__(
        self, city: Path, path: Path, lists: set[str], functions: set[str], seen: dict[str, str], labels: dict[str, str]
    ) -> None:
        self.path, self.name = path, str(path.relative_to(city))
        self.lists, self.functions, self.seen, self.labels = lists, functions, seen, labels

    def findings(self) -> Iterator[Finding]:
        try:
            body = read_yaml(self.path)
        except Misconfigured as error:
            yield self._finding(0, "yaml", str(error.message), "按提示的行修正 YAML。")
            return
        elements = body.get("elements") if isinstance(body, Located) else None
        if not isinstance(elements, Located):
            yield self._finding(1, "shape", "文件里没有 elements。", "把数据元写在 elements: 下面。")
            return
        for element_id, fields in elements.items():
            line = elements.lines[str(element_id)]
            yield from self._one(str(element_id), fields, line)

    def _one(self, element_id: str, fields: Any, line: int) -> Iterator[Finding]:
        if not ELEMENT_ID.fullmatch(element_id):
            yield self._finding(
                line, "id", f"编号 {element_id} 不合规则。", "写成 小写组名.小写名称，例如 person.name。"
            )
        if element_id in self.seen:
            yield self._finding(
                line, "duplicate", f"数据元 {element_id} 已在 {self.seen[element_id]} 定义。", "只保留一处。"
            )
        self.seen.setdefault(element_id, f"{self.name}:{line}")
        try:
            element = Element.model_validate({"id": element_id, **fields})
        except (ValidationError, TypeError) as error:
            yield self._finding(line, "shape", f"{element_id}：{_reason(error)}", "对照 README 的字段表修改。")
            return
        yield from self._meaning(element, line)
        yield from self._example(element, line)

    def _meaning(self, item: Element, line: int) -> Iterator[Finding]:
        texts = {"label": item.label, "help": item.help, "unit": item.unit}
        for key, text in texts.items():
            if text and not (text.zh.strip() and text.en.strip()):
                yield self._finding(line, "languages", f"{item.id} 的 {key} 缺少中文或英文。", "补上 zh 和 en。")
        if item.type == "code" and not item.code_list:
            yield self._finding(line, "code-list", f"{item.id} 是代码型，却没有 code_list。", "写上代码表编号。")
        if item.code_list and item.code_list not in self.lists:
            yield self._finding(
                line, "code-list", f"代码表 {item.code_list} 不存在。", "在 code_lists 下新建或改正编号。"
            )
        known = CHECKS if item.type == "text" else NUMBER_CHECKS if item.type == "number" else frozenset[str]()
        if item.check and item.check not in known:
            yield self._finding(
                line,
                "check",
                f"{item.id} 的 check: {item.check} 不存在。",
                f"可用：{'、'.join(sorted(known)) or '无'}。",
            )
        if item.source and self.functions and item.source not in self.functions:
            yield self._finding(
                line, "source", f"没有单位承担职能 {item.source}。", "改成 organisations 中写有的 function。"
            )
        first = self.labels.setdefault(item.label.zh, item.id)
        if first != item.id:
            yield self._finding(
                line, "label", f"{item.id} 与 {first} 的名称都是“{item.label.zh}”。", "换一个能区分的名称。", "warning"
            )

    def _example(self, item: Element, line: int) -> Iterator[Finding]:
        if not item.example or (item.code_list and item.code_list not in self.lists):
            return
        try:
            check(item, item.example)
        except Invalid as error:
            yield self._finding(
                line, "example", f"{item.id} 的示例通不过自己的校验：{error.message}", "换一个有效的示例。"
            )

    def _finding(self, line: int, rule: str, message: str, remedy: str, level: Any = "error") -> Finding:
        return Finding(self.name, line, f"vocabulary.{rule}", message, remedy, level)


def _code_list(city: Path, path: Path) -> Iterator[Finding]:
    name = str(path.relative_to(city))
    try:
        body = read_yaml(path)
        codes = CodeList.model_validate(body)
    except (Misconfigured, ValidationError) as error:
        yield Finding(name, 1, "vocabulary.code-list", _reason(error), "按 README 写 id、label、codes。")
        return
    if codes.id != path.stem or not CODE_LIST_ID.fullmatch(codes.id):
        message = f"代码表编号 {codes.id} 与文件名 {path.stem} 不一致或不合规则。"
        yield Finding(
            name, body.line_of("id"), "vocabulary.id", message, "编号用小写字母、数字、下划线并与文件名相同。"
        )
    seen: set[str] = set()
    for place, code in enumerate(codes.codes):
        line = body.line_of("codes", place)
        if code.code in seen:
            yield Finding(name, line, "vocabulary.duplicate", f"代码 {code.code} 重复。", "只保留一处。")
        seen.add(code.code)
        if not (code.label.zh.strip() and code.label.en.strip()):
            yield Finding(name, line, "vocabulary.languages", f"代码 {code.code} 缺少中文或英文。", "补上 zh 和 en。")


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return first_fault(error)
    return str(getattr(error, "message", error))
