"""One small city with every described class, made once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from yici.platform.data import generating

PEOPLE, SEED, DAY = 2000, 11, "20261101"


@dataclass(frozen=True)
class Made:
    """A generated city and how to ask it."""

    into: Path
    report: generating.Report
    connection: duckdb.DuckDBPyConnection

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        """`t.persons` and so on are the truth, `d."class"` the delivered classes."""
        return self.connection.execute(query).fetchall()


@contextmanager
def made(into: Path, people: int, seed: int, classes: list[str] | None = None) -> Iterator[Made]:
    """Generate, and open what was generated."""
    report = generating.generate(people, seed, into, classes=classes)
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA t; CREATE SCHEMA d")
        for path in sorted((into / "truth").glob("*.parquet")):
            connection.execute(f"CREATE VIEW t.{path.stem} AS SELECT * FROM '{path}'")
        for path in sorted((into / "departments").glob(f"*/{DAY}.parquet")):
            connection.execute(f"CREATE VIEW d.\"{path.parent.name}\" AS SELECT * FROM '{path}'")
        yield Made(into, report, connection)


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with made(tmp_path_factory.mktemp("generated"), PEOPLE, SEED) as found:
        yield found
