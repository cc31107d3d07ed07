"""What departments really send: encodings, titles, merged headers, sums, spoilt numbers; and what must be refused."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import os
import struct
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.platform.data.landing.conftest import SHEET_HEAD, with_cells, with_sheet, word, workbook
from yici.platform.data.errors import Refused
from yici.platform.data.landing import errors

ROWS = [("342124194503121221", "王秀英", "1945-03-12"), ("342124197205161640", "李梅", "1972-05-16")]
CSV = "公民身份号码,姓名,出生日期\n" + "".join(",".join(row) + "\n" for row in ROWS)


# What is taken


@pytest.mark.parametrize(
    ("encoding", "told"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("gb18030", "gb18030"), ("utf-16", "utf-16")]
)
def test_text_of_any_encoding_lands_the_same(landing: Any, encoding: str, told: str) -> None:
    landed, rows = landing(CSV.encode(encoding))
    assert landed.encoding == told and landed.headers == ("公民身份号码", "姓名", "出生日期")
    assert [tuple(row.values()) for row in rows] == ROWS


@pytest.mark.parametrize("delimiter", [",", "\t", "|", ";"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_delimiter_and_the_line_end_are_found(landing: Any, delimiter: str, newline: str) -> None:
    landed, rows = landing(CSV.replace(",", delimiter).replace("\n", newline).encode())
    assert landed.delimiter == delimiter and [tuple(row.values()) for row in rows] == ROWS


def test_quotes_breaks_and_blanks_within_a_field_stay(landing: Any) -> None:
    _landed, rows = landing('姓名,住址,备注\n"王, 秀英","一村\n二组","说""好"""\n 李梅 ,,无\n'.encode())
    assert list(rows[0].values()) == ["王, 秀英", "一村\n二组", '说"好"']
    assert rows[1]["姓名"] == " 李梅 "


def test_a_title_above_the_header_is_passed_over_and_the_total_left_out(landing: Any) -> None:
    landed, rows = landing(("2017年度人员表,,\n" + CSV + "合计,2,\n").encode())
    assert len(rows) == 2 and landed.first_row == 3
    assert any("第 2 行" in warning for warning in landed.warnings) and any("合计" in one for one in landed.warnings)


def test_headers_that_are_blank_or_repeated_are_told_apart(landing: Any) -> None:
    landed, rows = landing("姓名,,姓名\n甲,乙,丙\n".encode())
    assert landed.headers == ("姓名", "第2列", "姓名#2") and list(rows[0].values()) == ["甲", "乙", "丙"]
    assert len(landed.warnings) == 2


def test_a_merged_two_row_header_of_a_workbook_becomes_one(landing: Any) -> None:
    content = workbook(
        ("人员基本信息表",), ("身份证号", "姓名", "家庭住址", None, "出生日期"), (None, None, "县", "村", None),
        ("342124194503121221", "王秀英", "涡阳", "陆杨村", dt.date(1945, 3, 12)), (None, "合计", None, "1", None),
        merged=("A1:E1", "C2:D2"),
    )  # fmt: skip
    landed, rows = landing(content, "表.xlsx")
    assert landed.headers == ("身份证号", "姓名", "家庭住址/县", "家庭住址/村", "出生日期")
    assert [list(row.values()) for row in rows] == [["342124194503121221", "王秀英", "涡阳", "陆杨村", "1945-03-12"]]


def test_long_numbers_that_excel_spoilt_are_flagged_and_whole_ones_recovered(landing: Any) -> None:
    content = with_cells(
        word("B1", "身份证号") + word("C1", "姓名"),
        '<c r="B2"><v>342124194503121221</v></c>' + word("C2", "数字但完整"),
        '<c r="B3"><v>3.42124194503121E+17</v></c>' + word("C3", "已丢失"),
        '<c r="B4"><v>342124194503121000</v></c>' + word("C4", "补了零"),
        word("B5", "342124197205161640") + word("C5", "文本"),
    )
    landed, rows = landing(content, "a.xlsx")
    assert [row["身份证号"] for row in rows] == [
        "342124194503121221", "3.42124194503121E+17", "342124194503121000", "342124197205161640",
    ]  # fmt: skip
    assert landed.profiles["身份证号"].lost_digits == 2 and landed.profiles["姓名"].lost_digits == 0
    assert any("2 个单元格" in warning and "丢失" in warning for warning in landed.warnings)


def test_a_workbook_with_several_sheets_reads_the_first_and_says_so(landing: Any) -> None:
    landed, rows = landing(workbook(("姓名", "年龄"), ("甲", 3), 另一个=[("x", "y"), ("1", "2")]), "a.xlsx")
    assert rows == [{"姓名": "甲", "年龄": "3"}] and any("多个工作表" in warning for warning in landed.warnings)


def test_a_formula_lands_as_its_kept_value_and_is_never_run(landing: Any) -> None:
    content = workbook(("姓名", "说明"), ("甲", "=HYPERLINK(1)"), ("乙", "b"))
    _landed, rows = landing(content, "a.xlsx")
    assert rows[0]["说明"] in (None, "") and rows[1]["说明"] == "b"


def test_one_table_in_an_archive_is_unpacked(landing: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../etc/人员.csv", CSV.encode("gb18030"))
        archive.writestr("说明.docx", b"x")
    assert [tuple(row.values()) for row in landing(path, "a.zip")[1]] == ROWS
    assert [tuple(row.values()) for row in landing(gzip.compress(CSV.encode()), "a.csv.gz")[1]] == ROWS


def test_json_lines_and_parquet_land_as_text(landing: Any, tmp_path: Path) -> None:
    _landed, rows = landing(
        '{"姓名": "甲", "年龄": 3, "在世": true}\n{"姓名": "乙", "电话": null}\n'.encode(), "a.jsonl"
    )
    assert rows == [
        {"姓名": "甲", "年龄": "3", "在世": "true", "电话": None},
        {"姓名": "乙", "年龄": None, "在世": None, "电话": None},
    ]
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"name": ["甲"], "born": [dt.date(1945, 3, 12)], "fen": [1250]}), path)
    assert landing(path, "a.parquet")[1] == [{"name": "甲", "born": "1945-03-12", "fen": "1250"}]


def test_lines_with_a_wrong_number_of_fields_are_set_aside_with_their_line(landing: Any) -> None:
    body = "".join(f"{number},甲,乙\n" for number in range(200))
    landed, rows = landing(("号,名,址\n" + body + "x,缺一列\ny,多,两,列\n" + "z,甲,乙\n").encode())
    assert len(rows) == 201 and landed.rejected_rows == 2 and landed.rejected is not None
    assert pq.read_table(landed.rejected).to_pylist() == [
        {"_row": 202, "_line": "x,缺一列", "_reason": "fields"},
        {"_row": 203, "_line": "y,多,两,列", "_reason": "fields"},
    ]


def test_a_line_with_bytes_of_another_encoding_is_set_aside(landing: Any) -> None:
    good = "".join(f"{number},王秀英,涡阳县高炉镇陆杨村\n" for number in range(3000)).encode()
    landed, rows = landing("号,名,址\n".encode() + good + b"3000," + "王".encode("gb18030") + ",址\n".encode())
    assert len(rows) == 3000 and landed.rejected_rows == 1
    assert any("无法识别" in warning for warning in landed.warnings)


def test_row_numbers_count_as_a_person_does(landing: Any, tmp_path: Path) -> None:
    from tests.platform.data.factories import make_definition
    from yici.platform.data.landing.applying import apply_mapping

    body = "".join(f"34160219800101{number:04d},王{number},1980-01-01\n" for number in range(100))
    lines = ("公民身份号码,姓名,出生日期\n" + body).splitlines()
    lines.insert(51, "只有一列")
    landed, _rows = landing("\n".join(lines).encode())
    mapped = apply_mapping(
        tmp_path / "landed.parquet", landed, {"公民身份号码": "id_number", "姓名": "name", "出生日期": ""},
        tmp_path / "mapped.parquet", make_definition(),
    )  # fmt: skip
    assert mapped.file == tmp_path / "landed.parquet" and set(mapped.names) == {"id_number", "name"}
    name = mapped.names["name"]
    found = {row[name]: row for row in pq.read_table(mapped.file).to_pylist()}
    assert (found["王0"]["_row"], found["王49"]["_row"], found["王50"]["_row"], found["王99"]["_row"]) == (
        2,
        51,
        53,
        102,
    )
    assert lines[found["王50"]["_row"] - 1].split(",")[1] == "王50"


# What is refused


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", errors.Empty),
        ("公民身份号码,姓名\n".encode(), errors.HeaderOnly),
        (b"\xef\xbb\xbf", errors.Empty),
        (b"\n\r\n \n", errors.Empty),
        (b"342124194503121221,1945-03-12\n342124197205161640,1972-05-16\n", errors.NoHeader),
        (CSV.encode() + '"342124,没有写完\n'.encode(), errors.Damaged),
        (b"\x7fELF\x00\x01", errors.Unknown),
        (b"%PDF-1.7\x00\x00", errors.Unknown),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600, errors.OldFormat),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600 + "EncryptedPackage".encode("utf-16-le"),
            errors.PasswordProtected,
        ),
        (gzip.compress(CSV.encode() * 500)[:-30], errors.Damaged),
        (("号,名\n" + "1,2\n" * 50 + "1\n" * 20).encode(), errors.TooManyWrongLines),
        (",".join(f"列{number}" for number in range(2000)).encode() + b"\n1,2\n", errors.TooManyColumns),
        (("名,址\n" + "王,村\n" * 40).encode() + ("李,镇\n" * 40).encode("gb18030"), errors.Unreadable),
        (b"PAR1" + b"\x00" * 100, errors.Damaged),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_what_cannot_be_used_is_refused_and_nothing_is_left(
    landing: Any, tmp_path: Path, content: bytes, error: type[Refused]
) -> None:
    with pytest.raises(error) as caught:
        landing(content)
    assert str(caught.value.message)
    assert not (tmp_path / "landed.parquet").exists() and not list(tmp_path.glob("landing-*"))


def test_a_workbook_that_was_cut_or_is_no_workbook_is_refused(landing: Any) -> None:
    whole = workbook(("姓名", "年龄"), *[("甲", number) for number in range(2000)])
    for cut in (len(whole) // 2, len(whole) - 10):
        with pytest.raises(errors.Damaged):
            landing(whole[:cut], "a.xlsx")


def test_a_zip_bomb_is_refused_by_its_ratio(landing: Any, tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"0" * 50_000_000)
    with pytest.raises(errors.TooMuchUnpacked):
        landing(path)
    with pytest.raises(errors.TooMuchUnpacked):
        landing(gzip.compress(b"0" * 50_000_000))


def test_an_archive_that_declares_less_than_it_holds_is_refused(landing: Any, tmp_path: Path) -> None:
    path = tmp_path / "liar.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", CSV.encode() * 2000)
    content = bytearray(path.read_bytes())
    true = struct.pack("<I", len(CSV.encode()) * 2000)
    content = content.replace(true, struct.pack("<I", 100))
    path.write_bytes(content)
    with pytest.raises(Refused):
        landing(path)


def test_an_archive_with_a_password_several_tables_or_another_archive_is_refused(landing: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", CSV)
        archive.writestr("b.csv", CSV)
    with pytest.raises(errors.SeveralTables):
        landing(path)
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.csv", CSV)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", inner.getvalue())
    with pytest.raises(errors.NestedArchive):
        landing(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.zip", inner.getvalue())
    with pytest.raises(errors.NestedArchive):
        landing(path)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x03\x04") + 6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(errors.PasswordProtected):
        landing(bytes(content))


def test_a_sheet_with_a_million_empty_columns_is_refused_before_it_is_parsed(landing: Any) -> None:
    cells = "".join(f'<c r="{letter}1"/>' for letter in ("A", "ZZ", "XFD")) * 1000
    with pytest.raises(errors.TooManyColumns):
        landing(with_sheet(f'{SHEET_HEAD}<row r="1">{cells}</row></sheetData></worksheet>'), "a.xlsx")


def test_a_sheet_with_one_cell_at_its_far_end_is_refused_before_it_is_parsed(landing: Any) -> None:
    far = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="ZZ1048576"><v>1</v></c></row>'
    with pytest.raises(errors.SparseSheet):
        landing(with_sheet(f"{SHEET_HEAD}{far}</sheetData></worksheet>"), "a.xlsx")


def test_a_workbook_with_entities_is_refused(landing: Any) -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]>' + SHEET_HEAD.split("?>")[1]
    with pytest.raises(errors.EntityBomb):
        landing(with_sheet(f'{bomb}<row r="1"><c r="A1"><v>&a;</v></c></row></sheetData></worksheet>'), "a.xlsx")


def test_a_single_line_of_two_gigabytes_is_refused_without_being_held_in_memory(
    landing: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "long.csv"
    with path.open("wb") as handle:
        handle.write("号,名\n1,甲\n".encode() + b"x" * 5_000_000)
        os.ftruncate(handle.fileno(), 2 * 1024**3)  # the rest is a hole: NUL bytes
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(errors.LineTooLong):
        landing(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kilobytes


def test_limits_hold_for_unpacked_size(landing: Any) -> None:
    with pytest.raises(errors.TooMuchUnpacked):
        landing(gzip.compress(CSV.encode() * 100), unpacked=1000)
