"""A case begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from yici.base import clock
from yici.base.errors import Misconfigured
from yici.core.audit import services as audit
from yici.core.cases import journal, projections, telling
from yici.core.cases.definitions import workflow_of
from yici.core.cases.models import Case, CaseType, CaseTypeVersion, ClockSegment
from yici.core.cases.services.clocks import apply_orders, note_unknown_deadline
from yici.core.people.models import Account, Organisation, Person
from yici.core.people.services import actor_of
from yici.core.places.models import Division


@transaction.atomic
def open_case(
    *,
    type: str,
    title: str,
    organisation: Organisation,
    division: Division | str,
    actor: Account | None,
    subject: Person | None = None,
    subject_name: str = "",
    channel: str = Case.Channel.NET,
    is_self_filed: bool = False,
    data: Mapping[str, Any] | None = None,
    parent: Case | None = None,
    is_simulated: bool = False,
    version: CaseTypeVersion | None = None,
    subject_organisation: Organisation | None = None,
) -> Case:
    """Open a case under the newest version of its type (or the `version` the caller pinned) and run `submit`.

    A deadline that cannot be known yet does not refuse it: see docs/decisions (deadline unknown). Raises
    `Misconfigured` for a type nobody published.
    """
    pinned = version or _newest_version(type)
    workflow = workflow_of(pinned.pk)
    submit = workflow.action("submit")
    if submit is None:
        raise Misconfigured(f"流程 {workflow.slug} 没有 submit 动作。")
    now = clock.now()
    code = division.code if isinstance(division, Division) else division
    case = Case(
        type=pinned.case_type,
        version=pinned,
        parent=parent,
        title=title,
        subject=subject,
        subject_organisation=subject_organisation,
        subject_name=subject_name or _name_of(subject, subject_organisation),
        opened_by=actor,
        channel=channel,
        is_self_filed=is_self_filed,
        is_simulated=is_simulated,
        organisation=organisation,
        division_id=code,
        data=dict(data or {}),
        opened_at=now,
    )
    projections.blank(case)
    # Its key first: event and clock can then be written before it, and the row once, with what follows from them
    # (the database asks for the row they belong to at the end of the transaction).
    case.pk, case.number = _next_number(code, now)
    case.stage = submit.stage or workflow.stages[0].id
    event = journal.append(
        case,
        submit.id,
        label=submit.label.zh,
        to_state=submit.to,
        actor=actor,
        public=submit.public,
        data={"channel": str(channel)},
    )
    projections.advance(case, event)
    segments: list[ClockSegment] = []
    apply_orders(case, workflow, submit, segments, event.at, {})
    reading = projections.read_clocks(case, workflow, segments, now)
    note_unknown_deadline(case, reading)
    case.save(force_insert=True)
    audit.record(
        actor_of(actor) if actor else audit.SYSTEM,
        "create",
        subject=("case", case.number),
        purpose=f"申请办理{title}",
        case_number=case.number,
    )
    if submit.tell and parent is None:  # what was filed as one is told of once
        telling.tell_applicant(case, event, submit.tell)
    return case


def _newest_version(type_slug: str) -> CaseTypeVersion:
    versions = CaseTypeVersion.objects.filter(case_type__slug=type_slug, published_at__isnull=False)
    newest = versions.select_related("case_type").order_by("-number").first()
    if newest is None:
        known = CaseType.objects.filter(slug=type_slug).exists()
        raise Misconfigured(
            f"办件类型 {type_slug} {'没有已发布的流程' if known else '不存在'}，请管理员检查城市文件夹。"
        )
    return newest


def _name_of(subject: Person | None, organisation: Organisation | None) -> str:
    return subject.name if subject else (organisation.name if organisation else "")


def _next_number(division_code: str, now: Any) -> tuple[int, str]:
    """The key and the number of a new case: city code + date + six-digit serial.

    The serial's row stays locked until commit, so there are no gaps.
    """
    prefix = f"{division_code[:4]}00{timezone.localdate(now):%Y%m%d}"
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cases_numberrange (prefix, next) VALUES (%s, 2)"
            " ON CONFLICT (prefix) DO UPDATE SET next = cases_numberrange.next + 1"
            " RETURNING nextval('cases_case_id_seq'), next - 1",
            [prefix],
        )
        key, serial = cursor.fetchone()
    return key, f"{prefix}{serial:06d}"
