"""A landed file under the class's own column names, with the number of each row in the source.

What a spreadsheet program put around a value is taken off here, because only here a column's type is known: days
counted from 1900, an apostrophe before a number, ="…" around one. Nothing else is changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from yici.base.sql import quoted, text
from yici.platform.data.catalogue.definition import ClassDefinition, Column
from yici.platform.data.engines.duckdb import connect
from yici.platform.data.landing.landing import Landed
from yici.platform.data.landing.profiling import Profile

__all__ = ["Mapped", "apply_mapping", "has_serial_dates"]


@dataclass(frozen=True)
class Mapped:
    """Rows under the class: a Parquet file of text with `_row`, and the name there of each column that came."""

    file: Path
    names: Mapping[str, str]


def apply_mapping(
    landed_file: Path, landed: Landed, mapping: Mapping[str, str], target: Path, definition: ClassDefinition
) -> Mapped:
    """The landed rows under the columns of the class. `mapping`: header → column, empty for a header that is left out.

    Where no value changes, which is nearly always, the landed file serves as it is; else its columns are written anew to
    `target` under the class's names. Rows keep the numbers they have in the source.
    """
    place = dict(zip(landed.headers, landed.columns, strict=True))
    source = {column: header for header, column in mapping.items() if column and header in place}
    names = {column.name: place[source[column.name]] for column in definition.columns if column.name in source}
    values = {
        name: _value(definition.by_name[name], own, landed.profiles.get(source[name])) for name, own in names.items()
    }
    if values == names:
        return Mapped(landed_file, names)
    chosen = ", ".join(f"{value} AS {quoted(name)}" for name, value in values.items())
    with connect() as connection:
        connection.execute(
            f"COPY (SELECT {chosen}, _row FROM read_parquet({text(landed_file)})) "  # noqa: S608 - quoted names
            f"TO {text(target)} (FORMAT parquet, COMPRESSION zstd)"
        )
    return Mapped(target, {name: name for name in names})


def has_serial_dates(column: Column, profile: Profile | None) -> bool:
    """Whether a column of dates comes, or partly comes, as days since 1900: no other date has five digits."""
    return profile is not None and column.type in ("date", "datetime") and profile.serials > 0


def _value(column: Column, name: str, profile: Profile | None) -> str:
    value = name
    if profile is not None and profile.wrapped:
        value = (
            f'CASE WHEN regexp_full_match({name}, \'=\\s*"[^"]*"\') THEN regexp_extract({name}, \'"([^"]*)"\', 1) '
            f"WHEN regexp_full_match({name}, '[''‘’][0-9].*') THEN substr({name}, 2) ELSE {name} END"
        )
    if has_serial_dates(column, profile):
        # Day 1 is 1900-01-01, and 1900 counts a 29 February that never was: hence the thirtieth (ECMA-376 18.17.4.1).
        moment = f"TIMESTAMP '1899-12-30' + to_seconds(round(CAST({name} AS DOUBLE) * 86400))"
        shown = "%Y-%m-%d" if column.type == "date" else "%Y-%m-%d %H:%M:%S"
        value = (
            f"CASE WHEN regexp_full_match({name}, '[1-9][0-9]{{4}}(\\.[0-9]+)?') "
            f"THEN strftime({moment}, '{shown}') ELSE {value} END"
        )
    return value
