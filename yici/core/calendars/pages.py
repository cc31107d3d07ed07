"""Staff pages of the working calendar: a year at a glance, a year's notice, one changed day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from yici.base import clock
from yici.base.errors import Invalid, NotFound
from yici.core.audit import queries as audit
from yici.core.calendars import ports, queries, seed, services

View = Callable[..., HttpResponse]
FIRST_YEAR, LAST_YEAR = 2004, 2100


def managers_only(view: View) -> View:
    """Only staff who hold `calendar.manage`; the gate is asked at each request, for wiring comes late."""

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = ports.gated(view)(request, *args, **kwargs)
        return response

    return page


@require_GET
@managers_only
def this_year(request: HttpRequest) -> HttpResponse:
    return redirect("calendars:year", year=clock.today().year)


@require_GET
@managers_only
def year(request: HttpRequest, year: int) -> HttpResponse:
    """A year with its notice; where there is none, the form to enter it."""
    chosen = _date_or_none(request.GET.get("day", ""))
    form: dict[str, Any] = {"title": seed.title_of(year)}
    if chosen and chosen.year == year:
        form["date"] = chosen.isoformat()
    return _show(request, year, form)


@require_POST
@managers_only
def enter_notice(request: HttpRequest, year: int) -> HttpResponse:
    form = _posted(request, "title", "document_number", "issued_on", "days")
    try:
        days = services.parse_days(form["days"])
        issued_on = _date(form["issued_on"], "issued_on") if form["issued_on"] else None
        services.enter_notice(request.user, year, form["title"], form["document_number"], issued_on, days)
    except Invalid as error:
        return _show(request, year, form, error.fields)
    messages.success(request, _("%(year)d 年的通知已录入，期限从现在起可以计算。") % {"year": year})
    return redirect("calendars:year", year=year)


@require_POST
@managers_only
def change_day(request: HttpRequest, year: int) -> HttpResponse:
    form = _posted(request, "date", "nature", "name", "reason")
    try:
        date = _date(form["date"], "date")
        if date.year != year:
            raise Invalid(fields={"date": _("请选择 %(year)d 年内的日期。") % {"year": year}})
        if form["nature"] not in ("work", "rest"):
            raise Invalid(fields={"nature": _("请选择上班或休息。")})
        services.change_day(request.user, date, form["nature"] == "work", form["name"], form["reason"])
    except Invalid as error:
        return _show(request, year, form, error.fields)
    messages.success(request, _("%(date)s 已修改。") % {"date": date.isoformat()})
    return redirect("calendars:year", year=year)


def _posted(request: HttpRequest, *names: str) -> dict[str, str]:
    return {name: request.POST.get(name, "").replace("\0", "") for name in names}  # PostgreSQL text holds no NUL


def _show(request: HttpRequest, year: int, form: dict[str, Any], errors: dict[str, str] | None = None) -> HttpResponse:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise NotFound
    context = {
        "view": queries.year_view(year),
        "form": form,
        "errors": errors or {},
        "today": clock.today(),
        "before": year - 1 if year > FIRST_YEAR else None,
        "after": year + 1 if year < LAST_YEAR else None,
        "changes": audit.entries_about("calendar", str(year), limit=20),
        "hours": queries.calendar().hours_on(clock.today()),
    }
    return render(request, "calendars/year.html", context, status=422 if errors else 200)


def _date_or_none(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _date(text: str, field: str) -> dt.date:
    date = _date_or_none(text)
    if date is None:
        raise Invalid(fields={field: _("请填写日期，例如 2027-01-01。")})
    return date
