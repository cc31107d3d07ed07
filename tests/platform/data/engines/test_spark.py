"""Both engines give the same rows. One Spark inside this process serves the whole module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.platform.data.rules.corpus import EVERYTHING
from tests.platform.data.rules.tables import every_kind, land, rows_of, screen, screening, standard_by_reference, TODAY
from yici.platform.data.engines import engine
from yici.platform.data.engines.spark import read, session
from yici.platform.data.rules.templates.spark import SparkTemplates

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("spark")]


@pytest.fixture(scope="module", autouse=True)
def _spark() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("YICI_SPARK_MASTER", "local[2]")
        patch.setenv("YICI_SPARK_PARTITIONS", "2")
        patch.setenv("YICI_SPARK_MEMORY", "1g")
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        yield
        session().stop()


def test_spark_brings_the_whole_corpus_to_the_same_standard_form(tmp_path: Path) -> None:
    definition = every_kind()
    rows = rows_of(definition, EVERYTHING)
    landed = land(rows, tmp_path / "landed.parquet", definition.by_name)
    templates = SparkTemplates(definition, TODAY)
    spark = session()
    read(spark, [landed]).createOrReplaceTempView("corpus")

    query = templates.standardised("corpus", list(definition.by_name))
    columns = ", ".join(f"`s${name}` AS {name}" for name in definition.by_name)
    found = [row.asDict() for row in spark.sql(f"SELECT {columns} FROM ({query}) ORDER BY _row").collect()]

    for raw, ours, theirs in zip(rows, standard_by_reference(definition, rows), found, strict=True):
        assert {name: (raw[name], value) for name, value in theirs.items()} == {
            name: (raw[name], value) for name, value in ours.items()
        }


def test_spark_tags_the_whole_corpus_as_duckdb_does(tmp_path: Path) -> None:
    definition = every_kind()
    names = [name for name in definition.by_name if name != "number"]
    alone = [{"number": f"{place}-{name}", name: value} for place, value in enumerate(EVERYTHING) for name in names]
    rows = [*rows_of(definition, EVERYTHING), *alone]
    landed = land(rows, tmp_path / "landed.parquet", definition.by_name)

    ours = screen(engine("duckdb"), screening(definition, [landed], tmp_path / "duckdb"))
    theirs = screen(engine("spark"), screening(definition, [landed], tmp_path / "spark"))

    assert theirs[2] == ours[2]
    assert theirs[1] == ours[1]
    assert theirs[0] == ours[0]
