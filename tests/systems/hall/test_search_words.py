"""Cutting queries and texts into words; no database."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yici.systems.hall import searching
from yici.systems.hall.searching import highlight, lexemes_of, spelling_of, terms_of, variants_of, vector_of

NAME = "80周岁以上老年人高龄津贴"


def test_chinese_is_cut_into_pairs_and_letters_into_a_beginning() -> None:
    terms = terms_of("高龄津贴 GLJT")
    assert terms.exact == ("高龄", "龄津", "津贴")
    assert terms.prefixes == ("gljt",)


def test_a_single_character_is_searched_as_itself() -> None:
    assert terms_of("老").exact == ("老",)


def test_filler_words_are_dropped_but_not_when_nothing_else_was_said() -> None:
    assert terms_of("居住证怎么办理", ["怎么", "办理"]).exact == ("居住", "住证")
    assert terms_of("办理", ["办理"]).exact == ("办理",)


@pytest.mark.parametrize("query", ["", "   ", "！？", "the", "'"])
def test_a_query_without_words_is_empty(query: str) -> None:
    assert terms_of(query).is_empty


@pytest.mark.parametrize("beginning", ["gljt", "laonian", "gaoling", "jintie", "jt", "lnr"])
def test_pinyin_and_initials_of_every_place_a_word_may_begin_are_indexed(beginning: str) -> None:
    assert any(lexeme.startswith(beginning) for lexeme in lexemes_of(NAME, pinyin=True))


def test_synonyms_put_each_word_for_each_other() -> None:
    assert set(variants_of("高龄津贴", [("津贴", "补贴", "补助")])) == {"高龄补贴", "高龄补助"}


def test_a_lexeme_keeps_its_best_weight() -> None:
    assert vector_of([("津贴", "C"), ("津贴", "A"), ("津贴", "D")]) == "'津贴':1A"


def test_highlight_marks_words_and_escapes_the_rest() -> None:
    assert highlight("高龄<b>津贴", terms_of("津贴")) == "高龄&lt;b&gt;<mark>津贴</mark>"


def test_highlight_marks_the_characters_that_pinyin_or_initials_spell() -> None:
    spelling = spelling_of(NAME)
    assert len(spelling) == len(NAME)
    assert highlight(NAME, terms_of("gljt"), spelling) == "80周岁以上老年人<mark>高龄津贴</mark>"
    assert highlight(NAME, terms_of("laonian"), spelling) == "80周岁以上<mark>老年</mark>人高龄津贴"


@given(st.text(max_size=80))
def test_highlight_never_lets_markup_through(text: str) -> None:
    shown = str(highlight(text, terms_of("津贴 <script> a")))
    assert "<" not in shown.replace("<mark>", "").replace("</mark>", "")


@given(st.text(max_size=80))
def test_any_query_becomes_a_quoted_literal(text: str) -> None:
    terms = terms_of(text)
    if not terms.is_empty:
        assert searching.all_query(terms).count("'") % 2 == 0
