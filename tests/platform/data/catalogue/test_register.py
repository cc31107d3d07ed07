"""The register of the city comes to the figures of the source document."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from yici.base.cityfolder import city_folder
from yici.base.errors import Misconfigured
from yici.core.people.organisation_files import city_rows
from yici.platform.data.catalogue import reading
from yici.platform.data.catalogue.reading import RegisterEntry


@pytest.fixture(scope="module")
def register() -> list[RegisterEntry]:
    return reading.register(city_folder())


def test_there_are_867_classes_and_869_links(register: list[RegisterEntry]) -> None:
    assert len(register) == len({entry.slug for entry in register}) == 867
    assert len({entry.code for entry in register}) == 867
    assert sum(len(entry.links) for entry in register) == 869
    assert sum(len(entry.links) == 2 for entry in register) == 2


def test_each_channel_has_the_units_and_classes_of_the_document(register: list[RegisterEntry]) -> None:
    units: dict[str, set[str]] = defaultdict(set)
    classes: dict[str, int] = defaultdict(int)
    for entry in register:
        for link in entry.links:
            units[link.kind].add(link.unit)
            classes[link.kind] += 1
    assert {kind: (len(units[kind]), classes[kind]) for kind in units} == {
        "file_drop": (4, 46),
        "exchange": (24, 502),
        "interface": (1, 1),
        "static": (42, 320),
    }
    dynamic = units["file_drop"] | units["exchange"] | units["interface"]
    assert len(dynamic) == 29
    assert len(dynamic & units["static"]) == 16
    assert len(dynamic | units["static"]) == 55


def test_every_holder_of_data_has_classes_and_nobody_else(register: list[RegisterEntry]) -> None:
    holders = {row["function"] for _line, row in city_rows(city_folder()) if row["holds_data"] == "yes"}
    assert len(holders) == 55
    assert {entry.department for entry in register} == holders
    assert {link.unit for entry in register for link in entry.links} == holders


def test_the_rows_come_to_2700_million_and_are_uneven(register: list[RegisterEntry]) -> None:
    rows = sorted((entry.declared_rows for entry in register), reverse=True)
    assert sum(rows) == pytest.approx(2_700_000_000, rel=0.001)
    assert sum(rows[:10]) > sum(rows) / 2, "a few classes that record every event make up most of it"
    assert min(rows) > 0
    residents = next(entry for entry in register if entry.slug == "public_security.resident")
    assert residents.declared_rows == pytest.approx(6_500_000, rel=0.05)


def test_names_are_words_of_their_own_in_both_languages(register: list[RegisterEntry]) -> None:
    assert len({entry.name for entry in register}) == 867
    assert all(entry.name and entry.english.isascii() is not None and entry.english for entry in register)
    assert not [
        entry.name
        for entry in register
        if any(sign.isdigit() for sign in entry.name.replace("110", "").replace("120", ""))
    ]


def test_a_line_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "classes").mkdir()
    text = reading.register_file(city_folder()).read_text("utf-8").splitlines()
    (tmp_path / "classes" / "register.csv").write_text("\n".join([*text[:3], text[3].replace("1600", "许多")]), "utf-8")
    with pytest.raises(Misconfigured, match=r"register\.csv:4 "):
        reading.register(tmp_path)


def test_a_wrong_head_is_named(tmp_path: Path) -> None:
    (tmp_path / "classes").mkdir()
    (tmp_path / "classes" / "register.csv").write_text("slug,name\n", "utf-8")
    with pytest.raises(Misconfigured, match=r"register\.csv:1 "):
        reading.register(tmp_path)
