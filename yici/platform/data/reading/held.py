"""Runs with rows that still wait to be put right, and the filters of the list of runs."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, F, IntegerField, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from yici.base import clock
from yici.core.people.models import Account, Organisation
from yici.platform.data.models import Channel, Mend, Run
from yici.platform.data.reading.access import runs_of

__all__ = ["RunFilter", "runs", "waiting", "waiting_rows"]


def waiting(account: Account, department: Organisation | None = None) -> QuerySet[Run]:
    """Runs with held rows, `waiting` of them neither loaded since nor discarded, most first.

    Of a class that is delivered whole only its newest delivery counts; increments wait until they are settled. A replay's
    rows wait in the run they came from.
    """
    rows = runs_of(account).filter(state=Run.State.PUBLISHED).exclude(trigger=Run.Trigger.REPLAY)
    if department is not None:
        rows = rows.filter(data_class__department=department)
    published = Run.objects.filter(state=Run.State.PUBLISHED).exclude(trigger=Run.Trigger.REPLAY)
    newest = published.order_by().values("data_class").annotate(last=Max("pk")).values("last")
    settled = Mend.objects.filter(run=OuterRef("pk"), state__in=Mend.SETTLED).order_by().values("run")
    done = Coalesce(Subquery(settled.annotate(n=Count("pk")).values("n"), output_field=IntegerField()), 0)
    rows = rows.filter(Q(pk__in=newest) | Q(data_class__definition__load="increment"), rows_quarantined__gt=done)
    left = F("rows_quarantined") - done
    return rows.annotate(waiting=left).order_by(left.desc(), "-pk")


def waiting_rows(account: Account, department: Organisation | None = None) -> tuple[int, int]:
    """How many rows wait, in how many runs. One query."""
    found = list(waiting(account, department).order_by().values_list("waiting", flat=True))  # type: ignore[misc]
    return sum(found), len(found)


@dataclass(frozen=True)
class RunFilter:
    """What the list of runs is narrowed to; empty: everything. `state` also `faulty`; `held`: rows that wait."""

    state: str = ""
    department: str = ""
    data_class: str = ""
    trigger: str = ""
    channel: str = ""
    recent: str = ""
    held: str = ""

    @property
    def narrows(self) -> bool:
        return any((self.state, self.department, self.data_class, self.trigger, self.channel, self.recent, self.held))


def runs(account: Account, wanted: RunFilter) -> QuerySet[Run]:
    """Newest first; with `held` those with the most waiting rows."""
    rows = waiting(account) if wanted.held else runs_of(account).order_by("-id")
    if wanted.state == "faulty":
        rows = rows.filter(state__in=Run.FAULTY)
    elif wanted.state in Run.State.values:
        rows = rows.filter(state=wanted.state)
    if wanted.department:
        rows = rows.filter(data_class__department__slug=wanted.department)
    if wanted.data_class:
        rows = rows.filter(data_class=wanted.data_class)
    if wanted.trigger in Run.Trigger.values:
        rows = rows.filter(trigger=wanted.trigger)
    if wanted.channel in Channel.values:
        rows = rows.filter(channel__kind=wanted.channel)
    if wanted.recent:
        rows = rows.filter(queued_at__gte=clock.now() - dt.timedelta(hours=24))
    return rows
