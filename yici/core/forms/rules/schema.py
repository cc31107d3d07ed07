"""A form as JSON Schema (draft 2020-12), so that a program can fill it in as well as a person."""

from __future__ import annotations

from typing import Any

from yici.core.forms.rules.definition import Field, FieldType, FormDefinition, all_questions
from yici.core.forms.rules.questions import Question, questions_of

_STRINGS = {
    FieldType.PHONE: {"type": "string", "pattern": "^1[3-9][0-9]{9}$"},
    FieldType.ID_NUMBER: {"type": "string", "pattern": "^[0-9]{17}[0-9Xx]$"},
    FieldType.DATE: {"type": "string", "format": "date"},
    FieldType.YES_NO: {"type": "boolean"},
    FieldType.DIVISION: {"type": "string", "pattern": "^[0-9]{12}$"},
}


def json_schema(definition: FormDefinition) -> dict[str, Any]:
    """Shape of the answers. A field under a condition is never in `required`; `x-when` says the condition,
    `x-element` the data element, `x-page` where people are asked."""
    properties: dict[str, Any] = {}
    for key, asked in questions_of(definition).items():
        page = definition.page_of[key]
        properties[key] = {**_property(asked), "x-page": page.id}
        if page.when:
            properties[key]["x-page-when"] = page.when.model_dump(by_alias=True, exclude_none=True, mode="json")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "required": [
            key for key, field in definition.by_key.items() if _always(field) and not definition.page_of[key].when
        ],
        "additionalProperties": False,
    }


def situation_schema(definition: FormDefinition) -> dict[str, Any]:
    """Shape of the answers of the situation tree."""
    properties: dict[str, Any] = {}
    for question in all_questions(definition.situations):
        one = {"type": "string", "enum": [option.value for option in question.options]}
        shape = {"type": "array", "items": one, "uniqueItems": True} if question.kind == "multi" else one
        properties[question.id] = {**shape, "title": str(question.question)}
    roots = [question.id for question in definition.situations if question.required]
    return {"type": "object", "properties": properties, "required": roots, "additionalProperties": False}


def _always(field: Field) -> bool:
    return field.required and field.when is None and not field.readonly


def _property(asked: Question) -> dict[str, Any]:
    shape: dict[str, Any] = {"title": str(asked.label), **_shape(asked)}
    if asked.help:
        shape["description"] = str(asked.help)
    if asked.element is not None:
        shape["x-element"] = asked.element.id
    if asked.field.readonly:
        shape["readOnly"] = True
    if asked.field.when:
        shape["x-when"] = asked.field.when.model_dump(by_alias=True, exclude_none=True, mode="json")
    return shape


def _shape(asked: Question) -> dict[str, Any]:
    field = asked.field
    bounds = {name: bound for name, bound in (("minimum", field.min), ("maximum", field.max)) if bound is not None}
    match asked.type:
        case FieldType.TEXT | FieldType.TEXTAREA:
            return {"type": "string", **({"maxLength": asked.max_length} if asked.max_length else {})}
        case FieldType.NUMBER:
            return {"type": "number", **bounds}
        case FieldType.MONEY:
            fen = {name: int(bound * 100) for name, bound in bounds.items()}
            yuan = {"type": "string", "pattern": r"^-?[0-9,]+(\.[0-9]{1,2})?$", "description": "yuan"}
            return {"oneOf": [{"type": "integer", "description": "fen", **fen}, yuan]}
        case FieldType.CHOICE:
            return {"type": "string", "enum": [option.value for option in asked.options]}
        case FieldType.MULTI:
            one = {"type": "string", "enum": [option.value for option in asked.options]}
            return {"type": "array", "items": one, "uniqueItems": True}
        case FieldType.FILE:
            return {
                "type": "array",
                "items": {"type": "integer"},
                "maxItems": field.max_files,
                "description": "ids of stored files: " + ", ".join(asked.accept),
            }
        case FieldType.GROUP:
            return {
                "type": "array",
                "minItems": asked.min_rows,
                "maxItems": asked.max_rows,
                "items": {
                    "type": "object",
                    "properties": {cell.key: _property(cell) for cell in asked.cells},
                    "required": [cell.key for cell in asked.cells if _always(cell.field)],
                    "additionalProperties": False,
                },
            }
    return dict(_STRINGS[asked.type])
