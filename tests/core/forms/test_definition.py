import pytest
from pydantic import ValidationError

from tests.core.forms.builders import one_page, text
from yici.base.cityfolder import read_yaml
from yici.base.errors import Misconfigured
from yici.core.forms.rules import FormDefinition, explain, problems, read_definition


def complaint(data):
    with pytest.raises(ValidationError) as caught:
        FormDefinition.model_validate(data)
    return "；".join(problem.message for problem in explain(caught.value))


def page(*fields, **more):
    return {"pages": [{"id": "a", "title": "甲", "fields": list(fields), **more}]}


def test_a_refused_definition_names_the_line_and_what_to_mend(tmp_path):
    path = tmp_path / "form.yaml"
    path.write_text(
        "pages:\n  - id: a\n    title: 甲\n    fields:\n      - {id: x, type: text, lable: 名称}\n      - id: y\n        type: txt\n        label: 乙\n"
    )
    with pytest.raises(Misconfigured) as caught:
        read_definition(read_yaml(path))
    message = str(caught.value.message)
    assert "第 5 行" in message and "不认识 lable" in message
    assert "第 7 行" in message and "type 只能是" in message


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ({"element": "person.name", "id": "x", "type": "text"}, "二者写其一"),
        ({"id": "x", "label": "甲"}, "须写 type"),
        ({"id": "x", "type": "text"}, "须写 label"),
        ({"id": "X y", "type": "text", "label": "甲"}, "小写字母"),
        ({"id": "x", "type": "choice", "label": "甲"}, "须写 options"),
        ({"id": "x", "type": "group", "label": "甲"}, "须写 fields"),
        ({"id": "x", "type": "number", "label": "甲", "min": 3, "max": 2}, "min 大于 max"),
        ({"id": "x", "type": "text", "label": "甲", "when": {"field": "z", "is": "1"}}, "条件提到 z"),
        ({"id": "x", "type": "text", "label": "甲", "when": {"field": "x"}}, "至少一项"),
        ({"id": "x", "type": "text", "label": "甲", "when": {}}, "all、any、not"),
    ],
)
def test_a_faulty_field_is_refused_in_words_for_its_author(field, words):
    assert words in complaint(page(field))


def test_the_same_element_twice_in_one_form_is_refused():
    assert "字段重复：person.name" in complaint(page({"element": "person.name"}, {"element": "person.name"}))


def test_a_condition_may_not_look_ahead():
    first = text("x", label="甲", when={"field": "y", "filled": True})
    assert "排在后面" in complaint(page(first, text("y", label="乙")))


def test_groups_do_not_nest():
    inner = {"id": "g2", "type": "group", "label": "内", "fields": [text("x", label="甲")]}
    assert "不能再套" in complaint(page({"id": "g", "type": "group", "label": "外", "fields": [inner]}))


def test_a_check_names_fields_of_the_form():
    data = page(text("x", label="甲")) | {"checks": [{"field": "q", "compare": "<", "value": 3, "message": "不行"}]}
    assert "字段 q 不在表单里" in complaint(data)


def test_yaml_truth_values_are_the_options_yes_and_no():
    form = one_page(
        {"id": "x", "type": "choice", "options": [{"value": True, "label": "是"}, {"value": 3, "label": "三"}]}
    )
    assert [option.value for option in form.by_key["x"].options] == ["yes", "3"]


def test_the_linter_hears_of_elements_nobody_knows():
    form = one_page({"element": "person.name"}, {"element": "person.no_such_thing"})
    assert [key for key, _message in problems(form)] == ["person.no_such_thing"]


def test_a_definition_survives_being_stored_as_json():
    form = one_page(text("x"), text("y", when={"not": {"field": "x", "in": ["1", "2"]}}))
    assert FormDefinition.model_validate(form.model_dump(mode="json", by_alias=True)) == form
    assert FormDefinition.model_validate(form.model_dump(mode="json")) == form
