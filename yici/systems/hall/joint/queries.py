"""Reads about joint cases: the whole with its parts, one timeline of all departments, what they share."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.text import localized
from yici.core.cases import queries as case_queries
from yici.core.cases.definitions import workflow_of
from yici.core.cases.models import Case, CaseEvent
from yici.core.cases.rules.states import SUCCESS_STATES
from yici.systems.hall.definitions import Limit
from yici.systems.hall.joint.applying import OpenJoint, division_for
from yici.systems.hall.joint.models import JointApplication, JointPart
from yici.systems.hall.models import MaterialInstance
from yici.systems.hall.queries.applications import Expected, date_words, due
from yici.systems.hall.queries.holdings import holder_for


@dataclass(frozen=True)
class PartView:
    """One department's part, for people. `waits_for` names what must be done first, while it waits."""

    part: JointPart
    label: str
    waits_for: str

    @property
    def case(self) -> Case | None:
        return self.part.case


@dataclass(frozen=True)
class Line:
    """One line of the common timeline."""

    at: dt.datetime
    part: str
    label: str
    actor: str
    organisation: str
    opinion: str


@dataclass(frozen=True)
class SharedMaterial:
    """A paper handed in once and used by several departments."""

    name: str
    source: str
    used_by: str


@dataclass(frozen=True)
class JointView:
    """Everything about one joint case. `done`: parts approved."""

    joint: JointApplication
    parts: list[PartView]
    timeline: list[Line]
    shared: list[SharedMaterial]

    @property
    def done(self) -> int:
        return sum(1 for one in self.parts if one.case and one.case.state in SUCCESS_STATES)


def joint_of(case: Case) -> JointApplication | None:
    """The joint application of a parent case or of one of its parts."""
    parent = case.parent_id or case.pk
    return JointApplication.objects.select_related("case", "applicant").filter(case_id=parent).first()


def joint_view(joint: JointApplication) -> JointView:
    """Five queries, however many parts. The same for the applicant, each department and supervisors: no personal data."""
    parts = list(joint.parts.select_related("case__type", "case__version", "case__organisation", "organisation"))
    return JointView(joint, _views(parts), _timeline(joint, parts), _shared(parts))


def expected_of(application: OpenJoint) -> Expected:
    """For the check page: the bodies, and the dates if everything goes well. Raises `NoAuthority` naming the item."""
    draft, merged = application.draft, application.merged
    assert draft.subject is not None  # every draft of the hall is opened for a person
    bodies: dict[str, None] = {}
    intake = clock.now()
    for version in application.versions:
        definition = merged.by_code[version.item.code]
        own = merged.answers_of(definition.code, draft.answers)
        division = division_for(definition, draft.subject, own, str(draft.context.get("place", "")))
        bodies[holder_for(version.item, division).organisation.label] = None
        intake = max(intake, due(clock.now(), definition.limits.intake) or intake)
    whole = due(intake, Limit(amount=max(1, merged.days_after)))
    return Expected(_("、").join(bodies), date_words(intake), date_words(whole))


def _views(parts: list[JointPart]) -> list[PartView]:
    labels = {part.code: localized(part.name, part.english) for part in parts}
    return [
        PartView(part, labels[part.code], "" if part.case_id else _("、").join(labels[code] for code in part.needs))
        for part in parts
    ]


def _timeline(joint: JointApplication, parts: list[JointPart]) -> list[Line]:
    """Public events of the whole and of every part, oldest first."""
    names = {part.case_id: localized(part.name, part.english) for part in parts if part.case_id}
    cases = {case.pk: case for case in [joint.case, *(part.case for part in parts if part.case)]}
    events = (
        CaseEvent.objects.filter(case_id__in=list(cases), is_public=True)
        .select_related("organisation")
        .order_by("at", "id")
    )
    lines = []
    for event in events:
        case = cases[event.case_id]
        if event.case_id in names and event.action == "submit":
            continue  # the whole was submitted once; a later part's beginning stands on the whole
        entry = case_queries.entry_of(event, workflow_of(case.version_id))
        lines.append(
            Line(event.at, names.get(event.case_id, ""), entry.label, entry.actor, entry.organisation, entry.opinion)
        )
    return lines


def _shared(parts: list[JointPart]) -> list[SharedMaterial]:
    """Papers that more than one part uses: the same file, or the same proof."""
    labels = {part.code: localized(part.name, part.english) for part in parts}
    used: dict[tuple[str, str], dict[str, dict[str, object]]] = {}
    for part in parts:
        for kept in part.materials:
            key = (str(kept["files"] or kept["proof"].get("identifier") or kept["proof"]), kept["source"])
            if kept["files"] or kept["proof"]:
                used.setdefault(key, {})[part.code] = kept
    words = dict(MaterialInstance.Source.choices)
    return [
        SharedMaterial(
            str(next(iter(users.values()))["name"]),
            str(words.get(source, source)),
            _("、").join(labels[code] for code in users),
        )
        for (_key, source), users in used.items()
        if len(users) > 1
    ]
