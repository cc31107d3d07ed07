"""What several items come to as one, before anything is begun: themes, and the merge of any set. Public, read-only."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from yici.base.cityfolder import city_folder
from yici.base.errors import NotFound
from yici.core.forms.rules import json_schema, situation_schema
from yici.systems.hall import queries
from yici.systems.hall.joint import describing, themes
from yici.systems.hall.joint.applying import group_key, merged_of

router = Router(tags=["items"])


class ThemeOut(Schema):
    """Items that people do as one thing (一件事)."""

    code: str
    name: str
    summary: str
    items: list[str]


class SharedPaper(Schema):
    """A paper that is handed in once for all `items`; `how` says what may prove it."""

    id: str
    name: str
    how: str
    items: list[str]
    supplied: bool = Field(description="another item's result is it: nothing to hand in")


class Figure(Schema):
    label: str
    before: int
    after: int
    unit: str


class MergeOut(Schema):
    """`order`: waves of codes, each wave at once, after the one before. `contradictions`: why it cannot be applied for."""

    items: list[str]
    order: list[list[str]]
    working_days: int
    materials: list[SharedPaper]
    figures: list[Figure]
    contradictions: list[str]
    form_schema: dict[str, Any]
    situation_schema: dict[str, Any]


class MergeQuery(Schema):
    items: list[str] = Field(min_length=1, max_length=40)


@router.get("/themes", response=list[ThemeOut], operation_id="list_themes")
def list_themes(request: HttpRequest) -> list[ThemeOut]:
    """Sets of items that can be applied for as one thing."""
    found = themes.themes_of(city_folder()).values()
    return [ThemeOut(code=one.code, name=str(one.name), summary=str(one.summary), items=one.items) for one in found]


@router.get("/together", response=MergeOut, operation_id="merge_items")
def merge_items(request: HttpRequest, asked: Query[MergeQuery]) -> MergeOut:
    """Any set of items as one: order, papers, figures before and after, and the form. 404 for an unknown item, 422 for a
    circle of items that wait for each other."""
    rows = {row.code: row for row in queries.visible().filter(code__in=asked.items)}
    wanted = list(dict.fromkeys(asked.items))
    if any(code not in rows for code in wanted):
        raise NotFound
    merged = merged_of(tuple(int(rows[code].current_id or 0) for code in wanted))
    return MergeOut(
        items=wanted,
        order=[list(wave) for wave in merged.waves],
        working_days=merged.days_after,
        materials=[
            SharedPaper(
                id=group_key(one), name=str(one.material.name), how=describing.how(merged, one),
                items=list(dict.fromkeys(need.item for need in one.needs)), supplied=merged.is_supplied(one),
            )
            for one in merged.materials
        ],
        figures=[Figure(label=one.label, before=one.before, after=one.after, unit=one.unit) for one in describing.savings(merged)],
        contradictions=[one.message for one in merged.contradictions],
        form_schema=json_schema(merged.form),
        situation_schema=situation_schema(merged.form),
    )  # fmt: skip
