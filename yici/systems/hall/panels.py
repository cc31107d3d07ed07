"""What the desk sees of an application: answers with their sources, the situation, the materials with their proofs."""

from __future__ import annotations

from django.utils.translation import gettext as _

from yici.core.cases.models import Case
from yici.core.cases.ports import Panel
from yici.core.people import queries as people
from yici.core.people.models import Account
from yici.platform.pay import queries as pay
from yici.systems.hall import queries
from yici.systems.hall.models import Evaluation
from yici.systems.hall.queries.catalogue import definition_of

_HANDLING = ("case.accept", "case.review", "case.approve")


def application_panels(case: Case, account: Account) -> list[Panel]:
    """The application, and its payment where a fee is charged; the look itself is recorded by the case page. Who only looks on sees personal values masked."""
    application = queries.find_application(case)
    if application is None:
        return []
    may = [people.may(account, one, organisation=case.organisation, division=case.division_id) for one in _HANDLING]
    view = queries.application_view(application, masked=not any(may))
    context = {
        "view": view,
        "changed": [row for row in view.rows if row.changed],
        "evaluation": Evaluation.objects.filter(case=case).first() if case.closed_at else None,
        "application": application,
        "is_masked": not any(may),
    }
    payment = pay.order_of_case(case.number)
    fees = [Panel(_("缴费"), "hall/payment_panel.html", {"payment": payment})] if payment else []
    return [Panel(_("申请内容"), "hall/panel.html", context, _elements_shown(view)), *fees]


def _elements_shown(view: queries.ApplicationView) -> tuple[str, ...]:
    """The data elements whose values stand on the panel, those within repeated groups included."""
    form = definition_of(view.application.version).form
    shown: dict[str, None] = {}
    for row in view.rows:
        field = form.by_key.get(row.key)
        if field is None or not (row.value or row.rows):
            continue
        for one in (field, *field.fields):
            if one.element:
                shown[one.element] = None
    return tuple(shown)
