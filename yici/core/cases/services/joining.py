"""Cases that belong together: sub-cases in parallel, their joining, and two cases made one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Invalid
from yici.core.audit import services as audit
from yici.core.cases import journal, ports, projections, telling
from yici.core.cases.definitions import workflow_of
from yici.core.cases.errors import ActionNotAllowed
from yici.core.cases.models import Case
from yici.core.cases.services.locking import lock, lock_many
from yici.core.people.models import Account, Organisation
from yici.core.people.services import actor_of, require


@transaction.atomic
def open_child(
    parent_number: str,
    *,
    type: str,
    title: str,
    organisation: Organisation,
    actor: Account | None,
    data: Mapping[str, Any] | None = None,
) -> Case:
    """Open a sub-case for the same subject, to be decided in parallel. Raises `ActionNotAllowed` once closed."""
    from yici.core.cases.services.opening import open_case

    parent = lock(parent_number)
    if parent.closed_at:
        raise ActionNotAllowed(_("主件已经办结，不能再发起并联子件。"))
    child = open_case(
        type=type,
        title=title,
        organisation=organisation,
        division=parent.division_id,
        actor=actor,
        subject=parent.subject,
        subject_name=parent.subject_name,
        channel=Case.Channel.SYSTEM,
        data=data,
        parent=parent,
        is_simulated=parent.is_simulated,
        subject_organisation=parent.subject_organisation,
    )
    journal.append(parent, "child_opened", actor=actor, public=True, opinion=title, data={"case": child.number})
    parent.save(update_fields=["event_count"])
    return child


@transaction.atomic
def join_children(parent_number: str) -> bool:
    """Whether every sub-case is closed, so that the parent may leave a stage that joins them."""
    parent = lock(parent_number)
    return not parent.children.filter(closed_at=None).exists()


def follow_children(parent: Case) -> None:
    """Bring a gathering case's clock columns up to date with its sub-cases; its row is locked, or new, by the caller."""
    projections.read_clocks(parent, workflow_of(parent.version_id), list(parent.segments.all()), clock.now())
    parent.save(update_fields=["event_count", *projections.CLOCK_FIELDS])


def child_moved(child: Case, *, has_closed: bool) -> None:
    """The parent's clock columns follow its parts, and whoever joins them is told. Called in the child's transaction."""
    parent = lock(Case.objects.filter(children=child).values_list("number", flat=True).get())
    if has_closed:
        _note_closing(parent, child)
    follow_children(parent)
    if joiner := ports.joiner(parent.type.system):
        joiner(parent, child)


def _note_closing(parent: Case, child: Case) -> None:
    """Note it on the parent; the last one calls the parent's desk."""
    journal.append(
        parent, "child_closed", opinion=child.title, data={"case": child.number, "outcome": child.outcome}, public=True
    )
    if not parent.children.filter(closed_at=None).exists():
        journal.append(parent, "children_joined")
        if parent.closed_at is None:
            telling.tell_staff(parent, "case.children_joined")


@transaction.atomic
def merge(source_number: str, into_number: str, actor: Account, *, reason: str) -> Case:
    """Make two open cases of one type one: the source closes into the target, both subjects stay parties.

    Needs `case.assign` over both. Raises `Invalid`, `ActionNotAllowed`.
    """
    if source_number == into_number:
        raise Invalid(fields={"into": _("不能并入自身。")})
    found = {case.number: case for case in lock_many([source_number, into_number])}
    source, target = found[source_number], found[into_number]
    for case in (source, target):
        require(actor, "case.assign", organisation=case.organisation, division=case.division_id)
    if not reason.strip():
        raise Invalid(fields={"reason": _("请写明合并的理由。")})
    if source.type_id != target.type_id:
        raise Invalid(fields={"into": _("只能合并同一类办件。")})
    if source.closed_at or target.closed_at:
        raise ActionNotAllowed(_("已经办结的办件不能合并。"))
    _close_into(source, target, actor, reason)
    data = {"case": source.number, "subject": source.subject_id}
    journal.append(target, "merged", actor=actor, opinion=reason, data=data, public=True)
    target.save(update_fields=["event_count"])
    audit.record(
        actor_of(actor),
        "change",
        subject=("case", source.number),
        purpose=f"合并办件：{source.number} 并入 {target.number}",
        case_number=target.number,
    )
    return target


def _close_into(source: Case, target: Case, actor: Account, reason: str) -> None:
    data = {"case": target.number, "outcome": "merged"}
    last_stage = workflow_of(source.version_id).stages[-1].id
    event = journal.append(
        source,
        "merge",
        to_state="withdrawn",
        stage=last_stage,
        actor=actor,
        opinion=reason,
        data=data,
        public=True,
    )
    projections.advance(source, event)
    source.segments.filter(ended_at=None).update(ended_at=clock.now())
    projections.read_clocks(source, workflow_of(source.version_id), list(source.segments.all()), clock.now())
    source.merged_into = target
    source.save()
    telling.tell_applicant(source, event, "case.merged")
