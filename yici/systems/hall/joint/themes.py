"""Reads `joint/<code>.yaml` of a city folder: sets of items that people do as one thing. Never writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from yici.base.cityfolder import city_folder, yaml_files
from yici.base.errors import Misconfigured, NotFound
from yici.base.text import Text
from yici.core.forms.rules import Condition
from yici.systems.hall import folder
from yici.systems.hall.definitions import Handler, ItemDefinition
from yici.systems.hall.folder import read_model
from yici.systems.hall.generating import entries as generating
from yici.systems.hall.joint.merging import Supply

FOLDER = "joint"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Supplied(_Part):
    """The result of `giver` is `material` of `taker`, where no certificate type says so."""

    giver: str
    taker: str
    material: str


class Charged(_Part):
    """A fee of the combined order. `quantity` and `of` name answers of the united form; `when` an answer it needs."""

    fee: str
    item: str
    quantity: str = ""
    of: str = ""
    when: Condition | None = None
    facts: dict[str, Condition] = {}
    """Facts of the fee list's reductions: "1" where the condition holds for the answers."""


class Before(_Part):
    """How the thing was done before, one row for each window: what was handed in there and whether money was paid."""

    window: Text
    item: str
    materials: list[Text]
    pays: bool = False


class Theme(_Part):
    """One thing (一件事): which items, who leads, what it was like before."""

    code: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)
    name: Text
    summary: Text
    icon: str = "apps"
    topics: list[str] = []
    keywords: list[str] = []
    items: list[str] = Field(min_length=2)
    lead: Handler
    counts: Literal["each", "all"] = "each"
    """`each`: every result stands for itself; `all`: the thing is done only when every part is."""
    supplies: list[Supplied] = []
    charges: list[Charged] = []
    before: list[Before] = []


def theme_files(city: Path) -> Iterator[Path]:
    return yaml_files(city / FOLDER)


def read_theme(path: Path) -> Theme:
    """Raises `Misconfigured` with file, line and what to mend."""
    return read_model(path, Theme)


@lru_cache(maxsize=4)
def themes_of(city: Path) -> dict[str, Theme]:
    """Every theme of the folder by code. Raises `Misconfigured`."""
    return {theme.code: theme for theme in map(read_theme, theme_files(city))}


def named(code: str) -> Theme:
    """Raises `NotFound`."""
    found = themes_of(city_folder()).get(code)
    if found is None:
        raise NotFound
    return found


def supplies_of_folder(city: Path) -> list[Supply]:
    """Every declared edge: a result is the same material in whatever set the two items stand."""
    return [Supply(one.giver, one.taker, one.material) for theme in themes_of(city).values() for one in theme.supplies]


def items_of_folder(codes: Sequence[str], city: Path) -> list[ItemDefinition]:
    """Items by code as the folder says, generated ones too. Raises `Misconfigured` for a code that nobody wrote."""
    wanted = dict.fromkeys(codes)
    found: dict[str, ItemDefinition] = {}
    for code in wanted:
        path = city / generating.ITEMS / f"{code}.yaml"
        if path.is_file():
            found[code] = folder.read_item(path, city)
    missing = [code for code in wanted if code not in found]
    if missing:
        for entry in generating.entries(city):
            if entry.code in missing:
                found[entry.code] = folder.read_entry(entry, city)
    for code in wanted:
        if code not in found:
            raise Misconfigured(f"事项清单里没有 {code}，请核对编码（在 items/ 和 catalogue/ 里查）。")
    return [found[code] for code in wanted]


def forget() -> None:
    themes_of.cache_clear()
