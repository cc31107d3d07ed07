"""A page of a form bound to answers and errors, ready for the templates. Reads, never writes.

The templates draw what is inside a <form>; its owner adds the tag, the token, `revision` and the buttons.
`forms/page.html` and `forms/situation.html` want `page` (a `BoundPage`) and, after a stale save, `unsaved`;
`forms/error_summary.html` wants `page` or `errors`; `forms/check_answers.html` wants `rows`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from yici.base.text import Text
from yici.core.forms import rules
from yici.core.forms.references import StoredReferences, division_name, file_name
from yici.core.forms.rules import posting
from yici.core.forms.rules.answers import Provenance, provenance, words
from yici.core.forms.rules.definition import FieldType, FormDefinition, Page, SituationQuestion
from yici.core.forms.rules.posting import DATE_PARTS, DIVISION_LEVELS
from yici.core.forms.rules.questions import RADIO_LIMIT, Question
from yici.core.forms.rules.validation import Visibility, lenient
from yici.core.places import queries as places
from yici.core.places import rules as place_rules

__all__ = ["BoundField", "BoundPage", "bound_page", "bound_situation", "read_page"]

_ONE_INPUT = {
    FieldType.TEXT: ("text", ""),
    FieldType.PHONE: ("tel", "numeric"),
    FieldType.ID_NUMBER: ("text", ""),
    FieldType.NUMBER: ("text", "decimal"),
    FieldType.MONEY: ("text", "decimal"),
}


@dataclass
class Choice:
    """One radio, checkbox or list entry."""

    value: str
    label: str
    html_id: str
    chosen: bool
    hint: str = ""


@dataclass
class Box:
    """One box of a date, or one list of a division picker."""

    name: str
    html_id: str
    label: str
    value: str = ""
    css: str = ""
    autocomplete: str = ""
    maxlength: int = 4
    choices: list[Choice] = field(default_factory=list)


@dataclass
class BoundField:
    """A field as a template shows it. `describedby` lists the ids of its hint, error and source line."""

    name: str
    html_id: str
    type: str
    template: str
    label: str
    lang: str
    hint: str
    error: str
    value: Any
    required: bool
    readonly: bool = False
    choices: list[Choice] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    rows: list[list[BoundField]] = field(default_factory=list)
    files: list[tuple[str, str]] = field(default_factory=list)
    can_add: bool = False
    can_remove: bool = False
    input_type: str = "text"
    inputmode: str = ""
    autocomplete: str = ""
    max_length: int | None = None
    css: str = ""
    suffix: str = ""
    accept: str = ""
    source: Provenance | None = None
    text: str = ""

    @property
    def focus_id(self) -> str:
        """Where a link of the error summary leads."""
        if self.choices and self.template != "forms/fields/select.html":
            return self.choices[0].html_id
        if self.boxes:
            return self.boxes[-1].html_id if self.type == FieldType.DIVISION else self.boxes[0].html_id
        return f"{self.html_id}-add" if self.type == FieldType.GROUP else self.html_id

    @property
    def describedby(self) -> str:
        parts = [("hint", self.hint), ("error", self.error), ("source", self.source)]
        return " ".join(f"{self.html_id}-{name}" for name, present in parts if present)


@dataclass
class BoundPage:
    """A page with its fields; `errors` in page order for the summary: (html id to focus, message)."""

    id: str
    title: str
    intro: str
    fields: list[BoundField]
    other_errors: dict[str, str] = field(default_factory=dict)

    @property
    def errors(self) -> list[tuple[str, str]]:
        """Every message with the control it concerns; the first goes first."""
        found: list[tuple[str, str]] = []
        for one in self.fields:
            if one.error:
                found.append((one.focus_id, one.error))
            found.extend((cell.focus_id, cell.error) for row in one.rows for cell in row if cell.error)
        return found + [(f"field-{key}", message) for key, message in self.other_errors.items()]

    @property
    def has_buttons(self) -> bool:
        """Whether a field brings buttons of its own, which Enter in a text box must not press."""
        return any(one.type in (FieldType.GROUP, FieldType.DIVISION) or one.files for one in self.fields)

    @property
    def title_prefix(self) -> str:
        """Goes before the document's title, so that a screen reader says it first."""
        return _("错误：") if self.errors else ""


def bound_page(
    definition: FormDefinition,
    page: Page,
    answers: Mapping[str, Any],
    prefill: Mapping[str, Any],
    errors: Mapping[str, str] | None = None,
    *,
    situation: Mapping[str, Any] | None = None,
) -> BoundPage:
    """Bind one page. `answers` may hold raw values, as after a refused post; conditions read them as they are."""
    errors = errors or {}
    visibility = Visibility(definition, _comparable(definition, answers), situation or {})
    fields = [
        _field(rules.question(one), one.key, answers.get(one.key), errors, prefill)
        for one in page.fields
        if visibility.shows(one.key)
    ]
    known = {one.name for one in fields} | {cell.name for one in fields for row in one.rows for cell in row}
    return BoundPage(
        id=page.id,
        title=str(page.title),
        intro=str(page.intro or ""),
        fields=fields,
        other_errors={key: message for key, message in errors.items() if key not in known},
    )


def read_page(page: Page, posted: Any) -> dict[str, Any]:
    """What a post of this page says, not yet cleaned; a read-only field only where it was shown as a box."""
    shown = [one.key for one in page.fields if not one.readonly or one.key in posted]
    return {key: value for key, value in posting.read_page(page, posted).items() if key in shown}


def bound_situation(
    definition: FormDefinition, situation: Mapping[str, Any], errors: Mapping[str, str] | None = None
) -> BoundPage:
    """The open questions of the situation tree as a page; `errors` by `situation.<question id>`."""
    fields = [
        _situation_field(question, situation.get(question.id), (errors or {}).get(rules.SITUATION + question.id, ""))
        for question in rules.open_questions(definition, situation)
    ]
    return BoundPage("situation", _("您的情况"), "", fields)


def _comparable(definition: FormDefinition, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Answers as conditions expect them: amounts still in yuan and dates still in boxes are read."""
    values = dict(answers)
    for key, asked in rules.questions_of(definition).items():
        if (asked.type == FieldType.MONEY and isinstance(values.get(key), str)) or isinstance(values.get(key), dict):
            values[key] = lenient(asked, values[key], StoredReferences())
    return values


def _html_id(name: str) -> str:
    return "f-" + name.replace(".", "-").replace("_", "-")


def _situation_field(question: SituationQuestion, value: Any, error: str) -> BoundField:
    name = rules.SITUATION + question.id
    given = {str(one) for one in (value if isinstance(value, list | tuple) else [value])}
    kind = FieldType.MULTI if question.kind == "multi" else FieldType.CHOICE
    bound = _base(name, kind, question.question, question.help, error, value, question.required)
    bound.choices = [
        Choice(one.value, str(one.label), _choice_id(bound.html_id, number), one.value in given, str(one.hint or ""))
        for number, one in enumerate(question.options)
    ]
    return bound


def _base(
    name: str, kind: FieldType, label: Text, hint: Text | None, error: str, value: Any, required: bool
) -> BoundField:
    return BoundField(
        name=name,
        html_id=_html_id(name),
        type=str(kind),
        template=f"forms/fields/{_template(kind)}.html",
        label=str(label),
        lang=label.lang,
        hint=str(hint or ""),
        error=error,
        value="" if value is None else value,
        required=required,
    )


def _template(kind: FieldType) -> str:
    if kind in _ONE_INPUT:
        return "input"
    return {FieldType.CHOICE: "radios", FieldType.YES_NO: "radios", FieldType.MULTI: "checkboxes"}.get(kind, str(kind))


def _field(asked: Question, name: str, value: Any, errors: Mapping[str, str], prefill: Mapping[str, Any]) -> BoundField:
    bound = _base(name, asked.type, asked.label, asked.help, errors.get(name, ""), value, asked.field.required)
    bound.source = provenance(asked, value, prefill, _in_words)
    if asked.field.readonly and bound.source and not bound.source.problem:
        bound.readonly, bound.template = True, "forms/fields/readonly.html"
        bound.text, bound.hint = bound.source.recorded, ""
        return bound
    bound.autocomplete = asked.autocomplete
    bound.max_length = asked.max_length
    _FILLERS.get(asked.type, _fill_input)(bound, asked, value)
    if asked.type == FieldType.GROUP:
        _fill_group(bound, asked, value, errors)
    return bound


def _in_words(asked: Question, value: Any) -> str:
    return words(asked, value, division=division_name, file=file_name)


def _fill_input(bound: BoundField, asked: Question, value: Any) -> None:
    bound.input_type, bound.inputmode = _ONE_INPUT.get(asked.type, ("text", ""))
    if asked.type == FieldType.MONEY:
        bound.suffix, bound.css = _("元"), "mid"
        if isinstance(value, int):
            bound.value = f"{value / 100:.2f}".removesuffix(".00")
    elif asked.type == FieldType.NUMBER:
        bound.css = "short"
        bound.suffix = str(asked.element.unit or "") if asked.element is not None else ""
    elif asked.type in (FieldType.PHONE, FieldType.ID_NUMBER):
        bound.max_length = 30  # blanks between groups of digits are fine, validation removes them
        bound.autocomplete = bound.autocomplete or ("tel" if asked.type == FieldType.PHONE else "off")
        bound.css = "wide-code"
    elif asked.is_address:  # too long for one line of a phone
        bound.template, bound.css = "forms/fields/textarea.html", "two-lines"
    elif asked.type == FieldType.TEXT and asked.element is not None and asked.element.check in ("bank_card", "digits"):
        bound.inputmode = "numeric"


def _fill_choice(bound: BoundField, asked: Question, value: Any) -> None:
    given = {_word(one) for one in (value if isinstance(value, list | tuple) else [value])}
    bound.choices = [
        Choice(one.value, str(one.label), _choice_id(bound.html_id, number), one.value in given, str(one.hint or ""))
        for number, one in enumerate(asked.options)
    ]
    if asked.type == FieldType.CHOICE and len(bound.choices) > RADIO_LIMIT:
        bound.template = "forms/fields/select.html"


def _word(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _choice_id(html_id: str, number: int) -> str:
    """The first choice carries the plain id, so that the error summary can lead to it."""
    return html_id if number == 0 else f"{html_id}-{number + 1}"


def _fill_date(bound: BoundField, asked: Question, value: Any) -> None:
    if isinstance(value, dict):
        parts = [str(value.get(part) or "") for part in DATE_PARTS]
    else:
        split = str(value or "").split("-")
        parts = [split[0], *(one.lstrip("0") for one in split[1:])] if len(split) == 3 else [str(value or ""), "", ""]
    birth = bound.autocomplete == "bday"
    labels = (_("年"), _("月"), _("日"))
    bound.boxes = [
        Box(
            name=f"{bound.name}__{part}",
            html_id=f"{bound.html_id}-{part}",
            label=label,
            value=text,
            css="year" if part == "year" else "",
            autocomplete=f"bday-{part}" if birth else "",
            maxlength=10 if part == "year" else 2,
        )
        for part, label, text in zip(DATE_PARTS, labels, parts, strict=True)
    ]


def _fill_division(bound: BoundField, asked: Question, value: Any) -> None:
    """One list per level down to the first that is not chosen yet."""
    code = str(value or "")
    chosen: dict[str, str] = {}
    try:
        chain = [*place_rules.ancestor_codes(code), code] if code else []
        chosen = {place_rules.level_of(one): one for one in chain}
    except place_rules.UnknownDivision:
        bound.value = ""
    parent = places.root().code
    labels = {"county": _("县（区）"), "township": _("乡镇（街道）"), "village": _("村（社区）")}
    for level in DIVISION_LEVELS:
        here = chosen.get(level, "")
        html_id = f"{bound.html_id}-{level}"
        choices = [Choice(one.code, one.name, "", one.code == here) for one in places.children(parent)]
        bound.boxes.append(Box(f"{bound.name}__{level}", html_id, labels[level], here, choices=choices))
        if level == asked.field.level or not here:
            break
        parent = here


def _fill_files(bound: BoundField, asked: Question, value: Any) -> None:
    kept = value if isinstance(value, list | tuple) else [value] if value else []
    bound.files = [(str(one), file_name(str(one))) for one in kept if str(one).isascii() and str(one).isdigit()]
    bound.accept = ",".join(f".{kind}" for kind in asked.accept)
    bound.can_add = len(bound.files) < asked.field.max_files
    bound.suffix = "、".join(asked.accept)


def _fill_group(bound: BoundField, asked: Question, value: Any, errors: Mapping[str, str]) -> None:
    rows = [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
    while len(rows) < max(asked.min_rows, 0):
        rows.append({})
    bound.rows = [
        [_field(cell, f"{bound.name}.{number}.{cell.key}", row.get(cell.key), errors, {}) for cell in asked.cells]
        for number, row in enumerate(rows)
    ]
    bound.can_add = len(rows) < asked.max_rows
    bound.can_remove = len(rows) > asked.min_rows


def _nothing(bound: BoundField, asked: Question, value: Any) -> None:
    """Groups are filled with their errors, afterwards."""


_FILLERS = {
    FieldType.CHOICE: _fill_choice,
    FieldType.MULTI: _fill_choice,
    FieldType.YES_NO: _fill_choice,
    FieldType.DATE: _fill_date,
    FieldType.DIVISION: _fill_division,
    FieldType.FILE: _fill_files,
    FieldType.GROUP: _nothing,
}
