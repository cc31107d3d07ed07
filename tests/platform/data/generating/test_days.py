"""Later deliveries: people are born and die, households move, faults are mended, new ones come."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from yici.base.errors import Invalid
from yici.platform.data import generating

CLASSES = [
    "public_security.resident",
    "civil_affairs.senior_allowance",
    "health.birth_certificate",
    "public_security.deregistration",
]
LATER = dt.date(2027, 1, 15)


@pytest.fixture(scope="module")
def two_days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    into = tmp_path_factory.mktemp("days")
    generating.generate(8000, 4, into, classes=CLASSES)
    generating.next_day(into, LATER)
    yield into


def ask(into: Path, query: str) -> list[tuple[object, ...]]:
    paths = {
        "first": into / "departments" / CLASSES[0] / "20261101.parquet",
        "later": into / "departments" / CLASSES[0] / "20270115.parquet",
        "seniors": into / "departments" / CLASSES[1] / "20261101.parquet",
        "seniors_later": into / "departments" / CLASSES[1] / "20270115.parquet",
        "births": into / "departments" / CLASSES[2] / "20270115.parquet",
        "deaths": into / "departments" / CLASSES[3] / "20270115.parquet",
        "persons": into / "truth" / "persons.parquet",
        "dirt": into / "truth" / "dirt.parquet",
        "dirt_later": into / "truth" / "dirt_20270115.parquet",
    }
    with duckdb.connect() as connection:
        for name, path in paths.items():
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM '{path}'")
        return connection.execute(query).fetchall()


def test_an_incremental_class_brings_only_what_changed(two_days: Path) -> None:
    first, later = (ask(two_days, f"SELECT count(*) FROM {name}")[0][0] for name in ("first", "later"))
    assert 0 < int(str(later)) < int(str(first)) * 0.2
    assert ask(two_days, "SELECT count(*) FROM (SELECT * FROM later INTERSECT SELECT * FROM first)") == [(0,)]
    assert ask(two_days, "SELECT DISTINCT left(updated_at, 10) FROM later") == [("2027-01-15",)]


def test_people_born_since_are_new_and_the_dead_are_reported(two_days: Path) -> None:
    born = ask(
        two_days, "SELECT count(*) FROM later l JOIN persons p USING (id_number) ANTI JOIN first f ON f.id_number = l.id_number"
        " WHERE p.birth BETWEEN DATE '2026-10-25' AND DATE '2027-01-15'",
    )[0][0]  # fmt: skip
    assert int(str(born)) > 5
    assert int(str(ask(two_days, "SELECT count(*) FROM births")[0][0])) > 5
    assert int(str(ask(two_days, "SELECT count(*) FROM deaths")[0][0])) > 5
    future = ask(
        two_days, "SELECT count(*) FROM first JOIN persons p USING (id_number) WHERE p.birth > DATE '2026-11-01'"
    )
    assert future == [(0,)]


def test_a_whole_class_comes_whole(two_days: Path) -> None:
    before, after = (
        int(str(ask(two_days, f"SELECT count(*) FROM {name}")[0][0])) for name in ("seniors", "seniors_later")
    )
    assert after > before * 0.9
    moved = ask(
        two_days, "SELECT count(*) FROM seniors s JOIN seniors_later l USING (id_number) WHERE s.address <> l.address"
    )
    assert int(str(moved[0][0])) > 0


def test_some_faults_are_mended_and_some_are_new(two_days: Path) -> None:
    where = f"WHERE class = '{CLASSES[0]}' AND kind = 'wrong_check_digit'"
    gone = ask(two_days, f"SELECT count(*) FROM dirt {where} AND n NOT IN (SELECT n FROM dirt_later)")[0][0]
    stayed = ask(two_days, f"SELECT count(*) FROM dirt {where} AND n IN (SELECT n FROM dirt_later)")[0][0]
    new = ask(two_days, f"SELECT count(*) FROM dirt_later {where} AND n NOT IN (SELECT n FROM dirt)")[0][0]
    assert int(str(gone)) > 5 and int(str(stayed)) > 2 and int(str(new)) > 0
    mended = ask(
        two_days, f"SELECT count(*) FROM dirt d JOIN later l ON l.id_number = d.true_value WHERE d.class = '{CLASSES[0]}'"
        " AND d.kind = 'wrong_check_digit'",
    )[0][0]  # fmt: skip
    assert int(str(mended)) > 5


def test_a_day_before_the_last_or_beyond_the_year_is_refused(two_days: Path) -> None:
    for day in (dt.date(2026, 12, 1), LATER, dt.date(2029, 1, 1)):
        with pytest.raises(Invalid, match="日期应在"):
            generating.next_day(two_days, day)


def test_where_nothing_was_generated_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="yici data generate"):
        generating.next_day(tmp_path, LATER)
    with pytest.raises(Invalid, match="人口"):
        generating.generate(0, 1, tmp_path)


def test_a_class_left_out_of_a_day_catches_up_on_the_next(tmp_path: Path) -> None:
    generating.generate(3000, 4, tmp_path, classes=["public_security.resident"])
    once = generating.next_day(tmp_path, LATER)
    generating.generate(3000, 4, tmp_path, classes=["public_security.resident", "civil_affairs.senior_allowance"])
    generating.next_day(tmp_path, dt.date(2026, 12, 1), classes=["civil_affairs.senior_allowance"])
    later = generating.next_day(tmp_path, LATER)
    assert later.rows["public_security.resident"] == once.rows["public_security.resident"]
    assert len(later.rows) == 2


def test_a_new_city_leaves_nothing_of_the_one_before(tmp_path: Path) -> None:
    generating.generate(500, 4, tmp_path, classes=["public_security.resident"])
    generating.next_day(tmp_path, LATER)
    generating.generate(500, 5, tmp_path, classes=["public_security.resident"])
    assert [path.name for path in tmp_path.glob("departments/*/*")] == ["20261101.parquet"]
    assert not list(tmp_path.glob("truth/dirt_*"))
