import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.forms.builders import look, one_page, text
from yici.base import clock
from yici.core.forms.rules import Condition, both, either

NAMES = ("a", "b", "c")
VALUES = st.sampled_from(["", "1", "2", "x", None, True, False, 0, 5])
tests_of_a_field = st.builds(
    lambda field, test: Condition.model_validate({"field": field, **test}),
    st.sampled_from(NAMES),
    st.sampled_from(
        [{"is": "1"}, {"in": ["1", "2"]}, {"filled": True}, {"filled": False}, {"gte": 2}, {"lte": 1}, {"is": True}]
    ),
)
conditions = st.recursive(
    tests_of_a_field,
    lambda part: st.one_of(
        st.builds(lambda one: Condition.model_validate({"not": one}), part),
        st.builds(lambda parts: Condition(all=tuple(parts)), st.lists(part, min_size=1, max_size=3)),
        st.builds(lambda parts: Condition(any=tuple(parts)), st.lists(part, min_size=1, max_size=3)),
    ),
    max_leaves=6,
)
answers = st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES))


@given(conditions, conditions, answers)
def test_joining_conditions_means_what_logic_says(first, second, values):
    a, b = first.holds(values.get), second.holds(values.get)
    assert either([first, second]).holds(values.get) == (a or b)
    assert both(first, second).holds(values.get) == (a and b)
    assert Condition.model_validate({"not": first}).holds(values.get) == (not a)


@given(conditions)
def test_no_condition_absorbs_every_other(condition):
    assert either([condition, None]) is None
    assert both(condition, None) == condition


@given(conditions, answers)
def test_renaming_fields_changes_nothing_but_names(condition, values):
    renamed = condition.renamed({name: f"{name}_2" for name in NAMES})
    assert renamed.holds(lambda key: values[key.removesuffix("_2")]) == condition.holds(values.get)
    assert set(renamed.fields()) == {f"{key}_2" for key in condition.fields()}


@pytest.mark.parametrize(
    ("test", "value", "holds"),
    [
        ({"is": True}, "yes", True),
        ({"is": "no"}, False, True),
        ({"is": "b"}, ["a", "b"], True),
        ({"in": ["c"]}, ["a", "b"], False),
        ({"gte": 60}, "59", False),
        ({"gte": 9}, "10", True),
        ({"gte": "2020-01-01"}, "2019-12-31", False),
        ({"lte": "today"}, "2026-11-23", True),
        ({"lte": "today"}, "2026-11-24", False),
        ({"gte": 1}, "something", False),
        ({"filled": False}, "", True),
        ({"filled": True}, 0, True),
    ],
)
def test_each_kind_of_test(test, value, holds):
    with clock.at(dt.datetime(2026, 11, 23, 4, tzinfo=dt.UTC)):
        assert Condition.model_validate({"field": "x", **test}).holds({"x": value}.get) is holds


def test_a_hidden_field_is_neither_validated_nor_kept_nor_seen_by_later_conditions():
    form = one_page(
        text("a"),
        {"id": "b", "type": "number", "when": {"field": "a", "is": "1"}},
        text("c", when={"field": "b", "filled": True}),
    )
    hidden = look(form, {"a": "0", "b": "not a number", "c": "kept?"})
    assert (hidden.cleaned, hidden.errors) == ({"a": "0"}, {})
    shown = look(form, {"a": "1", "b": "5"})
    assert shown.cleaned == {"a": "1", "b": 5} and set(shown.errors) == {"c"}


def test_a_hidden_page_hides_its_fields():
    form = one_page(text("a"))
    data = form.model_dump(mode="json")
    data["pages"].append(
        {"id": "two", "title": "二", "when": {"field": "a", "is": "1"}, "fields": [text("b", label="乙")]}
    )
    form = type(form).model_validate(data)
    assert look(form, {"a": "0"}).errors == {}
    assert set(look(form, {"a": "1"}).errors) == {"b"}
