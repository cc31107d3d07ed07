"""Reads the vocabulary of the city folder into memory, once per process and lazily.

Private to the app: everybody else asks `queries`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from yici.base.cityfolder import Located, city_folder, read_yaml, yaml_files
from yici.base.errors import Misconfigured
from yici.base.faults import faults_of
from yici.core.vocabulary.definitions import CodeList, Element
from yici.core.vocabulary.errors import UnknownCodeList

CODE_LIST_ID = re.compile(r"[a-z][a-z0-9_]{0,60}")


def elements_folder(city: Path) -> Path:
    return city / "vocabulary" / "elements"


def code_lists_folder(city: Path) -> Path:
    return city / "vocabulary" / "code_lists"


@lru_cache(maxsize=4)
def _elements_of(city: Path) -> MappingProxyType[str, Element]:
    found: dict[str, Element] = {}
    for path in yaml_files(elements_folder(city)):
        body: Any = read_yaml(path) or Located()
        for element_id, fields in (body.get("elements") or {}).items():
            if element_id in found:
                raise Misconfigured(f"{path}:{body['elements'].line_of(element_id)} 数据元 {element_id} 重复定义。")
            found[element_id] = _built(
                Element, {"id": element_id, **fields}, path, body.line_of("elements", element_id)
            )
    return MappingProxyType(found)


@lru_cache(maxsize=512)
def _code_list_of(city: Path, list_id: str) -> CodeList:
    path = code_lists_folder(city) / f"{list_id}.yaml"
    if not CODE_LIST_ID.fullmatch(list_id) or not path.is_file():
        raise UnknownCodeList()
    built: CodeList = _built(CodeList, dict(read_yaml(path)), path, 1)
    return built


def _built(model: type[Any], fields: dict[str, Any], path: Path, line: int) -> Any:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        place, message = faults_of(error)[0]
        raise Misconfigured(f"{path}:{line} {fields.get('id', '')} 的 {place} 有误：{message}") from error


def all_elements() -> MappingProxyType[str, Element]:
    return _elements_of(city_folder())


def code_list_named(list_id: str) -> CodeList:
    return _code_list_of(city_folder(), list_id)


def code_list_ids(city: Path | None = None) -> list[str]:
    return [path.stem for path in yaml_files(code_lists_folder(city or city_folder()))]


def forget() -> None:
    """Read the folder afresh at the next question."""
    _elements_of.cache_clear()
    _code_list_of.cache_clear()
