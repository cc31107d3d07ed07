"""Differences of two versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.platform.data.factories import make_definition, person
from tests.platform.data.lake.conftest import Lake
from yici.platform.data.lake import layout, merging, reading
from yici.platform.data.lake.difference import Change, Difference, difference

KEY = ("id_number",)


def versions(lake: Lake, old: int, new: int) -> tuple[list[Path], list[Path]]:
    return reading.files_of(lake.data_class, number=old), reading.files_of(lake.data_class, number=new)


def test_the_difference_of_two_versions_shows_what_changed(lake: Lake) -> None:
    lake.put([person(1), person(2), person(3)])
    lake.put([person(1), person(2, address="新址", name="李二"), person(4)])
    found = difference(*versions(lake, 1, 2), KEY, ["name", "address"], limit=5)
    assert (found.added, found.changed, found.removed) == (1, 1, 1)
    assert found.samples == (
        Change("added", (person(4)["id_number"],), {}, {"name": "王4", "address": "某村4号"}),
        Change("changed", (person(2)["id_number"],), {"name": "王2", "address": "某村2号"}, {"name": "李二", "address": "新址"}),
        Change("removed", (person(3)["id_number"],), {"name": "王3", "address": "某村3号"}, {}),
    )  # fmt: skip


def test_samples_are_as_many_as_asked_for_and_the_first_by_key(lake: Lake) -> None:
    lake.put([person(number) for number in range(50)])
    lake.put([person(number) for number in range(100)])
    found = difference(*versions(lake, 1, 2), KEY, ["name"], limit=3)
    assert found.added == 50 and [one.after["name"] for one in found.samples] == ["王50", "王51", "王52"]
    assert difference(*versions(lake, 1, 2), KEY) == Difference(50, 0, 0)


def test_files_that_both_versions_have_are_not_opened(lake: Lake, small_files: None) -> None:
    lake.put([person(number) for number in range(8000)])
    lake.put([person(10, name="李十"), person(11, name="李十一")], mode="increment")
    old, new = versions(lake, 1, 2)
    for path in set(old) & set(new):
        path.unlink()
    assert difference(old, new, KEY) == Difference(0, 2, 0)
    assert difference(new, new, KEY) == Difference(0, 0, 0)


def test_a_class_against_nothing_is_all_added_or_all_removed(lake: Lake) -> None:
    lake.put([person(1), person(2)])
    files = reading.files_of(lake.data_class)
    assert difference([], files, KEY, ["name"], limit=1) == Difference(
        2, 0, 0, (Change("added", (person(1)["id_number"],), {}, {"name": "王1"}),)
    )
    assert difference(files, [], KEY) == Difference(0, 0, 2)
    assert difference([], [], KEY, ["name"], limit=1) == Difference(0, 0, 0)


def test_versions_with_other_columns_are_compared_by_those_they_share(lake: Lake) -> None:
    lake.put([person(1), person(2), person(3)])
    columns = [
        one.model_dump(by_alias=True, exclude_none=True) for one in lake.definition.columns if one.name != "amount"
    ]
    lake.definition = make_definition(columns=[*columns, {"name": "phone", "headers": ["电话"], "type": "text"}])
    lake.put([person(1, phone="1"), person(2, phone="2", name="李二"), person(3)])
    found = difference(*versions(lake, 1, 2), KEY, ["name", "amount", "phone"], limit=5)
    assert (found.added, found.changed, found.removed) == (0, 1, 0)
    assert found.samples == (Change("changed", (person(2)["id_number"],), {"name": "王2"}, {"name": "李二"}),)


def test_versions_hashed_by_other_engines_are_compared_by_value(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.put([person(1), person(2, amount=None)])
    monkeypatch.setattr(
        merging, "hash_expression", lambda columns: f"CAST(hash('其他', {', '.join(columns)}) >> 1 AS BIGINT)"
    )
    monkeypatch.setattr(merging, "hashing_of", lambda engine, columns: "another")
    lake.put([person(1), person(2, amount=5)])
    assert layout.lake_root().exists()
    assert difference(*versions(lake, 1, 2), KEY) == Difference(0, 1, 0)
