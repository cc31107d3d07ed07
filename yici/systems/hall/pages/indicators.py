"""Indicators of the catalogue and the simulator of the share without a visit. Staff with `metric.view`."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from yici.base import clock
from yici.core.metrics.rules import Period, PeriodType
from yici.core.people.auth import staff_required
from yici.systems.hall import queries
from yici.systems.hall.workbooks import indicators_workbook

TARGET = Decimal(96)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@staff_required("metric.view")
@require_safe
def indicators(request: HttpRequest) -> HttpResponse:
    """The figures, each with its parts, and the items to change for the target asked for."""
    found = queries.indicators(_period())
    simulation = queries.simulate(found, _target(request))
    return render(request, "hall/desk/indicators.html", {"found": found, "simulation": simulation})


@staff_required("metric.view")
@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """The same as a workbook."""
    found = queries.indicators(_period())
    response = HttpResponse(indicators_workbook(found, queries.simulate(found, _target(request))), content_type=XLSX)
    response.headers["Content-Disposition"] = 'attachment; filename="indicators.xlsx"'
    return response


def _period() -> Period:
    return Period.of(PeriodType.YEAR, clock.today())


def _target(request: HttpRequest) -> Decimal:
    """The target asked for, in per cent; the city's own where it is no share."""
    try:
        target = Decimal(request.GET.get("target", str(TARGET)))
    except InvalidOperation:
        return TARGET
    return target if target.is_finite() and 0 <= target <= 100 else TARGET
