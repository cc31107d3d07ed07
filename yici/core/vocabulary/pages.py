"""The staff catalogue of data elements and code lists."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from yici.core.vocabulary import queries
from yici.core.vocabulary.ports import staff_only

TYPES = {
    "text": _("文本"),
    "date": _("日期"),
    "number": _("数字"),
    "money": _("金额"),
    "code": _("代码"),
    "yes_no": _("是否"),
    "file": _("文件"),
    "group": _("分组"),
}
SENSITIVITIES = {
    "public": _("公开"),
    "internal": _("内部"),
    "personal": _("个人信息"),
    "sensitive": _("敏感个人信息"),
}


@staff_only
def elements(request: HttpRequest) -> HttpResponse:
    """Search by words and facets; every element on one page, as there are a few hundred."""
    words = request.GET.get("q", "")
    facets = {name: request.GET.get(name, "") for name in ("group", "source", "sensitivity")}
    everything = queries.elements()
    rows = [
        {"element": item, "type": TYPES[item.type], "sensitivity": SENSITIVITIES[item.sensitivity]}
        for item in queries.search_elements(words, **facets)
    ]
    context = {
        "words": words,
        "facets": facets,
        "rows": rows,
        "total": len(everything),
        "groups": list(dict.fromkeys(item.group for item in everything)),
        "sources": sorted({item.source for item in everything if item.source}),
        "sensitivities": SENSITIVITIES.items(),
        "code_list_count": len(queries.code_lists()),
    }
    return render(request, "vocabulary/elements.html", context)


@staff_only
def code_list(request: HttpRequest, list_id: str) -> HttpResponse:
    context = {"code_list": queries.code_list(list_id), "used_by": queries.elements_using(list_id)}
    return render(request, "vocabulary/code_list.html", context)


@staff_only
def code_lists(request: HttpRequest) -> HttpResponse:
    return render(request, "vocabulary/code_lists.html", {"code_lists": queries.code_lists()})
