"""Bilingual text: every word the city shows is Chinese first, with English beside it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import get_language
from pydantic import BaseModel, ConfigDict, model_validator


class Text(BaseModel):
    """`{zh: …, en: …}` or a plain Chinese string. `str(text)` gives the active language, else Chinese."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zh: str
    en: str = ""

    @model_validator(mode="before")
    @classmethod
    def _from_plain(cls, value: Any) -> Any:
        return {"zh": value} if isinstance(value, str) else value

    def __str__(self) -> str:
        return localized(self.zh, self.en)

    @property
    def lang(self) -> str:
        """BCP 47 tag of what `str()` gives, for a `lang` attribute where English is missing."""
        return localized("zh-CN", "en" if self.en else "")


def localized(zh: str, en: str = "") -> str:
    """Pick by the active language; Chinese when English is missing."""
    return en if en and (get_language() or "zh").startswith("en") else zh
