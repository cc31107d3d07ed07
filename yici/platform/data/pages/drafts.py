"""Drafting the description of a class that is only registered, from a file of its department."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from yici.core.people.auth import account_of, staff_required
from yici.platform.data.catalogue import drafting
from yici.platform.data.errors import Refused
from yici.platform.data.pages import words
from yici.platform.data.pages.uploads import sent_file
from yici.platform.data.reading import access

LARGEST = 64 * 1024 * 1024  # bytes: a sample is enough


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required("data.upload")
def draft(request: HttpRequest, slug: str) -> HttpResponse:
    """The form, and by POST what the file says about its columns. The file is kept nowhere."""
    data_class = access.class_for(account_of(request), slug, "data.upload")
    if data_class.is_described:
        return redirect("data-class", slug)
    context: dict[str, Any] = {"data_class": data_class, "types": words.TYPES}
    if request.method == "POST":
        try:
            file = sent_file(request, LARGEST, _("样本文件不能超过 64 MB，截取一部分即可。"))
            context["draft"] = drafting.file_of(data_class, file.chunks(), file.name or "")
        except Refused as error:
            context["error"] = str(error.message)
    return render(request, "data/draft.html", context, status=422 if "error" in context else 200)
