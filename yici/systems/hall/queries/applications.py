"""Reads about applications: the dates to expect, the file names of a draft, an application's materials."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import NotFound
from yici.base.text import Text, localized
from yici.core.audit.models import Entry
from yici.core.audit.queries import entries_of_case
from yici.core.calendars import queries as calendars
from yici.core.calendars.rules import DeadlineUnknown
from yici.core.cases.models import Case, Correction
from yici.core.files.models import StoredFile
from yici.core.forms.queries import rows_in_words
from yici.core.forms.rules import AnswerRow, FormDefinition, Page, situation_words
from yici.core.people import queries as people
from yici.core.people.models import Account
from yici.systems.hall.definitions import Limit
from yici.systems.hall.models import Application, MaterialInstance
from yici.systems.hall.queries.catalogue import definition_of

if TYPE_CHECKING:
    from yici.systems.hall.services.applying import OpenApplication


@dataclass(frozen=True)
class Expected:
    """Who will handle it and by when, were it submitted now."""

    organisation: str
    intake: str
    promised: str


def expected_dates(application: OpenApplication) -> Expected:
    """The body and the two dates of the check page; words instead of a date where the calendar has no notice."""
    from yici.systems.hall.joint.applying import OpenJoint
    from yici.systems.hall.joint.queries import expected_of
    from yici.systems.hall.services.applying import handling_division

    if isinstance(application, OpenJoint):
        return expected_of(application)
    definition, draft = application.definition, application.draft
    assert draft.subject is not None  # every draft of the hall is opened for a person
    division = handling_division(definition, draft.subject, draft.answers)
    body = people.responsible_organisation(definition.handler.function, definition.handler.level, division)
    intake = due(clock.now(), definition.limits.intake)
    promised = due(intake or clock.now(), definition.limits.promised)
    return Expected(body.label, date_words(intake), date_words(promised))


def due(start: dt.datetime, limit: Limit) -> dt.datetime | None:
    """The end of a limit; None where the calendar has no notice yet."""
    try:
        return calendars.calendar().add_working_time(start, limit.amount, limit.unit)
    except DeadlineUnknown:
        return None


def date_words(moment: dt.datetime | None) -> str:
    """A day for people, or that it cannot be known yet."""
    return timezone.localdate(moment).isoformat() if moment else _("（待国务院公布放假安排后确定）")


def files_by_id(ids: Sequence[int]) -> dict[int, StoredFile]:
    """Stored files by id, in one query."""
    return StoredFile.objects.in_bulk(list(ids)) if ids else {}


def application_of(case: Case) -> Application:
    """The application behind a case. Raises `NotFound` for a case that is none of the hall's."""
    found = find_application(case)
    if found is None:
        raise NotFound
    return found


def find_application(case: Case) -> Application | None:
    """The same, None for a case that is none of the hall's. The definition is not read: it is kept by version."""
    applications = Application.objects.select_related("version__item", "applicant", "agent", "case")
    return applications.defer("version__definition").filter(case=case).first()


@dataclass(frozen=True)
class ApplicationView:
    """An application in words: answers with provenance, situation, materials."""

    application: Application
    rows: list[AnswerRow]
    situation: list[tuple[str, str, str]]
    materials: list[MaterialInstance]


def application_view(application: Application, *, masked: bool = False) -> ApplicationView:
    """What was asked for, for the person who asked (clear) or a list (masked). Three queries whatever its size."""
    definition = definition_of(application.version)
    names = {material.id: str(material.name) for material in definition.materials}
    materials = list(application.materials.filter(replaced_at=None).select_related("file").order_by("id"))
    for material in materials:  # in the language of the page; nothing of this is saved
        material.name = names.get(material.requirement, material.name)
        if source := material.proof.get("source"):
            material.proof["source"] = localized(source, material.proof.get("source_en", ""))
    return ApplicationView(
        application,
        rows_in_words(
            definition.form, application.answers, application.provenance, application.situation, masked=masked
        ),
        situation_words(definition.form, application.situation),
        materials,
    )


def may_read_file(account: Account, stored: StoredFile) -> bool:
    """Port of the file store: staff who may see the case a file belongs to, and the people of that case."""
    if not stored.case_number:
        return False
    case = Case.objects.select_related("organisation").filter(number=stored.case_number).first()
    if case is None:
        return False
    if account.kind == Account.Kind.STAFF:
        return people.may(account, "case.view", organisation=case.organisation, division=case.division_id)
    return account.pk == case.opened_by_id or (account.person_id is not None and account.person_id == case.subject_id)


def cases_of(account: Account) -> QuerySet[Case]:
    """Cases of the hall that the account filed or that are about its person, newest first; one an item."""
    return _concerning(account).filter(type__system="hall")


def matters_of(account: Account) -> QuerySet[Case]:
    """The same as people see them: what was filed as one thing is one, its parts stand under it."""
    return _concerning(account).filter(type__system__in=("hall", "joint"), parent=None)


def _concerning(account: Account) -> QuerySet[Case]:
    concerned = Q(opened_by=account)
    if account.person_id:
        concerned |= Q(subject_id=account.person_id)
    return Case.objects.filter(concerned).select_related("organisation").order_by("-opened_at", "-pk")


def waiting_for(account: Account) -> list[Correction]:
    """Correction notices that wait for this account's answer, the most urgent first."""
    found = Correction.objects.filter(
        case__opened_by=account, answered_at=None, case__closed_at=None, case__type__system="hall"
    )
    return list(found.select_related("case").order_by("due_at")[:5])


def looks_in_case(number: str) -> list[tuple[Entry, int]]:
    """Who read the person's data for this case and how often, the latest look of each official first."""
    looks: dict[tuple[int | None, str], tuple[Entry, int]] = {}
    for entry in reversed(entries_of_case(number)):
        if entry.action == "read" and entry.actor_id is not None:
            first, times = looks.get((entry.actor_id, entry.purpose), (entry, 0))
            looks[entry.actor_id, entry.purpose] = (first, times + 1)
    return list(looks.values())[:50]


def objections_of(case: Case) -> list[Case]:
    """Objections to records that were raised with this case."""
    return list(
        Case.objects.filter(type__slug="data-objection", data__raised_in=case.number).select_related("organisation")
    )


def promised_date(case: Case, application: Application) -> str:
    """The day by which it is promised to be closed, were it accepted when its intake check is due."""
    if case.clock == "handling" and case.due_at:
        return date_words(case.due_at)
    return date_words(due(case.due_at or case.opened_at, definition_of(application.version).limits.promised))


def correction_page(form: FormDefinition, notice: Correction) -> Page | None:
    """The demanded fields as one page of the form; None when only files or words are demanded."""
    demanded = {demand["field"] for demand in notice.demands if demand.get("field")}
    fields = tuple(field for key, field in form.by_key.items() if key in demanded)
    if not fields:
        return None
    open_fields = tuple(field.model_copy(update={"readonly": False}) for field in fields)
    return Page(id="correction", title=Text(zh="需要补正的内容", en="What to correct"), fields=open_fields)
