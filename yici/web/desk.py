"""The staff home page: today's figures, what waits for me, and how the last two weeks went."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from yici.base import clock
from yici.core.cases import queries as cases
from yici.core.people.auth import account_of, staff_required
from yici.core.people.queries import scope_of
from yici.web.charts import Series, line_chart

DAYS = 14


@dataclass(frozen=True)
class Figures:
    """The four figures on top; `on_time_rate` in percent, None while nothing was closed this month."""

    today: int
    yesterday: int
    mine: int
    due_soon: int
    overdue: int
    on_time_rate: float | None
    closed: int


@staff_required()
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The desk of any staff member; figures cover what the account may view."""
    account = account_of(request)
    scope = scope_of(account, "case.view")
    context: dict[str, object] = {"scope_is_empty": scope.is_empty}
    if not scope.is_empty:
        today = clock.today()
        counted = cases.daily_counts(min(today.replace(day=1), today - dt.timedelta(days=DAYS - 1)), today, scope)
        days, month = (
            counted[-DAYS:],
            [day for day in counted if (day.date.year, day.date.month) == (today.year, today.month)],
        )
        timed = sum(day.timed for day in month)
        lights = cases.light_counts(scope)
        context |= {
            "figures": Figures(
                today=days[-1].opened,
                yesterday=days[-2].opened,
                mine=cases.desk_counts(account)["mine"],
                due_soon=lights.get("yellow", 0),
                overdue=lights.get("red", 0),
                on_time_rate=sum(day.on_time for day in month) * 100 / timed if timed else None,
                closed=sum(day.closed for day in month),
            ),
            "todo": cases.work_list(account, cases.WorkListFilter(tab="department", size=20)).rows[:8],
            "chart": line_chart(
                [f"{day.date:%m-%d}" for day in days],
                [Series(_("收件"), [day.opened for day in days]), Series(_("办结"), [day.closed for day in days])],
            ),
            "days": days,
        }
    return render(request, "staff/home.html", context)
