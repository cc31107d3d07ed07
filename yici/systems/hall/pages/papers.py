"""Photos of papers in an application: waiting, and confirming beside the picture. Signed-in citizens, their own drafts."""

from __future__ import annotations

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from yici.base.errors import Invalid, NotFound
from yici.base.requests import whole_number
from yici.core.forms.rules import question
from yici.core.people.auth import account_of, citizen_required
from yici.platform.trust.models import PaperReading
from yici.platform.trust.papers import queries as papers
from yici.systems.hall import services
from yici.systems.hall.pages.apply import frame
from yici.systems.hall.services import OpenApplication

WAIT = 2  # seconds until a waiting page asks again


@citizen_required
@require_POST
def ask(request: HttpRequest, token: str) -> HttpResponse:
    """Have one uploaded photo read."""
    account = account_of(request)
    application = services.opened(account, token)
    chosen = whole_number(request.POST.get("file", ""), 0, digits=18)
    if not chosen:
        raise NotFound()
    try:
        reading = services.ask_reading(application, account, chosen)
    except Invalid as error:
        flash.warning(request, str(error.message))
        return HttpResponseRedirect(reverse("hall-apply-materials", args=[token]))
    return HttpResponseRedirect(reverse("hall-apply-paper", args=[token, reading.pk]))


@citizen_required
@require_http_methods(["GET", "HEAD", "POST"])
def paper(request: HttpRequest, token: str, reading_id: int) -> HttpResponse:
    """Wait for the reading, then confirm or correct what was read beside the picture."""
    account = account_of(request)
    application = services.opened(account, token)
    reading = services.reading_in(application, account, reading_id)
    errors: dict[str, str] = {}
    posted: dict[str, str] = {}
    if request.method == "POST":
        posted = {key: str(value) for key, value in request.POST.items()}
        try:
            filled = services.take_reading(application, account, reading, posted)
            return _taken(request, application, filled)
        except Invalid as error:
            errors = error.fields or {"": str(error.message)}
    waits = reading.state == PaperReading.State.QUEUED
    context = frame(application, "materials") | {
        "reading": reading,
        "title": papers.title_of(reading),
        "fields": papers.shown_fields(reading, posted, errors),
        "errors": errors,
        "waits": waits,
    }
    response = render(request, "hall/apply/paper.html", context, status=422 if errors else 200)
    response["Cache-Control"] = "no-store"
    if waits:
        response["Refresh"] = str(WAIT)  # asks again without JavaScript
    return response


def _taken(request: HttpRequest, application: OpenApplication, filled: list[str]) -> HttpResponse:
    names = [str(question(application.definition.form.by_key[key]).label) for key in filled]
    if names:
        flash.success(request, _("已按证件照片填好：{names}。").format(names=_("、").join(names)))
    else:
        flash.success(request, _("已确认。表单里的内容城市的记录已经填好，没有改动。"))
    return HttpResponseRedirect(reverse("hall-apply-materials", args=[application.draft.token]))
