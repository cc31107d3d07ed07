"""Which header is which column, and what a changed layout means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.platform.data.factories import make_definition
from yici.platform.data.landing.drift import Drift, compare
from yici.platform.data.landing.landing import Landed, land
from yici.platform.data.landing.mapping import propose


@pytest.fixture
def landed(tmp_path: Path, settings: Any) -> Any:
    settings.DATA_HOME = tmp_path / "data"

    def _land(headers: str, rows: int = 40, change: Any = None) -> Landed:
        lines = [headers]
        for number in range(rows):
            cells = [f"34160219800101{number:03d}X", f"王{number}", "1980-01-01", f"某村{number}号", f"{number}.50"]
            lines.append(",".join(change(cells) if change else cells))
        (tmp_path / "raw.csv").write_text("\n".join(lines) + "\n", "utf-8")
        return land(tmp_path / "raw.csv", tmp_path / "landed.parquet", name="raw.csv")

    return _land


DEFINITION = make_definition()


def mapped(found: Landed, **decisions: str) -> dict[str, str | None]:
    return {one.header: one.column for one in propose(found, DEFINITION, decisions)}


def drift(found: Landed, previous: tuple[str, ...] = (), **decisions: str) -> Drift:
    return compare(found, DEFINITION, decisions, previous)


def test_headers_of_the_catalogue_and_their_aliases_are_certain(landed: Any) -> None:
    found = landed("身份证号,姓　名,出生日期,住址,金额")
    assert mapped(found) == {
        "身份证号": "id_number",
        "姓 名": "name",
        "出生日期": "birth_date",
        "住址": "address",
        "金额": "amount",
    }
    assert not drift(found).is_blocking


def test_strange_names_are_proposed_by_pinyin_units_and_content(landed: Any) -> None:
    found = landed("证件号,xm,出生年月日,家庭住址,金额（元）")
    proposals = {one.header: one for one in propose(found, DEFINITION, {})}
    assert proposals["证件号"].column == "id_number" and proposals["证件号"].confidence < 1
    assert proposals["xm"].column == "name"
    assert proposals["出生年月日"].column == "birth_date"
    assert proposals["金额（元）"].column == "amount"
    assert all(one.why for one in proposals.values())


def test_no_column_is_proposed_twice(landed: Any) -> None:
    found = landed("身份证号,身份证,出生日期,住址,金额")
    columns = [column for column in mapped(found).values() if column]
    assert len(columns) == len(set(columns))


def test_a_persons_decision_wins_and_is_remembered(landed: Any) -> None:
    found = landed("身份证号,姓名,出生日期,住址,金额")
    assert mapped(found, 住址="", 金额="address")["住址"] is None
    assert mapped(found, 住址="", 金额="address")["金额"] == "address"


def test_a_renamed_required_column_waits_for_a_person(landed: Any) -> None:
    found = drift(landed("身份证号,姓名名称,出生日期,住址,金额"), previous=("身份证号", "姓名"))
    assert found.is_blocking and found.renamed == {"姓名名称": "name"} and found.gone == ["姓名"]
    assert any("姓名名称" in one for one in found.explanations)


def test_a_column_more_is_told_and_left_out(landed: Any) -> None:
    found = drift(landed("身份证号,姓名,出生日期,住址,金额,吉祥话", change=lambda cells: [*cells, "福"]))
    assert not found.is_blocking and found.added == ["吉祥话"] and found.mapping["吉祥话"] == ""


def test_a_missing_column_blocks_only_where_it_is_needed(landed: Any) -> None:
    assert not drift(landed("身份证号,姓名,出生日期", change=lambda cells: cells[:3])).is_blocking
    lacking = drift(landed("姓名,出生日期", change=lambda cells: cells[1:3]))
    assert lacking.is_blocking and "id_number" in lacking.missing


def test_columns_that_changed_places_under_the_same_headers_are_noticed(landed: Any) -> None:
    found = drift(
        landed("身份证号,姓名,出生日期,住址,金额", change=lambda cells: [cells[2], cells[1], cells[0], *cells[3:]])
    )
    assert found.is_blocking and set(found.type_changed) == {"id_number", "birth_date"}


def test_identity_numbers_in_scientific_notation_are_told(landed: Any) -> None:
    found = drift(landed("身份证号,姓名,出生日期,住址,金额", change=lambda cells: ["3.41602E+17", *cells[1:]]))
    assert found.scientific == ["id_number"] and any("科学计数法" in one for one in found.explanations)
