"""What the rules found in a run becomes rows: one result a rule, one score a column and dimension.

A score stays its two counts, so that columns add up to classes, classes to departments, departments to the city.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from yici.platform.data.models import RuleResult, Run, Score, Snapshot
from yici.platform.data.rules.language import Outcome

__all__ = ["measure", "month_of"]


@transaction.atomic(savepoint=False)
def measure(run: Run, snapshot: Snapshot, outcomes: Sequence[Outcome]) -> None:
    """Keep what `run` found about the delivery that led to `snapshot`; safe to repeat, the newest word counts.

    The counts are of the delivered rows, held back ones included: they are the quality of the source, not of what
    passed. A run that brought nothing new is measured again on the version that stands. A rule that applied to no
    row has a result but no part in a score.
    """
    RuleResult.objects.bulk_create(
        [
            RuleResult(
                run=run,
                rule=outcome.rule.id,
                column=outcome.rule.column,
                dimension=outcome.rule.dimension,
                checked=outcome.checked,
                failed=outcome.failed,
            )
            for outcome in outcomes
        ],
        update_conflicts=True,
        unique_fields=["run", "rule"],
        update_fields=["column", "dimension", "checked", "failed"],
    )
    month = month_of(snapshot.published_at)
    Score.objects.filter(snapshot=snapshot).delete()
    Score.objects.bulk_create(
        Score(
            snapshot=snapshot,
            data_class_id=snapshot.data_class_id,
            month=month,
            column=column,
            dimension=dimension,
            checked=checked,
            failed=failed,
        )
        for (column, dimension), (checked, failed) in _added_up(outcomes).items()
    )


def month_of(moment: dt.datetime) -> dt.date:
    """First day of the month, by the city's clock."""
    return timezone.localdate(moment).replace(day=1)


def _added_up(outcomes: Sequence[Outcome]) -> dict[tuple[str, str], tuple[int, int]]:
    found: dict[tuple[str, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for outcome in outcomes:
        if outcome.checked:
            place = (outcome.rule.column, outcome.rule.dimension)
            checked, failed = found[place]
            found[place] = (checked + outcome.checked, failed + outcome.failed)
    return found
