"""What every engine can do. The same job gives the same rows on each of them, and tests compare."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from yici.platform.data.catalogue.definition import LAKE_TYPES, NUMBER_PLACES, ClassDefinition
from yici.platform.data.rules.language import Outcome, Rule

Progress = Callable[[int], None]
_ARROW_TYPES = {
    "VARCHAR": pa.string(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    LAKE_TYPES["number"]: pa.decimal128(18, NUMBER_PLACES),
    "BIGINT": pa.int64(),
}


def accepted_schema(definition: ClassDefinition) -> pa.Schema:
    """Of the file of accepted rows: the lake's types, and `_row`."""
    fields = [(column.name, _ARROW_TYPES[column.lake_type]) for column in definition.columns]
    return pa.schema([*fields, ("_row", pa.int64())])


def quarantined_schema(definition: ClassDefinition) -> pa.Schema:
    """Of the file of rows held back: text as it came, `_row` and `_reasons`."""
    fields = [(column.name, pa.string()) for column in definition.columns]
    return pa.schema([*fields, ("_row", pa.int64()), ("_reasons", pa.list_(pa.string()))])


@dataclass(frozen=True)
class Screening:
    """Bring landed rows to standard form, tag each with the rules it fails, and part the accepted from the rest.

    `landed`: Parquet files, every column VARCHAR, with `_row` BIGINT; `names`: column of the class → its name there,
    where the files have names of their own (columns that have none, or are in no file, are null). `references`: class
    id → its current files, for referential rules. `accepted`: the file to write, columns of the definition in their lake
    types plus `_row`. `quarantined`: the file to write, columns as landed plus `_row` and `_reasons` (LIST of rule ids,
    in the order of `rules`).
    """

    definition: ClassDefinition
    rules: Sequence[Rule]
    landed: Sequence[Path]
    accepted: Path
    quarantined: Path
    today: dt.date
    references: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    names: Mapping[str, str] | None = None

    def found_as(self, present: Collection[str]) -> dict[str, str]:
        """Column of the class → its name among those present in a file, for the columns that it has."""
        own = self.names if self.names is not None else {column.name: column.name for column in self.definition.columns}
        return {column: name for column, name in own.items() if name in present}


@dataclass(frozen=True)
class Screened:
    """Counts of one screening; `outcomes` in the order of the rules."""

    rows: int
    accepted: int
    quarantined: int
    outcomes: tuple[Outcome, ...]


class Engine(Protocol):
    """`name` is what the setting YICI_DATA_ENGINE says."""

    name: str

    def screen(self, job: Screening, progress: Progress | None = None) -> Screened:
        """Raises `DiskFull` where the files could not be written whole; nothing is left behind then."""
        ...
