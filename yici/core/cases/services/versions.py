"""Publishing a case type's workflow, and moving a running case to a newer one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from pydantic import ValidationError

from yici.base import clock
from yici.base.cityfolder import city_folder, read_yaml
from yici.base.errors import Invalid, Misconfigured, NotFound
from yici.core.audit import services as audit
from yici.core.cases import journal, projections
from yici.core.cases.definitions import workflow_of
from yici.core.cases.models import Case, CaseType, CaseTypeVersion
from yici.core.cases.rules import Limit, Workflow, faults_of, with_limits
from yici.core.cases.services.locking import lock
from yici.core.people.models import Account
from yici.core.people.services import actor_of, require


def load_workflow(slug: str, city: Path | None = None) -> Workflow:
    """The workflow of that name in the city folder. Raises `Misconfigured`."""
    path = (city or city_folder()) / "workflows" / f"{slug}.yaml"
    if not path.exists():
        raise Misconfigured(f"城市文件夹中没有流程 workflows/{slug}.yaml。")
    try:
        return Workflow.model_validate(read_yaml(path))
    except ValidationError as error:
        raise Misconfigured(f"workflows/{slug}.yaml 有误：{error}") from error


@dataclass(frozen=True)
class Publication:
    """A workflow to publish as the newest version of a case type. `limits` maps a clock's id to what overrides it."""

    slug: str
    name: str
    english: str
    system: str
    workflow: Workflow
    limits: Mapping[str, Limit | Mapping[str, Any]] = field(default_factory=dict)


def publish_version(
    case_type_slug: str,
    name: str,
    english: str,
    system: str,
    workflow: str | Workflow,
    limits: Mapping[str, Limit | Mapping[str, Any]] | None = None,
) -> CaseTypeVersion:
    """Publish a workflow with an item's limits as the newest version of a case type; nothing new, nothing done.

    `limits` maps a clock's id to limit, unit, legal_limit, legal_unit, basis. Raises `Misconfigured` for an
    unsound workflow.
    """
    base = load_workflow(workflow) if isinstance(workflow, str) else workflow
    wanted = Publication(case_type_slug, name, english, system, base, limits or {})
    return publish_versions([wanted])[case_type_slug]


@transaction.atomic
def publish_versions(wanted: Sequence[Publication]) -> dict[str, CaseTypeVersion]:
    """Publish many at once, in a handful of queries; the version in force by slug. Raises `Misconfigured`."""
    known: dict[tuple[str, str], dict[str, Any]] = {}
    definitions = {one.slug: _definition_of(one, known) for one in wanted}
    CaseType.objects.bulk_create(
        [CaseType(slug=one.slug, name=one.name, english=one.english, system=one.system) for one in wanted],
        batch_size=1000, update_conflicts=True, unique_fields=["slug"], update_fields=["name", "english", "system"],
    )  # fmt: skip
    # Two loaders at once must not both number a version.
    types = {
        row.slug: row for row in CaseType.objects.select_for_update().filter(slug__in=definitions).order_by("slug")
    }
    newest = {row.case_type_id: row for row in _newest_of(types.values())}
    new: list[CaseTypeVersion] = []
    for slug, case_type in types.items():
        current = newest.get(case_type.pk)
        if current is None or current.definition != definitions[slug]:
            new.append(
                CaseTypeVersion(
                    case_type=case_type, number=current.number + 1 if current else 1, definition=definitions[slug],
                    published_at=clock.now(),
                )
            )  # fmt: skip
    newest |= {row.case_type_id: row for row in CaseTypeVersion.objects.bulk_create(new, batch_size=200)}
    return {slug: newest[case_type.pk] for slug, case_type in types.items()}


def _newest_of(types: Iterable[CaseType]) -> QuerySet[CaseTypeVersion]:
    rows = CaseTypeVersion.objects.filter(case_type__in=[row.pk for row in types])
    return rows.order_by("case_type_id", "-number").distinct("case_type_id")


def _definition_of(one: Publication, known: dict[tuple[str, str], dict[str, Any]]) -> dict[str, Any]:
    """The workflow with the limits laid over it, as it is kept; equal limits of one workflow are worked out once."""
    key = (one.workflow.slug, repr(sorted(one.limits.items())))
    if key in known:
        return known[key]
    try:
        chosen = with_limits(one.workflow, one.limits)
    except (ValueError, ValidationError) as error:
        raise Misconfigured(f"办件类型 {one.slug} 的时限有误：{error}") from error
    if faults := faults_of(chosen):
        raise Misconfigured(f"流程 {chosen.slug} 不能发布：" + "；".join(fault.message for fault in faults))
    known[key] = chosen.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return known[key]


@transaction.atomic
def move_to_version(
    case_number: str,
    version: CaseTypeVersion,
    actor: Account,
    *,
    reason: str,
    states: Mapping[str, str] | None = None,
    stages: Mapping[str, str] | None = None,
) -> Case:
    """Continue a running case under another version of its type; its clocks go on under the new limits.

    `states` and `stages` map what the new workflow names otherwise. Raises `Invalid` without a reason or
    where state, stage or running clock have no counterpart. Needs `case.supervise`.
    """
    case = lock(case_number)
    require(actor, "case.supervise", organisation=case.organisation, division=case.division_id)
    if not reason.strip():
        raise Invalid(fields={"reason": _("请写明更换流程版本的理由。")})
    if version.case_type_id != case.type_id or version.published_at is None:
        raise NotFound(_("这个流程版本不属于该办件类型，或尚未发布。"))
    workflow = workflow_of(version.pk)
    state = (states or {}).get(case.state, case.state)
    stage = (stages or {}).get(case.stage, case.stage)
    _must_fit(case, workflow, state, stage)
    before = case.version.number
    event = journal.append(
        case,
        "move_version",
        to_state=state,
        stage=stage,
        actor=actor,
        opinion=reason,
        data={"from": before, "to": version.number},
    )
    case.version = version
    projections.advance(case, event)
    projections.read_clocks(case, workflow, list(case.segments.all()), clock.now())
    case.save()
    audit.record(
        actor_of(actor),
        "change",
        subject=("case", case.number),
        elements=["version"],
        purpose=f"更换流程版本 {before} → {version.number}：{reason}",
        case_number=case.number,
    )
    return case


def _must_fit(case: Case, workflow: Workflow, state: str, stage: str) -> None:
    fields = {}
    if state not in workflow.states:
        fields["states"] = _("新版本没有“%(state)s”状态，请指明对应的状态。") % {"state": state}
    if workflow.stage(stage) is None:
        fields["stages"] = _("新版本没有“%(stage)s”环节，请指明对应的环节。") % {"stage": stage}
    if case.clock and workflow.clock(case.clock) is None:
        fields["clock"] = _("新版本没有正在计时的时钟 %(clock)s。") % {"clock": case.clock}
    if fields:
        raise Invalid(_("办件不能转到这个版本。"), fields=fields)
