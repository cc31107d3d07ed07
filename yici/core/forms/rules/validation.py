"""Validation of answers, the same for a page, the API and submission. Collects every error at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Invalid
from yici.core.forms.rules.conditions import Condition, compare, is_filled
from yici.core.forms.rules.definition import SITUATION, Check, Field, FieldType, FormDefinition, Page
from yici.core.forms.rules.questions import Question, question, questions_of
from yici.core.forms.rules.situations import clean_situation, shown_key
from yici.core.forms.rules.values import References, clean, missing_message

Answers = Mapping[str, Any]


@dataclass
class Outcome:
    """`cleaned` holds the valid answers of visible fields; `errors` what is wrong, by `key` or `key.row.cell`."""

    cleaned: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


class Visibility:
    """Which fields are asked, given cleaned answers. A hidden field counts as unanswered for the others."""

    def __init__(self, definition: FormDefinition, answers: Answers, situation: Answers) -> None:
        self._definition = definition
        self._answers = answers
        self._situation = situation
        self._known: dict[str, bool] = {}
        self._asking: set[str] = set()

    def value_of(self, key: str) -> Any:
        if key.startswith(SITUATION):
            return self._situation.get(key.removeprefix(SITUATION))
        return self._answers.get(key) if self.shows(key) else None

    def shows(self, key: str) -> bool:
        if key in self._known:
            return self._known[key]
        if key in self._asking or key not in self._definition.by_key:
            return False  # two joint forms whose conditions wait for each other: neither is asked
        self._asking.add(key)
        conditions = (self._definition.page_of[key].when, self._definition.by_key[key].when)
        shown = all(condition.holds(self.value_of) for condition in conditions if condition)
        self._asking.discard(key)
        self._known[key] = shown
        return shown

    def in_row(self, row: Answers) -> Callable[[str], Any]:
        """How conditions inside a group read: the row first, then the form."""
        return lambda key: row[key] if key in row else self.value_of(key)


def visible_pages(definition: FormDefinition, answers: Answers, situation: Answers | None = None) -> list[Page]:
    """Pages with at least one field to ask, in order. `answers` are kept (cleaned) answers."""
    visibility = Visibility(definition, answers, situation or {})
    return [page for page in definition.pages if any(visibility.shows(field.key) for field in page.fields)]


def visible_fields(
    definition: FormDefinition, page: Page, answers: Answers, situation: Answers | None = None
) -> list[Field]:
    """The fields of one page that are asked now."""
    visibility = Visibility(definition, answers, situation or {})
    return [field for field in page.fields if visibility.shows(field.key)]


def examine(
    definition: FormDefinition,
    answers: Answers,
    situation: Answers,
    references: References,
    *,
    fixed: Answers | None = None,
    subject: Answers | None = None,
    refuse_unknown: bool = True,
    page: Page | None = None,
) -> Outcome:
    """Clean every answer, hide what conditions hide, and say all that is wrong.

    `fixed` are the recorded values of read-only fields, which win over what was sent. `subject` maps
    element → the subject's recorded value for `same_as_subject`. With `page` only that page's errors count.
    """
    outcome = Outcome()
    questions = questions_of(definition)
    given = dict(answers)
    if refuse_unknown:
        _refuse_unknown(questions, given, outcome)
    _apply_fixed(definition, given, fixed or {}, outcome)
    values, problems = _clean_all(questions, given, references)
    situation_answers, situation_errors = clean_situation(definition, situation)
    visibility = Visibility(definition, values, situation_answers)
    for key, asked in questions.items():
        if not visibility.shows(key):
            outcome.errors.pop(key, None)
        elif asked.type == FieldType.GROUP:
            _examine_group(asked, given.get(key), references, visibility, outcome)
        elif key in problems:
            outcome.errors.setdefault(key, problems[key])
        elif key in values:
            outcome.cleaned[key] = values[key]
        elif asked.field.required:
            outcome.errors.setdefault(key, missing_message(asked))
    _run_checks(definition, visibility, outcome, subject or {})
    if page is None:
        outcome.errors |= {SITUATION + key: message for key, message in situation_errors.items()}
    else:
        own = {field.key for field in page.fields}
        outcome.errors = {key: text for key, text in outcome.errors.items() if _top(key, questions) in own}
    return outcome


def validate(
    definition: FormDefinition, answers: Answers, situation: Answers, references: References, **options: Any
) -> dict[str, Any]:
    """Cleaned answers of all visible fields. Raises `Invalid(fields=…)` with every error."""
    outcome = examine(definition, answers, situation, references, **options)
    if outcome.errors:
        raise Invalid(fields=outcome.errors)
    return outcome.cleaned


def lenient(question: Question, raw: Any, references: References) -> Any:
    """The value where it is fine, else `None`: for facts of the city's records, which may be dirty."""
    try:
        if question.type == FieldType.GROUP:
            rows = raw if isinstance(raw, list) else []
            return [_lenient_row(question, row, references) for row in rows if isinstance(row, dict)] or None
        return clean(question, raw, references) if is_filled(raw) else None
    except Invalid:
        return None


def _lenient_row(group: Question, row: Answers, references: References) -> dict[str, Any]:
    cells = {cell.key: lenient(cell, row.get(cell.key), references) for cell in group.cells}
    return {key: value for key, value in cells.items() if value is not None}


def _top(key: str, questions: Mapping[str, Question]) -> str:
    """The top-level field an error key belongs to; element ids hold dots themselves."""
    if key in questions:
        return key
    return next((name for name in questions if key == name or key.startswith(f"{name}.")), key)


def _refuse_unknown(questions: Mapping[str, Question], given: dict[str, Any], outcome: Outcome) -> None:
    for key in [key for key in given if key not in questions]:
        outcome.errors[shown_key(key)] = _("表单里没有这一项，请去掉后重试")
        del given[key]


def _apply_fixed(definition: FormDefinition, given: dict[str, Any], fixed: Answers, outcome: Outcome) -> None:
    for key, field_ in definition.by_key.items():
        if not field_.readonly or key not in fixed:
            continue
        if is_filled(given.get(key)) and str(given[key]) != str(fixed[key]):
            outcome.errors[key] = _("{label}以登记信息为准，不能在此修改").format(label=question(field_).label)
        given[key] = fixed[key]


def _blank(raw: Any) -> bool:
    """Whether nothing was sent; a date of three empty boxes, or only spaces, is nothing."""
    if isinstance(raw, str):
        return not raw.strip()
    if isinstance(raw, dict):
        return not any(is_filled(part) and str(part).strip() for part in raw.values())
    return not is_filled(raw)


def _clean_all(
    questions: Mapping[str, Question], given: Answers, references: References
) -> tuple[dict[str, Any], dict[str, str]]:
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for key, asked in questions.items():
        raw = given.get(key)
        if _blank(raw):
            continue
        if asked.type == FieldType.GROUP:
            values[key] = raw
            continue
        try:
            values[key] = clean(asked, raw, references)
        except Invalid as error:
            problems[key] = str(error.message)
    return values, problems


def _examine_group(group: Question, raw: Any, references: References, visibility: Visibility, outcome: Outcome) -> None:
    if raw is not None and not (isinstance(raw, list) and all(isinstance(row, dict) for row in raw)):
        outcome.errors[group.key] = _("{label}须是一组记录").format(label=group.label)
        return
    rows = [(number, row) for number, row in enumerate(raw or []) if not all(_blank(cell) for cell in row.values())]
    if len(rows) > group.max_rows:
        outcome.errors[group.key] = _("{label}最多 {limit} 项").format(label=group.label, limit=group.max_rows)
        return
    kept: list[dict[str, Any]] = []
    for number, row in rows:
        cleaned, errors = _examine_row(group, row, references, visibility)
        kept.append(cleaned)
        outcome.errors |= {f"{group.key}.{number}.{key}": message for key, message in errors.items()}
    if len(rows) < group.min_rows:
        outcome.errors[group.key] = missing_message(group)
    if kept:
        outcome.cleaned[group.key] = kept


def _examine_row(
    group: Question, row: Answers, references: References, visibility: Visibility
) -> tuple[dict[str, Any], dict[str, str]]:
    cells = {cell.key: cell for cell in group.cells}
    values, problems = _clean_all(cells, row, references)
    cleaned: dict[str, Any] = {}
    errors = {shown_key(key): _("表单里没有这一项，请去掉后重试") for key in row if key not in cells}
    for key, cell in cells.items():
        if cell.field.when and not cell.field.when.holds(visibility.in_row(cleaned)):
            continue
        if key in problems:
            errors[key] = problems[key]
        elif key in values:
            cleaned[key] = values[key]
        elif cell.field.required:
            errors[key] = missing_message(cell)
    return cleaned, errors


def _run_checks(definition: FormDefinition, visibility: Visibility, outcome: Outcome, subject: Answers) -> None:
    for check in definition.checks:
        if check.field in outcome.errors or check.field not in outcome.cleaned:
            continue
        if _applies(check.when, visibility) and passes(check, outcome.cleaned, subject) is False:
            outcome.errors[check.field] = str(check.message)


def _applies(condition: Condition | None, visibility: Visibility) -> bool:
    return condition is None or condition.holds(visibility.value_of)


def passes(check: Check, answers: Answers, subject: Answers) -> bool | None:
    """Whether a check holds; `None` where a part it needs is missing."""
    value = answers.get(check.field)
    if check.compare:
        right = answers.get(check.other) if check.other else check.value
        return compare(value, check.compare, right)
    if check.same_as_subject is not None:
        recorded = subject.get(check.field)
        return (str(value) == str(recorded)) is check.same_as_subject if is_filled(recorded) else None
    try:
        age = full_years(dt.date.fromisoformat(str(value)), clock.today())
    except ValueError:
        return None
    return (check.age_at_least is None or age >= check.age_at_least) and (
        check.age_at_most is None or age <= check.age_at_most
    )


def full_years(birth: dt.date, on: dt.date) -> int:
    """Age in 周岁; the birthday itself counts (whoever is born on 29 February: on 1 March in other years)."""
    return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))
