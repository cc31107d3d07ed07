"""Word of a delivery that nobody watched and that was not loaded: to who delivers it, or to who looks after the sources.

A run that a person started is watched by that person. What was told of a channel is not told again while it goes on.
"""

from __future__ import annotations

from collections.abc import Sequence

from yici.platform.data.models import Run
from yici.platform.data.quality import telling
from yici.platform.data.runs.starting import UNATTENDED

__all__ = ["tell_of_end", "tell_of_faults"]

_TEMPLATES = {
    Run.State.REFUSED: "data.delivery_refused",
    Run.State.WAITING: "data.delivery_waiting",
    Run.State.FAILED: "data.source_failed",
}
_NAMED = 3  # faults that a message names


def tell_of_end(run: Run) -> int:
    """Tell of a run that ended (or waits) without a version; returns how many people. Nothing for one that loaded.

    Refused or waiting: the unit's officers, who deliver again or confirm the columns. Failed for good: the data centre.
    """
    template = _TEMPLATES.get(Run.State(run.state))
    if template is None or run.actor_id is not None or run.trigger not in UNATTENDED or run.channel is None:
        return 0
    is_failed = run.state == Run.State.FAILED
    if (is_failed and run.retries.exists()) or _is_known(run):
        return 0
    unit = run.channel.unit
    told = telling.operators() if is_failed else telling.officers_of([unit])[unit.pk]
    context = {"title": run.data_class.name, "organisation": unit.name, "reason": run.message}
    return telling.tell(told, template, context, link=f"/desk/data/runs/{run.pk}/")


def tell_of_faults(faults: Sequence[object]) -> int:
    """Tell the data centre what the night's comparison of checksums found; returns how many people."""
    if not faults:
        return 0
    context = {"title": str(len(faults)), "reason": "；".join(str(fault).rstrip("。") for fault in faults[:_NAMED])}
    return telling.tell(telling.operators(), "data.lake_damaged", context, link="/desk/data/")


def _is_known(run: Run) -> bool:
    """Whether the run of the channel before ended in the same way; attempts at the same delivery are one."""
    before = run.data_class.runs.filter(channel=run.channel, pk__lt=run.first.pk).exclude(trigger=Run.Trigger.REPLAY)
    last = before.order_by("-pk").values_list("state", "error").first()
    return last == (run.state, run.error)
