import datetime as dt

import pytest

from tests.core.forms.builders import look, one_page, text
from yici.base import clock

OPTIONS = [{"value": "a", "label": "甲"}, {"value": "b", "label": "乙"}]
FIELDS = {
    "text": text("x", max_length=5),
    "textarea": {"id": "x", "type": "textarea", "max_length": 8},
    "date": {"id": "x", "type": "date", "earliest": "2020-01-01", "latest": "today"},
    "number": {"id": "x", "type": "number", "min": 1, "max": 20, "decimals": 1},
    "money": {"id": "x", "type": "money", "max": 5000},
    "choice": {"id": "x", "type": "choice", "options": OPTIONS},
    "multi": {"id": "x", "type": "multi", "options": OPTIONS},
    "yes_no": {"id": "x", "type": "yes_no"},
    "phone": {"id": "x", "type": "phone"},
    "id_number": {"id": "x", "type": "id_number"},
    "division": {"id": "x", "type": "division"},
    "file": {"id": "x", "type": "file", "max_files": 2},
    "name": {"element": "person.name"},
    "code": {"element": "person.sex"},
}


def outcome(kind, raw):
    form = one_page(FIELDS[kind])
    key = next(iter(form.by_key))
    with clock.at(dt.datetime(2026, 11, 23, 4, tzinfo=dt.UTC)):
        found = look(form, {key: raw})
    return found.cleaned.get(key), found.errors.get(key)


@pytest.mark.parametrize(
    ("kind", "raw", "kept"),
    [
        ("text", "  张三 ", "张三"),
        ("textarea", "一\r\n二", "一\n二"),
        ("date", "2026-11-23", "2026-11-23"),
        ("date", "２０２６年３月７日", "2026-03-07"),
        ("date", "20240229", "2024-02-29"),
        ("date", {"year": "2026", "month": "3", "day": "07"}, "2026-03-07"),
        ("number", "１２", 12),
        ("number", 2.5, 2.5),
        ("money", "1,234.50元", 123450),
        ("money", 123450, 123450),
        ("choice", "b", "b"),
        ("multi", ["b", "a", "b"], ["a", "b"]),
        ("yes_no", "yes", True),
        ("yes_no", False, False),
        ("phone", "138 0013 8000", "13800138000"),
        ("id_number", "11010519491231002x", "11010519491231002X"),
        ("division", "341621001001", "341621001001"),
        ("file", ["3", 4], [3, 4]),
        ("name", "王秀英", "王秀英"),
        ("code", "2", "2"),
    ],
)
def test_each_type_keeps_one_form_of_what_people_write(kind, raw, kept):
    assert outcome(kind, raw) == (kept, None)


@pytest.mark.parametrize(
    ("kind", "raw", "words"),
    [
        ("text", "一二三四五六", "最多 5 个字"),
        ("text", "a\x00b", "不能识别的字符"),
        ("text", "a\nb", "不能识别的字符"),
        ("text", "\ud800", "不能识别的字符"),
        ("text", {"a": 1}, "须是文字"),
        ("text", True, "须是文字"),
        ("textarea", "123456789", "最多 8 个字"),
        ("date", "2026-02-30", "不是真实存在的日期"),
        ("date", {"year": "2026", "month": "", "day": "7"}, "还缺月"),
        ("date", "昨天", "年、月、日"),
        ("date", "2019-12-31", "不能早于 2020-01-01"),
        ("date", "2026-11-24", "不能晚于 2026-11-23"),
        ("number", "12a", "须是数字"),
        ("number", "NaN", "合理的数字"),
        ("number", float("inf"), "须是数字"),
        ("number", "1e999999", "合理的数字"),
        ("number", "0.5", "不能小于 1"),
        ("number", "21", "不能大于 20"),
        ("number", "2.55", "最多 1 位小数"),
        ("money", "-1", "不能小于 0"),
        ("money", "1.234", "最多 2 位小数"),
        ("money", "5000.01", "不能大于 5000"),
        ("money", 1.5, "（分）"),
        ("money", "一百", "须是数字"),
        ("choice", "c", "没有这个选项"),
        ("choice", ["a"], "须是文字"),
        ("multi", ["a", "z"], "没有这个选项"),
        ("yes_no", "maybe", "没有这个选项"),
        ("phone", "12345", ""),
        ("id_number", "110105194912310021", ""),
        ("id_number", "110105194913310020", ""),
        ("division", "990000000000", "没有这个行政区划"),
        ("division", "341621000000", "请继续选择乡镇"),
        ("file", ["77"], "没有找到这个文件"),
        ("file", ["1", "2", "3"], "最多上传 2 个文件"),
        ("file", ["../../etc/passwd"], "文件编号不对"),
        ("name", "<script>alert(1)</script>", ""),
        ("code", "77", "没有这个选项"),
    ],
)
def test_bad_input_of_each_type_gets_a_message(kind, raw, words):
    kept, message = outcome(kind, raw)
    assert kept is None
    assert message and words in message


@pytest.mark.parametrize(
    ("kind", "blank"),
    [("text", "  "), ("date", {"year": "", "month": " ", "day": ""}), ("multi", []), ("file", []), ("choice", None)],
)
def test_a_blank_answer_is_missing_not_wrong(kind, blank):
    kept, message = outcome(kind, blank)
    assert kept is None and message.startswith("请") and message.endswith("x")


def test_zero_and_no_are_answers():
    form = one_page({"id": "n", "type": "number"}, {"id": "y", "type": "yes_no"})
    assert look(form, {"n": 0, "y": False}).cleaned == {"n": 0, "y": False}


def test_an_optional_field_may_stay_empty():
    assert look(one_page(text("x", required=False)), {"x": ""}).cleaned == {}
