"""Issues: a rule that fails in a class goes to the providing unit as a case, and only a later load closes it for good.

`update` is called after each load. It opens, keeps count of, proves and reopens; people plan, report, dispute and
decide on the case page (`workflows/data-issue.yaml`). Cases are locked before issues, here and in the effects.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Count, Q

from yici.base import clock
from yici.base.errors import Conflict
from yici.core.cases import services as cases
from yici.core.cases.models import Case, CaseEvent
from yici.core.people.models import Account, Organisation
from yici.core.people.scopes import Scope
from yici.core.places import queries as places
from yici.platform.data.catalogue.definition import ClassDefinition
from yici.platform.data.catalogue.reading import definition_of
from yici.platform.data.models import DataClass, Issue, Run, Snapshot
from yici.platform.data.quality import evidence, telling
from yici.platform.data.quality.samples import masked
from yici.platform.data.rules.deriving import rules_by_id
from yici.platform.data.rules.language import Outcome, Rule
from yici.platform.data.services import CASE_TYPE as OBJECTION

__all__ = ["CASE_TYPE", "ObjectionCounts", "close_issue", "is_issue", "objection_counts", "tell_of_dispute", "update"]

CASE_TYPE = "data-issue"
NOTE_SHARE = 0.01  # a rule that holds nothing back becomes an issue above this share of the rows it applies to
SamplesOf = Callable[[str], list[dict[str, Any]]]


def is_issue(outcome: Outcome) -> bool:
    """One row that is held back is one too many; a remark is worth a case only where it is no exception."""
    if outcome.rule.severity == "quarantine":
        return outcome.failed > 0
    return outcome.failed > outcome.checked * NOTE_SHARE


def update(run: Run, snapshot: Snapshot, outcomes: Sequence[Outcome], samples_of: SamplesOf) -> None:
    """Bring the issues of the class in line with what a load found; safe to repeat for one run.

    `samples_of(rule id)`: failing rows as {row, column: raw value}; masked here, a few are kept. Each issue is a
    transaction of its own, so that somebody who acts on one case does not undo the others.
    """
    state = _State.of(run, snapshot, samples_of)
    for left in state.orphaned:
        _drop(state, left, "这个单位已不再报送这一类数据")
    opened = []
    for outcome in outcomes:
        issue = state.open.get(outcome.rule.id)
        if issue is None:
            if is_issue(outcome) and not state.is_overruled(outcome.rule):
                opened.append(_open(state, outcome))
        elif outcome.failed:
            _still_failing(state, issue, outcome)
        elif outcome.checked:
            _no_failures(state, issue, outcome)
    for left in state.without_rule:
        _drop(state, left, "数据类已不再使用这条规则")
    _tell_opened(state, opened)


@dataclass
class _State:
    """What is known of the class before the load is weighed. Six queries.

    `open`: issues of the unit that delivered, by rule, for a load speaks of its own unit's rows. `closed`: the last one of
    each rule, whoever's. `orphaned`: open ones of units that deliver the class no longer; `without_rule`: open ones of a
    rule that it no longer has.
    """

    run: Run
    snapshot: Snapshot
    samples_of: SamplesOf
    data_class: DataClass
    definition: ClassDefinition
    rules: dict[str, Rule]
    unit: Organisation
    open: dict[str, Issue]
    closed: dict[str, Issue]
    orphaned: list[Issue]
    without_rule: list[Issue]
    cases: dict[str, Case]

    @classmethod
    def of(cls, run: Run, snapshot: Snapshot, samples_of: SamplesOf) -> _State:
        definition = definition_of(run.data_class)
        known = list(Issue.objects.filter(data_class=run.data_class).order_by("closed_at", "pk"))
        numbers = [issue.case_number for issue in known if issue.case_number]
        found = {case.number: case for case in Case.objects.filter(number__in=numbers)}
        standing = [issue for issue in known if issue.closed_at is None]
        # A person's decision that no effect passed on (an older workflow) is taken over here.
        for issue in list(standing):
            case = found.get(issue.case_number)
            if case is not None and case.closed_at is not None:
                _close_by_hand(issue.case_number, case.closed_at)
                issue.closed_at = case.closed_at
                standing.remove(issue)
        unit = run.channel.unit if run.channel else run.data_class.department
        rules = rules_by_id(definition)
        delivering = {unit.pk, *run.data_class.channels.filter(withdrawn_at=None).values_list("unit", flat=True)}
        return cls(
            run=run,
            snapshot=snapshot,
            samples_of=samples_of,
            data_class=run.data_class,
            definition=definition,
            rules=rules,
            unit=unit,
            open={issue.rule: issue for issue in standing if issue.unit_id == unit.pk and issue.rule in rules},
            closed={issue.rule: issue for issue in known if issue.closed_at is not None},
            orphaned=[issue for issue in standing if issue.unit_id not in delivering],
            without_rule=[issue for issue in standing if issue.unit_id in delivering and issue.rule not in rules],
            cases=found,
        )

    def is_overruled(self, rule: Rule) -> bool:
        """Whether the data centre found this very rule wrong: until it is changed, it opens no issue again."""
        before = self.closed.get(rule.id)
        if before is None or before.closed_run_id is not None:  # never, or closed by a load and not by a decision
            return False
        case = self.cases.get(before.case_number)
        return bool(case and case.state == "withdrawn" and case.data.get("rule_digest") == _digest(rule))

    def samples(self, rule: Rule) -> list[dict[str, Any]]:
        return masked(self.definition, rule, self.samples_of(rule.id))


@transaction.atomic
def _open(state: _State, outcome: Outcome) -> Issue:
    rule, before = outcome.rule, state.closed.get(outcome.rule.id)
    issue = Issue(
        data_class=state.data_class,
        rule=rule.id,
        column=rule.column,
        dimension=rule.dimension,
        unit=state.unit,
        opened_run=state.run,
        latest_run=state.run,
        checked=outcome.checked,
        failed=outcome.failed,
        failed_at_first=outcome.failed,
        samples=state.samples(rule),
        opened_at=clock.now(),
    )
    message = rule.message.zh.rstrip("。") or rule.id
    case = cases.open_case(
        type=CASE_TYPE,
        title=f"{state.data_class.name}：{message}",
        organisation=state.unit,
        division=places.root(),
        actor=None,
        subject_organisation=state.unit,
        channel=Case.Channel.SYSTEM,
        data={
            "class": state.data_class.slug,
            "rule": rule.id,
            "rule_digest": _digest(rule),
            "dimension": rule.dimension,
            "checked": outcome.checked,
            "failed": outcome.failed,
            "run": state.run.pk,
            "message": {"zh": rule.message.zh, "en": rule.message.en},
            "previous": before.case_number if before and before.unit_id == state.unit.pk else "",
            "english": _english(state.data_class, rule),
        },
    )
    issue.case_number = case.number
    issue.save(force_insert=True)
    return issue


def _still_failing(state: _State, issue: Issue, outcome: Outcome) -> None:
    """Counts and samples are the newest load's. A report that this load contradicts goes back to the unit."""
    if issue.latest_run_id == state.run.pk:
        return
    words = f"运行 {state.run.pk}：不合格 {issue.failed} → {outcome.failed} 行（共校验 {outcome.checked} 行）"
    event = "not_mended" if _reported_before(state, issue) else "remeasured" if outcome.failed != issue.failed else ""
    # Without word to the case there is one statement, and nothing that could be undone.
    try:
        with transaction.atomic() if event else contextlib.nullcontext():
            if event:
                _note(issue, event, words, outcome, state)
            issue.checked, issue.failed, issue.latest_run = outcome.checked, outcome.failed, state.run
            issue.samples = state.samples(outcome.rule) or issue.samples
            issue.save(update_fields=["checked", "failed", "latest_run", "samples"])
    except Conflict:
        return  # somebody closed the case a moment ago; the next load finds it so


def _no_failures(state: _State, issue: Issue, outcome: Outcome) -> None:
    reported = _reported_before(state, issue)
    if not evidence.is_proof(issue, state.snapshot, list(state.definition.key), reported=reported):
        return
    words = f"运行 {state.run.pk}：不合格 {issue.failed} → 0 行（共校验 {outcome.checked} 行），由系统验证办结"
    try:
        with transaction.atomic():
            _note(issue, "prove", words, outcome, state)
            _end(issue, state.run, outcome.checked)
    except Conflict:
        return


def _drop(state: _State, issue: Issue, why: str) -> None:
    """The class no longer has the rule, or the unit no longer delivers it: nobody can be asked to mend."""
    try:
        with transaction.atomic():
            cases.act_as_system(issue.case_number, "drop", data={"opinion": why})
            _end(issue, state.run, issue.checked)
    except Conflict:
        return


def _end(issue: Issue, run: Run, checked: int) -> None:
    issue.checked, issue.failed = checked, 0
    issue.latest_run = issue.closed_run = run
    issue.closed_at = clock.now()
    issue.save(update_fields=["checked", "failed", "latest_run", "closed_run", "closed_at"])


def _note(issue: Issue, action: str, words: str, outcome: Outcome, state: _State) -> None:
    data = {"opinion": words, "run": state.run.pk, "before": issue.failed, "after": outcome.failed}
    cases.act_as_system(issue.case_number, action, data=data)


def _reported_before(state: _State, issue: Issue) -> bool:
    """Whether the unit has reported the rows mended, and the load began after that."""
    case = state.cases.get(issue.case_number)
    if case is None or case.state != "special_open":
        return False
    reported = CaseEvent.objects.filter(case=case, action="report_mended").order_by("-seq").first()
    return reported is not None and reported.at <= state.run.queued_at


def _digest(rule: Rule) -> str:
    """Changes when what the rule demands changes."""
    demands = json.dumps([rule.primitive, rule.column, rule.parameters], sort_keys=True, default=str)
    return hashlib.sha256(demands.encode()).hexdigest()[:16]


def _english(data_class: DataClass, rule: Rule) -> str:
    return f"{data_class.english}: {rule.message.en.rstrip('.')}" if data_class.english and rule.message.en else ""


def _tell_opened(state: _State, opened: Sequence[Issue]) -> None:
    """One message a load, however many rules fail."""
    if not opened:
        return
    names = "、".join(
        state.rules[issue.rule].message.zh.rstrip("。") for issue in opened[:3] if issue.rule in state.rules
    )
    context = {
        "title": state.data_class.name,
        "organisation": state.unit.name,
        "reason": names + (f"等 {len(opened)} 项" if len(opened) > 3 else ""),
    }
    only = opened[0].case_number if len(opened) == 1 else ""
    link = f"/desk/cases/{only}/" if only else f"/desk/data/classes/{state.data_class.slug}/"
    telling.tell(
        telling.officers_of([state.unit])[state.unit.pk], "data.issue_opened", context, link=link, case_number=only
    )


# Effects of the workflow ------------------------------------------------------------------------------


def close_issue(case: Case, event: CaseEvent, actor: Account | None) -> None:
    """Effect of “settle” and “overrule”: a person closed the case, so the issue is closed without proof of a load."""
    _close_by_hand(case.number, event.at)


def _close_by_hand(case_number: str, at: dt.datetime) -> None:
    Issue.objects.filter(case_number=case_number, closed_at=None).update(closed_at=at)


def tell_of_dispute(case: Case, event: CaseEvent, actor: Account | None) -> None:
    """Effect of “dispute”: the data centre, which decides, does not have the case on its desk."""
    context = {"title": case.title, "organisation": case.organisation.name, "reason": event.opinion}
    link = f"/desk/cases/{case.number}/"
    telling.tell(telling.operators(), "data.dispute_raised", context, link=link, case_number=case.number)


# Objections of citizens -------------------------------------------------------------------------------


@dataclass(frozen=True)
class ObjectionCounts:
    """Objections (异议、纠错) to records of one unit, as issues of accuracy: open, found right, found wrong."""

    open: int = 0
    corrected: int = 0
    rejected: int = 0

    @property
    def total(self) -> int:
        return self.open + self.corrected + self.rejected


def objection_counts(scope: Scope | None = None, since: dt.datetime | None = None) -> Mapping[int, ObjectionCounts]:
    """Unit id → counts, units without any left out; `since`: opened from then on. Scope None: all. One query."""
    found = Case.objects.filter(type__slug=OBJECTION, is_simulated=False)
    if scope is not None:
        found = found.filter(scope.q())
    if since is not None:
        found = found.filter(opened_at__gte=since)
    rows = found.order_by().values_list("organisation_id").annotate(
        open=Count("pk", filter=Q(closed_at=None)),
        corrected=Count("pk", filter=Q(state="approved")),
        rejected=Count("pk", filter=Q(state="denied")),
    )  # fmt: skip
    return {unit: ObjectionCounts(*counts) for unit, *counts in rows}
