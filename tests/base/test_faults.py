"""Pydantic's faults in our words."""

from __future__ import annotations

from typing import Literal

import pytest
from django.utils import translation
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from yici.base.faults import faults_of, first_fault


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=2)
    age: int = Field(ge=0)
    kind: Literal["a", "b"] = "a"


def faults(**given: object) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        Asked.model_validate(given)
    return faults_of(caught.value)


def test_the_usual_faults_are_told_in_words_with_their_limits() -> None:
    assert faults(name="x", age=-1, kind="c") == [
        ("name", "至少 2 个字符"),
        ("age", "不能小于 0"),
        ("kind", "应为 'a' or 'b' 之一"),
    ]
    assert faults(age="x", more=1) == [("name", "缺少这一项"), ("age", "应为整数"), ("more", "没有这一项")]


def test_words_follow_the_language_and_the_first_names_its_place() -> None:
    with translation.override("en"), pytest.raises(ValidationError) as caught:
        Asked.model_validate({"name": "abc", "age": -1})
    with translation.override("en"):
        assert first_fault(caught.value) == "age must not be less than 0"
