"""`paper_series.yaml`: series of papers that are not digitised yet, read and brought into the database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from yici.base.cityfolder import read_yaml
from yici.base.errors import Misconfigured
from yici.base.faults import first_fault
from yici.base.text import Text
from yici.platform.data.catalogue.storing import store
from yici.platform.data.models import PaperSeries

FILE = "paper_series.yaml"
_FIELDS = (
    "name", "english", "department_id", "data_class_id", "first_year", "last_year", "papers", "scanned", "structured",
    "citizens", "layout", "planned_for", "note", "withdrawn_at",
)  # fmt: skip


class SeriesEntry(BaseModel):
    """One series. `scanned` papers are pictures, `structured` ones have become rows; both are part of `papers`.

    `citizens`: people whose papers these are. `layout`: a kind of page that `trust.papers` reads.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Text
    department: str
    data_class: str = ""
    first_year: int = Field(ge=1900)
    last_year: int
    papers: int = Field(ge=1)
    scanned: int = Field(default=0, ge=0)
    structured: int = Field(default=0, ge=0)
    citizens: int = Field(default=0, ge=0)
    layout: str = Field(default="", pattern=r"^([a-z][a-z_]*)?$")
    planned_for: dt.date | None = None
    note: str = ""

    @model_validator(mode="after")
    def _counts_agree(self) -> Self:
        if self.last_year < self.first_year:
            raise ValueError("last_year 不能早于 first_year")
        if not self.structured <= self.scanned <= self.papers:
            raise ValueError("应有 structured ≤ scanned ≤ papers")
        return self


def read_series(city: Path) -> dict[str, SeriesEntry]:
    """Every series by slug, in file order; empty where the city has no such file. Raises `Misconfigured`."""
    path = city / FILE
    if not path.is_file():
        return {}
    body = read_yaml(path)
    found = {}
    for slug, fields in (body.get("series") or {}).items():
        try:
            found[slug] = SeriesEntry.model_validate(fields)
        except ValidationError as error:
            line = body.line_of("series", slug)
            raise Misconfigured(f"{path}:{line} 纸质档案 {slug} 写得不对：{first_fault(error)}") from error
    return found


def load_series(city: Path, organisations: Mapping[str, int], classes: set[str], now: dt.datetime) -> tuple[int, int]:
    """Number of series, and how many rows were written. Raises `Misconfigured` for an unknown department."""
    wanted = {slug: _values(slug, entry, organisations, classes) for slug, entry in read_series(city).items()}
    for row in PaperSeries.objects.filter(slug__in=wanted).values("slug", "scanned", "structured"):
        papers = wanted[row["slug"]]["papers"]  # progress that people recorded stays; the folder gives the beginning
        wanted[row["slug"]] |= {name: min(row[name], papers) for name in ("scanned", "structured")}
    return len(wanted), store(PaperSeries, "slug", _FIELDS, wanted, now)


def _values(slug: str, entry: SeriesEntry, organisations: Mapping[str, int], classes: set[str]) -> dict[str, Any]:
    if entry.department not in organisations:
        raise Misconfigured(f"纸质档案 {slug} 的部门 {entry.department} 不在机构名单里。")
    return {
        "name": entry.name.zh,
        "english": entry.name.en,
        "department_id": organisations[entry.department],
        "data_class_id": entry.data_class if entry.data_class in classes else None,
        "first_year": entry.first_year,
        "last_year": entry.last_year,
        "papers": entry.papers,
        "scanned": entry.scanned,
        "structured": entry.structured,
        "citizens": entry.citizens,
        "layout": entry.layout,
        "planned_for": entry.planned_for,
        "note": entry.note,
        "withdrawn_at": None,
    }
