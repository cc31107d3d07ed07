"""Reading: versions as they stood, views, single rows from the one file that can hold them, pages."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.platform.data.factories import person
from tests.platform.data.lake.conftest import Lake
from yici.base import clock
from yici.base.errors import Invalid, NotFound
from yici.platform.data.engines.duckdb import connect
from yici.platform.data.lake import layout, reading


def test_a_class_is_read_as_it_stood_at_a_moment_and_by_number(lake: Lake) -> None:
    with clock.at(dt.datetime(2026, 11, 1, tzinfo=dt.UTC)):
        lake.put([person(1)])
    with clock.at(dt.datetime(2026, 11, 3, tzinfo=dt.UTC)):
        lake.put([person(1), person(2)])
    assert len(lake.values(as_of=dt.datetime(2026, 11, 2, tzinfo=dt.UTC))) == 1
    assert len(lake.values(as_of=dt.datetime(2026, 11, 4, tzinfo=dt.UTC))) == 2
    assert len(lake.values(number=1)) == 1
    with pytest.raises(NotFound):
        lake.values(as_of=dt.datetime(2026, 10, 1, tzinfo=dt.UTC))
    with pytest.raises(NotFound):
        lake.values(number=3)


def test_a_class_that_was_never_loaded_has_no_files(lake: Lake) -> None:
    assert reading.files_of_class(lake.data_class.pk) == [] == reading.files_of_class("no.such")
    for ask in (reading.files_of, reading.rows, lambda one: reading.look_up(one, {"id_number": "1"})):
        with pytest.raises(NotFound):
            ask(lake.data_class)


def test_a_view_shows_the_columns_of_the_class_only(lake: Lake) -> None:
    lake.put([person(1)])
    lake.put([person(1), person(2)])
    with connect() as engine:
        reading.create_view(engine, lake.data_class, "now")
        reading.create_view(engine, lake.data_class, "public_security.test", number=1)
        assert engine.execute("SELECT count(*) FROM now").fetchone() == (2,)
        assert engine.execute('SELECT * FROM "public_security.test"').fetchall() == [tuple(person(1).values())]


def test_a_look_up_opens_only_the_file_that_can_hold_the_key(lake: Lake, small_files: None) -> None:
    snapshot = lake.put([person(number) for number in range(8000)])
    wanted = person(5000)["id_number"]
    for one in snapshot.files:
        if not one["key_min"] <= wanted <= one["key_max"]:
            layout.file_path(one["path"]).unlink()  # whoever opens it fails
    assert reading.look_up(lake.data_class, {"id_number": wanted}) == [person(5000)]
    assert reading.look_up(lake.data_class, {"id_number": wanted, "name": "别人"}) == []
    assert reading.look_up(lake.data_class, {"id_number": "9"}) == []


def test_a_look_up_takes_any_column_and_refuses_strange_ones(lake: Lake) -> None:
    lake.put([person(1), person(2, birth_date=dt.date(1990, 5, 4)), person(3, amount=77)])
    assert reading.look_up(lake.data_class, {"birth_date": "1990-05-04"}) == [person(2, birth_date=dt.date(1990, 5, 4))]
    assert reading.look_up(lake.data_class, {"amount": 77}) == [person(3, amount=77)]
    assert reading.look_up(lake.data_class, {"birth_date": "1990-02-30"}) == []
    strange: list[dict[str, Any]] = [{}, {"no_such": 1}, {'name" OR 1=1 --': "x"}, {"_hash": 1}]
    for wrong in strange:
        with pytest.raises(Invalid):
            reading.look_up(lake.data_class, wrong)


def test_pages_of_rows_go_on_across_files(lake: Lake, small_files: None) -> None:
    lake.put([person(number) for number in range(5000)])
    pages = [
        reading.rows(lake.data_class, offset=offset, limit=700, columns=["id_number"]) for offset in range(0, 5600, 700)
    ]
    assert [len(page) for page in pages] == [700] * 7 + [100]
    assert [row["id_number"] for page in pages for row in page] == lake.values()
    assert reading.rows(lake.data_class, limit=1, columns=["no_such"]) == []
    assert reading.rows(lake.data_class, limit=-1) == []
