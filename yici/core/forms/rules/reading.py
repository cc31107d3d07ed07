"""Reading a definition from YAML, with refusals that name the place and say what to mend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from pydantic import ValidationError

from yici.base.cityfolder import Located
from yici.base.errors import Misconfigured
from yici.core.forms.rules.definition import FormDefinition


@dataclass(frozen=True)
class Problem:
    """`path` leads to the faulty part; `line` is 1-based, 0 where the source has no lines."""

    path: tuple[str | int, ...]
    line: int
    message: str


def read_definition(data: Mapping[str, Any]) -> FormDefinition:
    """Parse a definition. Raises `Misconfigured` whose message lists every problem with its line."""
    try:
        return FormDefinition.model_validate(data)
    except ValidationError as error:
        lines = [
            f"{_('第 {line} 行').format(line=one.line) if one.line else '.'.join(map(str, one.path))}：{one.message}"
            for one in explain(error, data)
        ]
        raise Misconfigured(_("表单定义有误：") + "；".join(lines)) from error


def explain(error: ValidationError, source: Any = None, prefix: tuple[str | int, ...] = ()) -> list[Problem]:
    """Every problem of a refused definition in Chinese. `prefix` leads from `source` to the definition."""
    found: list[Problem] = []
    for detail in error.errors(include_url=False):
        path = tuple(part for part in detail["loc"] if not str(part).startswith("function-"))
        line = source.line_of(*prefix, *path) if isinstance(source, Located) else 0
        found.append(Problem(path, line, _message(dict(detail), path)))
    return found


def _message(detail: dict[str, Any], path: tuple[str | int, ...]) -> str:
    name = path[-1] if path else ""
    expected = str((detail.get("ctx") or {}).get("expected", ""))
    known = {
        "extra_forbidden": _("不认识 {name}，请删去或检查拼写"),
        "missing": _("缺少 {name}"),
        "enum": _("{name} 只能是 {expected} 之一"),
        "literal_error": _("{name} 只能是 {expected} 之一"),
        "string_type": _("{name} 须是文字（给它加上引号）"),
        "bool_parsing": _("{name} 须是 true 或 false"),
        "bool_type": _("{name} 须是 true 或 false"),
        "int_parsing": _("{name} 须是整数"),
        "int_type": _("{name} 须是整数"),
        "float_parsing": _("{name} 须是数字"),
        "tuple_type": _("{name} 须是列表（每项以短横线开头）"),
        "too_short": _("{name} 不能为空"),
        "model_type": _("{name} 须是“名称: 值”的形式"),
        "model_attributes_type": _("{name} 须是“名称: 值”的形式"),
    }
    if detail["type"] == "value_error":
        return str(detail["msg"]).removeprefix("Value error, ")
    template = known.get(detail["type"])
    return template.format(name=name, expected=expected) if template else f"{name}：{detail['msg']}"
