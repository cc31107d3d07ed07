"""The situation tree: which questions are open, what was answered, which materials that leaves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from yici.base.errors import Invalid
from yici.core.forms.rules.definition import FormDefinition, SituationOption, SituationQuestion, all_questions

Situation = Mapping[str, Any]


def open_questions(definition: FormDefinition, situation: Situation) -> list[SituationQuestion]:
    """The questions to ask given the answers so far: the roots, and those an answer leads to."""
    found: list[SituationQuestion] = []
    _walk(definition.situations, situation, found)
    return found


def clean_situation(definition: FormDefinition, situation: Situation) -> tuple[dict[str, Any], dict[str, str]]:
    """(answers of open questions, errors by question id). Answers of hidden questions are dropped;
    an id that no question has is an error."""
    cleaned: dict[str, Any] = {}
    errors: dict[str, str] = {}
    known = {question.id for question in all_questions(definition.situations)}
    for key in situation:
        if key not in known:
            errors[shown_key(key)] = _("没有这个情形问题")
    for question in open_questions(definition, situation):
        chosen = _chosen(question, situation)
        given = _values(situation.get(question.id))
        if len(chosen) != len(given) or (question.kind != "multi" and len(given) > 1):
            errors[question.id] = _("没有这个选项，请重新选择")
        elif not chosen and question.required:
            errors[question.id] = _("请选择：{question}").format(question=question.question)
        elif chosen:
            values = [option.value for option in chosen]
            cleaned[question.id] = values if question.kind == "multi" else values[0]
    return cleaned, errors


def require_situation(definition: FormDefinition, situation: Situation) -> dict[str, Any]:
    """The cleaned answers. Raises `Invalid` with the questions that lack one."""
    cleaned, errors = clean_situation(definition, situation)
    if errors:
        raise Invalid(fields={f"situation.{key}": message for key, message in errors.items()})
    return cleaned


def materials_needed(base: Iterable[str], definition: FormDefinition, situation: Situation) -> list[str]:
    """Material ids that apply: those of every case, changed by each answer in the order of the questions."""
    needed = list(dict.fromkeys(base))
    for question in open_questions(definition, situation):
        for option in _chosen(question, situation):
            needed = [material for material in needed if material not in option.remove]
            needed.extend(material for material in option.add if material not in needed)
    return needed


def situation_words(definition: FormDefinition, situation: Situation) -> list[tuple[str, str, str]]:
    """(question id, question, answer in words) for a check-answers page."""
    return [
        (question.id, str(question.question), _("、").join(str(option.label) for option in chosen))
        for question in open_questions(definition, situation)
        if (chosen := _chosen(question, situation))
    ]


def shown_key(key: Any) -> str:
    """A key that came from outside, safe to repeat in an answer."""
    return str(key)[:60].encode("utf-8", "replace").decode("utf-8")


def _walk(questions: tuple[SituationQuestion, ...], situation: Situation, found: list[SituationQuestion]) -> None:
    for question in questions:
        found.append(question)
        for option in _chosen(question, situation):
            _walk(option.then, situation, found)


def _chosen(question: SituationQuestion, situation: Situation) -> list[SituationOption]:
    given = _values(situation.get(question.id))
    return [option for option in question.options if option.value in given]


def _values(given: Any) -> list[str]:
    if given is None or given == "":
        return []
    values = given if isinstance(given, list | tuple) else [given]
    words = [{True: "yes", False: "no"}[one] if isinstance(one, bool) else str(one) for one in values]
    return list(dict.fromkeys(words))
