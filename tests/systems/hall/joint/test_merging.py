"""The merge of any set of items: one form, one list, one order; circles and contradictions are named."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.systems.hall.joint.conftest import Make
from yici.systems.hall.definitions import ItemDefinition
from yici.systems.hall.joint.errors import Circular
from yici.systems.hall.joint.merging import Merged, Supply, merge
from yici.systems.hall.joint.themes import items_of_folder

PAPERS = ("k0", "k1", "k2", "k3", "k4", "k5")
ELEMENTS = ("person.phone", "person.name", "organisation.name", "organisation.address", "organisation.uscc")
POSITIONS = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def plans(draw: Any) -> list[dict[str, Any]]:
    """Some items: what each gives, takes and asks. Item n may take only what others give or what nobody gives."""
    count = draw(st.integers(1, 6))
    return [
        {
            "code": f"i{number}",
            "gives": draw(st.sampled_from(("", PAPERS[number]))),
            "takes": tuple(draw(st.lists(st.sampled_from(PAPERS), max_size=3, unique=True))),
            "fields": [{"element": one} for one in draw(st.lists(st.sampled_from(ELEMENTS), min_size=1, unique=True))],
            "days": draw(st.integers(1, 20)),
        }
        for number in range(count)
    ]


def merged_of(make: Make, plan: list[dict[str, Any]]) -> tuple[list[ItemDefinition], Merged | Circular]:
    items = [make(**one) for one in plan]
    try:
        return items, merge(items)
    except Circular as error:
        return items, error


def wants(plan: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Who waits for whom, told apart from the merge: the plain graph of papers, less changers of one paper."""
    takes = {one["code"]: set(one["takes"]) for one in plan}
    return {
        one["code"]: {
            other["code"]
            for other in plan
            if other["gives"]
            and other["gives"] in one["takes"]
            and other["code"] != one["code"]
            and not (one["gives"] == other["gives"] and other["gives"] in takes[other["code"]])
        }
        for one in plan
    }


@POSITIONS
@given(plan=plans())
def test_everybody_comes_once_and_after_whom_it_waits_for_or_the_circle_is_true(
    make: Make, plan: list[dict[str, Any]]
) -> None:
    graph = wants(plan)
    _items, merged = merged_of(make, plan)
    if isinstance(merged, Circular):
        circle = merged.extra["circle"]
        assert circle[0] == circle[-1] and len(circle) > 2
        assert all(giver in graph[taker] for taker, giver in pairwise(circle)), "every arrow of the circle is true"
        return
    placed = {code: number for number, wave in enumerate(merged.waves) for code in wave}
    assert sorted(code for wave in merged.waves for code in wave) == sorted(graph)
    for code, givers in graph.items():
        assert set(merged.waits_for(code)) == givers
        # Neither too early nor needlessly late: right after the last it waits for.
        assert placed[code] == max((placed[giver] + 1 for giver in givers), default=0)


@POSITIONS
@given(plan=plans())
def test_each_element_is_asked_once_and_none_is_lost(make: Make, plan: list[dict[str, Any]]) -> None:
    items, merged = merged_of(make, plan)
    if isinstance(merged, Circular):
        return
    asked = [field.key for page in merged.form.pages for field in page.fields]
    assert len(asked) == len(set(asked))
    assert set(asked) == {key for item in items for key in item.form.by_key}
    assert merged.fields_after == len(asked) <= merged.fields_before


@POSITIONS
@given(plan=plans(), answers=st.fixed_dictionaries({key: st.text(max_size=5) for key in ELEMENTS}))
def test_every_item_gets_its_own_answers_back(make: Make, plan: list[dict[str, Any]], answers: dict[str, str]) -> None:
    items, merged = merged_of(make, plan)
    if isinstance(merged, Circular):
        return
    for item in items:
        assert merged.answers_of(item.code, answers) == {key: answers[key] for key in item.form.by_key}


@POSITIONS
@given(plan=plans())
def test_every_paper_of_every_item_stands_in_one_group_and_only_supplied_ones_are_struck_out(
    make: Make, plan: list[dict[str, Any]]
) -> None:
    items, merged = merged_of(make, plan)
    if isinstance(merged, Circular):
        return
    needs = [need.key for united in merged.materials for need in united.needs]
    assert sorted(needs) == sorted(f"{item.code}.{one.id}" for item in items for one in item.materials)
    graph = wants(plan)
    for united in merged.materials:
        kinds = {proof.certificate for need in united.needs for proof in need.material.proven_by}
        assert len(kinds) == 1, "different certificates are never one paper"
        struck = all(any(gives(plan, giver) in kinds for giver in graph[need.item]) for need in united.needs)
        assert merged.is_supplied(united) == struck
    assert merged.materials_after <= merged.materials_before


def gives(plan: list[dict[str, Any]], code: str) -> str:
    return str(next(one["gives"] for one in plan if one["code"] == code))


@POSITIONS
@given(plan=plans())
def test_together_is_never_slower_than_one_after_the_other_nor_faster_than_the_slowest(
    make: Make, plan: list[dict[str, Any]]
) -> None:
    _items, merged = merged_of(make, plan)
    if isinstance(merged, Circular):
        return
    # A working day counts as whole elapsed hours, so a sum of many may fall a day short of the sum of promises.
    assert max(one["days"] for one in plan) <= merged.days_after <= merged.days_before


@POSITIONS
@given(plan=plans())
def test_a_paper_that_is_held_makes_nobody_wait(make: Make, plan: list[dict[str, Any]]) -> None:
    merged = merge([make(**one) for one in plan], held=frozenset(PAPERS))
    assert len(merged.waves) == 1 and not merged.edges


def test_a_circle_is_named_in_words(make: Make) -> None:
    items = [make("a", gives="x", takes=("z",)), make("b", gives="y", takes=("x",)), make("c", gives="z", takes=("y",))]
    with pytest.raises(Circular) as caught:
        merge(items)
    assert "事项a → 事项c → 事项b → 事项a" in str(caught.value.message)


def test_waiting_that_only_a_situation_brings_gives_way_before_a_circle_is_refused(make: Make) -> None:
    sometimes = {
        "id": "p",
        "name": "甲",
        "source": "applicant",
        "proven_by": [{"certificate": "y"}],
        "only_in_situation": True,
    }
    merged = merge([make("a", gives="x", papers=[sometimes]), make("b", gives="y", takes=("x",))])
    assert merged.waves == (("a",), ("b",))


def test_a_declared_supply_makes_the_taker_wait_and_strikes_the_paper_out(make: Make) -> None:
    paper = {"id": "survey", "name": "测绘成果", "source": "other"}
    items = [make("a", papers=[paper]), make("b")]
    merged = merge(items, supplies=[Supply("b", "a", "survey"), Supply("b", "a", "no_such_paper")])
    assert merged.waves == (("b",), ("a",)) and merged.materials_after == 0


def test_equal_questions_of_the_situation_are_asked_once_and_each_item_draws_its_own_papers(make: Make) -> None:
    def tree(paper: str) -> list[dict[str, Any]]:
        return [
            {
                "id": "rent", "question": "店面是租的吗？",
                "options": [{"value": "yes", "label": "是", "add": [paper]}, {"value": "no", "label": "否"}],
            }
        ]  # fmt: skip

    def paper(name: str) -> list[dict[str, Any]]:
        return [{"id": name, "name": name, "source": "applicant", "only_in_situation": True}]

    items = [
        make("a", papers=paper("lease"), situations=tree("lease")),
        make("b", papers=paper("title"), situations=tree("title")),
    ]
    assert [one.id for one in merge(items).form.situations] == ["rent"]
    assert {need.key for one in merge(items, situation={"rent": "yes"}).materials for need in one.needs} == {
        "a.lease",
        "b.title",
    }
    assert merge(items, situation={"rent": "no"}).materials == ()


def test_own_questions_that_differ_under_one_id_are_both_asked_and_find_home(make: Make) -> None:
    items = [
        make("a", fields=[{"id": "kind", "type": "text", "label": "种类"}]),
        make("b", fields=[{"id": "kind", "type": "number", "label": "数目"}]),
    ]
    merged = merge(items)
    assert merged.fields_after == 2
    answers = {merged.key_in_union("a", "kind"): "甲", merged.key_in_union("b", "kind"): 3}
    assert (merged.answers_of("a", answers), merged.answers_of("b", answers)) == ({"kind": "甲"}, {"kind": 3})


CONTRADICTIONS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("subjects", {"subjects": ["person"]}, {"subjects": ["enterprise"]}),
    ("conditions", {"conditions": [{"text": "满八十", "check": {"min_age": 80}}]}, {"conditions": [{"text": "未成年", "check": {"max_age": 17}}]}),
    ("conditions", {"conditions": [{"text": "本市户籍", "check": {"registered_in_city": True}}]}, {"conditions": [{"text": "外地户籍", "check": {"registered_in_city": False}}]}),
    ("results", {"gives": "business_licence"}, {"gives": "business_licence"}),
    ("options", {"fields": [{"element": "food.business_kind", "options": [{"value": "1", "label": "甲"}]}]}, {"fields": [{"element": "food.business_kind", "options": [{"value": "2", "label": "乙"}]}]}),
    ("bounds", {"fields": [{"element": "organisation.premises_area", "min": 100}]}, {"fields": [{"element": "organisation.premises_area", "max": 50}]}),
    ("dates", {"fields": [{"element": "person.birth_date", "earliest": "2000-01-01"}]}, {"fields": [{"element": "person.birth_date", "latest": "1990-01-01"}]}),
    ("checks", {"checks": [{"field": "person.phone", "message": "本人", "same_as_subject": True}]}, {"checks": [{"field": "person.phone", "message": "他人", "same_as_subject": False}]}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "first", "second"), CONTRADICTIONS)
def test_what_one_person_cannot_be_or_answer_at_once_is_named(
    make: Make, kind: str, first: dict[str, Any], second: dict[str, Any]
) -> None:
    found = merge([make("a", **first), make("b", **second)]).contradictions
    assert [one.kind for one in found] == [kind]
    assert "事项a" in found[0].message and "事项b" in found[0].message
    assert merge([make("a", **first), make("b")]).contradictions == ()


def test_a_restaurant_needs_no_code_that_its_licence_will_tell(city: Path) -> None:
    merged = merge(items_of_folder(["shipin-jingying-xuke", "geti-gongshanghu"], city))
    assert merged.waves == (("geti-gongshanghu",), ("shipin-jingying-xuke",))
    assert "organisation.uscc" not in merged.form.by_key
    alone = merge(items_of_folder(["shipin-jingying-xuke"], city))
    assert "organisation.uscc" in alone.form.by_key
