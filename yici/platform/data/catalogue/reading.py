"""Reading the catalogue: described classes as definitions, and the register of every class.

Definitions come from the city folder (`classes/<function>/<name>.yaml`) or, for a class in the database, from
what was loaded with it. Never asks the database by itself.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from yici.base.cityfolder import Located, city_folder, read_yaml
from yici.base.errors import Misconfigured, NotFound
from yici.base.text import Text
from yici.platform.data.catalogue.definition import ClassDefinition
from yici.platform.data.models import DataClass

__all__ = [
    "FOLDER",
    "REGISTER_FIELDS",
    "CatalogueFile",
    "Category",
    "Figures",
    "Link",
    "RegisterEntry",
    "catalogue_file",
    "definition",
    "definition_files",
    "definition_of",
    "definitions",
    "definitions_in",
    "forget",
    "read_definition",
    "register",
    "register_file",
]

FOLDER = "classes"
REGISTER_FIELDS = (
    "slug", "name", "english", "department", "category", "code", "cycle", "share_type", "is_open", "sensitivity",
    "declared_rows", "channel", "unit", "second_channel", "second_unit",
)  # fmt: skip


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Category(_Part):
    """信息资源分类. `prefix` is how the 分类码 of its classes begins."""

    prefix: str = Field(pattern=r"^[1-9][0-9]*$")
    label: Text


class ChannelFigures(_Part):
    """How many units deliver how many classes by one channel."""

    units: int
    classes: int


class Figures(_Part):
    """What the source document counts: data holders, classes, class-channel links, rows, by channel."""

    holders: int
    classes: int
    links: int
    rows: int
    channels: dict[str, ChannelFigures]


class CatalogueFile(_Part):
    """`catalogue.yaml`: the categories by id, and the figures the register is compared with."""

    categories: dict[str, Category] = Field(default_factory=dict)
    expected: Figures | None = None


@dataclass(frozen=True)
class Link:
    """A class comes by `kind` from `unit` (organisation function)."""

    kind: str
    unit: str


@dataclass(frozen=True)
class RegisterEntry:
    """One line of `register.csv`; `line` is where it stands. `declared_rows` is what the department states."""

    slug: str
    name: str
    english: str
    department: str
    category: str
    code: str
    cycle: str
    share_type: str
    is_open: bool
    sensitivity: str
    declared_rows: int
    links: tuple[Link, ...]
    line: int


def definition(class_id: str) -> ClassDefinition:
    """The class with this id, as the city folder describes it. Raises `NotFound` where it is not described."""
    try:
        return definitions()[class_id]
    except KeyError:
        raise NotFound(_("没有数据类 {id} 的定义。").format(id=class_id[:80])) from None


def definitions() -> MappingProxyType[str, ClassDefinition]:
    """Every described class by id, read once per process. Raises `Misconfigured` with file and line."""
    return definitions_in(city_folder())


def definitions_in(city: Path) -> MappingProxyType[str, ClassDefinition]:
    """The same for another city folder."""
    return _definitions(city.resolve())


def definition_of(data_class: DataClass) -> ClassDefinition:
    """The definition loaded with a class. Raises `NotFound` where the class is only registered."""
    if not data_class.definition:
        raise NotFound(_("数据类“{name}”只有登记，还没有写明各列。").format(name=data_class.label))
    text = json.dumps(data_class.definition, ensure_ascii=False, sort_keys=True)
    return _parsed(data_class.slug, text)


def register(city: Path) -> list[RegisterEntry]:
    """Every class of the register in file order. Raises `Misconfigured` with the line."""
    path = register_file(city)
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream)
        if tuple(rows.fieldnames or ()) != REGISTER_FIELDS:
            raise Misconfigured(f"{path}:1 表头应为 {','.join(REGISTER_FIELDS)}。")
        return [_entry(path, rows.line_num, row) for row in rows]


def catalogue_file(city: Path) -> CatalogueFile:
    """Categories and expected figures of the city; empty where it has none. Raises `Misconfigured`."""
    path = city / FOLDER / "catalogue.yaml"
    if not path.is_file():
        return CatalogueFile()
    body = read_yaml(path) or Located()
    try:
        return CatalogueFile.model_validate(body)
    except ValidationError as error:
        raise Misconfigured(_shape(path, body, error)) from error


def register_file(city: Path) -> Path:
    return city / FOLDER / "register.csv"


def definition_files(city: Path) -> list[Path]:
    """`classes/<function>/<name>.yaml`, in name order."""
    return sorted((city / FOLDER).glob("*/*.yaml"))


def read_definition(path: Path) -> ClassDefinition:
    """One file. Raises `Misconfigured` with file and line."""
    body = read_yaml(path)
    if not isinstance(body, Located):
        raise Misconfigured(f"{path}:1 文件应是一个映射，参照同目录其他文件。")
    try:
        return ClassDefinition.model_validate(body)
    except ValidationError as error:
        raise Misconfigured(_shape(path, body, error)) from error


def forget() -> None:
    """After the city folder has changed."""
    _definitions.cache_clear()
    _parsed.cache_clear()


def _shape(path: Path, body: Any, error: ValidationError) -> str:
    first = error.errors()[0]
    steps = [step for step in first["loc"] if isinstance(step, (str, int))]
    line = body.line_of(*steps) if isinstance(body, Located) else 1
    return f"{path}:{line} 写得不对：{'.'.join(str(step) for step in steps)} {first['msg']}"


@lru_cache(maxsize=4)
def _definitions(city: Path) -> MappingProxyType[str, ClassDefinition]:
    found: dict[str, ClassDefinition] = {}
    for path in definition_files(city):
        read = read_definition(path)
        if read.id != f"{path.parent.name}.{path.stem}":
            raise Misconfigured(f"{path} 的 id 应为 {path.parent.name}.{path.stem}，与所在位置一致。")
        found[read.id] = read
    return MappingProxyType(found)


@lru_cache(maxsize=1024)
def _parsed(slug: str, text: str) -> ClassDefinition:
    try:
        return ClassDefinition.model_validate_json(text)
    except ValidationError as error:
        raise Misconfigured(f"数据库中 {slug} 的定义已不合现行格式，请重新执行 yici load。") from error


def _entry(path: Path, line: int, row: dict[str, Any]) -> RegisterEntry:
    try:
        links = [Link(row["channel"], row["unit"])]
        if row["second_channel"]:
            links.append(Link(row["second_channel"], row["second_unit"]))
        return RegisterEntry(
            **{name: row[name].strip() for name in REGISTER_FIELDS[:8]},
            is_open=row["is_open"] == "yes",
            sensitivity=row["sensitivity"],
            declared_rows=int(row["declared_rows"]),
            links=tuple(links),
            line=line,
        )
    except (AttributeError, TypeError, ValueError) as error:
        raise Misconfigured(f"{path}:{line} 一行应有 {len(REGISTER_FIELDS)} 个字段，declared_rows 是整数。") from error
