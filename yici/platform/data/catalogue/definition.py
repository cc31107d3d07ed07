"""The shape of a data class, as `classes/*.yaml` of the city folder writes it. Pure data; reads no database.

Catalogue fields follow 《政务信息资源目录编制指南（试行）》 (2017). A column that names a data element takes its
label, type, code list, sensitivity and check from the element, so that a mapped class has its quality rules
and its masking for free.
"""

from __future__ import annotations

import datetime as dt
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from yici.base.text import Text
from yici.core.vocabulary import queries as vocabulary
from yici.core.vocabulary.definitions import Sensitivity

ColumnType = Literal["text", "date", "datetime", "number", "money", "code", "yes_no"]
# Six places tell 10 cm of longitude; twelve digits are left before the point.
NUMBER_PLACES = 6
# How each type stands in the lake (Parquet, DuckDB's name). Money is fen; yes/no is "yes" or "no", as elsewhere.
LAKE_TYPES: dict[str, str] = {
    "text": "VARCHAR",
    "code": "VARCHAR",
    "yes_no": "VARCHAR",
    "date": "DATE",
    "datetime": "TIMESTAMP",
    "number": f"DECIMAL(18,{NUMBER_PLACES})",
    "money": "BIGINT",
}
_RANK: tuple[Sensitivity, ...] = ("public", "internal", "personal", "sensitive")
_PLAIN_TYPES = {"text", "date", "number", "money", "code", "yes_no"}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Share(_Part):
    """共享属性: type, condition and way of sharing."""

    type: Literal["unconditional", "conditional", "none"]
    condition: Text | None = None
    way: Literal["platform", "interface", "file", "offline"] = "platform"


class Open(_Part):
    """开放属性: whether the class is open to society, and under which condition."""

    is_open: bool = False
    condition: Text | None = None


class Column(_Part):
    """One column (信息项). `headers` are the names it goes by in its sources, the first is the usual one."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,58}$")
    headers: tuple[str, ...] = Field(min_length=1)
    element: str = ""
    own_label: Text | None = Field(default=None, alias="label")
    own_type: ColumnType | None = Field(default=None, alias="type")
    own_code_list: str = Field(default="", alias="code_list")
    own_sensitivity: Sensitivity | None = Field(default=None, alias="sensitivity")
    required: bool = False
    unit_in_source: Literal["", "yuan", "fen", "ten_thousand_yuan"] = ""

    @property
    def label(self) -> Text:
        return self.own_label or (vocabulary.element(self.element).label if self.element else Text(zh=self.headers[0]))

    @property
    def type(self) -> ColumnType:
        if self.own_type:
            return self.own_type
        kind = vocabulary.element(self.element).type if self.element else "text"
        return kind if kind in _PLAIN_TYPES else "text"  # type: ignore[return-value]

    @property
    def code_list(self) -> str:
        return self.own_code_list or ((vocabulary.element(self.element).code_list or "") if self.element else "")

    @property
    def check(self) -> str:
        """Name of the check its element demands (`vocabulary.rules.CHECKS`), or empty."""
        return (vocabulary.element(self.element).check or "") if self.element else ""

    @property
    def sensitivity(self) -> Sensitivity:
        if self.own_sensitivity:
            return self.own_sensitivity
        return vocabulary.element(self.element).sensitivity if self.element else "internal"

    @property
    def is_personal(self) -> bool:
        return self.sensitivity in ("personal", "sensitive")

    @property
    def lake_type(self) -> str:
        return LAKE_TYPES[self.type]


class ChannelEntry(_Part):
    """The class comes by `kind` from `unit` (an organisation function of the city folder)."""

    kind: Literal["file_drop", "exchange", "interface", "static"]
    unit: str
    options: dict[str, Any] = Field(default_factory=dict)


class RuleEntry(_Part):
    """A rule the class has besides those of its elements; see `rules/language.py` for primitives and parameters."""

    primitive: str
    column: str = ""
    parameters: dict[str, Any] = Field(default_factory=dict)
    severity: Literal["quarantine", "note"] = "quarantine"
    message: Text | None = None
    basis: Text | None = None


class ClassDefinition(_Part):
    """A data class, whole. `key` names the columns that identify a row; `load` says what one delivery is."""

    id: str = Field(pattern=r"^[a-z_]+\.[a-z0-9_]+$")
    name: Text
    department: str = Field(description="organisation function that owns the class")
    category: str
    code: str
    summary: Text
    format: Literal["database", "spreadsheet", "file", "image", "stream", "self_described"] = "database"
    share: Share
    open: Open = Open()
    cycle: Literal["realtime", "daily", "weekly", "monthly", "quarterly", "half_yearly", "yearly", "irregular"]
    published: dt.date
    related: tuple[str, ...] = ()
    declared_rows: int = 0
    key: tuple[str, ...] = Field(min_length=1)
    load: Literal["full", "increment"] = "full"
    keep_versions: int = Field(default=5, ge=2)
    channels: tuple[ChannelEntry, ...] = Field(min_length=1)
    columns: tuple[Column, ...] = Field(min_length=1)
    rules: tuple[RuleEntry, ...] = ()

    @cached_property
    def by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    @cached_property
    def needed(self) -> frozenset[str]:
        """Names of columns that every delivery must have."""
        return frozenset(column.name for column in self.columns if column.required) | frozenset(self.key)

    @property
    def sensitivity(self) -> Sensitivity:
        """The highest of its columns."""
        return max((column.sensitivity for column in self.columns), key=_RANK.index)
