"""Reads the hall's part of a city folder: items, life events, service centres, synonyms. Never writes.

What is read here stays in memory for the life of the process; `forget()` reads afresh.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from yici.base.cityfolder import Finding, Located, city_folder, read_yaml, yaml_files
from yici.base.errors import Misconfigured
from yici.base.text import Text
from yici.core.forms.rules import explain
from yici.systems.hall.definitions import ItemDefinition
from yici.systems.hall.generating import entries as generating
from yici.systems.hall.generating.entries import Entry

M = TypeVar("M", bound=BaseModel)
ITEMS = "items"
HALL = "hall.yaml"
TOPICS = "topics.yaml"
SYNONYMS = "synonyms.yaml"
# What an item may leave to `hall.yaml`.
SHARED = ("rights", "duties", "remedies")


class Named(Protocol):
    """What a file of the folder describes, called as its file is."""

    @property
    def code(self) -> str: ...


N = TypeVar("N", bound=Named)


class Centre(BaseModel):
    """A service centre with counters. `division` is the 12-digit code of where it stands."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Text
    address: Text
    hours: Text
    phone: str
    division: str


class Topic(BaseModel):
    """A life event under which items are found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: Text
    subject: Literal["person", "enterprise"]
    icon: str
    note: Text


class Synonyms(BaseModel):
    """Groups of words that find each other, and words that say nothing about what is sought."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    groups: tuple[tuple[str, ...], ...] = ()
    ignore: tuple[str, ...] = ()


def item_files(city: Path) -> Iterator[Path]:
    """The hand-written items; the whole catalogue is `generating.entries`."""
    return yaml_files(city / ITEMS)


def with_defaults(raw: Mapping[str, Any], city: Path) -> Any:
    """The item as written, with what `hall.yaml` says for every item that says nothing itself."""
    defaults = _raw(city / HALL).get("defaults") or {}
    whole = Located(raw)
    whole.lines = dict(getattr(raw, "lines", {}))
    whole.line = getattr(raw, "line", 1)
    for name in SHARED:
        if name not in whole and name in defaults:
            whole[name] = defaults[name]
            whole.lines[name] = 0
    return whole


def read_model(path: Path, model: type[M]) -> M:
    """A file of its own, as a model. Raises `Misconfigured` with file, line, place and what to mend."""
    raw = read_yaml(path)
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        problem = explain(error, raw)[0]
        place = ".".join(str(part) for part in problem.path)
        raise Misconfigured(f"{path}:{problem.line} {place}：{problem.message}") from error


def read_item(path: Path, city: Path) -> ItemDefinition:
    """The base item of a file. Raises `Misconfigured` with file, line and what to mend."""
    return read_entry(next(generating.entries_of_file(path, city)), city)


def read_all(
    city: Path, paths: Iterable[Path], read: Callable[[Path], N], rule: str
) -> tuple[list[tuple[str, N]], list[Finding]]:
    """Every file that can be read, by its name within the folder, and the findings `<rule>.schema`, `<rule>.file-name`."""
    found: list[tuple[str, N]] = []
    findings: list[Finding] = []
    for path in paths:
        name = path.relative_to(city).as_posix()
        try:
            model = read(path)
        except Misconfigured as error:
            findings.append(Finding(name, 0, f"{rule}.schema", str(error.message), "按提示的行改正"))
            continue
        if path.stem != model.code:
            wanted = f"文件名应与编码一致：{model.code}.yaml"
            findings.append(Finding(name, 1, f"{rule}.file-name", wanted, "改文件名或编码"))
        found.append((name, model))
    return found, findings


def read_entry(entry: Entry, city: Path) -> ItemDefinition:
    """One item of the catalogue. Raises `Misconfigured` with file, line and what to mend."""
    raw = with_defaults(entry.raw, city)
    try:
        return ItemDefinition.model_validate(raw)
    except ValidationError as error:
        problem = explain(error, raw)[0]
        raise Misconfigured(f"{city / entry.path}:{problem.line or entry.line} {problem.message}") from error


@lru_cache(maxsize=4)
def centres(city: Path) -> dict[str, Centre]:
    return {key: Centre.model_validate(value) for key, value in (_raw(city / HALL).get("centres") or {}).items()}


@lru_cache(maxsize=4)
def topics_of(city: Path) -> dict[str, Topic]:
    return {key: Topic.model_validate(value) for key, value in (_raw(city / TOPICS).get("topics") or {}).items()}


@lru_cache(maxsize=4)
def synonyms_of(city: Path) -> Synonyms:
    return Synonyms.model_validate(_raw(city / SYNONYMS))


def topics() -> dict[str, Topic]:
    """Life events of the running city, in the order of the file."""
    return topics_of(city_folder())


def forget() -> None:
    for reader in (centres, topics_of, synonyms_of):
        reader.cache_clear()
    generating.forget()


def _raw(path: Path) -> Any:
    return (read_yaml(path) or {}) if path.is_file() else {}
