"""What the desk sees of an objection: the held value beside the claimed one."""

from __future__ import annotations

from django.utils.translation import gettext as _

from yici.base import clock
from yici.core.cases.models import Case
from yici.core.cases.ports import Panel
from yici.core.people import queries as people
from yici.core.people.models import Account
from yici.core.vocabulary import queries as vocabulary
from yici.core.vocabulary import rules as vocabulary_rules
from yici.platform.data import queries


def objection_panels(case: Case, account: Account) -> list[Panel]:
    """Values are clear only to who may decide this objection; everybody else sees them masked."""
    element = vocabulary.element(case.data["element"])
    may_decide = people.may(account, "data.objection", organisation=case.organisation, division=case.division_id)
    show = vocabulary_rules.display if may_decide else vocabulary_rules.mask
    row = queries.resident(case.subject.id_number) if case.subject else None
    now = queries.held_of(row, element.id) if row else None
    context = {
        "label": element.label,
        "held": show(element.id, case.data["held"]),
        "claimed": show(element.id, case.data["claimed"]),
        "now": show(element.id, now.value) if now else "",
        "now_as_of": now.as_of if now else None,
        "changed": bool(now and now.value != case.data["held"] and not case.closed_at),
        "source": case.data["source"],
        "as_of": case.data["as_of"],
        "raised_in": case.data.get("raised_in", ""),
        "is_masked": not may_decide,
        "today": clock.today(),
    }
    return [Panel(_("异议内容"), "data/objection_panel.html", context, (element.id,))]
