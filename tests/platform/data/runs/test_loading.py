"""One delivery from bytes to a version: counted, explained, repeated without effect, refused without damage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.platform.data.runs.conftest import HEADER, content, line, valid_id
from yici.base.errors import Conflict, Invalid
from yici.platform.data.lake import reading, upkeep
from yici.platform.data.models import ColumnDecision, DataClass, Issue, Mend, Run, Score
from yici.platform.data.runs import mending, quarantine, starting
from yici.platform.data.runs.carrying_out import load

Upload = Callable[..., Run]


def names(data_class: DataClass) -> list[str]:
    return [row["id_number"] for row in reading.rows(data_class, limit=1000, columns=["id_number"])]


def test_a_delivery_becomes_a_version_and_every_row_is_accounted_for(data_class: DataClass, upload: Upload) -> None:
    run = upload(
        content(*(line(number) for number in range(30)), line(31, id="341602198001010999"), line(32, born="1990-02-30"))
    )
    assert (run.state, run.rows_read, run.rows_accepted, run.rows_quarantined) == ("published", 32, 30, 2)
    assert len(names(data_class)) == 30 and upkeep.verify() == []
    held = quarantine.held_rows(run)
    assert [row.row for row in held] == [32, 33]
    assert held[0].values["id_number"] == "341602198001010999" and "id_number.cn_id" in held[0].reasons
    assert run.detail["seconds"].keys() >= {"land", "screen", "publish", "measure"}
    assert reading.rows(data_class, limit=1, columns=["amount"]) == [{"amount": 50}]


def test_a_line_of_too_many_fields_is_put_right_and_replayed(data_class: DataClass, upload: Upload) -> None:
    """A comma within the address: the line is cut at its commas, a person moves what slipped."""
    good = [line(number) for number in range(40)]
    run = upload(content(*good, line(41, address="涡阳县,某村")))
    held = quarantine.held_rows(run)[0]
    assert held.line.count(",") == 5 and quarantine.values_of(run, held)["amount"] == "某村"
    with pytest.raises(Invalid) as refused:
        mending.mend(run, held.row, {}, None)
    assert "amount" in refused.value.fields
    mending.mend(run, held.row, {"address": "涡阳县,某村", "amount": "41.50"}, None, "源文件少了引号")
    again = mending.replay(run, None)
    assert load(again.pk) == "published"
    data_class.refresh_from_db()
    assert valid_id(41) in names(data_class) and Mend.objects.get(run=run).state == Mend.State.REPLAYED
    assert mending.waiting_of(run) == run.rows_quarantined - 1


def test_the_same_file_twice_adds_nothing(data_class: DataClass, upload: Upload) -> None:
    file = content(*(line(number) for number in range(5)))
    first, again = upload(file), upload(file)
    assert (first.state, again.state) == ("published", "unchanged")
    assert data_class.snapshots.count() == 1


@pytest.mark.parametrize(("delimiter", "encoding"), [("||", "gb18030"), ("\x01", "utf-8"), ("|@|", "utf-16")])
def test_a_long_file_of_a_strange_dialect_is_loaded_whole(
    data_class: DataClass, upload: Upload, delimiter: str, encoding: str
) -> None:
    """Longer than the sample: days as a spreadsheet counts them, blank lines and a blank column far down."""
    lines = [HEADER, *(line(number % 1000, id=_id(number), born="29221" if number > 2_900 else "1980-01-01", amount="")
                       for number in range(3_000))]  # fmt: skip
    lines.insert(2_000, ",,,,")
    run = upload("\n".join(one.replace(",", delimiter) for one in lines).encode(encoding), "大文件.txt")
    assert (run.state, run.rows_read, run.rows_accepted) == ("published", 3_000, 3_000)
    assert {row["birth_date"].isoformat() for row in reading.rows(data_class, limit=5_000, columns=["birth_date"])} == {
        "1980-01-01"
    }


def _id(number: int) -> str:
    from yici.core.vocabulary.rules import check_digit_of_id

    body = f"{(341602, 341621, 341622)[number // 1000]}19800101{number % 1000:03d}"
    return body + check_digit_of_id(body)


def test_a_changed_encoding_is_loaded_and_told(data_class: DataClass, upload: Upload) -> None:
    first, again = upload(content(line(1))), upload(content(line(1), line(2)).decode().encode("gb18030"))
    assert (first.detail["drift"]["encoding_changed"], again.detail["drift"]["encoding_changed"]) == ("", "utf-8")
    assert again.state == "published" and any("UTF-8" in told for told in again.detail["drift"]["explanations"])


def test_a_line_with_a_broken_character_is_held_for_that_reason(data_class: DataClass, upload: Upload) -> None:
    file = content(*(line(number) for number in range(40))).decode().encode("gb18030")
    broken = file.replace("某村7号".encode("gb18030"), b"\xcf\xff\xff", 1)
    run = upload(broken)
    assert (run.state, run.rows_accepted, run.rows_quarantined) == ("published", 39, 1)
    (held,) = quarantine.held_rows(run)
    assert held.reasons == ("row.encoding",) and quarantine.message_of("row.encoding", {}) == "含有无法识别的字符"


def test_a_row_that_is_held_back_leaves_the_last_good_one_standing(data_class: DataClass, upload: Upload) -> None:
    """The department still has the person; only what it says of her this time is wrong."""
    upload(content(*(line(number) for number in range(6))))
    spoiled = line(3, born="1990-02-30", address="新地址")
    doubled = [line(4, name="王甲"), line(4, name="王乙")]
    run = upload(content(*(line(number) for number in (0, 1, 2)), spoiled, *doubled, line(9, id="342999198001019999")))

    assert (run.state, run.rows_accepted, run.rows_quarantined, run.detail["kept"]) == ("published", 3, 4, 2)
    assert (data_class.current.row_count, data_class.current.removed, data_class.current.kept) == (5, 1, 2)
    assert names(data_class) == [valid_id(number) for number in range(5)]
    (row,) = [one for one in reading.rows(data_class, limit=10) if one["id_number"] == valid_id(3)]
    assert row["address"] == "涡阳县某村3号"


def test_nothing_is_kept_of_a_first_delivery_or_of_an_increment(data_class: DataClass, upload: Upload) -> None:
    first = upload(content(line(1), line(2, born="1990-02-30")))
    assert (first.detail["kept"], names(data_class)) == (0, [valid_id(1)])


@pytest.mark.parametrize(
    ("file", "error"),
    [(b"\x7fELF\x00", "unknown-kind"), (b"", "header-only"), (content(line(1)) + b'"cut', "damaged")],
)
def test_what_cannot_be_used_is_refused_and_the_last_version_stays(
    data_class: DataClass, upload: Upload, file: bytes, error: str
) -> None:
    upload(content(line(1), line(2)))
    run = upload(file)
    assert (run.state, run.error) == ("refused", error) and run.message
    assert len(names(data_class)) == 2 and upkeep.verify() == []
    work = Path(reading.layout.work_root())
    assert [path.name for path in work.iterdir() if path.name.startswith(("run-", "publish-"))] == []


def test_a_changed_layout_waits_until_somebody_decides_and_the_decision_is_kept(
    data_class: DataClass, upload: Upload
) -> None:
    header = HEADER.replace("姓名", "姓名名称")
    run = upload(content(*(line(number) for number in range(30)), header=header))
    assert run.state == "waiting" and "姓名名称" in run.message and data_class.current is None
    starting.decide(run, {"姓名名称": "name"}, None, "部门更换了系统")
    assert load(run.pk) == "published"
    assert ColumnDecision.objects.get(data_class=data_class, replaced_at=None).reason == "部门更换了系统"
    again = upload(content(*(line(number) for number in range(31)), header=header))
    assert again.state == "published"


def test_two_headers_for_one_column_and_unknown_columns_are_refused(data_class: DataClass, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        starting.record_decisions(data_class, {"甲": "name", "乙": "name", "丙": "nothing"}, None)
    assert set(caught.value.fields) == {"甲", "乙", "丙"}


def test_a_row_is_mended_and_replayed(data_class: DataClass, upload: Upload) -> None:
    run = upload(content(line(1), line(2, id="341602198001010999"), line(3, born="没有")))
    with pytest.raises(Invalid) as caught:
        mending.mend(run, 3, {"id_number": "341602198001010998"}, None)
    assert "id_number" in caught.value.fields
    mending.mend(run, 3, {"id_number": valid_id(2)}, None, "按户口簿")
    replay = mending.replay(run, None)
    assert load(replay.pk) == "published"
    assert len(names(data_class)) == 2 and valid_id(2) in names(data_class)
    assert Mend.objects.get(run=run, row=3).state == "replayed" and mending.waiting_of(run) == 1
    with pytest.raises(Conflict):
        mending.undo(run, 3, None)
    mending.discard(run, [4], None, "查无此人")
    assert mending.waiting_of(run) == 0


def test_a_mended_row_that_another_row_contradicts_is_told_so(data_class: DataClass, upload: Upload) -> None:
    """Two rows mended to one key: each is right alone, both cannot be."""
    run = upload(content(line(1), line(2, id="1"), line(3, id="2")))
    mending.mend(run, 3, {"id_number": valid_id(7)}, None)
    mending.mend(run, 4, {"id_number": valid_id(7)}, None)
    load(mending.replay(run, None).pk)
    mends = Mend.objects.filter(run=run).order_by("row")
    assert [(one.state, one.reasons) for one in mends] == [("refused", ["key.unique"])] * 2
    assert valid_id(7) not in names(data_class)


def test_issues_open_and_close_by_the_evidence_of_loads(data_class: DataClass, upload: Upload) -> None:
    upload(content(line(1), line(2), line(3, born="1990-02-30")))
    issue = Issue.objects.get(data_class=data_class, rule="birth_date.type")
    assert issue.failed == 1 and issue.case_number and issue.closed_at is None
    assert "王" not in str(issue.samples).replace("王*", "") and valid_id(3) not in str(issue.samples)
    upload(content(line(1), line(2), line(3)))
    issue.refresh_from_db()
    assert issue.closed_at is not None and issue.failed == 0
    from yici.core.cases.models import Case

    case = Case.objects.get(number=issue.case_number)
    assert case.state == "approved" and case.closed_at is not None
    assert Score.objects.filter(data_class=data_class).exists()


def test_a_cancelled_run_publishes_nothing(
    data_class: DataClass, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content(line(1)))
    run = starting.upload(data_class, path, "a.csv", None)
    starting.decide(run, {}, None)
    from yici.platform.data.runs import carrying_out

    usual = carrying_out.publish

    def cancel_first(*given: Any, **options: Any) -> Any:
        starting.cancel(run, None)
        return usual(*given, **options)

    monkeypatch.setattr(carrying_out, "publish", cancel_first)
    assert load(run.pk) == "cancelled"
    data_class.refresh_from_db()
    assert data_class.current is None and upkeep.verify() == []


def test_lines_with_a_wrong_number_of_fields_are_held_with_the_others(data_class: DataClass, upload: Upload) -> None:
    run = upload(content(*(line(number) for number in range(40)), "只有一列"))
    assert (run.rows_read, run.rows_accepted, run.rows_quarantined) == (41, 40, 1)
    held = quarantine.held_rows(run)
    assert held[0].line == "只有一列" and held[0].reasons == ("row.fields",)
    with pytest.raises(Invalid) as refused:
        mending.mend(run, held[0].row, {"name": "甲"}, None)
    assert "id_number" in refused.value.fields
    assert quarantine.count_by_reason(run)["row.fields"] == 1
