"""Text tables: every row once, under the number a spreadsheet shows, whatever stands between the rows."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yici.platform.data.landing import errors
from yici.platform.data.landing.landing import land

HEAD = "号,名,址"
PEOPLE = "".join(f"{number},王秀英,涡阳县高炉镇\n" for number in range(300))

_field = st.text(st.sampled_from('a1王 \n",|'), max_size=6)
_record = st.one_of(
    st.lists(_field, min_size=3, max_size=3).map(lambda fields: ["k", *fields]),
    st.just([]),  # a blank line
    st.just(["wrong"]),
    st.just(["w"] * 6),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    records=st.lists(_record, min_size=1, max_size=40),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]),
    has_title=st.booleans(),
)
def test_every_record_keeps_its_number_and_is_there_once(
    landing: Any, numbers: Any, records: list[list[str]], end: str, encoding: str, has_title: bool
) -> None:
    good = [["k", "甲", "乙", "丙"]] * 200  # so that the few wrong ones do not condemn the file
    written = [*([["标题"], []] if has_title else []), ["键", "一", "二", "三"], *good[:60], *records, *good[60:]]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end).writerows(written)
    first = 4 if has_title else 2
    expected = {
        number: [field.replace("\r\n", "\n") or None for field in record]
        for number, record in enumerate(written, start=1)
        if number >= first and len(record) == 4
    }
    wrong = [n for n, record in enumerate(written, start=1) if n >= first and len(record) not in (0, 4)]
    if len(wrong) > 10:
        return
    landed, rows = landing(text.getvalue().encode(encoding))
    assert dict(zip(numbers(), (list(row.values()) for row in rows), strict=True)) == expected
    assert landed.rejected_rows == len(wrong)
    if landed.rejected is not None:
        assert pq.read_table(landed.rejected)["_row"].to_pylist() == wrong


def test_a_file_that_is_read_by_several_threads_keeps_order_and_numbers(landing: Any, numbers: Any) -> None:
    chance = random.Random(341600)
    lines, expected, wrong = [HEAD], [], []
    for number in range(2, 330_000):
        drawn = chance.random()
        if drawn < 0.001:
            lines.append("")
        elif drawn < 0.002:
            lines.append("只有一列")
            wrong.append(number)
        elif drawn < 0.003:
            lines.append(f'{number},"两\n行","安徽省亳州市涡阳县高炉镇"')
            expected.append(number)
        else:
            lines.append(f"{number},王秀英,安徽省亳州市涡阳县高炉镇陆杨村民委员会十二组一百二十号附一号")
            expected.append(number)
    lines.append("末,甲,乙")
    landed, rows = landing("\n".join(lines).encode())
    assert numbers()[:-1] == expected and [int(row["号"]) for row in rows[:-1]] == expected
    assert landed.rejected_rows == len(wrong)
    assert pq.read_table(landed.rejected)["_row"].to_pylist() == wrong


@pytest.mark.parametrize(
    "content",
    [
        f"{HEAD}\r\n1,甲,乙\n2,丙,丁\r\n",
        f"{HEAD}\r1,甲,乙\r2,丙,丁\r",
        '\ufeff"号","名","址"\n"1","甲","乙"\n2,丙,丁',
        "'号','名','址'\n'1','甲','乙'\n'2','丙','丁'\n",
        f"{HEAD}\n1,甲,乙\x00\n2,丙,丁\n\n\n",
        f"{HEAD},,\n1,甲,乙,,\n2,丙,丁,,\n,,,,\n",
    ],
    ids=["mixed line ends", "old line ends", "mark and quotes", "single quotes", "NUL", "blank columns and rows"],
)
def test_what_old_programs_write_is_read(landing: Any, numbers: Any, content: str) -> None:
    _landed, rows = landing(content.encode())
    assert [list(row.values())[:3] for row in rows] == [["1", "甲", "乙"], ["2", "丙", "丁"]]
    assert numbers() == [2, 3]


def test_lines_of_delimiters_alone_are_no_rows(landing: Any, numbers: Any) -> None:
    landed, rows = landing(f"{HEAD}\n1,甲,乙\n,,\n只有一列\n2,丙,\n\n,,\n3,丁,\n{PEOPLE}".encode())
    assert [row["号"] for row in rows[:3]] == ["1", "2", "3"] and numbers()[:3] == [2, 5, 8]
    assert landed.rows == len(rows) == 303 and landed.rejected_rows == 1


@pytest.mark.parametrize("delimiter", ["||", "|+|", "@@", "^|^", "|@|", "$$", "~!~", "\x01", "\x1f"])
def test_a_delimiter_of_several_signs_or_of_none_that_shows_is_found(
    landing: Any, numbers: Any, delimiter: str
) -> None:
    lines = [
        ["号", "名", "址"],
        *([f"{n}", "王,秀|英" if n == 3 else "", "高炉镇"] for n in range(200)),
        ["末", "少一列"],
    ]
    landed, rows = landing("\n".join(delimiter.join(line) for line in lines).encode("gb18030"))
    assert landed.headers == ("号", "名", "址") and landed.delimiter == delimiter and len(rows) == 200
    assert rows[3] == {"号": "3", "名": "王,秀|英", "址": "高炉镇"} and rows[4]["名"] is None and numbers()[-1] == 201
    assert pq.read_table(landed.rejected)["_line"].to_pylist() == [f"末{delimiter}少一列"]
    assert any(delimiter in one for one in landed.warnings) == (len(delimiter) > 1)


def test_blank_fields_are_no_delimiter_of_two_signs(landing: Any) -> None:
    """Every row lacks its second field: || stands in each, but not in the header."""
    landed, rows = landing(("号|名|址\n" + "".join(f"{n}||镇\n" for n in range(50))).encode())
    assert landed.delimiter == "|" and rows[0] == {"号": "0", "名": None, "址": "镇"}


def test_quotes_escaped_by_a_backslash_are_read(landing: Any) -> None:
    """As MySQL writes them; \\N is its null, and a path keeps its backslashes."""
    body = "".join(f'{n},"他说\\"好\\"，第{n}次",\\N\n' for n in range(60))
    landed, rows = landing(f'号,话,址\n{body}60,"C:\\\\数据","\\n不是换行"\n'.encode())
    assert rows[0] == {"号": "0", "话": '他说"好"，第0次', "址": None} and landed.rejected_rows == 0
    assert rows[-1]["话"] == "C:\\数据" and any("反斜杠" in one for one in landed.warnings)
    landed, rows = landing(("号,路径\n" + "".join(f'{n},"C:\\数据\\"\n' for n in range(60))).encode())
    assert rows[0]["路径"] == "C:\\数据\\" and landed.rejected_rows == 0


def test_a_header_with_a_line_break_costs_no_row(landing: Any, numbers: Any) -> None:
    landed, rows = landing('号,"名\n（全称）",址\n1,甲,乙\n2,丙,丁\n'.encode())
    assert landed.headers == ("号", "名 （全称）", "址") and len(rows) == 2 and numbers() == [2, 3]


def test_a_wrong_line_near_the_top_does_not_make_the_table_wider(landing: Any) -> None:
    landed, _rows = landing(f"{HEAD}\n1,2,3,4,5,6\n{PEOPLE}".encode())
    assert landed.headers == ("号", "名", "址") and landed.rejected_rows == 1


def test_a_short_line_of_totals_is_left_out_and_told(landing: Any) -> None:
    landed, rows = landing(f"{HEAD}\n{PEOPLE}合计,300\n".encode())
    assert len(rows) == 300 and landed.rejected_rows == 0 and any("合计" in one for one in landed.warnings)


def test_a_last_line_that_stops_halfway_is_told(landing: Any) -> None:
    landed, _rows = landing(f"{HEAD}\n{PEOPLE}300,王秀".encode())
    assert landed.rejected_rows == 1 and any("没有传完" in one for one in landed.warnings)
    landed, _rows = landing(f"{HEAD}\n{PEOPLE}300,王秀\n301,王,址\n".encode())
    assert landed.rejected_rows == 1 and not any("没有传完" in one for one in landed.warnings)


def test_a_file_cut_within_quotes_says_in_which_line(landing: Any) -> None:
    with pytest.raises(errors.Damaged) as caught:
        landing(f'{HEAD}\n{PEOPLE}300,"没有写完\n后面'.encode())
    assert "302" in str(caught.value.message)


def test_broken_characters_are_told_with_their_line_in_either_encoding(landing: Any) -> None:
    for encoding, broken in (("utf-8", b"\xff\xfe"), ("gb18030", b"\xff\xff")):
        content = f"{HEAD}\n{PEOPLE}".encode(encoding)
        at = content.index(b"\n200,") + 5
        landed, rows = landing(content[:at] + broken + content[at:])
        assert len(rows) == 299 and landed.encoding == encoding
        assert pq.read_table(landed.rejected).to_pylist()[0]["_row"] == 202
        assert pq.read_table(landed.rejected)["_reason"].to_pylist() == ["encoding"]
        assert any("202" in one for one in landed.warnings)


def test_an_encoding_that_shows_only_far_down_is_still_found(landing: Any) -> None:
    plain = "".join(f"{number:07d},Wang,street\n" for number in range(230_000))
    chinese = "".join(f"{number},王秀英,高炉镇\n" for number in range(8_000))
    landed, rows = landing(f"number,name,street\n{plain}{chinese}".encode("gb18030"))
    assert landed.encoding == "gb18030" and len(rows) == 238_000 and rows[-1]["name"] == "王秀英"
    with pytest.raises(errors.Unreadable) as caught:
        landing(f"number,name,street\n{plain}{chinese}".encode() + (chinese * 3).encode("gb18030"))
    assert "238002" in str(caught.value.message)


def test_a_line_longer_than_the_limit_is_refused(landing: Any, tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    with path.open("wb") as out:
        out.write(f"{HEAD}\n{PEOPLE}".encode())
        for _ in range(64):
            out.write(b"x" * 1_000_000)
        out.write(b",y,z\n")
    with pytest.raises(errors.LineTooLong):
        landing(path, line=4_000_000)


def test_a_quote_that_never_closes_is_refused(landing: Any) -> None:
    with pytest.raises((errors.Damaged, errors.LineTooLong)):
        landing(f'{HEAD}\n1,"open,乙\n{PEOPLE * 40}'.encode(), line=100_000)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, settings: Any) -> None:
    settings.DATA_HOME = tmp_path / "data"
    raw, target = tmp_path / "raw", tmp_path / "landed.parquet"
    raw.write_text(f"{HEAD}\n{PEOPLE}", "utf-8")

    def somebody_writes(_done: int, _whole: int) -> None:
        with raw.open("a", encoding="utf-8") as out:
            out.write("9,9,9\n")

    with pytest.raises(errors.StillGrowing):
        land(raw, target, name="a.csv", progress=somebody_writes)
    assert not target.exists() and not list(tmp_path.glob("landing-*"))


def test_a_table_of_a_web_page_is_refused_with_what_to_do(landing: Any) -> None:
    for content in ("<html><table><tr><td>1</td></tr></table></html>", '\ufeff<?xml version="1.0"?><Workbook/>'):
        with pytest.raises(errors.MarkupTable) as caught:
            landing(content.encode(), "a.xls")
        assert "XLSX" in str(caught.value.message)


def test_more_columns_than_a_spreadsheet_has_are_refused(landing: Any) -> None:
    with pytest.raises(errors.TooManyColumns):
        landing((",".join(f"列{number}" for number in range(17_000)) + "\n" + "1," * 17_000 + "\n").encode())


def test_a_name_that_says_something_else_is_told(landing: Any) -> None:
    landed, _rows = landing(f"{HEAD}\n{PEOPLE}".encode(), "a.xlsx")
    assert landed.kind == "text" and any("扩展名" in one for one in landed.warnings)
    assert landed.byte_count == len(f"{HEAD}\n{PEOPLE}".encode())
