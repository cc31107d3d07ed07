"""What a form is, as data: pages of fields, conditions, checks and the situation tree.

Parsed from YAML that a civil servant writes, so every refusal says in Chinese what to mend.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal, Self

from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, field_validator, model_validator
from pydantic import Field as Setting

from yici.base.text import Text
from yici.core.forms.rules.conditions import Condition

SITUATION = "situation."
_OWN_ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?")


class FieldType(StrEnum):
    TEXT = "text"
    TEXTAREA = "textarea"
    DATE = "date"
    NUMBER = "number"
    MONEY = "money"
    CHOICE = "choice"
    MULTI = "multi"
    YES_NO = "yes_no"
    PHONE = "phone"
    ID_NUMBER = "id_number"
    DIVISION = "division"
    FILE = "file"
    GROUP = "group"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Option(_Part):
    """One answer to choose."""

    value: str
    label: Text
    hint: Text | None = None

    @field_validator("value", mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        # YAML reads a bare yes/no as a truth value and a bare code as a number.
        if isinstance(value, bool):
            return "yes" if value else "no"
        return str(value) if isinstance(value, int) else value


class Field(_Part):
    """One thing asked: a data element (`element`), or the form's own question (`id` with `type`).

    `min`/`max` bound a number, an amount in yuan, or the rows of a group. `earliest`/`latest` bound a
    date: an ISO date or `today`. `accept` lists file extensions. `level` is how deep a division must be
    chosen. A `readonly` field shows what the records say and is never taken from what is sent.
    """

    element: str | None = None
    id: str | None = None
    type: FieldType | None = None
    label: Text | None = None
    help: Text | None = None
    required: bool = True
    when: Condition | None = None
    options: tuple[Option, ...] = ()
    code_list: str | None = None
    fields: tuple[Field, ...] = ()
    min: float | None = None
    max: float | None = None
    max_length: int | None = None
    decimals: int | None = Setting(default=None, ge=0, le=6)
    earliest: dt.date | Literal["today"] | None = None
    latest: dt.date | Literal["today"] | None = None
    accept: tuple[str, ...] = ()
    max_files: int = Setting(default=5, ge=1, le=50)
    level: Literal["county", "township", "village"] = "village"
    prefill: bool = True
    readonly: bool = False
    autocomplete: str | None = None

    @property
    def key(self) -> str:
        """The id its answer is kept under."""
        return self.element or self.id or ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if bool(self.element) == bool(self.id):
            raise ValueError(_("每个字段须写 element（数据元）或 id（自有字段），二者写其一"))
        if self.id and not self.type:
            raise ValueError(_("自有字段 {id} 须写 type").format(id=self.id))
        if self.id and not self.label:
            raise ValueError(_("自有字段 {id} 须写 label（名称）").format(id=self.id))
        if self.id and not _OWN_ID.fullmatch(self.id):
            raise ValueError(_("字段编号 {id} 只能用小写字母、数字和下划线，以字母开头").format(id=self.id))
        if self.type == FieldType.GROUP and not self.fields:
            raise ValueError(_("重复组 {id} 须写 fields（组内字段）").format(id=self.key))
        if self.fields and self.type not in (FieldType.GROUP, None):
            raise ValueError(_("字段 {id} 不是重复组，不能写 fields").format(id=self.key))
        if self.id and self.type in (FieldType.CHOICE, FieldType.MULTI) and not (self.options or self.code_list):
            raise ValueError(_("选择题 {id} 须写 options（选项）或 code_list（代码表）").format(id=self.key))
        return self

    @model_validator(mode="after")
    def _no_repeats(self) -> Self:
        _refuse_repeats([option.value for option in self.options], _("字段 {id} 的选项重复：").format(id=self.key))
        _refuse_repeats([field.key for field in self.fields], _("重复组 {id} 的字段重复：").format(id=self.key))
        if any(field.fields for field in self.fields):
            raise ValueError(_("重复组 {id} 里不能再套重复组").format(id=self.key))
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(_("字段 {id} 的 min 大于 max").format(id=self.key))
        return self


class Check(_Part):
    """A rule over answers, shown at `field` with `message` when it fails. Skipped while a part is unanswered.

    One of: `compare` with `other` (field id) or `value`; `age_at_least`/`age_at_most` (full years of the
    date on the day of validation); `same_as_subject` (true: must equal the subject's record of the same
    element, false: must differ).
    """

    field: str
    message: Text
    compare: Literal["<", "<=", ">", ">=", "==", "!="] | None = None
    other: str | None = None
    value: int | float | dt.date | str | None = None
    age_at_least: int | None = None
    age_at_most: int | None = None
    same_as_subject: bool | None = None
    when: Condition | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        ages = self.age_at_least is not None or self.age_at_most is not None
        kinds = [self.compare is not None, ages, self.same_as_subject is not None]
        if sum(kinds) != 1:
            raise ValueError(_("核对规则须写 compare、age_at_least/age_at_most、same_as_subject 之一"))
        if self.compare and (self.other is None) == (self.value is None):
            raise ValueError(_("compare 须写 other（另一字段）或 value（固定值），二者写其一"))
        return self


class SituationOption(Option):
    """An answer of the situation tree: which materials it adds or removes, and what is asked next."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    then: tuple[SituationQuestion, ...] = ()


class SituationQuestion(_Part):
    """A question whose answer decides which materials are needed. `bool` has the answers yes and no."""

    id: str
    question: Text
    help: Text | None = None
    kind: Literal["single", "multi", "bool"] = "single"
    required: bool = True
    options: tuple[SituationOption, ...]

    @model_validator(mode="before")
    @classmethod
    def _words_for_bool(cls, data: Any) -> Any:
        """`bool` questions may leave out labels, or the options altogether."""
        if not isinstance(data, dict) or data.get("kind") != "bool":
            return data
        words = {"yes": {"zh": "是", "en": "Yes"}, "no": {"zh": "否", "en": "No"}}
        given = {}
        for option in data.get("options") or []:
            if not isinstance(option, dict):
                return data
            value = option.get("value")
            word = ("yes" if value else "no") if isinstance(value, bool) else str(value)
            given[word] = {"label": words.get(word), **option, "value": word}
        complete = {word: {"value": word, "label": label} for word, label in words.items()} | given
        return {**data, "options": list(complete.values())}

    @model_validator(mode="after")
    def _answerable(self) -> Self:
        values = [option.value for option in self.options]
        _refuse_repeats(values, _("情形 {id} 的选项重复：").format(id=self.id))
        if len(values) < 2 and self.kind != "multi":
            raise ValueError(_("情形 {id} 至少要有两个选项").format(id=self.id))
        if self.kind == "bool" and set(values) != {"yes", "no"}:
            raise ValueError(_("情形 {id} 是“是/否”题，选项只能是 yes 和 no").format(id=self.id))
        return self


class Page(_Part):
    """A screen of the form; ideally it asks one thing."""

    id: str
    title: Text
    intro: Text | None = None
    fields: tuple[Field, ...] = Setting(min_length=1)
    when: Condition | None = None


class FormDefinition(_Part):
    """A whole form. `joint` marks the union of several, whose conditions may look ahead."""

    pages: tuple[Page, ...] = ()
    situations: tuple[SituationQuestion, ...] = ()
    checks: tuple[Check, ...] = ()
    joint: bool = False

    @cached_property
    def by_key(self) -> dict[str, Field]:
        """Top-level fields by id, in order."""
        return {field.key: field for page in self.pages for field in page.fields}

    @cached_property
    def page_of(self) -> dict[str, Page]:
        """The page each top-level field stands on."""
        return {field.key: page for page in self.pages for field in page.fields}

    def page(self, page_id: str) -> Page | None:
        return next((page for page in self.pages if page.id == page_id), None)

    @model_validator(mode="after")
    def _no_repeats(self) -> Self:
        _refuse_repeats([page.id for page in self.pages], _("页面编号重复："))
        _refuse_repeats([field.key for page in self.pages for field in page.fields], _("同一表单里字段重复："))
        _refuse_repeats([question.id for question in self._questions()], _("情形编号重复："))
        return self

    @model_validator(mode="after")
    def _references_known(self) -> Self:
        known = {SITUATION + question.id for question in self._questions()}
        everything = known | set(self.by_key)
        for page in self.pages:
            self._check_condition(page.when, everything if self.joint else known, _("页面 {id}").format(id=page.id))
            for field in page.fields:
                name = _("字段 {id}").format(id=field.key)
                self._check_condition(field.when, everything if self.joint else known, name)
                inside = set(known) | everything if self.joint else set(known)
                for cell in field.fields:
                    self._check_condition(cell.when, inside, _("字段 {id}").format(id=f"{field.key}.{cell.key}"))
                    inside.add(cell.key)
                known.add(field.key)
        for check in self.checks:
            for key in (check.field, check.other):
                if key and key not in self.by_key:
                    raise ValueError(_("核对规则提到的字段 {id} 不在表单里").format(id=key))
            self._check_condition(check.when, everything, _("核对规则"))
        return self

    def _check_condition(self, condition: Condition | None, known: set[str], name: str) -> None:
        for key in condition.fields() if condition else ():
            if key not in known:
                raise ValueError(
                    _("{name} 的条件提到 {id}，它不存在或排在后面；条件只能用前面已问过的").format(name=name, id=key)
                )

    def _questions(self) -> Iterator[SituationQuestion]:
        return all_questions(self.situations)


def all_questions(questions: tuple[SituationQuestion, ...]) -> Iterator[SituationQuestion]:
    """Every question of a situation tree, depth first."""
    for question in questions:
        yield question
        for option in question.options:
            yield from all_questions(option.then)


def _refuse_repeats(values: list[str], message: str) -> None:
    repeated = sorted({value for value in values if values.count(value) > 1})
    if repeated:
        raise ValueError(message + "、".join(repeated))


SituationOption.model_rebuild()
