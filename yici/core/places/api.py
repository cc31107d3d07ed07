"""Public endpoints of the address picker."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from ninja import Query, Router, Schema

from yici.core.places import queries
from yici.core.places.models import Division

router = Router(tags=["places"])


class DivisionOut(Schema):
    """One division as the address picker needs it."""

    code: str
    name: str
    full_name: str
    english: str
    level: str
    kind: str
    has_children: bool = False


@router.get("/divisions", response=list[DivisionOut], auth=None, summary="下级行政区划 · Divisions below one")
def list_divisions(request: HttpRequest, parent: str = "") -> QuerySet[Division]:
    """Divisions directly below `parent`; the counties of the city without it. 422 for an unknown code."""
    above = queries.division(parent) if parent else queries.root()
    below = Division.objects.filter(parent_id=OuterRef("code"))
    return queries.children(above.code).annotate(has_children=Exists(below))


@router.get("/divisions/search", response=list[DivisionOut], auth=None, summary="查找行政区划 · Search divisions")
def search_divisions(request: HttpRequest, q: str, limit: int = Query(20, ge=1, le=50)) -> list[Division]:
    """Divisions by Chinese name, pinyin or initials, best first."""
    return queries.search(q, limit)


@router.get("/divisions/{code}", response=DivisionOut, auth=None, summary="一个行政区划 · One division")
def get_division(request: HttpRequest, code: str) -> Division:
    """One division. 422 for an unknown code."""
    return queries.division(code)
