"""The overview of the data desk and the list of classes: constant queries, whatever their number."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Count, Max, Q, QuerySet, Sum

from yici.base import clock
from yici.core.people import queries as people
from yici.core.people.models import Account, Organisation
from yici.platform.data.models import Channel, ClassChannel, DataClass, Run
from yici.platform.data.quality import queries as quality
from yici.platform.data.quality.freshness import Light, light
from yici.platform.data.quality.queries import Tally
from yici.platform.data.reading.access import classes_of

__all__ = [
    "PAGE",
    "ChannelLine",
    "ClassFilter",
    "ClassRow",
    "Figures",
    "class_rows",
    "departments_of",
    "figures",
    "filtered",
]

PAGE = 50


@dataclass(frozen=True)
class ChannelLine:
    """One way of docking: how many units and classes, and how many of its classes stand at each light."""

    kind: str
    label: str
    units: int
    classes: int
    lights: dict[Light, int]


@dataclass(frozen=True)
class Figures:
    """The desk's figures. `links`: class-channel links; two classes come by two channels, so they are more."""

    departments: int
    classes: int
    links: int
    described: int
    declared_rows: int
    loaded_rows: int
    loaded_classes: int
    loaded_bytes: int
    channels: Sequence[ChannelLine]
    runs_today: dict[str, int]
    waiting_rows: int
    decisions: int


def figures(account: Account) -> Figures:
    """Everything within the account's scope. Six queries."""
    classes = classes_of(account)
    sums = classes.aggregate(
        n=Count("pk"),
        departments=Count("department", distinct=True),
        described=Count("pk", filter=Q(is_described=True)),
        declared=Sum("declared_rows"),
        rows=Sum("current__row_count"),
        loaded=Count("current"),
        size=Sum("current__byte_count"),
    )
    runs = Run.objects.filter(data_class__in=classes.values("pk"))
    since = clock.now() - dt.timedelta(hours=24)
    today = dict(runs.filter(queued_at__gte=since).order_by().values_list("state").annotate(n=Count("pk")))
    waiting = runs.filter(state=Run.State.PUBLISHED, rows_quarantined__gt=0)
    newest = waiting.order_by().values("data_class").annotate(last=Max("pk")).values("last")
    lines, links = _channel_lines(classes)
    return Figures(
        departments=sums["departments"],
        classes=sums["n"],
        links=links,
        described=sums["described"],
        declared_rows=sums["declared"] or 0,
        loaded_rows=sums["rows"] or 0,
        loaded_classes=sums["loaded"],
        loaded_bytes=sums["size"] or 0,
        channels=lines,
        runs_today=today,
        waiting_rows=Run.objects.filter(pk__in=newest).aggregate(n=Sum("rows_quarantined"))["n"] or 0,
        decisions=runs.filter(state=Run.State.WAITING).count(),
    )


def _channel_lines(classes: QuerySet[DataClass]) -> tuple[list[ChannelLine], int]:
    now = clock.now()
    rows = ClassChannel.objects.filter(withdrawn_at=None, data_class__in=classes.values("pk")).values_list(
        "kind", "unit", "data_class", "data_class__cycle", "last_success_at", "data_class__is_described"
    )
    units: dict[str, set[int]] = defaultdict(set)
    count: dict[str, int] = defaultdict(int)
    lights: dict[str, dict[Light, int]] = defaultdict(lambda: {"red": 0, "yellow": 0, "green": 0, "grey": 0})
    for kind, unit, _class, cycle, at, is_described in rows:
        units[kind].add(unit)
        count[kind] += 1
        if is_described:
            lights[kind][light(cycle, at, now)] += 1
    lines = [
        ChannelLine(one.value, str(one.label), len(units[one.value]), count[one.value], lights[one.value])
        for one in Channel
        if count[one.value]
    ]
    return lines, sum(count.values())


@dataclass(frozen=True)
class ClassFilter:
    """What the list of classes is narrowed to; empty: everything."""

    words: str = ""
    department: str = ""
    channel: str = ""
    light: str = ""
    described: str = ""
    category: str = ""
    order: str = ""


@dataclass(frozen=True)
class ClassRow:
    """One line of the list."""

    data_class: DataClass
    channels: tuple[str, ...]
    light: Light
    last_success_at: dt.datetime | None
    tally: Tally
    last_run: Run | None

    @property
    def rows(self) -> int | None:
        return self.data_class.current.row_count if self.data_class.current else None


_ORDERS = {"rows": "-current__row_count", "declared": "-declared_rows", "name": "name"}


def filtered(account: Account, wanted: ClassFilter) -> list[DataClass]:
    """Classes in the wanted order; the light is no column, so it is judged here, with one query more."""
    rows = classes_of(account).select_related("department", "current")
    if wanted.words:
        words = wanted.words[:80]
        rows = rows.filter(
            Q(name__icontains=words) | Q(english__icontains=words) | Q(slug__icontains=words) | Q(code=words)
        )
    if wanted.department:
        rows = rows.filter(department__slug=wanted.department)
    if wanted.category:
        rows = rows.filter(category__startswith=wanted.category)
    if wanted.described:
        rows = rows.filter(is_described=wanted.described == "yes")
    if wanted.channel:
        links = ClassChannel.objects.filter(kind=wanted.channel, withdrawn_at=None)
        rows = rows.filter(pk__in=links.values("data_class"))
    order = _ORDERS.get(wanted.order)
    found = list(rows.order_by(order, "slug") if order and order != "name" else rows.order_by("-is_described", "slug"))
    if wanted.order in ("rows", "declared"):
        found.sort(
            key=lambda one: (
                -((one.current.row_count if one.current else 0) if wanted.order == "rows" else one.declared_rows)
            )
        )
    if wanted.light:
        lights = _lights([one.pk for one in found])
        now = clock.now()
        found = [one for one in found if light(one.cycle, lights.get(one.pk), now) == wanted.light]
    return found


def _lights(class_ids: Iterable[str]) -> dict[str, dt.datetime | None]:
    rows = ClassChannel.objects.filter(withdrawn_at=None, data_class__in=list(class_ids))
    return dict(rows.order_by().values_list("data_class").annotate(at=Max("last_success_at")))


def class_rows(classes: Sequence[DataClass]) -> list[ClassRow]:
    """Lines for one page of classes. Three queries."""
    ids = [one.pk for one in classes]
    channels: dict[str, list[ClassChannel]] = defaultdict(list)
    for channel in ClassChannel.objects.filter(data_class__in=ids, withdrawn_at=None).order_by("kind"):
        channels[channel.data_class_id].append(channel)
    scores = quality.class_scores(ids)
    newest = (
        Run.objects.filter(data_class__in=ids).order_by().values("data_class").annotate(last=Max("pk")).values("last")
    )
    runs = {run.data_class_id: run for run in Run.objects.filter(pk__in=newest)}
    now = clock.now()
    rows = []
    for one in classes:
        own = channels[one.pk]
        at = max((channel.last_success_at for channel in own if channel.last_success_at), default=None)
        kinds = tuple(str(Channel(channel.kind).label) for channel in own)
        rows.append(ClassRow(one, kinds, light(one.cycle, at, now), at, scores.get(one.pk, Tally()), runs.get(one.pk)))
    return rows


def departments_of(account: Account) -> list[Organisation]:
    """Departments that have a class within the scope, in the city's order."""
    scope = people.scope_of(account, "data.view")
    held = DataClass.objects.filter(scope.q("department", None), withdrawn_at=None).values("department")
    return list(Organisation.objects.filter(pk__in=held))
