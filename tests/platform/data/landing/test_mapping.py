"""Which header is which column, and what a changed layout means."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.platform.data.factories import make_definition
from yici.core.vocabulary.rules import check_digit_of_id
from yici.platform.data.landing.applying import apply_mapping
from yici.platform.data.landing.assigning import best_assignment
from yici.platform.data.landing.counting import counted
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


@given(st.integers(1, 5).flatmap(lambda width: st.lists(
    st.lists(st.integers(0, 9).map(float), min_size=width, max_size=width), min_size=1, max_size=5)))  # fmt: skip
def test_the_assignment_is_the_best_of_all(scores: list[list[float]]) -> None:
    height, width = len(scores), len(scores[0])
    found = best_assignment(scores)
    chosen = [place for place in found if place >= 0]
    assert len(chosen) == len(set(chosen)) == min(height, width)
    size = min(height, width)
    best = max(
        sum(scores[row][column] for row, column in zip(rows, columns, strict=True))
        for rows in itertools.combinations(range(height), size)
        for columns in itertools.permutations(range(width), size)
    )
    assert sum(scores[row][column] for row, column in enumerate(found) if column >= 0) == best


def test_two_headers_that_both_resemble_a_column_are_shared_out_well(landed: Any) -> None:
    """名称 is nearer to 姓名 than anything, but 姓名全称 can only be that, so a greedy choice would lose one."""
    definition = make_definition(
        columns=[
            {"name": "name", "headers": ["单位名称"], "type": "text"},
            {"name": "alias", "headers": ["名称简写"], "type": "text"},
        ],
        key=["name"],
    )
    found = {one.header: one.column for one in propose(landed("名称,名称简称,甲,乙,丙"), definition, {})}
    assert found["名称"] == "name" and found["名称简称"] == "alias"


def _right(number: int) -> str:
    body = f"34160219800101{number:03d}"
    return body + check_digit_of_id(body)


def test_numbers_with_right_check_digits_tell_more_than_the_name(landed: Any) -> None:
    found = landed("证件,编号,出生日期,住址,金额", change=lambda cells: [_right(int(cells[1][1:])), *cells[1:]])
    proposal = next(one for one in propose(found, DEFINITION, {}) if one.header == "证件")
    assert proposal.column == "id_number" and proposal.confidence >= 0.6 and "校验码" in proposal.why
    assert found.profiles["证件"].valid_ids == 40


def test_another_unit_is_pointed_out(landed: Any) -> None:
    found = propose(landed("身份证号,姓名,出生日期,住址,金额（万元）"), DEFINITION, {})
    assert found[-1].column == "amount" and found[-1].confidence <= 0.6 and "单位" in found[-1].why


def test_samples_are_few_and_do_not_show_in_what_is_logged(landed: Any) -> None:
    found = landed("身份证号,姓名,出生日期,住址,金额")
    assert 0 < len(found.profiles["姓名"].samples) <= 5
    assert "王1" not in repr(found) and "王1" not in str(found.profiles)


def test_days_as_numbers_and_marks_of_text_are_taken_off(landed: Any, tmp_path: Path) -> None:
    found = landed(
        "身份证号,姓名,出生日期,住址,金额",
        change=lambda cells: [f'"=""{cells[0]}"""', cells[1], "16508", cells[3], f"'{cells[4]}"],
    )
    told = drift(found)
    assert not told.is_blocking and told.serial_dates == ["birth_date"]
    assert any("日期序号" in one for one in told.explanations) and any("文本标记" in one for one in told.explanations)
    mapped = apply_mapping(tmp_path / "landed.parquet", found, told.mapping, tmp_path / "mapped.parquet", DEFINITION)
    assert mapped.names == {name: name for name in mapped.names}
    assert pq.read_table(mapped.file).to_pylist()[1] == {
        "id_number": "34160219800101001X", "name": "王1", "birth_date": "1945-03-12", "address": "某村1号",
        "amount": "1.50", "_row": 3,
    }  # fmt: skip


def test_what_stands_below_the_sample_is_counted_and_converted_too(landed: Any, tmp_path: Path) -> None:
    def change(cells: list[str]) -> list[str]:
        number = int(cells[1][1:])
        if number == 2_500:
            return ["3.41602E+17", *cells[1:]]
        if number >= 2_900:
            return [cells[0], cells[1], "16508", cells[3], '"1,234.50"' if number == 2_950 else f"'{cells[4]}"]
        return cells

    sampled = landed("身份证号,姓名,出生日期,住址,金额", rows=3_000, change=change)
    assert sampled.profiles["出生日期"].serials == 0, "the sample would see it anyway"
    found = counted(sampled, tmp_path / "landed.parquet", DEFINITION, {})
    told = drift(found)
    assert told.scientific == ["id_number"] and told.serial_dates == ["birth_date"]
    words = "\n".join(told.explanations)
    assert "1 个科学计数法" in words and "100 个 Excel 的日期序号" in words and "金额 100 个" in words
    mapped = apply_mapping(tmp_path / "landed.parquet", found, told.mapping, tmp_path / "mapped.parquet", DEFINITION)
    last = pq.read_table(mapped.file).to_pylist()[-1]
    assert (last["birth_date"], last["amount"], last["_row"]) == ("1945-03-12", "2999.50", 3_001)


def test_a_column_without_a_value_in_a_long_file_has_none_of_it(landed: Any, tmp_path: Path) -> None:
    found = landed(
        "身份证号,姓名,出生日期,住址,金额", rows=2_500, change=lambda cells: ["", cells[1], "", cells[3], ""]
    )
    told = drift(counted(found, tmp_path / "landed.parquet", DEFINITION, {}))
    assert told.serial_dates == [] and told.scientific == []


def test_a_file_that_was_seen_whole_is_not_read_again(landed: Any, tmp_path: Path) -> None:
    found = landed("身份证号,姓名,出生日期,住址,金额", change=lambda cells: [*cells[:2], "16508", *cells[3:]])
    assert counted(found, tmp_path / "no such file", DEFINITION, {}) is found


def test_another_encoding_is_told_and_does_not_hold_up(landed: Any) -> None:
    found = compare(landed("身份证号,姓名,出生日期,住址,金额"), DEFINITION, {}, [], "gb18030")
    assert found.encoding_changed == "gb18030" and not found.is_blocking
    assert any("GB18030" in one and "UTF-8" in one for one in found.explanations)


def test_a_column_without_a_value_is_left_out_in_silence(landed: Any) -> None:
    found = drift(landed("身份证号,姓名,出生日期,住址,金额,", change=lambda cells: [*cells, ""]))
    assert not found.is_blocking and found.added == [] and found.mapping["第6列"] == ""


def test_two_decisions_for_one_column_do_not_overwrite_each_other(landed: Any) -> None:
    found = drift(landed("身份证号,姓名,出生日期,住址,金额"), 住址="name", 姓名="name")
    assert list(found.mapping.values()).count("name") == 1


def test_old_identity_numbers_are_no_other_type(landed: Any) -> None:
    found = drift(landed("身份证号,姓名,出生日期,住址,金额", change=lambda cells: [cells[0][:15], *cells[1:]]))
    assert found.type_changed == []
