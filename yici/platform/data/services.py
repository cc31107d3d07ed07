"""Changes to the register: a person objects to a record, its source department decides, the row is corrected."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Conflict, Invalid, Misconfigured, NotFound
from yici.core.audit import services as audit
from yici.core.cases import services as cases
from yici.core.cases.models import Case, CaseEvent
from yici.core.people import queries as people
from yici.core.people.models import Account, Person
from yici.core.people.services import actor_of
from yici.core.places import queries as places
from yici.core.vocabulary import queries as vocabulary
from yici.core.vocabulary import rules as vocabulary_rules
from yici.platform.data.models import Resident
from yici.platform.data.queries import COLUMNS, organisation_slug

__all__ = ["CASE_TYPE", "apply_objection", "can_object_to", "raise_objection"]

CASE_TYPE = "data-objection"

# What identifies a person, or follows from other rows, is corrected at the source, never by an objection.
_FIXED = frozenset(
    {"person.id_number", "person.sex", "person.birth_date"} | {key for key in COLUMNS if key.startswith("household.")}
)
_FALLBACK_FUNCTION = "public_security"


def can_object_to(element: str) -> bool:
    """Whether an objection to this element can be decided by correcting the row."""
    return element not in _FIXED


@transaction.atomic
def raise_objection(
    subject: Person, element: str, held: Mapping[str, Any], claimed: str, case_number: str, account: Account | None
) -> Case:
    """Open an objection with the department that answers for the record; the matter itself goes on.

    `held`: {value, source, source_organisation, as_of} as the person saw it. `case_number`: the case in which
    the person corrected the value, may be empty. The same claim made twice while open gives the first case.
    Raises `Invalid` for an element that cannot be corrected so or a value that fails its check.
    """
    if not can_object_to(element):
        raise Invalid(_("这一项不能在线更正，请持证件到派出所户籍窗口办理。"), fields={element: _("不能在线更正。")})
    label = vocabulary.element(element).label
    value = vocabulary_rules.check(vocabulary.element(element), str(claimed))
    Person.objects.select_for_update().get(pk=subject.pk)  # two requests with the same claim wait for each other
    already = _open_objection(subject, element, value)
    if already:
        return already
    organisation = people.organisation(str(held.get("source_organisation", ""))) or people.organisation(
        organisation_slug(_FALLBACK_FUNCTION)
    )
    if organisation is None:
        raise Misconfigured(_("找不到数据来源单位，异议无法转办，请检查机构目录。"))
    as_of = held.get("as_of") or ""
    data = {
        "element": element,
        "held": str(held.get("value") or ""),
        "claimed": value,
        "source": str(held.get("source") or organisation.name),
        "as_of": as_of.isoformat() if isinstance(as_of, dt.date) else str(as_of),
        "raised_in": case_number,
        "english": f"Data objection: {label.en}" if label.en else "",
    }
    return cases.open_case(
        type=CASE_TYPE,
        title=f"数据异议：{label.zh}",
        organisation=organisation,
        division=subject.division or organisation.division or places.root(),
        actor=account,
        subject=subject,
        subject_name=subject.name,
        is_self_filed=account is not None and account.person_id == subject.pk,
        data=data,
    )


def _open_objection(subject: Person, element: str, claimed: str) -> Case | None:
    still_open = Case.objects.filter(type__slug=CASE_TYPE, subject=subject, closed_at=None)
    return still_open.filter(data__element=element, data__claimed=claimed).first()


def apply_objection(case: Case, event: CaseEvent, actor: Account | None) -> None:
    """Effect of “confirm”: the row takes the claimed value and today's date, and the change is recorded.

    Raises `NotFound` for a person outside the register, `Conflict` when the record changed after the
    objection was raised. The applicant is told by the workflow.
    """
    if case.subject is None:
        raise NotFound()
    element, claimed = case.data["element"], case.data["claimed"]
    row = Resident.objects.select_for_update().filter(pk=case.subject.id_number).first()
    if row is None:
        raise NotFound(_("登记库中没有此人，无法更正，请先核实身份证号码。"))
    if not can_object_to(element):
        raise Conflict(_("这一项不能由异议更正。"))
    today = clock.today()
    if element in COLUMNS:
        _correct_column(row, element, claimed, today)
    else:
        known = row.extra.get(element) or {}
        dataset = known.get("dataset") or ("residence" if element.startswith("person.residential") else "population")
        row.extra = {**row.extra, element: {"value": claimed, "dataset": dataset, "as_of": today.isoformat()}}
        row.save(update_fields=["extra"])
    audit.record(
        actor_of(actor),
        "change",
        subject=("person", case.subject.pk),
        elements=[element],
        purpose="核实数据异议，更正登记",
        case_number=case.number,
    )


def _correct_column(row: Resident, element: str, claimed: str, today: dt.date) -> None:
    attribute = COLUMNS[element][1]
    if attribute == "division_id":
        places.division(claimed)  # an unknown division is refused before the database refuses it
    setattr(row, attribute, claimed)
    row.as_of = today
    row.save(update_fields=["division" if attribute == "division_id" else attribute, "as_of"])
