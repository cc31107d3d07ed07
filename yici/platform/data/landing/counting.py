"""How often a column holds what a spreadsheet program does to values, in every row: a sample misses what stands far down.

Whether days counted from 1900 are converted and wrappings taken off depends on it, so it is asked of the whole file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from yici.base.sql import text
from yici.platform.data.catalogue.definition import ClassDefinition, Column
from yici.platform.data.engines.duckdb import connect
from yici.platform.data.landing.landing import Landed
from yici.platform.data.landing.mapping import exact_mapping
from yici.platform.data.landing.profiling import AS_TEXT, SCIENTIFIC, SERIAL, WRAPPED, Profile

__all__ = ["counted"]

_WRAPPINGS = "left(VALUE, 1) IN ('''', '‘', '’', '=')"
# Field of a profile → what finds it, each after a test that costs less and lets few values through.
_FINDS = {
    "serials": f"(strlen(VALUE) = 5 OR substr(VALUE, 6, 1) = '.') AND regexp_full_match(VALUE, {text(SERIAL)})",
    "scientific": f"(contains(VALUE, 'E') OR contains(VALUE, 'e')) AND regexp_full_match(VALUE, {text(SCIENTIFIC)})",
    "wrapped": f"{_WRAPPINGS} AND regexp_full_match(VALUE, {text(WRAPPED)})",
    "numbers_as_text": f"({_WRAPPINGS} OR contains(VALUE, ',') OR left(VALUE, 1) IN ('¥', '￥'))"
    f" AND regexp_full_match(VALUE, {text(AS_TEXT)})",
}


def counted(landed: Landed, file: Path, definition: ClassDefinition, decisions: Mapping[str, str]) -> Landed:
    """The same with counts of the whole file where profiles are of a sample, for headers whose column is known."""
    mapping = exact_mapping(landed.headers, definition, decisions)
    names = dict(zip(landed.headers, landed.columns, strict=True))
    wanted = [
        (header, field, _FINDS[field].replace("VALUE", names[header]))
        for header, column in mapping.items()
        if header in names and column in definition.by_name and _is_sampled(landed, header)
        for field in _fields(definition.by_name[column])
    ]
    if not wanted:
        return landed
    asked = ", ".join(f"count(*) FILTER ({condition})" for _header, _field, condition in wanted)
    with connect() as connection:
        found = connection.execute(f"SELECT {asked} FROM read_parquet({text(file)})").fetchone() or ()  # noqa: S608
    counts = {(header, field): int(n) for (header, field, _condition), n in zip(wanted, found, strict=True)}
    return replace(landed, profiles={header: _with(counts, header, one) for header, one in landed.profiles.items()})


def _with(counts: Mapping[tuple[str, str], int], header: str, profile: Profile) -> Profile:
    return replace(
        profile,
        serials=counts.get((header, "serials"), profile.serials),
        scientific=counts.get((header, "scientific"), profile.scientific),
        wrapped=counts.get((header, "wrapped"), profile.wrapped),
        numbers_as_text=counts.get((header, "numbers_as_text"), profile.numbers_as_text),
    )


def _is_sampled(landed: Landed, header: str) -> bool:
    profile = landed.profiles.get(header)
    return profile is not None and profile.filled + profile.blank < landed.rows


def _fields(column: Column) -> tuple[str, ...]:
    """What can be wrong with values of a column; text may begin with any sign and is left as it is."""
    if column.type in ("date", "datetime"):
        return ("serials", "wrapped")
    if column.type in ("number", "money"):
        return ("numbers_as_text", "wrapped")
    if column.check:
        return ("scientific", "wrapped")
    return ("wrapped",) if column.type == "code" else ()
