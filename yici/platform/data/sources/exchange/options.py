"""Options of the exchange channel. Names of tables and columns are checked here and quoted where they are used."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from yici.platform.data.sources.base import Options

# Departments name tables and columns in Chinese too. A quotation mark, blank or dot is never part of a name.
_NAME = re.compile(r"[^\W\d][\w$]{0,62}")


def is_name(text: str) -> bool:
    """Whether it may be the name of a schema, table or column."""
    return _NAME.fullmatch(text) is not None


class ExchangeOptions(Options):
    """`table` (`schema.table` or `table`) or `query` (one SELECT), from a `connection` of kind postgresql or mysql.

    `columns`: only these, else all. `key`: the columns that identify a row; checked to be there. `watermark`: the
    column that grows with every change (time, date or number); without one the whole table is compared each time.
    `overlap`: how far behind the watermark the next pull begins, in seconds (time) or units (number), for commits
    that come late and clocks that differ. `resumable_rows`: from so many rows on, those with a watermark are read in
    its order, so that a pull that was cut goes on where it stopped; the column should then have an index.
    """

    connection: str
    table: str = ""
    query: str = ""
    columns: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    watermark: str = ""
    overlap: int = Field(default=600, ge=0)
    format: Literal["csv", "parquet"] = "csv"
    resumable_rows: int = Field(default=100_000, ge=1)
    batch_rows: int = Field(default=10_000, ge=1, le=200_000)

    @field_validator("columns", "key")
    @classmethod
    def _are_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [one for one in value if not is_name(one)]:
            raise ValueError(f"not a column name: {wrong[0]!r}")
        return value

    @field_validator("watermark")
    @classmethod
    def _is_name(cls, value: str) -> str:
        if value and not is_name(value):
            raise ValueError(f"not a column name: {value!r}")
        return value

    @field_validator("table")
    @classmethod
    def _is_table(cls, value: str) -> str:
        parts = value.split(".")
        if value and (len(parts) > 2 or not all(is_name(part) for part in parts)):
            raise ValueError(f"not a table name: {value!r}")
        return value

    @field_validator("query")
    @classmethod
    def _is_one_select(cls, value: str) -> str:
        text = value.strip().removesuffix(";").strip()
        if text and (not re.match(r"(?i)(select|with)\s", text) or ";" in text):
            raise ValueError("one SELECT, without a semicolon")
        return text

    @model_validator(mode="after")
    def _one_of_both(self) -> ExchangeOptions:
        if bool(self.table) == bool(self.query):
            raise ValueError("either table or query")
        return self
