"""One form out of several, for "one thing" (一件事): nothing is asked twice, nothing a form needs is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from yici.core.forms.rules.conditions import Condition, both, either
from yici.core.forms.rules.definition import (
    SITUATION,
    Check,
    Field,
    FormDefinition,
    Option,
    Page,
    SituationQuestion,
    all_questions,
)


def union(definitions: Sequence[FormDefinition]) -> FormDefinition:
    """Merge pages, fields, situations and checks in the order of the forms.

    A field that several forms ask is asked once, where it first stands, when any of them would ask it,
    and as strictly as the strictest. Own questions that share an id but are not the same are renamed
    (`names_in_union`). Page conditions move to the fields, because a page may then belong to several.
    """
    merged: dict[str, Field] = {}
    home: dict[str, str] = {}
    pages: dict[str, Page] = {}
    situations: dict[str, SituationQuestion] = {}
    checks: list[Check] = []
    for definition, names in zip(definitions, names_in_union(definitions), strict=True):
        for question in definition.situations:
            renamed = _renamed_question(question, names)
            situations.setdefault(renamed.id, renamed)
        for page in definition.pages:
            pages.setdefault(page.id, page)
            for field in page.fields:
                own = _renamed_field(field, names, page.when)
                merged[own.key] = merge_fields(merged[own.key], own) if own.key in merged else own
                home.setdefault(own.key, page.id)
        checks.extend(
            check for check in (_renamed_check(one, names) for one in definition.checks) if check not in checks
        )
    return FormDefinition(
        pages=tuple(
            Page(id=page.id, title=page.title, intro=page.intro, fields=fields)
            for page in pages.values()
            if (fields := tuple(field for key, field in merged.items() if home[key] == page.id))
        ),
        situations=tuple(situations.values()),
        checks=tuple(checks),
        joint=True,
    )


def names_in_union(definitions: Sequence[FormDefinition]) -> list[dict[str, str]]:
    """For each form, its own ids → ids in the union, only where they differ. Elements never change."""
    asked: dict[str, tuple[Any, ...]] = {}
    taken = {key for definition in definitions for key in _ids(definition)}
    result: list[dict[str, str]] = []
    for number, definition in enumerate(definitions, start=1):
        names: dict[str, str] = {}
        for key, meaning in _ids(definition).items():
            if asked.setdefault(key, meaning) == meaning:
                continue
            new = f"{key}_{number}"
            while new in taken:
                new += "x"
            taken.add(new)
            asked[new] = meaning
            names[key] = new
        result.append(names)
    return result


def answers_for(definitions: Sequence[FormDefinition], index: int, answers: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a union's answers that one of its forms asks, under that form's own ids."""
    names = names_in_union(definitions)[index]
    keys = definitions[index].by_key
    return {key: answers[names.get(key, key)] for key in keys if names.get(key, key) in answers}


def merge_fields(first: Field, second: Field) -> Field:
    """One field that satisfies both; the first one's words and place."""
    return first.model_copy(
        update={
            "label": first.label or second.label,
            "help": first.help or second.help,
            "required": first.required or second.required,
            "when": either([first.when, second.when]),
            "options": _shared_options(first.options, second.options),
            "fields": _merge_cells(first.fields, second.fields),
            **_strictest_bounds(first, second),
            "accept": _shared(first.accept, second.accept),
            "max_files": max(first.max_files, second.max_files),
            "level": max(first.level, second.level, key=("county", "township", "village").index),
            "prefill": first.prefill or second.prefill,
            "readonly": first.readonly or second.readonly,
        }
    )


def _strictest_bounds(first: Field, second: Field) -> dict[str, Any]:
    low = max((one for one in (first.min, second.min) if one is not None), default=None)
    high = min((one for one in (first.max, second.max) if one is not None), default=None)
    if low is not None and high is not None and low > high:
        low, high = first.min, first.max
    return {
        "min": low,
        "max": high,
        "max_length": min((one for one in (first.max_length, second.max_length) if one is not None), default=None),
    }


def _shared_options(first: tuple[Option, ...], second: tuple[Option, ...]) -> tuple[Option, ...]:
    """Options both allow; all of both where they share none; no list means every code of the code list."""
    if not first or not second:
        return first or second
    values = {option.value for option in second}
    shared = tuple(option for option in first if option.value in values)
    return shared or first + second


def _shared(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    if not first or not second:
        return first or second
    return tuple(one for one in first if one in second) or first + second


def _merge_cells(first: tuple[Field, ...], second: tuple[Field, ...]) -> tuple[Field, ...]:
    cells = {cell.key: cell for cell in first}
    for cell in second:
        cells[cell.key] = merge_fields(cells[cell.key], cell) if cell.key in cells else cell
    return tuple(cells.values())


def _ids(definition: FormDefinition) -> dict[str, tuple[Any, ...]]:
    """Own ids with what makes two of them the same question; elements are always the same."""
    ids: dict[str, tuple[Any, ...]] = {
        field.key: (field.type, field.label, field.options, field.code_list, field.fields)
        for field in definition.by_key.values()
        if field.id
    }
    for question in all_questions(definition.situations):
        ids[SITUATION + question.id] = (question,)
    return ids


def _renamed_field(field: Field, names: dict[str, str], page_when: Condition | None) -> Field:
    when = both(page_when, field.when)
    return field.model_copy(
        update={
            "id": names.get(field.id, field.id) if field.id else None,
            "when": when.renamed(names) if when else None,
        }
    )


def _renamed_check(check: Check, names: dict[str, str]) -> Check:
    return check.model_copy(
        update={
            "field": names.get(check.field, check.field),
            "other": names.get(check.other, check.other) if check.other else None,
            "when": check.when.renamed(names) if check.when else None,
        }
    )


def _renamed_question(question: SituationQuestion, names: dict[str, str]) -> SituationQuestion:
    """The question and all under it; a changed follow-up makes its parents different too, so all are renamed."""
    new = names.get(SITUATION + question.id, SITUATION + question.id).removeprefix(SITUATION)
    options = tuple(
        option.model_copy(update={"then": tuple(_renamed_question(one, names) for one in option.then)})
        for option in question.options
    )
    return question.model_copy(update={"id": new, "options": options})
