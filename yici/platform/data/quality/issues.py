"""Issues: a rule that fails goes back to the unit that delivers, as a case, and closes when a later load proves it mended.

Nobody ticks an issue off: the evidence is the next delivery. A case that people closed although rows still fail is
followed by a new issue.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import transaction

from yici.base import clock
from yici.core.cases import services as cases
from yici.core.cases.models import Case
from yici.core.places import queries as places
from yici.core.vocabulary import rules as vocabulary
from yici.platform.data.catalogue import reading
from yici.platform.data.catalogue.definition import ClassDefinition
from yici.platform.data.models import DataClass, Issue, Run, Snapshot
from yici.platform.data.rules.language import Outcome, Rule

__all__ = ["CASE_TYPE", "NOTE_SHARE", "masked_sample", "update"]

CASE_TYPE = "data-issue"
NOTE_SHARE = 0.01  # a rule that only notes becomes an issue above one row in a hundred
SAMPLES = 5
SamplesOf = Callable[[str], list[dict[str, Any]]]


@transaction.atomic
def update(run: Run, snapshot: Snapshot, outcomes: Sequence[Outcome], samples_of: SamplesOf) -> None:
    """Open, continue or close the issues of the class by what this run's rules found.

    `samples_of(rule id)` gives a few failing rows in clear; they are masked before they are kept.
    """
    data_class = DataClass.objects.select_for_update(of=("self",)).get(pk=run.data_class_id)
    definition = reading.definition_of(data_class)
    standing = {
        issue.rule: issue for issue in Issue.objects.select_for_update().filter(data_class=data_class, closed_at=None)
    }
    for one in outcomes:
        issue = standing.get(one.rule.id)
        if issue is not None and _closed_by_people(issue):
            _close(issue, run, one, by_people=True)
            issue = None
        if _is_failing(one):
            samples = [masked_sample(definition, row) for row in samples_of(one.rule.id)[:SAMPLES]]
            if issue is None:
                _open(data_class, run, one, samples)
            else:
                _go_on(issue, run, one, samples)
        elif issue is not None and one.checked:
            _close(issue, run, one)


def _is_failing(one: Outcome) -> bool:
    if one.rule.severity == "quarantine":
        return one.failed > 0
    return one.checked > 0 and one.failed / one.checked > NOTE_SHARE


def masked_sample(definition: ClassDefinition, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with every personal value masked; a personal value without an element is not shown at all."""
    shown: dict[str, Any] = {"row": row.get("row")}
    for column in definition.columns:
        value = row.get(column.name)
        if value in (None, ""):
            continue
        if not column.is_personal:
            shown[column.name] = str(value)[:60]
        elif column.element:
            shown[column.name] = vocabulary.mask(column.element, str(value)[:60])
        else:
            shown[column.name] = "＊＊＊"
    return shown


def _open(data_class: DataClass, run: Run, one: Outcome, samples: list[dict[str, Any]]) -> None:
    now = clock.now()
    unit = run.channel.unit if run.channel else data_class.department
    issue = Issue.objects.create(
        data_class=data_class,
        rule=one.rule.id,
        column=one.rule.column,
        dimension=one.rule.dimension,
        unit=unit,
        opened_run=run,
        latest_run=run,
        checked=one.checked,
        failed=one.failed,
        failed_at_first=one.failed,
        samples=samples,
        opened_at=now,
    )
    reason = _reason(one.rule)
    case = cases.open_case(
        type=CASE_TYPE,
        title=f"数据质量：{data_class.name}，{reason}",
        organisation=unit,
        division=unit.division or places.root(),
        actor=None,
        subject_name=data_class.name,
        data={
            "issue": issue.pk,
            "data_class": data_class.pk,
            "rule": one.rule.id,
            "reason": reason,
            "failed": one.failed,
            "checked": one.checked,
            "run": run.pk,
            "english": f"Data quality: {data_class.english or data_class.pk}, {one.rule.message.en or one.rule.id}",
        },
    )
    issue.case_number = case.number
    issue.save(update_fields=["case_number"])


def _reason(rule: Rule) -> str:
    return rule.message.zh or rule.id


def _go_on(issue: Issue, run: Run, one: Outcome, samples: list[dict[str, Any]]) -> None:
    before = issue.failed
    issue.latest_run, issue.checked, issue.failed, issue.samples = run, one.checked, one.failed, samples
    issue.save(update_fields=["latest_run", "checked", "failed", "samples"])
    if one.failed != before and issue.case_number and not _closed_by_people(issue):
        cases.act_as_system(issue.case_number, "measured", data={"run": run.pk, "before": before, "after": one.failed})


def _close(issue: Issue, run: Run, one: Outcome, *, by_people: bool = False) -> None:
    before = issue.failed
    issue.latest_run, issue.closed_run, issue.closed_at = run, run, clock.now()
    issue.checked, issue.failed = one.checked, one.failed
    issue.save(update_fields=["latest_run", "closed_run", "closed_at", "checked", "failed"])
    if issue.case_number and not by_people:
        data = {"run": run.pk, "before": before, "after": one.failed, "checked": one.checked}
        cases.act_as_system(issue.case_number, "prove", data=data)


def _closed_by_people(issue: Issue) -> bool:
    return bool(issue.case_number) and Case.objects.filter(number=issue.case_number, closed_at__isnull=False).exists()
