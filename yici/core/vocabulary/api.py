"""Public endpoints: the catalogue of data elements and the code lists. They describe data, they hold none."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router, Schema

from yici.core.vocabulary import queries
from yici.core.vocabulary.definitions import CodeList, Element

router = Router(tags=["vocabulary"])


class Words(Schema):
    zh: str
    en: str


class ElementOut(Schema):
    id: str
    label: Words
    type: str
    check: str | None
    code_list: str | None
    sensitivity: str
    source: str
    standard: str
    help: Words | None
    unit: Words | None
    max_length: int
    example: str


class ElementsOut(Schema):
    count: int
    elements: list[ElementOut]


class CodeOut(Schema):
    code: str
    label: Words


class CodeListSummary(Schema):
    id: str
    title: Words
    standard: str
    size: int


class CodeListOut(Schema):
    id: str
    title: Words
    standard: str
    codes: list[CodeOut]


@router.get("/elements", response=ElementsOut, auth=None, summary="数据元目录 · Catalogue of data elements")
def list_elements(
    request: HttpRequest, q: str = "", group: str = "", source: str = "", sensitivity: str = ""
) -> dict[str, object]:
    """Elements matching every word of `q` in id, label, standard or help, narrowed by exact facets."""
    found = queries.search_elements(q, group=group, source=source, sensitivity=sensitivity)
    return {"count": len(found), "elements": list(found)}


@router.get("/elements/{element_id}", response=ElementOut, auth=None, summary="数据元 · One data element")
def get_element(request: HttpRequest, element_id: str) -> Element:
    """404 `unknown-element`."""
    return queries.element(element_id)


@router.get("/code-lists", response=list[CodeListSummary], auth=None, summary="代码表目录 · Code lists")
def list_code_lists(request: HttpRequest) -> list[dict[str, object]]:
    return [
        {"id": item.id, "title": item.title, "standard": item.standard, "size": len(item.codes)}
        for item in queries.code_lists()
    ]


@router.get("/code-lists/{list_id}", response=CodeListOut, auth=None, summary="代码表 · One code list")
def get_code_list(request: HttpRequest, list_id: str) -> CodeList:
    """404 `unknown-code-list`."""
    return queries.code_list(list_id)
