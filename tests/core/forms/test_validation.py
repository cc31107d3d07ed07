import datetime as dt

import pytest

from tests.core.forms.builders import look, one_page, text
from yici.base import clock
from yici.core.forms.rules import full_years

CHILDREN = {
    "id": "children",
    "type": "group",
    "min": 1,
    "max": 3,
    "fields": [
        text("name"),
        {"id": "at_school", "type": "yes_no"},
        text("school", when={"field": "at_school", "is": True}),
    ],
}


def test_every_error_is_told_at_once():
    found = look(one_page(text("a"), text("b"), {"id": "c", "type": "number"}), {"c": "x"})
    assert set(found.errors) == {"a", "b", "c"}


def test_an_answer_the_form_never_asked_is_refused():
    found = look(one_page(text("a")), {"a": "1", "is_admin": True, "\ud800": 1})
    assert found.cleaned == {"a": "1"}
    assert "没有这一项" in found.errors["is_admin"] and len(found.errors) == 2


def test_rows_of_a_group_are_checked_where_they_stand():
    rows = [{"name": "甲", "at_school": "no", "school": "x"}, {"name": "", "at_school": "yes"}]
    found = look(one_page(CHILDREN), {"children": rows})
    assert set(found.errors) == {"children.1.name", "children.1.school"}
    good = look(one_page(CHILDREN), {"children": [rows[0], {"name": " ", "school": ""}]})
    assert good.cleaned == {"children": [{"name": "甲", "at_school": False}]} and not good.errors


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "至少添加 1 项"),
        ([{"name": "甲", "at_school": "no"}] * 4, "最多 3 项"),
        ("x", "一组记录"),
        ([1], "一组记录"),
    ],
)
def test_a_group_has_as_many_rows_as_it_says(rows, words):
    assert words in look(one_page(CHILDREN), {"children": rows}).errors["children"]


def test_an_unknown_cell_in_a_row_is_refused():
    found = look(one_page(CHILDREN), {"children": [{"name": "甲", "at_school": "no", "evil": 1}]})
    assert set(found.errors) == {"children.0.evil"}


def test_fields_are_compared_with_each_other():
    form = one_page(
        {"id": "start", "type": "date"},
        {"id": "end", "type": "date"},
        checks=[
            {
                "field": "end",
                "compare": ">=",
                "other": "start",
                "message": {"zh": "结束不能早于开始", "en": "End before start"},
            }
        ],
    )
    assert look(form, {"start": "2026-03-02", "end": "2026-03-01"}).errors == {"end": "结束不能早于开始"}
    assert look(form, {"start": "2026-03-02", "end": "2026-03-02"}).errors == {}
    assert set(look(form, {"start": "bad", "end": "2026-03-02"}).errors) == {"start"}


def test_age_is_counted_in_full_years_on_the_day():
    form = one_page(
        {"element": "person.birth_date"},
        checks=[{"field": "person.birth_date", "age_at_least": 80, "message": "未满80周岁"}],
    )
    with clock.at(dt.datetime(2026, 11, 23, 4, tzinfo=dt.UTC)):
        assert look(form, {"person.birth_date": "1946-11-24"}).errors == {"person.birth_date": "未满80周岁"}
        assert look(form, {"person.birth_date": "1946-11-23"}).errors == {}
    assert full_years(dt.date(2004, 2, 29), dt.date(2025, 2, 28)) == 20


def test_a_value_can_be_held_against_the_subjects_record():
    form = one_page(
        {"element": "person.name"}, checks=[{"field": "person.name", "same_as_subject": True, "message": "须是本人"}]
    )
    assert look(form, {"person.name": "李梅"}, subject={"person.name": "王秀英"}).errors == {"person.name": "须是本人"}
    assert look(form, {"person.name": "王秀英"}, subject={"person.name": "王秀英"}).errors == {}


def test_a_check_applies_only_under_its_condition():
    form = one_page(
        {"id": "paid", "type": "yes_no"},
        {"id": "sum", "type": "money"},
        checks=[
            {"field": "sum", "compare": ">", "value": 0, "when": {"field": "paid", "is": True}, "message": "须大于零"}
        ],
    )
    assert look(form, {"paid": "no", "sum": "0"}).errors == {}
    assert look(form, {"paid": "yes", "sum": "0"}).errors == {"sum": "须大于零"}


def test_a_read_only_field_keeps_what_the_records_say():
    form = one_page({"element": "person.name", "readonly": True})
    found = look(form, {"person.name": "别人"}, fixed={"person.name": "王秀英"})
    assert "不能在此修改" in found.errors["person.name"]
    assert look(form, {}, fixed={"person.name": "王秀英"}).cleaned == {"person.name": "王秀英"}


def test_only_the_asked_page_is_blamed():
    form = one_page(text("a"))
    data = form.model_dump(mode="json")
    data["pages"].append({"id": "two", "title": "二", "fields": [text("b", label="乙")]})
    form = type(form).model_validate(data)
    assert set(look(form, {}, page=form.page("two")).errors) == {"b"}
