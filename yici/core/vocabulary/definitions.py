"""The shapes of the vocabulary: a data element and a code list, as the city folder writes them."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from yici.base.text import Text

ElementType = Literal["text", "date", "number", "money", "code", "yes_no", "file", "group"]
Sensitivity = Literal["public", "internal", "personal", "sensitive"]

# Where a type needs no own limit, this one holds: longest text a citizen may send for one element, in characters.
DEFAULT_MAX_LENGTH = 200


class Element(BaseModel):
    """One data element. `maximum` and `minimum` are in `unit`; for money they are fen.

    `source` is the organisation function that keeps the authoritative value; empty where only the
    applicant knows. `autocomplete` is an HTML autofill token.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    label: Text
    type: ElementType
    check: str | None = None
    code_list: str | None = None
    sensitivity: Sensitivity
    source: str = ""
    standard: str = ""
    help: Text | None = None
    unit: Text | None = None
    max_length: int = Field(default=DEFAULT_MAX_LENGTH, ge=1, le=10_000)
    minimum: float | None = None
    maximum: float | None = None
    example: str = ""
    autocomplete: str = ""

    @model_validator(mode="before")
    @classmethod
    def _yes_no_has_its_list(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("type") == "yes_no":
            return {**value, "code_list": value.get("code_list") or "yes_no"}
        return value

    @property
    def group(self) -> str:
        """The part of the id before the dot: `person` of `person.name`."""
        return self.id.partition(".")[0]

    @property
    def is_personal(self) -> bool:
        """Personal information in the sense of 个人信息保护法; a look at it is recorded."""
        return self.sensitivity in ("personal", "sensitive")


class Code(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    label: Text


class CodeList(BaseModel):
    """Codes in the order people should see them. The list's own name is `title`; `label(code)` names one code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    title: Text = Field(alias="label")
    standard: str = ""
    codes: tuple[Code, ...]

    @cached_property
    def labels(self) -> dict[str, Text]:
        """Code to bilingual label."""
        return {code.code: code.label for code in self.codes}

    def __contains__(self, code: object) -> bool:
        return code in self.labels

    def label(self, code: str) -> str:
        """The label in the active language; the code itself where the list does not know it."""
        return str(self.labels.get(code, code))
