"""Tiny definitions and the pure references that rules need in tests without a database."""

from __future__ import annotations

from typing import Any

from yici.core.forms.rules import FormDefinition, Outcome, examine


class KnownPlaces:
    """Knows the shape of a division code and files 1 to 9."""

    def division_level(self, code: str) -> str | None:
        if len(code) != 12 or not code.isdigit() or code.startswith("99"):
            return None
        for level, digits in (("city", 4), ("county", 6), ("township", 9), ("village", 12)):
            if code[digits:] == "0" * (12 - digits):
                return level
        return None

    def file_problem(self, file_id: int, accept: tuple[str, ...]) -> str | None:
        return None if 1 <= file_id <= 9 else "没有找到这个文件，请重新上传"


def one_page(*fields: dict[str, Any], **more: Any) -> FormDefinition:
    """A form of one page with these fields; own fields get a label when they have none."""
    return FormDefinition.model_validate(
        {"pages": [{"id": "one", "title": "一页", "fields": [_labelled(f) for f in fields]}], **more}
    )


def _labelled(field: dict[str, Any]) -> dict[str, Any]:
    if "fields" in field:
        field = {**field, "fields": [_labelled(cell) for cell in field["fields"]]}
    return (
        field if "element" in field or "label" in field else {**field, "label": {"zh": field["id"], "en": field["id"]}}
    )


def look(definition: FormDefinition, answers: dict[str, Any], **options: Any) -> Outcome:
    return examine(definition, answers, options.pop("situation", {}), KnownPlaces(), **options)


def text(key: str, **more: Any) -> dict[str, Any]:
    return {"id": key, "type": "text", **more}
