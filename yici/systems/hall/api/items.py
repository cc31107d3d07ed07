"""The catalogue as JSON: list and search items, read one with its form as JSON Schema. Public, read-only."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from yici.core.forms.rules import json_schema, situation_schema
from yici.systems.hall import queries
from yici.systems.hall.models import ServiceItem

router = Router(tags=["items"])


class ItemLine(Schema):
    """An item in a list. `name` and `summary` are Chinese, the others English."""

    code: str
    state: Literal["active", "suspended", "cancelled"]
    name: str
    english: str
    summary: str
    english_summary: str
    task_type: str
    kind: str
    level: str
    subjects: list[str]
    topics: list[str]
    organisation: str


class ItemPage(Schema):
    """`is_guess`: no item had every word; these have some of them."""

    items: list[ItemLine]
    total: int
    page: int
    has_next: bool
    is_guess: bool


class ItemDetail(ItemLine):
    """An item with its current version. `definition` is the whole frozen definition, `form_schema` JSON Schema."""

    version: int
    limits: dict[str, Any]
    materials: list[dict[str, Any]]
    form_schema: dict[str, Any]
    situation_schema: dict[str, Any]
    definition: dict[str, Any]


class ItemQuery(Schema):
    q: str = ""
    subject: Literal["", "person", "enterprise"] = ""
    topic: str = ""
    department: str = ""
    level: Literal["", "city", "county", "township", "village"] = ""
    kind: Literal["", "administrative_approval", "public_service"] = ""
    place: str = Field("", pattern=r"^(\d{12})?$", description="code of a division: what is held for it comes first")
    page: int = Field(1, ge=1, le=10_000)


def _line(row: ServiceItem) -> dict[str, Any]:
    names = (name for name in ItemLine.model_fields if name != "organisation")
    return {name: getattr(row, name) for name in names} | {"organisation": row.organisation.name}


@router.get("/items", response=ItemPage, operation_id="list_items", summary="List or search service items")
def list_items(request: HttpRequest, asked: Query[ItemQuery]) -> dict[str, Any]:
    """Without `q`: base items that fit the filters, 60 to a page. With `q`: ranked, 20 to a page, one for each base item."""
    topic, department = (value.replace("\x00", "")[:80] for value in (asked.topic, asked.department))
    filters = queries.Filters(asked.subject, topic, department, asked.level, asked.kind)
    if words := asked.q.replace("\x00", "").strip():
        found = queries.search(words, filters, page=asked.page, near=asked.place)
        lines = [_line(hit.item) for hit in found.hits]
        return {
            "items": lines,
            "total": found.total,
            "page": found.page,
            "has_next": found.has_next,
            "is_guess": found.is_guess,
        }
    browsed = queries.browse(filters, page=asked.page)
    return {
        "items": [_line(row) for row in browsed.items],
        "total": browsed.total,
        "page": browsed.page,
        "has_next": browsed.has_next,
        "is_guess": False,
    }


@router.get("/items/{slug:code}", response=ItemDetail, operation_id="read_item", summary="Read one service item")
def read_item(request: HttpRequest, code: str) -> dict[str, Any]:
    """404 for an unknown item; a suspended item is shown with its state."""
    row = queries.item_by_code(code)
    version = queries.current_version(row)
    definition = queries.definition_of(version)
    data = definition.published()
    return _line(row) | {
        "version": version.number,
        "limits": data["limits"],
        "materials": data["materials"],
        "form_schema": json_schema(definition.form),
        "situation_schema": situation_schema(definition.form),
        "definition": data,
    }
