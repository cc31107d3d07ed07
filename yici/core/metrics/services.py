"""Freezing: the one thing metrics write. A frozen value is never changed; a later cutoff supersedes it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Invalid
from yici.core.audit import services as audit
from yici.core.metrics import queries
from yici.core.metrics.errors import AlreadyFrozen, ChecksFailed
from yici.core.metrics.models import Snapshot
from yici.core.metrics.rules import Period

__all__ = ["freeze"]


@transaction.atomic
def freeze(
    metric_id: str,
    period: Period,
    cutoff: dt.datetime | None = None,
    *,
    actor: audit.Actor = audit.SYSTEM,
    breakdowns: Sequence[str] | None = None,
) -> list[Snapshot]:
    """Keep the metric's value, and those of each breakdown, as they stand at `cutoff` (aware; default now).

    Raises `UnknownMetric`; `Invalid` where nobody counts the metric or the cutoff is not between the period's
    start and now; `ChecksFailed` where parts do not make the whole; `AlreadyFrozen` for a cutoff used before.
    """
    definition = queries.metric(metric_id)
    cutoff = cutoff or clock.now()
    if not period.moments()[0] <= cutoff <= clock.now():
        raise Invalid(_("截止时间应在统计周期开始之后，且不晚于现在。"))
    kept: list[Snapshot] = []
    with clock.at(cutoff):
        for breakdown in ("", *(definition.breakdowns if breakdowns is None else breakdowns)):
            measured = queries.measure(metric_id, period, breakdown or None)
            if not measured.is_provided:
                raise Invalid(_("指标“%(label)s”还没有统计来源，不能冻结。") % {"label": definition.label})
            if measured.problems:
                raise ChecksFailed(problems=list(measured.problems))
            kept += _snapshots(measured, breakdown, cutoff)
    try:
        with transaction.atomic():
            Snapshot.objects.bulk_create(kept)
    except IntegrityError as error:
        raise AlreadyFrozen() from error
    audit.record(
        actor,
        "decide",
        subject=("metric", metric_id),
        purpose=_("冻结 %(period)s 的统计数值") % {"period": period.code},
    )
    return kept


def _snapshots(measured: queries.Measurement, breakdown: str, cutoff: dt.datetime) -> list[Snapshot]:
    shared = {
        "metric": measured.metric.id,
        "period_start": measured.period.start,
        "period_end": measured.period.end,
        "breakdown": breakdown,
        "qualifier": measured.qualifier.value,
        "cutoff": cutoff,
    }
    if not breakdown:
        figures = {"numerator": measured.numerator, "denominator": measured.denominator}
        return [Snapshot(**shared, **figures, value=measured.value)]
    return [
        Snapshot(
            **shared, key=row.row.key, value=row.value, numerator=row.row.numerator, denominator=row.row.denominator
        )
        for row in measured.rows
    ]
