import re

import pytest
from django.template.loader import render_to_string
from django.utils import translation

from tests.core.forms.builders import one_page, text
from tests.core.forms.conftest import Records
from yici.core.forms import queries, rendering, services
from yici.core.forms.rules import FormDefinition, json_schema

pytestmark = pytest.mark.django_db

FACT = {
    "value": "13800138000", "source": "人口信息", "source_en": "Population register", "source_organisation": "police",
    "organisation": "市公安局", "organisation_en": "Public Security Bureau", "as_of": "2026-03-02", "provider": "register",
}  # fmt: skip


def html(definition, answers=None, prefill=None, errors=None, page=None):
    page = page or definition.pages[0]
    bound = rendering.bound_page(definition, page, answers or {}, prefill or {}, errors)
    summary = render_to_string("forms/error_summary.html", {"page": bound, "errors": errors}) if errors else ""
    return summary + render_to_string("forms/page.html", {"page": bound})


def test_the_summary_leads_to_the_control_and_says_the_same_words_as_the_field():
    form = one_page(
        text("a"), {"id": "d", "type": "date"}, {"id": "r", "type": "yes_no"}, {"id": "q", "type": "division"},
        {"id": "g", "type": "group", "fields": [text("n")]},
    )  # fmt: skip
    keys = ["a", "d", "r", "q", "g.0.n"]
    page = html(form, errors={key: f"请改 {key}" for key in keys})
    targets = re.findall(r'<a href="#([^"]+)">请改', page)
    assert len(targets) == 5
    for target, key in zip(targets, keys, strict=True):
        assert re.search(rf'<(input|select)[^>]*id="{target}"', page), target
        assert page.count(f"请改 {key}") == 2
    for ids in re.findall(r'aria-describedby="([^"]+)"', page):
        assert all(f'id="{one}"' in page for one in ids.split())


def test_a_value_is_escaped_wherever_it_is_shown():
    evil = '"><script>alert(1)</script>'
    form = one_page(
        text("a"),
        {"id": "b", "type": "textarea"},
        {"id": "d", "type": "date"},
        {"id": "g", "type": "group", "fields": [text("n")]},
    )
    answers = {"a": evil, "b": evil, "d": evil, "g": [{"n": evil}]}
    fact = {**FACT, "value": evil, "source": evil, "organisation": evil}
    page = html(form, answers, {"a": fact}, {"a": evil})
    rows = services.rules.answer_rows(form, answers, {"a": fact})
    page += render_to_string("forms/check_answers.html", {"rows": rows})
    assert "<script" not in page and "&lt;script&gt;" in page


def test_each_prefilled_value_says_where_it_comes_from():
    form = one_page({"element": "person.phone"})
    assert "来自 市公安局 · 人口信息 · 2026-03-02 更新" in html(
        form, {"person.phone": "13800138000"}, {"person.phone": FACT}
    )
    changed = html(form, {"person.phone": "13900139000"}, {"person.phone": FACT})
    assert "原记录为“13800138000”；将转交市公安局核实，不影响办理" in changed
    conflict = {**FACT, "conflicts": [{**FACT, "value": "13700137000", "organisation": "市民政局"}]}
    assert "另有记录：市民政局 13700137000" in html(form, {"person.phone": "13800138000"}, {"person.phone": conflict})


def test_labels_and_sources_speak_the_readers_language():
    form = one_page(text("a", label={"zh": "原因", "en": "Reason"}), text("b", label="只有中文"))
    with translation.override("en"):
        page = html(form, {"a": "1"}, {"a": {**FACT, "value": "1"}})
    assert "Reason" in page and "Public Security Bureau · Population register" in page
    assert '<span lang="zh-CN">只有中文</span>' in page


def test_read_only_facts_are_text_without_a_control():
    form = one_page({"element": "person.name", "readonly": True})
    page = html(form, {"person.name": "王秀英"}, {"person.name": {**FACT, "value": "王秀英"}})
    assert "王秀英" in page and "<input" not in page
    assert 'name="person.name"' in html(form)


def test_up_to_seven_options_are_radios_and_more_a_list():
    few = [{"value": str(n), "label": str(n)} for n in range(7)]
    many = [*few, {"value": "7", "label": "7"}]
    assert html(one_page({"id": "x", "type": "choice", "options": few})).count('type="radio"') == 7
    assert "<select" in html(one_page({"id": "x", "type": "choice", "options": many}))


def test_inputs_help_phones_and_browsers_to_fill_them():
    page = html(one_page({"element": "person.phone"}, {"id": "sum", "type": "money"}, {"id": "d", "type": "date"}))
    assert 'type="tel"' in page and 'autocomplete="tel' in page
    assert 'inputmode="decimal"' in page and page.count('inputmode="numeric"') >= 4
    assert page.count("<fieldset") == page.count("<legend") == 1


def test_divisions_are_chosen_step_by_step_without_javascript():
    form = one_page({"id": "x", "type": "division"})
    assert html(form).count("<select") == 1 and "涡阳县" in html(form)
    county = html(form, {"x": "341621000000"})
    assert county.count("<select") == 2 and 'name="__choose" value="x"' in county
    township = re.search(r'name="x__township".*?value="(341621\d{6})"', county, re.DOTALL).group(1)
    assert html(form, {"x": township}).count("<select") == 3


def test_conditional_fields_are_not_drawn_while_hidden():
    form = one_page({"id": "a", "type": "yes_no"}, text("b", when={"field": "a", "is": True}))
    assert 'name="b"' not in html(form, {"a": False})
    assert 'name="b"' in html(form, {"a": "yes"})


def test_no_page_carries_inline_style_or_script():
    form = one_page(
        text("a"), {"id": "q", "type": "division"}, {"id": "f", "type": "file"},
        {"id": "g", "type": "group", "fields": [text("n")]}, {"id": "m", "type": "multi", "options": [{"value": "1", "label": "一"}]},
    )  # fmt: skip
    page = html(form, {"g": [{"n": "1"}], "f": ["5"]})
    assert not re.search(r"\sstyle=|\son[a-z]+=|<script", page)


def test_check_answers_shows_every_answer_in_words(records, police, account, mother, form):
    records(Records("register", {"person.name": "赵桂兰", "person.phone": "13800138000"}, police.slug))
    draft = services.open_draft(account, mother, "f", "t", form, {})
    services.save_answers(draft, form, {
        "person.phone": "13900139000", "alone": True, "since": "2026-03-07", "income": "1200",
        "children": [{"name": "甲"}], "person.residential_division": "341621000000",
    }, 0)  # fmt: skip
    rows = {row.key: row for row in queries.answers_in_words(draft, form)}
    assert (
        rows["alone"].value == "是" and rows["since"].value == "2026年3月7日" and rows["income"].value == "1,200.00 元"
    )
    assert rows["children"].rows == ((("姓名", "甲"),),)
    assert rows["person.phone"].changed and not rows["person.name"].changed and rows["person.name"].readonly
    page = render_to_string("forms/check_answers.html", {"rows": list(rows.values())})
    assert "未填写" in page and "13900139000" in page and "来自" in page


def test_the_situation_page_asks_what_is_open(form):
    page = render_to_string("forms/situation.html", {"page": rendering.bound_situation(form, {"agent": "yes"})})
    assert page.count('name="__asked"') == 2 and 'name="situation.kin"' in page


def test_the_schema_says_what_a_program_must_send(form: FormDefinition):
    schema = json_schema(form)
    assert schema["required"] == ["person.phone", "alone"] and schema["additionalProperties"] is False
    assert schema["properties"]["since"]["x-when"] == {"field": "alone", "is": True}
    assert schema["properties"]["children"]["items"]["required"] == ["name"]
    assert schema["properties"]["income"]["oneOf"][0]["type"] == "integer"
