"""Every item of a city folder as raw data: hand-written bases, lines of registers, and each with its kinds of handling."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from yici.base.cityfolder import Located, read_yaml, yaml_files
from yici.base.errors import Misconfigured
from yici.systems.hall.generating.handling import handled
from yici.systems.hall.generating.shorthand import expand, text

ITEMS = "items"
CATALOGUE = "catalogue"
REGISTERS = "catalogue/register"
BASES = "catalogue/bases"
FRAGMENTS = "catalogue/fragments.yaml"
HANDLINGS = "catalogue/handlings.yaml"
SETTINGS = "catalogue/settings.yaml"
# What a base says about its items and their holdings, not about what is applied for.
_OF_BASE = ("held_by", "handlings", "again")


@dataclass(frozen=True)
class Entry:
    """One item as raw data, ready to be validated. `path` is within the folder, `line` 0 where `raw` knows its own lines."""

    raw: Located
    path: str
    base: str
    handling: str
    held_by: list[Any]
    line: int = 0
    is_written: bool = True
    """Written by hand in full; False for a line of a register."""

    @property
    def code(self) -> str:
        return str(self.raw.get("code", ""))


def entries(city: Path) -> Iterator[Entry]:
    """Base items, then registers, each followed by its handlings. Raises `Misconfigured` naming file and line."""
    for path in yaml_files(city / ITEMS):
        yield from entries_of_file(path, city)
    for path in register_files(city):
        yield from entries_of_register(path, city)


def register_files(city: Path) -> list[Path]:
    return sorted((city / REGISTERS).glob("*.csv"))


def entries_of_file(path: Path, city: Path) -> Iterator[Entry]:
    """The items of one hand-written file. Raises `Misconfigured`."""
    yield from entries_of(read_yaml(path), path.relative_to(city).as_posix(), city)


def entries_of(raw: Any, name: str, city: Path) -> Iterator[Entry]:
    """The base in `raw` and its handlings. Raises `Misconfigured` naming the file."""
    if not isinstance(raw, Located):
        raise Misconfigured(f"{city / name}:0 文件应是“名称: 值”的形式")
    try:
        yield from _with_handlings(Located(raw) if not hasattr(raw, "lines") else raw, name, city)
    except Misconfigured as error:
        raise Misconfigured(f"{city / name}:{raw.line} {error.message}") from error


def _with_handlings(raw: Located, name: str, city: Path, line: int = 0, is_written: bool = True) -> Iterator[Entry]:
    item = Located({key: value for key, value in raw.items() if key not in _OF_BASE})
    item.lines, item.line = dict(raw.lines), raw.line
    long = expand(item, fragments(city))
    handler = long.get("handler")
    rules = raw.get("held_by") or [handler.get("level", "county") if isinstance(handler, dict) else "county"]
    if isinstance(handler, dict) and "level" not in handler:
        long["handler"] = {**handler, "level": usual_level(rules)}
    long.setdefault("consult_phone", phone_of(handler, city, complaint=False))
    long.setdefault("complaint_phone", phone_of(handler, city, complaint=True))
    long.setdefault("windows", windows_of(rules, handler, city))
    base = str(raw.get("code", ""))
    yield Entry(long, name, base, "", rules, line, is_written)
    written = handlings(city)
    for kind in raw.get("handlings") or ():
        if kind not in written:
            raise Misconfigured(f"没有业务办理项 {kind}，请在 catalogue/handlings.yaml 里写，或改正名称")
        again = (raw.get("again") or {}).get(kind, ())
        yield Entry(handled(long, written[kind], fragments(city), again), name, base, kind, rules, line, is_written)


def usual_level(rules: list[Any]) -> str:
    """Where people usually go: the county where it is among the levels, else the highest."""
    levels = [str(rule if isinstance(rule, str) else rule.get("level")) for rule in rules]
    return "county" if "county" in levels else levels[0]


# Registers --------------------------------------------------------------------------------------------

_COLUMNS = (
    "code", "base", "name", "english", "function", "law", "number", "article", "promised", "legal",
    "held_by", "handlings", "topics", "keywords", "result", "result_english", "visit", "visit_english", "certificate",
)  # fmt: skip


def entries_of_register(path: Path, city: Path) -> Iterator[Entry]:
    """A line of a register takes everything it does not say itself from its base."""
    name = path.relative_to(city).as_posix()
    with path.open(encoding="utf-8", newline="") as handle:
        for line, row in enumerate(csv.DictReader(handle), start=2):
            try:
                yield from _with_handlings(_of_row(row, city), name, city, line=line, is_written=False)
            except Misconfigured as error:
                raise Misconfigured(f"{path}:{line} {error.message}") from error


def _of_row(row: Mapping[str, str], city: Path) -> Located:
    if unknown := set(row) - set(_COLUMNS):
        raise Misconfigured(f"不认识的列：{'、'.join(str(one) for one in unknown)}")
    base = _base(row["base"], city)
    words = {
        "name": row["name"], "english": row["english"], "result": row["result"] or row["name"],
        "result_english": row["result_english"] or row["english"],
    }  # fmt: skip
    raw = _worded({key: value for key, value in base.items() if key != "slug"}, words)
    raw["code"] = row["code"]
    raw["name"] = f"{row['name']} | {row['english']}"
    raw["handler"] = {**raw["handler"], "function": row["function"]}
    raw["legal_basis"] = [" // ".join([row["law"], row["number"], row["article"]])]
    raw["topics"] = row["topics"].split()
    raw["keywords"] = row["keywords"].split() or [row["name"]]
    raw["limits"] = {**raw["limits"], **({"promised": limit} if (limit := _limit(row["promised"])) else {})}
    if legal := _limit(row["legal"]):
        raw["limits"]["legal"] = legal
    raw["held_by"] = [_rule(one) for one in row["held_by"].split()]
    if row["handlings"]:
        raw["handlings"] = [] if row["handlings"] == "-" else row["handlings"].split()
    if row.get("certificate"):  # what comes out is a paper of a type of its own
        raw["result"] = " // ".join([f"certificate {raw['result'].partition(' ')[2]}", row["certificate"]])
    if row["visit"]:
        raw["visits"] = f"1 {row['visit']} | {row['visit_english']}"
    located = Located(raw)
    located.lines, located.line = {}, 0
    return located


def _limit(written: str) -> Any:
    return int(written) if written.isdigit() else written


def _rule(written: str) -> Any:
    """`county`, `county:guoyang,lixin`, `township:镇,乡`, `city*` (every department)."""
    level, _colon, names = written.partition(":")
    if level.endswith("*"):
        return {"level": level[:-1], "every": ["department"]}
    if not names:
        return level
    return {"level": level, ("only" if level == "county" else "kinds"): names.split(",")}


def _worded(node: Any, words: Mapping[str, str]) -> Any:
    """The base with `{name}`, `{english}`, `{result}`, `{result_english}` filled in."""
    if isinstance(node, str):
        for key, value in words.items():
            node = node.replace("{" + key + "}", value)
        return node
    if isinstance(node, dict):
        return {key: _worded(value, words) for key, value in node.items()}
    return [_worded(one, words) for one in node] if isinstance(node, list) else node


# What the folder shares -------------------------------------------------------------------------------


def _base(slug: str, city: Path) -> Mapping[str, Any]:
    path = city / BASES / f"{slug}.yaml"
    if not path.is_file():
        raise Misconfigured(f"没有 {BASES}/{slug}.yaml")
    found: Mapping[str, Any] = _kept(path)
    return found


def fragments(city: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = _kept(city / FRAGMENTS)
    return found


def handlings(city: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = _kept(city / HANDLINGS).get("handlings") or {}
    return found


def settings(city: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = _kept(city / SETTINGS)
    return found


@lru_cache(maxsize=64)
def _kept(path: Path) -> Any:
    return (read_yaml(path) or {}) if path.is_file() else {}


def forget() -> None:
    _kept.cache_clear()


def phone_of(handler: Any, city: Path, *, complaint: bool, division: str = "") -> str:
    """The city's numbers: the prefix of the place and the extension of the function; complaints go to the hotline."""
    numbers = settings(city).get("phones") or {}
    if complaint:
        return str(numbers.get("complaints", ""))
    function = handler.get("function", "") if isinstance(handler, dict) else ""
    prefix = (numbers.get("prefixes") or {}).get(division[:6] or "city", "")
    extension = (numbers.get("extensions") or {}).get(function, numbers.get("switchboard", ""))
    return f"{numbers.get('area', '')}-{prefix}{extension}"


def windows_of(rules: list[Any], handler: Any, city: Path) -> list[dict[str, Any]]:
    """Counters at the service centres of the levels that hold it; townships and villages have their own."""
    function = handler.get("function", "") if isinstance(handler, dict) else ""
    chosen = settings(city)
    counter = (chosen.get("counters") or {}).get(function) or chosen.get("counter")
    levels = {str(rule if isinstance(rule, str) else rule.get("level")) for rule in rules}
    centres = [slug for level, slugs in (chosen.get("centres") or {}).items() if level in levels for slug in slugs]
    return [{"centres": centres, "counter": text(str(counter))}] if centres else []
