from hypothesis import given
from hypothesis import strategies as st

from tests.core.forms.builders import look, one_page, text
from yici.core.forms.rules import clean_situation, materials_needed, open_questions, situation_words

TREE = [
    {
        "id": "who",
        "question": "谁来办",
        "options": [
            {"value": "self", "label": "本人"},
            {
                "value": "agent",
                "label": "他人代办",
                "add": ["agent_id"],
                "then": [
                    {
                        "id": "family",
                        "question": "代办人是家属吗",
                        "kind": "bool",
                        "options": [
                            {"value": True, "add": ["household_book"]},
                            {"value": "no", "add": ["power_of_attorney"]},
                        ],
                    }
                ],
            },
        ],
    },
    {
        "id": "has",
        "question": "您有",
        "kind": "multi",
        "required": False,
        "options": [
            {"value": "card", "label": "社保卡", "remove": ["bank_card"]},
            {"value": "old", "label": "旧证", "add": ["old_certificate"]},
        ],
    },
]
FORM = one_page(
    text("x", required=False), text("relation", when={"field": "situation.family", "is": True}), situations=TREE
)
BASE = ["id_card", "bank_card"]


def test_an_answer_opens_further_questions_and_adds_materials():
    assert [question.id for question in open_questions(FORM, {"who": "self"})] == ["who", "has"]
    agent = {"who": "agent", "family": True, "has": ["card", "old"]}
    assert [question.id for question in open_questions(FORM, agent)] == ["who", "family", "has"]
    assert materials_needed(BASE, FORM, agent) == ["id_card", "agent_id", "household_book", "old_certificate"]
    assert materials_needed(BASE, FORM, {"who": "self"}) == BASE


def test_answers_of_hidden_questions_are_dropped():
    cleaned, errors = clean_situation(FORM, {"who": "self", "family": "no", "has": []})
    assert (cleaned, errors) == ({"who": "self"}, {})


def test_unanswered_and_impossible_answers_are_told():
    assert set(clean_situation(FORM, {})[1]) == {"who"}
    assert set(clean_situation(FORM, {"who": "agent"})[1]) == {"family"}
    assert set(clean_situation(FORM, {"who": "nobody"})[1]) == {"who"}
    assert set(clean_situation(FORM, {"who": ["self", "agent"]})[1]) >= {"who"}
    assert set(clean_situation(FORM, {"who": "self", "extra": "1"})[1]) == {"extra"}


def test_the_form_can_ask_by_situation():
    assert look(FORM, {}, situation={"who": "self"}).errors == {}
    assert set(look(FORM, {}, situation={"who": "agent", "family": "yes"}).errors) == {"relation"}
    assert set(look(FORM, {}).errors) == {"situation.who"}


def test_the_answers_can_be_read():
    assert situation_words(FORM, {"who": "agent", "family": "yes"}) == [
        ("who", "谁来办", "他人代办"),
        ("family", "代办人是家属吗", "是"),
    ]


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "who": st.sampled_from(["self", "agent", "x", ""]),
            "family": st.sampled_from(["yes", "no", True, False, None]),
            "has": st.lists(st.sampled_from(["card", "old", "zzz"])),
        },
    )
)
def test_cleaning_is_stable_and_never_changes_the_materials(situation):
    cleaned, errors = clean_situation(FORM, situation)
    if not errors:
        assert clean_situation(FORM, cleaned) == (cleaned, {})
        assert materials_needed(BASE, FORM, cleaned) == materials_needed(BASE, FORM, situation)
        needed = materials_needed(BASE, FORM, situation)
        assert len(needed) == len(set(needed))
