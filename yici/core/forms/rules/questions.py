"""A field as it is really asked: the form's words laid over what the vocabulary says of the element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from yici.base.text import Text
from yici.core.forms.rules.definition import Field, FieldType, FormDefinition, Option
from yici.core.vocabulary import queries as vocabulary

# Above this many options a list to open is easier than a column of buttons (GOV.UK: radios up to about seven).
RADIO_LIMIT = 7
DEFAULT_LENGTHS = {FieldType.TEXT: 200, FieldType.TEXTAREA: 2000}
DEFAULT_ACCEPT = ("pdf", "png", "jpg", "jpeg", "webp")
DEFAULT_ROWS = 20

_CHECK_TYPES = {"id_number": FieldType.ID_NUMBER, "phone": FieldType.PHONE, "division": FieldType.DIVISION}
_ELEMENT_TYPES = {
    "text": FieldType.TEXT,
    "textarea": FieldType.TEXTAREA,
    "date": FieldType.DATE,
    "number": FieldType.NUMBER,
    "integer": FieldType.NUMBER,
    "money": FieldType.MONEY,
    "code": FieldType.CHOICE,
    "yes_no": FieldType.YES_NO,
    "division": FieldType.DIVISION,
    "file": FieldType.FILE,
    "group": FieldType.GROUP,
}
YES_NO = (
    Option(value="yes", label=Text(zh="是", en="Yes")),
    Option(value="no", label=Text(zh="否", en="No")),
)


@dataclass(frozen=True)
class Question:
    """A resolved field. `element` is the vocabulary's element, `None` for a form's own question."""

    field: Field
    type: FieldType
    label: Text
    help: Text | None
    options: tuple[Option, ...]
    element: Any
    max_length: int | None
    autocomplete: str
    cells: tuple[Question, ...]

    @property
    def key(self) -> str:
        return self.field.key

    @property
    def is_address(self) -> bool:
        """Shown on two lines, kept as one."""
        return self.type == FieldType.TEXT and self.element is not None and self.element.check == "address"

    @property
    def min_rows(self) -> int:
        """Fewest rows of a group."""
        return int(self.field.min) if self.field.min is not None else int(self.field.required)

    @property
    def max_rows(self) -> int:
        return int(self.field.max) if self.field.max is not None else DEFAULT_ROWS

    @property
    def accept(self) -> tuple[str, ...]:
        """File extensions, lower case and without the dot."""
        return tuple(kind.lower().lstrip(".") for kind in self.field.accept) or DEFAULT_ACCEPT

    def option(self, value: Any) -> Option | None:
        return next((option for option in self.options if option.value == str(value)), None)


def question(field: Field) -> Question:
    """Resolve one field. Raises `NotFound` where the vocabulary does not know its element or code list."""
    element = vocabulary.element(field.element) if field.element else None
    kind = _type(field, element)
    length = field.max_length or (element.max_length if element else None) or DEFAULT_LENGTHS.get(kind)
    return Question(
        field=field,
        type=kind,
        label=field.label or (element.label if element else Text(zh=field.key)),
        help=field.help or (element.help if element else None),
        options=_options(field, kind, element),
        element=element,
        max_length=length,
        autocomplete=field.autocomplete or (element.autocomplete if element else "") or "",
        cells=tuple(question(cell) for cell in field.fields),
    )


def questions_of(definition: FormDefinition) -> dict[str, Question]:
    """Every top-level question by key, in order."""
    return {key: question(field) for key, field in definition.by_key.items()}


def elements_of(definition: FormDefinition) -> list[str]:
    """Ids of the elements a form may be prefilled with."""
    return [field.element for field in definition.by_key.values() if field.element and field.prefill]


def _type(field: Field, element: Any) -> FieldType:
    if field.type or element is None:
        return field.type or FieldType.TEXT
    return _CHECK_TYPES.get(element.check or "") or _ELEMENT_TYPES.get(element.type, FieldType.TEXT)


def _options(field: Field, kind: FieldType, element: Any) -> tuple[Option, ...]:
    if kind == FieldType.YES_NO:
        return YES_NO
    if kind not in (FieldType.CHOICE, FieldType.MULTI) or field.options:
        return field.options
    name = field.code_list or (element.code_list if element else None)
    codes = vocabulary.code_list(name).codes if name else ()
    return tuple(Option(value=code.code, label=code.label) for code in codes)


def problems(definition: FormDefinition) -> list[tuple[str, str]]:
    """What a linter should say of a parsed definition: (field key, message) for names nobody knows."""
    found: list[tuple[str, str]] = []
    for field in definition.by_key.values():
        for one in (field, *field.fields):
            try:
                resolved = question(one)
            except Exception as error:  # any refusal of the vocabulary is the author's to mend
                found.append((one.key, str(getattr(error, "message", error))))
                continue
            if resolved.type in (FieldType.CHOICE, FieldType.MULTI) and not resolved.options:
                found.append((one.key, _("选择题没有选项，请写 options 或 code_list")))
            if resolved.type == FieldType.GROUP and not one.fields:
                found.append((one.key, _("重复组须写 fields（组内字段）")))
    return found
