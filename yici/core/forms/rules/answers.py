"""Answers in words: the rows of a check-answers page, and what a person corrected in the city's records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from yici.base.text import localized
from yici.core.forms.ports import OWN
from yici.core.forms.rules.conditions import is_filled
from yici.core.forms.rules.definition import FieldType, FormDefinition
from yici.core.forms.rules.questions import Question, question
from yici.core.forms.rules.validation import visible_fields, visible_pages
from yici.core.vocabulary import rules as vocabulary

Names = Callable[[str], str]


def _same(value: str) -> str:
    return value


@dataclass(frozen=True)
class Provenance:
    """Where a prefilled value comes from, in the reader's language. `recorded` is the value in words."""

    organisation: str
    dataset: str
    as_of: str
    recorded: str
    changed: bool
    conflicts: tuple[str, ...] = ()
    problem: str = ""
    is_own: bool = False

    @property
    def origin(self) -> str:
        """市公安局 · 人口信息; a dataset named with its department (“市公安局 人口信息”) stands alone."""
        if " " in self.dataset.strip() and not self.dataset.isascii():
            return self.dataset
        return " · ".join(part for part in (self.organisation, self.dataset) if part)


@dataclass(frozen=True)
class AnswerRow:
    """One line of a check-answers page. `rows` holds a group's rows as (label, value) pairs."""

    key: str
    page_id: str
    label: str
    value: str
    provenance: Provenance | None = None
    changed: bool = False
    readonly: bool = False
    rows: tuple[tuple[tuple[str, str], ...], ...] = ()


@dataclass(frozen=True)
class ChangedField:
    """A recorded fact the person says is otherwise: the stuff of an objection (异议)."""

    key: str
    recorded: Any
    claimed: Any
    fact: Mapping[str, Any]


def words(asked: Question, value: Any, *, division: Names = _same, file: Names = _same, masked: bool = False) -> str:
    """A kept value as people read it. `division` and `file` name a code and a stored file id."""
    if not is_filled(value):
        return ""
    match asked.type:
        case FieldType.YES_NO:
            return _("是") if value in (True, "yes") else _("否")
        case FieldType.CHOICE:
            option = asked.option(value)
            return str(option.label) if option else str(value)
        case FieldType.MULTI:
            labels = [str(option.label) for one in value if (option := asked.option(one))]
            return _("、").join(labels)
        case FieldType.MONEY:
            return f"{int(value) / 100:,.2f} " + _("元") if isinstance(value, int) else str(value)
        case FieldType.DATE:
            return _date_in_words(str(value))
        case FieldType.DIVISION:
            return division(str(value))
        case FieldType.FILE:
            return _("、").join(file(str(one)) for one in value)
        case FieldType.GROUP:
            return _("{count} 项").format(count=len(value))
    if masked and asked.element is not None:
        return vocabulary.mask(asked.element.id, str(value))
    return str(value)


def answer_rows(
    definition: FormDefinition,
    answers: Mapping[str, Any],
    prefill: Mapping[str, Any],
    situation: Mapping[str, Any] | None = None,
    *,
    division: Names = _same,
    file: Names = _same,
    masked: bool = False,
) -> list[AnswerRow]:
    """Every visible question with its answer in words and where it came from, in the order of the form."""

    def in_words(asked: Question, value: Any) -> str:
        return words(asked, value, division=division, file=file, masked=masked)

    found: list[AnswerRow] = []
    for page in visible_pages(definition, answers, situation):
        for field in visible_fields(definition, page, answers, situation):
            asked = question(field)
            value = answers.get(field.key)
            origin = provenance(asked, value, prefill, in_words)
            rows = _group_rows(asked, value, in_words) if asked.type == FieldType.GROUP else ()
            changed = bool(origin and origin.changed)
            found.append(
                AnswerRow(
                    field.key, page.id, str(asked.label), in_words(asked, value), origin, changed, field.readonly, rows
                )
            )
    return found


def provenance(
    asked: Question, value: Any, prefill: Mapping[str, Any], in_words: Callable[[Question, Any], str]
) -> Provenance | None:
    """Where the field's recorded value comes from; `None` for a field no record knows."""
    fact = prefill.get(asked.key)
    if not fact or not is_filled(fact.get("value")):
        return None
    return Provenance(
        organisation=localized(fact.get("organisation", ""), fact.get("organisation_en", "")),
        dataset=localized(fact.get("source", ""), fact.get("source_en", "")),
        as_of=str(fact.get("as_of") or ""),
        recorded=in_words(asked, fact["value"]),
        changed=value != fact["value"],
        conflicts=tuple(
            f"{localized(other.get('organisation', ''), other.get('organisation_en', ''))} "
            f"{in_words(asked, other.get('value'))}"
            for other in fact.get("conflicts", ())
        ),
        problem=fact.get("problem", ""),
        is_own=fact.get("provider") == OWN,
    )


def changed_fields(answers: Mapping[str, Any], prefill: Mapping[str, Any]) -> list[ChangedField]:
    """Recorded facts that the (validated) answers contradict. An answer left empty or hidden is no claim."""
    return [
        ChangedField(key, fact["value"], answers[key], fact)
        for key, fact in prefill.items()
        if fact.get("provider") != OWN
        and is_filled(fact.get("value"))
        and is_filled(answers.get(key))
        and answers[key] != fact["value"]
    ]


def _group_rows(
    group: Question, value: Any, in_words: Callable[[Question, Any], str]
) -> tuple[tuple[tuple[str, str], ...], ...]:
    return tuple(
        tuple(
            (str(cell.label), in_words(cell, row.get(cell.key))) for cell in group.cells if is_filled(row.get(cell.key))
        )
        for row in value or []
    )


def _date_in_words(value: str) -> str:
    try:
        date = dt.date.fromisoformat(value)
    except ValueError:
        return value
    if (get_language() or "zh").startswith("en"):
        return f"{date.day} {date:%B %Y}"
    return f"{date.year}年{date.month}月{date.day}日"
