"""Both engines give the same rows. One Spark inside this process serves the whole module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.platform.data.engines import delivered, households, test_duckdb
from tests.platform.data.engines.test_joins import means_test
from tests.platform.data.rules.corpus import EVERYTHING
from tests.platform.data.rules.tables import TODAY, every_kind, land, rows_of, screen, screening, standard_by_reference
from yici.platform.data.catalogue import reading
from yici.platform.data.engines import engine, joins
from yici.platform.data.engines.spark import job_session, read, session
from yici.platform.data.rules.templates.spark import SparkTemplates

# A JVM that lives a minute spends half of it on compiling itself well.
QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("spark")]


@pytest.fixture(scope="module", autouse=True)
def _spark() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("YICI_SPARK_MASTER", "local[2]")
        patch.setenv("YICI_SPARK_PARTITIONS", "2")
        patch.setenv("YICI_SPARK_MEMORY", "1g")
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("JAVA_TOOL_OPTIONS", QUICK_JAVA)
        yield
        session().stop()


def test_spark_brings_the_whole_corpus_to_the_same_standard_form(tmp_path: Path) -> None:
    definition = every_kind()
    rows = rows_of(definition, EVERYTHING)
    landed = land(rows, tmp_path / "landed.parquet", definition.by_name)
    templates = SparkTemplates(definition, TODAY)
    spark = job_session(len(rows))
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
    alone = [
        {"number": f"{place}-{name}", name: value} for place, value in enumerate(EVERYTHING[::3]) for name in names
    ]
    rows = [*rows_of(definition, EVERYTHING), *alone]
    landed = land(rows, tmp_path / "landed.parquet", definition.by_name)

    ours = screen(engine("duckdb"), screening(definition, [landed], tmp_path / "duckdb"))
    theirs = screen(engine("spark"), screening(definition, [landed], tmp_path / "spark"))

    assert theirs[2] == ours[2]
    assert theirs[1] == ours[1]
    assert theirs[0] == ours[0]


def test_spark_takes_a_delivery_with_names_of_its_own_for_the_columns(tmp_path: Path) -> None:
    test_duckdb.test_a_delivery_may_have_names_of_its_own_for_the_columns("spark", tmp_path)


def test_a_means_test_gives_the_same_rows_on_both_engines(tmp_path: Path) -> None:
    files = households.write(tmp_path, 3000)
    jobs = {name: means_test(files, tmp_path / f"means-{name}.parquet") for name in ("duckdb", "spark")}

    for name, job in jobs.items():
        assert joins.test_means(job, name) > 2900

    ours, theirs = (pq.read_table(job.into) for job in jobs.values())
    assert theirs.to_pylist() == ours.to_pylist()
    assert set(ours["verdict"].to_pylist()) == {"within", "above"}


def test_matching_gives_the_same_pairs_on_both_engines(tmp_path: Path) -> None:
    files = households.write(tmp_path, 3000)
    jobs = {
        name: joins.Matching([files["members"]], [files["school"]], tmp_path / f"pairs-{name}.parquet", "id_number")
        for name in ("duckdb", "spark")
    }

    for name, job in jobs.items():
        assert joins.match(job, name) > 100

    ours, theirs = (pq.read_table(job.into) for job in jobs.values())
    assert theirs.to_pylist() == ours.to_pylist()
    assert set(ours["kind"].to_pylist()) == {"other_name", "same_person", "other_number"}


def test_a_generated_class_gives_the_same_rows_on_both_engines(tmp_path: Path) -> None:
    files = delivered.landed(tmp_path, 20_000, parts=3)
    households, residents = (reading.definition(name) for name in delivered.CLASSES)
    known = screening(households, files[households.id], tmp_path / "households")
    engine("duckdb").screen(known)
    references = {households.id: [known.accepted]}

    ours, theirs = (
        screen(engine(name), screening(residents, files[residents.id], tmp_path / name, references=references))
        for name in ("duckdb", "spark")
    )

    assert theirs == ours
    counts, accepted, held = ours
    assert counts.rows == len(accepted) + len(held) > 20_000
    assert {one.rule.primitive for one in counts.outcomes if one.failed} >= {"cn_id", "unique", "exists_in", "phone"}
