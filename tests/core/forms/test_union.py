from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.forms.builders import look, one_page, text
from yici.core.forms.rules import FormDefinition, answers_for, names_in_union, union, visible_fields

ELEMENTS = ("person.name", "person.phone", "person.residential_address", "household.number", "bank.account_number")
OWN = ("reason", "note", "extra")
WORDS = ("甲", "乙")


@st.composite
def forms(draw):
    keys = draw(st.lists(st.sampled_from(ELEMENTS + OWN), min_size=1, max_size=6, unique=True))
    fields, before = [], []
    for key in keys:
        field = {"element": key} if key in ELEMENTS else text(key, label=draw(st.sampled_from(WORDS)))
        field["required"] = draw(st.booleans())
        if before and draw(st.booleans()):
            field["when"] = {"field": draw(st.sampled_from(before)), "filled": True}
        before.append(key)
        fields.append(field)
    cut = draw(st.integers(min_value=1, max_value=len(fields)))
    pages = [{"id": "one", "title": "一", "fields": fields[:cut]}]
    if fields[cut:]:
        when = {"field": keys[0], "filled": True} if draw(st.booleans()) else None
        page_id = draw(st.sampled_from(["one_more", "two"]))
        pages.append({"id": page_id, "title": "二", "fields": fields[cut:], "when": when})
    return FormDefinition.model_validate({"pages": pages})


several = st.lists(forms(), min_size=1, max_size=4)


def asked(definition, answers):
    return {field.key for page in definition.pages for field in visible_fields(definition, page, answers)}


@given(several)
@settings(max_examples=150, deadline=None)
def test_nothing_is_asked_twice_and_nothing_any_form_needs_is_lost(definitions):
    joint = union(definitions)
    keys = [field.key for page in joint.pages for field in page.fields]
    assert len(keys) == len(set(keys))
    for definition, names in zip(definitions, names_in_union(definitions), strict=True):
        for key, field in definition.by_key.items():
            merged = joint.by_key[names.get(key, key)]
            assert merged.required or not field.required
            if field.id:
                assert merged.label == field.label and merged.type == field.type
            else:
                assert key not in names


@given(several, st.sets(st.sampled_from(ELEMENTS + OWN)))
@settings(max_examples=150, deadline=None)
def test_what_one_form_would_ask_the_union_asks_too(definitions, filled):
    joint = union(definitions)
    shown = asked(joint, {key: "1" for key in joint.by_key if key.split("_")[0] in filled or key in filled})
    for definition, names in zip(definitions, names_in_union(definitions), strict=True):
        answers = {key: "1" for key in definition.by_key if key in filled}
        assert {names.get(key, key) for key in asked(definition, answers)} <= shown


@given(several)
@settings(max_examples=50, deadline=None)
def test_a_union_is_a_definition_that_can_be_stored(definitions):
    joint = union(definitions)
    assert FormDefinition.model_validate(joint.model_dump(mode="json", by_alias=True)) == joint


def test_a_condition_in_one_form_does_not_hide_what_another_always_asks():
    first = one_page(text("a"), {"element": "person.phone", "when": {"field": "a", "is": "1"}, "required": False})
    second = one_page({"element": "person.phone"})
    joint = union([first, second])
    assert joint.by_key["person.phone"].when is None and joint.by_key["person.phone"].required
    assert set(look(joint, {"a": "0"}).errors) == {"person.phone"}


def test_forms_that_wait_for_each_other_still_ask():
    first = one_page(
        text("z"), text("x", when={"field": "z", "is": "1"}), text("y", when={"field": "x", "filled": True})
    )
    second = one_page(
        text("z"), text("y", when={"field": "z", "is": "1"}), text("x", when={"field": "y", "filled": True})
    )
    joint = union([first, second])
    assert asked(joint, {"z": "1", "x": "1", "y": "1"}) == {"x", "y", "z"}
    assert asked(joint, {"z": "0", "x": "1", "y": "1"}) == {"z"}


def test_own_questions_of_one_name_and_two_meanings_stay_apart():
    first = one_page(text("reason", label="申请原因"))
    second = one_page(text("reason", label="补办原因"), text("more", when={"field": "reason", "filled": True}))
    joint = union([first, second])
    assert set(joint.by_key) == {"reason", "reason_2", "more"}
    assert answers_for([first, second], 1, {"reason": "甲", "reason_2": "乙", "more": "丙"}) == {
        "reason": "乙",
        "more": "丙",
    }
    assert asked(joint, {"reason": "甲"}) == {"reason", "reason_2"}


def test_strictest_limits_and_shared_options_hold():
    options = [{"value": str(n), "label": str(n)} for n in range(4)]
    first = one_page(
        {"element": "household.size", "min": 1, "max": 9}, {"id": "c", "type": "choice", "options": options}
    )
    second = one_page(
        {"element": "household.size", "min": 2, "max": 20}, {"id": "c", "type": "choice", "options": options}
    )
    size = union([first, second]).by_key["household.size"]
    assert (size.min, size.max) == (2, 9)
    assert len(union([first, second]).by_key) == 2
