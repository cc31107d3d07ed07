"""Reading the city folder: YAML with line numbers, and findings that say where and what to do.

Never interprets a file: each kernel knows its own part of the folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml

from yici.base.errors import Misconfigured


def city_folder() -> Path:
    """The folder named by `YICI_CITY` (default `cities/bozhou` beside the package)."""
    return _resolved(os.environ.get("YICI_CITY", ""))


@lru_cache(maxsize=8)
def _resolved(given: str) -> Path:
    """Asked for many times in a request, and resolving walks the file system."""
    default = Path(__file__).resolve().parents[2] / "cities" / "bozhou"
    return Path(given or default).resolve()


@dataclass(frozen=True)
class Finding:
    """One remark of a linter: `path` relative to the city folder, `line` 1-based (0: the whole file)."""

    path: str
    line: int
    rule: str
    message: str
    remedy: str = ""
    level: Literal["error", "warning"] = "error"


class Located(dict[str, Any]):
    """A mapping that remembers the line (1-based) each of its keys stands on."""

    lines: dict[str, int]
    line: int

    def line_of(self, *path: str | int) -> int:
        """Line of the value reached by `path`; the nearest known parent's line where it is missing."""
        node: Any = self
        line = self.line
        for step in path:
            if isinstance(node, Located):
                line = node.lines.get(str(step), node.line)
            try:
                node = node[step]
            except (KeyError, IndexError, TypeError):
                return line
            if isinstance(node, Located):
                line = node.line
        return line


class _Loader(yaml.CSafeLoader):  # type: ignore[misc]
    pass


def _construct_mapping(loader: Any, node: yaml.MappingNode) -> Located:
    loader.flatten_mapping(node)
    result = Located()
    result.lines = {}
    result.line = node.start_mark.line + 1
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in result:
            raise yaml.constructor.ConstructorError(None, None, f"键重复：{key}", key_node.start_mark)
        result[key] = loader.construct_object(value_node, deep=True)
        result.lines[str(key)] = key_node.start_mark.line + 1
    return result


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _construct_mapping)


def read_yaml(path: Path) -> Any:
    """Parse one YAML file; mappings come as `Located`. Raises `Misconfigured` naming file and line."""
    try:
        return yaml.load(path.read_text("utf-8"), Loader=_Loader)  # noqa: S506 - a CSafeLoader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise Misconfigured(f"{where} 不是有效的 YAML：{error}") from error


def yaml_files(folder: Path) -> Iterator[Path]:
    """Every `*.yaml` below `folder`, in name order; nothing where the folder is missing."""
    yield from sorted(folder.rglob("*.yaml"))
