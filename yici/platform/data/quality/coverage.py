"""Who should stand in a class and does not: a reference population against the class, by `coverage.yaml` of the city.

What is missing was never digitised, never delivered, or is owed to somebody who does not know. Only counts leave here.
"""

# ruff: noqa: S608 - names are quoted by the lake, values are parameters

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Self

from duckdb import DuckDBPyConnection
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from yici.base import clock
from yici.base.cityfolder import city_folder, read_yaml
from yici.base.errors import Misconfigured
from yici.base.faults import first_fault
from yici.base.sql import quoted
from yici.base.text import Text
from yici.core.people.queries import Scope
from yici.platform.data.engines.duckdb import connect
from yici.platform.data.lake import reading as lake
from yici.platform.data.models import DataClass
from yici.platform.data.scopes import within

__all__ = ["FILE", "Coverage", "Entry", "Population", "Side", "coverage", "entries_in"]

FILE = "coverage.yaml"
Age = Annotated[int, Field(ge=0, le=150)]
# (comparison, versions it reads, day) → its counts, of this process.
_known: dict[tuple[str, tuple[int | None, ...], dt.date], tuple[int, int]] = {}
_REMEMBERED = 500


class Side(BaseModel):
    """The people (or things) of a class, by one column."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    data_class: str = Field(alias="class")
    key: str


class Population(Side):
    """Those who should be found: of an age in completed years, with values, without those of another class."""

    born: str = ""
    age: tuple[Age, Age] | None = None
    where: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(default_factory=dict)
    without: Side | None = None

    @model_validator(mode="after")
    def _age_needs_a_birth_date(self) -> Self:
        if bool(self.born) != (self.age is not None):
            raise ValueError("born 和 age 应同时写明")
        if self.age is not None and self.age[0] > self.age[1]:
            raise ValueError("age 的下限不能大于上限")
        return self


class Entry(BaseModel):
    """One comparison of the city."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label: Text
    reference: Population
    covered_by: Side

    @property
    def classes(self) -> tuple[str, ...]:
        """Every class it reads, each once."""
        without = (self.reference.without.data_class,) if self.reference.without else ()
        return tuple(dict.fromkeys((self.reference.data_class, self.covered_by.data_class, *without)))


@dataclass(frozen=True)
class Coverage:
    """What a comparison found. `lacking`: classes that were never loaded; then nothing can be said and counts are None."""

    entry: Entry
    data_class: DataClass | None
    reference: int | None = None
    covered: int | None = None
    lacking: tuple[str, ...] = ()

    @property
    def missing(self) -> int | None:
        return None if self.reference is None or self.covered is None else self.reference - self.covered

    @property
    def share(self) -> float | None:
        """0–1; None where nobody should be found, or nobody can say."""
        return self.covered / self.reference if self.reference and self.covered is not None else None


def coverage(scope: Scope | None = None, today: dt.date | None = None, city: Path | None = None) -> list[Coverage]:
    """Every comparison whose class the scope holds, in the order of the file; ages are those of `today`.

    Computed over the present versions of the lake, a second or so for a city of millions, and remembered until one of
    them changes or the day does.
    """
    entries = entries_in(city or city_folder())
    wanted = {slug for entry in entries for slug in entry.classes}
    shown = set(DataClass.objects.filter(within(scope, ""), pk__in=wanted).values_list("pk", flat=True))
    classes = DataClass.objects.select_related("current", "department").in_bulk(wanted)
    loaded = {slug: one for slug, one in classes.items() if one.current is not None and one.current.row_count}
    day = today or clock.today()
    found = []
    with connect() as connection:
        views: dict[str, str] = {}
        for entry in entries:
            if scope is not None and entry.covered_by.data_class not in shown:
                continue
            own = classes.get(entry.covered_by.data_class)
            lacking = tuple(slug for slug in entry.classes if slug not in loaded)
            if lacking:
                found.append(Coverage(entry, own, lacking=lacking))
                continue
            counted = (entry.model_dump_json(), tuple(loaded[slug].current_id for slug in entry.classes), day)
            if counted not in _known:
                for slug in entry.classes:
                    if slug not in views:
                        views[slug] = f"class_{len(views)}"
                        lake.create_view(connection, loaded[slug], views[slug])
                if len(_known) >= _REMEMBERED:
                    _known.clear()
                _known[counted] = _counts(connection, entry, views, day)
            found.append(Coverage(entry, own, *_known[counted]))
    return found


def entries_in(city: Path) -> tuple[Entry, ...]:
    """The comparisons of a city folder; none where it has no such file. Raises `Misconfigured` with the line."""
    path = city / FILE
    return _entries(path, path.stat().st_mtime_ns) if path.is_file() else ()


@lru_cache(maxsize=4)
def _entries(path: Path, changed: int) -> tuple[Entry, ...]:
    body = read_yaml(path)
    found = []
    for place, fields in enumerate(body["coverage"]):
        try:
            found.append(Entry.model_validate(fields))
        except ValidationError as error:
            line = body.line_of("coverage", place)
            raise Misconfigured(f"{path}:{line} 覆盖对照写得不对：{first_fault(error)}") from error
    return tuple(found)


def _counts(connection: DuckDBPyConnection, entry: Entry, views: dict[str, str], today: dt.date) -> tuple[int, int]:
    """(how many should be found, how many of them are), each key once."""
    reference, without = entry.reference, entry.reference.without
    values: dict[str, Any] = {}
    conditions = [f"{quoted(reference.key)} IS NOT NULL", *_conditions(reference, today, values)]
    if without is not None:
        conditions.append(
            f"NOT EXISTS (SELECT 1 FROM {views[without.data_class]} w WHERE w.{quoted(without.key)} = r.{quoted(reference.key)})"
        )
    found = connection.execute(
        f"WITH p AS (SELECT DISTINCT {quoted(reference.key)} AS k FROM {views[reference.data_class]} r"
        f" WHERE {' AND '.join(conditions)})"
        f" SELECT count(*), count(*) FILTER (EXISTS (SELECT 1 FROM {views[entry.covered_by.data_class]} c"
        f" WHERE c.{quoted(entry.covered_by.key)} = p.k)) FROM p",
        values,
    ).fetchone()
    assert found is not None
    return int(found[0]), int(found[1])


def _conditions(reference: Population, today: dt.date, values: dict[str, Any]) -> Iterator[str]:
    if reference.age is not None:
        youngest, oldest = reference.age
        values |= {"today": today}
        born = quoted(reference.born)
        yield f"{born} <= $today::DATE - INTERVAL {int(youngest)} YEAR"
        yield f"{born} > $today::DATE - INTERVAL {int(oldest) + 1} YEAR"
    for place, (column, allowed) in enumerate(reference.where.items()):
        values[f"allowed{place}"] = list(allowed)
        yield f"list_contains($allowed{place}, CAST({quoted(column)} AS VARCHAR))"
