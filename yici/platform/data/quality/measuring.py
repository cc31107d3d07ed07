"""What the rules found in a run becomes results and scores, as counts that add up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from yici.base import clock
from yici.platform.data.models import RuleResult, Run, Score, Snapshot
from yici.platform.data.rules.language import Outcome

__all__ = ["measure"]


@transaction.atomic
def measure(run: Run, snapshot: Snapshot, outcomes: Sequence[Outcome]) -> None:
    """Keep one result a rule and one score a column and dimension. A second call for the run replaces the first."""
    RuleResult.objects.filter(run=run).delete()
    RuleResult.objects.bulk_create(
        RuleResult(
            run=run,
            rule=one.rule.id,
            column=one.rule.column,
            dimension=one.rule.dimension,
            checked=one.checked,
            failed=one.failed,
        )
        for one in outcomes
    )
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for one in outcomes:
        pair = sums[one.rule.column, one.rule.dimension]
        pair[0] += one.checked
        pair[1] += one.failed
    month = timezone.localdate(clock.now()).replace(day=1)
    Score.objects.filter(snapshot=snapshot).delete()
    Score.objects.bulk_create(
        Score(
            snapshot=snapshot,
            data_class_id=run.data_class_id,
            month=month,
            column=column,
            dimension=dimension,
            checked=checked,
            failed=failed,
        )
        for (column, dimension), (checked, failed) in sums.items()
        if checked
    )
