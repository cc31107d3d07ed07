"""What the desk sees of a case of the data service: an objection to a record, or a quality issue of a class."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.text import Text
from yici.core.cases.models import Case
from yici.core.cases.ports import Panel
from yici.core.people import queries as people
from yici.core.people.models import Account
from yici.core.vocabulary import queries as vocabulary
from yici.core.vocabulary import rules as vocabulary_rules
from yici.platform.data import queries
from yici.platform.data.catalogue import reading
from yici.platform.data.models import Issue, RuleResult
from yici.platform.data.models.quality import Dimension
from yici.platform.data.quality.issues import CASE_TYPE as ISSUE
from yici.platform.data.services import CASE_TYPE

LOADS_SHOWN = 12


def objection_panels(case: Case, account: Account) -> list[Panel]:
    """Values are clear only to who may decide this objection; everybody else sees them masked."""
    if case.type.slug != CASE_TYPE:
        return []
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


def issue_panels(case: Case, account: Account) -> list[Panel]:
    """Which rule, since when, how many rows load by load, and masked samples: nobody sees a person here."""
    if case.type.slug != ISSUE:
        return []
    issue = Issue.objects.select_related("data_class", "unit").filter(case_number=case.number).first()
    if issue is None:
        return []
    definition = reading.definition_of(issue.data_class)
    own = Q(run__channel__unit=issue.unit_id) | Q(run__channel=None)
    results = RuleResult.objects.filter(own, run__data_class=issue.data_class_id, rule=issue.rule).select_related("run")
    if issue.closed_run_id:
        results = results.filter(run__lte=issue.closed_run_id)
    loads = list(results.order_by("-run_id")[:LOADS_SHOWN])[::-1]
    most = max((one.failed for one in loads), default=0) or 1
    columns = [column for column in definition.columns if any(column.name in one["values"] for one in issue.samples)]
    context = {
        "issue": issue,
        "message": str(Text.model_validate(case.data["message"])) or issue.rule,
        "column": definition.by_name[issue.column].label if issue.column in definition.by_name else "",
        "dimension": Dimension(issue.dimension).label,
        "previous": case.data.get("previous", ""),
        "loads": [
            {"result": one, "share": round(100 * one.failed / most), "is_first": one.run_id == issue.opened_run_id}
            for one in loads
        ],
        "headers": [column.label for column in columns],
        "samples": [(one["row"], [one["values"].get(column.name, "") for column in columns]) for one in issue.samples],
    }
    return [Panel(_("数据质量问题"), "data/issue_panel.html", context)]
