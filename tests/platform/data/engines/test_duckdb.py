"""Screening on DuckDB and row by row: files whole or not at all, references, several files, progress, limits."""

from __future__ import annotations

import errno
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.test import override_settings

from tests.platform.data.rules.tables import class_of, land, screen, screening
from yici.base.errors import Misconfigured
from yici.platform.data import engines
from yici.platform.data.engines import SMALL, engine
from yici.platform.data.engines import duckdb as duckdb_engine
from yici.platform.data.engines.duckdb import DuckDBEngine, connect
from yici.platform.data.errors import DiskFull

ENGINES = ["duckdb", "rows"]
COLUMNS = [{"name": "number", "type": "text"}, {"name": "owner", "type": "text"}, {"name": "sum", "type": "money"}]
REFERRED = {"primitive": "exists_in", "column": "owner", "parameters": {"class": "test.owners", "column": "id"}}


def rows(count: int) -> list[dict[str, str | None]]:
    return [{"number": f"{place}", "owner": f"o{place % 7}", "sum": f"{place}.50"} for place in range(count)]


@pytest.mark.parametrize("name", ENGINES)
def test_several_files_and_missing_columns_are_one_delivery(name: str, tmp_path: Path) -> None:
    definition = class_of(COLUMNS)
    first = land(rows(5), tmp_path / "1.parquet", ["number", "owner", "sum"])
    second = tmp_path / "2.parquet"
    pq.write_table(
        pa.table({"number": ["5", "0"], "_row": pa.array([6, 7], pa.int64()), "surplus": ["x", "y"]}), second
    )

    counts, accepted, held = screen(engine(name), screening(definition, [first, second], tmp_path / "out"))

    assert (counts.rows, counts.accepted, counts.quarantined) == (7, 5, 2)
    assert accepted[-1] == {"number": "5", "owner": None, "sum": None, "_row": 6}
    assert [(row["_row"], row["_reasons"]) for row in held] == [(1, ["key.unique"]), (7, ["key.unique"])]


@pytest.mark.parametrize("name", ENGINES)
def test_rows_come_out_in_the_order_of_their_numbers(name: str, tmp_path: Path) -> None:
    definition = class_of(COLUMNS)
    backwards = tmp_path / "backwards.parquet"
    numbers = list(range(5000, 0, -1))
    pq.write_table(
        pa.table({"number": [str(one) for one in numbers], "_row": pa.array(numbers, pa.int64())}), backwards
    )

    _counts, accepted, _held = screen(engine(name), screening(definition, [backwards], tmp_path / "out"))

    assert [row["_row"] for row in accepted] == list(range(1, 5001))


@pytest.mark.parametrize("name", ENGINES)
def test_a_delivery_may_have_names_of_its_own_for_the_columns(name: str, tmp_path: Path) -> None:
    definition = class_of(COLUMNS)
    landed = tmp_path / "landed.parquet"
    table = {"c0001": ["1.50", "2"], "c0002": ["a", "b"], "owner": ["not", "mapped"]}
    pq.write_table(pa.table({**table, "_row": pa.array([2, 3], pa.int64())}), landed)

    job = screening(definition, [landed], tmp_path / "out", names={"number": "c0002", "sum": "c0001"})
    _counts, accepted, _held = screen(engine(name), job)

    assert accepted == [
        {"number": "a", "owner": None, "sum": 150, "_row": 2},
        {"number": "b", "owner": None, "sum": 200, "_row": 3},
    ]


def test_many_rows_come_out_in_order_whether_they_came_so_or_not_and_whatever_is_held(tmp_path: Path) -> None:
    """Joins with lists of codes and with rows set aside change the order chunk by chunk."""
    many = 30_000
    definition = class_of([*COLUMNS, {"name": "sex", "element": "person.sex"}])
    for name, numbers in (("forwards", range(1, many + 1)), ("backwards", range(many, 0, -1))):
        landed = tmp_path / f"{name}.parquet"
        table = {
            "number": [str(one // 2 if one % 5 == 1 else one + many) for one in numbers],
            "sum": ["x" if one % 2 else "1" for one in numbers],
            "sex": [None if one % 3 else "男" for one in numbers],
        }
        pq.write_table(pa.table({**table, "_row": pa.array(numbers, pa.int64())}), landed)

        counts, accepted, held = screen(engine("duckdb"), screening(definition, [landed], tmp_path / name))

        assert [row["_row"] for row in accepted] == [one for one in range(1, many + 1) if one % 2 == 0]
        assert [row["_row"] for row in held] == [one for one in range(1, many + 1) if one % 2]
        assert counts.quarantined == many // 2


def test_keys_that_are_looked_through_in_parts_are_found_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duckdb_engine, "_SORTED_AT_ONCE", 100)
    definition = class_of(COLUMNS)
    landed = land(
        [*rows(1000), *rows(300), {"number": None}, {"number": None}],
        tmp_path / "l.parquet",
        ["number", "owner", "sum"],
    )

    counts, _accepted, held = screen(engine("duckdb"), screening(definition, [landed], tmp_path / "out"))

    assert [row["_row"] for row in held if "key.unique" in row["_reasons"]] == list(range(1001, 1301))
    assert (counts.accepted, counts.quarantined) == (1000, 302)


@pytest.mark.parametrize("name", ENGINES)
def test_a_reference_is_held_against_the_class_it_names(name: str, tmp_path: Path) -> None:
    definition = class_of(COLUMNS, [REFERRED])
    owners = tmp_path / "owners.parquet"
    pq.write_table(pa.table({"id": ["o0", "o1", None]}), owners)
    landed = land([*rows(7), {"number": "8"}], tmp_path / "landed.parquet", ["number", "owner", "sum"])

    job = screening(definition, [landed], tmp_path / "out", references={"test.owners": [owners]})
    counts, _accepted, held = screen(engine(name), job)

    outcome = next(one for one in counts.outcomes if one.rule.primitive == "exists_in")
    assert (outcome.checked, outcome.failed) == (7, 5)
    assert {row["owner"] for row in held} == {"o2", "o3", "o4", "o5", "o6"}


@pytest.mark.parametrize("name", ENGINES)
def test_a_class_that_is_not_there_yet_proves_nothing(name: str, tmp_path: Path) -> None:
    definition = class_of(COLUMNS, [REFERRED])
    landed = land(rows(7), tmp_path / "landed.parquet", ["number", "owner", "sum"])

    counts, _accepted, _held = screen(engine(name), screening(definition, [landed], tmp_path / "out"))

    assert counts.quarantined == 0


@pytest.mark.parametrize("name", ENGINES)
def test_a_note_is_counted_and_holds_nothing_back(name: str, tmp_path: Path) -> None:
    note = {"primitive": "number_between", "column": "sum", "parameters": {"maximum": 150}, "severity": "note"}
    definition = class_of(COLUMNS, [note])
    landed = land(rows(4), tmp_path / "landed.parquet", ["number", "owner", "sum"])

    counts, accepted, held = screen(engine(name), screening(definition, [landed], tmp_path / "out"))

    assert (len(accepted), len(held)) == (4, 0)
    assert {one.rule.id: one.failed for one in counts.outcomes}["sum.number_between"] == 2


@pytest.mark.parametrize("name", ENGINES)
def test_an_empty_delivery_gives_two_empty_files_of_the_right_shape(name: str, tmp_path: Path) -> None:
    definition = class_of(COLUMNS)
    landed = land([], tmp_path / "landed.parquet", ["number", "owner", "sum"])
    job = screening(definition, [landed], tmp_path / "out")

    counts = engine(name).screen(job)

    assert (counts.rows, counts.accepted, counts.quarantined) == (0, 0, 0)
    assert pq.read_schema(job.accepted).field("sum").type == pa.int64()
    assert pq.read_schema(job.quarantined).field("_reasons").type == pa.list_(pa.string())


def test_more_rules_than_one_number_has_bits_are_told_apart(tmp_path: Path) -> None:
    rules = [
        {"primitive": "matches", "column": "owner", "parameters": {"pattern": f"[^{chr(0x4E00 + place)}]+"}}
        for place in range(150)
    ]
    definition = class_of(COLUMNS, rules)
    values = [{"number": f"{place}", "owner": chr(0x4E00 + place)} for place in range(150)]
    landed = land(values, tmp_path / "landed.parquet", ["number", "owner", "sum"])

    _counts, _accepted, held = screen(engine("duckdb"), screening(definition, [landed], tmp_path / "out"))

    assert [row["_reasons"] for row in held] == [
        [f"owner.matches_{place + 1}" if place else "owner.matches"] for place in range(150)
    ]


def test_a_screening_that_fails_leaves_nothing_behind_and_what_was_there_stays(tmp_path: Path) -> None:
    definition = class_of(COLUMNS)
    landed = land(rows(50), tmp_path / "landed.parquet", ["number", "owner", "sum"])
    landed.write_bytes(landed.read_bytes()[:200] + b"\x00" * 200 + landed.read_bytes()[400:])
    job = screening(definition, [landed], tmp_path / "out")
    job.accepted.write_bytes(b"before")

    with pytest.raises(duckdb.Error):
        engine("duckdb").screen(job)

    assert [path.name for path in (tmp_path / "out").iterdir()] == ["accepted.parquet"]
    assert job.accepted.read_bytes() == b"before"


@pytest.mark.parametrize("name", ENGINES)
def test_no_room_to_write_is_told_as_a_full_disk(name: str, tmp_path: Path) -> None:
    """/dev/full refuses every byte, as a full disk does."""
    definition = class_of(COLUMNS)
    landed = land(rows(50), tmp_path / "landed.parquet", ["number", "owner", "sum"])
    job = screening(definition, [landed], tmp_path / "out")
    draft = job.accepted.with_name(f".{job.accepted.name}.draft")
    draft.symlink_to("/dev/full")

    with pytest.raises(DiskFull):
        engine(name).screen(job)
    assert not list((tmp_path / "out").iterdir())


def test_no_room_to_spill_is_told_as_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(DiskFull), connect(memory="60MB") as connection:
        connection.execute("SET max_temp_directory_size = '1MB'")
        connection.execute("CREATE TEMP TABLE t AS SELECT i, hash(i)::VARCHAR AS h FROM range(5000000) r(i) ORDER BY h")
    with pytest.raises(DiskFull), connect():
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_job_spills_though_the_work_folder_was_cleared_since_the_first(settings: Any) -> None:
    with connect(memory="61MB") as connection:
        connection.execute("SELECT 1")
    shutil.rmtree(settings.DATA_HOME / "work")
    with connect(memory="61MB") as connection:
        connection.execute("CREATE TEMP TABLE t AS SELECT i, hash(i)::VARCHAR AS h FROM range(2000000) r(i) ORDER BY h")
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (2_000_000,)


def test_whoever_watches_the_progress_can_stop_the_query(tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def stop(_rows: int) -> None:
        raise Stop

    definition = class_of(COLUMNS)
    landed = land(rows(2000), tmp_path / "landed.parquet", ["number", "owner", "sum"])
    told: list[int] = []
    job = screening(definition, [landed], tmp_path / "out")

    with pytest.raises(Stop):
        engine("duckdb").screen(job, stop)
    assert not list((tmp_path / "out").iterdir())
    engine("duckdb").screen(job, told.append)
    assert told and max(told) == 2000


def test_names_and_texts_in_a_class_cannot_leave_their_quotes(tmp_path: Path) -> None:
    values = ["'; DROP TABLE verdicts; --", "O'Neil", '"', "\\'"]
    rule = {"primitive": "in_list", "column": "owner", "parameters": {"values": values}}
    definition = class_of(COLUMNS, [rule])
    folder = tmp_path / 'it\'s "quoted"'
    folder.mkdir()
    landed = land(
        [{"number": f"{n}", "owner": one} for n, one in enumerate([*values, "x"])],
        folder / "l'.parquet",
        definition.by_name,
    )

    job = screening(definition, [landed], folder / "out")
    job = replace(job, rules=[replace(one, id=f"{one.id}'\"") for one in job.rules])
    counts, accepted, held = screen(engine("duckdb"), job)

    assert [row["owner"] for row in accepted] == values
    assert held[0]["_reasons"] == ["owner.in_list'\""]
    assert counts.quarantined == 1


def test_a_connection_has_the_limits_of_the_settings_and_installs_nothing(settings: Any) -> None:
    settings.DATA_THREADS = 1
    with connect() as connection:
        row = connection.execute(
            "SELECT current_setting('threads'), current_setting('memory_limit'), current_setting('TimeZone'),"
            " current_setting('autoinstall_known_extensions'), current_setting('autoload_known_extensions')"
        ).fetchone()
        assert row == (1, "953.6 MiB", "UTC", False, False)
        with pytest.raises(duckdb.Error):
            connection.execute("LOAD httpfs")
    assert not list((settings.DATA_HOME / "work").iterdir())


def test_what_one_job_makes_another_does_not_see() -> None:
    with connect() as one, connect() as other, connect(with_database=True) as third:
        one.execute("CREATE TEMP TABLE mine AS SELECT 1 AS a")
        third.execute("CREATE TABLE mine AS SELECT 3 AS a; CREATE MACRO own() AS 3")
        for connection, expected in ((one, 1), (third, 3)):
            assert connection.execute("SELECT a FROM mine").fetchone() == (expected,)
        with pytest.raises(duckdb.CatalogException):
            other.execute("SELECT a FROM mine")
    with connect() as later:
        for query in ("SELECT a FROM mine", "SELECT own()"):
            with pytest.raises(duckdb.CatalogException):
                later.execute(query)


def test_no_job_makes_what_outlives_it() -> None:
    """What is not TEMP stays in the engine of the process, for whoever comes next."""
    made = re.compile(r"CREATE (OR REPLACE )?(TABLE|VIEW|MACRO|SCHEMA)")
    for room in ("engines", "landing", "lake", "quality", "reading", "rules", "runs"):
        for path in (Path(engines.__file__).parents[1] / room).rglob("*.py"):
            assert not made.search(path.read_text(encoding="utf-8")), path


def test_an_engine_that_does_not_exist_is_a_fault_of_the_settings(settings: Any) -> None:
    assert engine().name == "duckdb"
    settings.DATA_ENGINE = "oracle"
    with pytest.raises(Misconfigured, match="oracle"):
        engine()


def test_judging_counts_the_same_and_writes_nothing(tmp_path: Path) -> None:
    definition = class_of(COLUMNS)
    landed = land([*rows(20), *rows(3)], tmp_path / "landed.parquet", ["number", "owner", "sum"])
    job = screening(definition, [landed], tmp_path / "out")

    judged = DuckDBEngine().judge(job)

    assert not list((tmp_path / "out").iterdir())
    assert judged == engine("duckdb").screen(job)
    assert judged.quarantined == 3


def test_a_small_delivery_is_judged_row_by_row_and_a_larger_one_by_the_engine_of_the_setting(tmp_path: Path) -> None:
    """A name no engine has tells which way was taken."""
    definition = class_of(COLUMNS)
    small, large = (
        screening(
            definition, [land(rows(count), tmp_path / f"{count}.parquet", ["number", "owner", "sum"])], tmp_path / "out"
        )
        for count in (SMALL, SMALL + 1)
    )
    with override_settings(DATA_ENGINE="none"):
        assert engines.screen(small).accepted == SMALL
        with pytest.raises(Misconfigured):
            engines.screen(large)
