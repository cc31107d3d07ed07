"""What each department, the lead body and supervisors see of the others: progress, deadlines, what is shared.

No answers and no personal data of another department's part: those stay with the part's own page and scope.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from yici.core.cases.models import Case
from yici.core.cases.ports import Panel
from yici.core.people import queries as people
from yici.core.people.models import Account
from yici.systems.hall.joint import queries


def joint_panels(case: Case, account: Account) -> list[Panel]:
    """One panel on the whole and on each of its parts; a link only to what the account may see."""
    if case.parent_id is None and case.type.system != "joint":
        return []
    joint = queries.joint_of(case)
    if joint is None:
        return []
    view = queries.joint_view(joint)
    scope = people.scope_of(account, "case.view").q()
    numbers = [part.case.pk for part in view.parts if part.case] + [joint.case_id]
    visible = set(Case.objects.filter(scope, pk__in=numbers).values_list("pk", flat=True))
    context = {"view": view, "here": case.pk, "visible": visible, "parent": joint.case}
    return [Panel(_("一件事：各部门进度"), "hall/joint/panel.html", context)]
