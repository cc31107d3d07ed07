"""The overview of the data desk and the list of classes: constant queries, whatever their number."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.db.models import Count, Max, Q, QuerySet, Sum

from yici.base import clock
from yici.base.cityfolder import city_folder
from yici.base.text import Text
from yici.core.people.models import Account, Organisation
from yici.platform.data.catalogue.reading import catalogue_file
from yici.platform.data.models import Channel, ClassChannel, DataClass, Run
from yici.platform.data.quality import queries as quality
from yici.platform.data.quality.freshness import Light, due_at, light
from yici.platform.data.quality.queries import Tally
from yici.platform.data.reading.access import classes_of
from yici.platform.data.scopes import concerning

__all__ = [
    "ORDERS",
    "PAGE",
    "ChannelLine",
    "ClassFilter",
    "ClassRow",
    "Figures",
    "categories",
    "class_rows",
    "departments_of",
    "figures",
    "filtered",
    "overdue",
]

PAGE = 50


@dataclass(frozen=True)
class ChannelLine:
    """One way of docking: how many units and classes, and how many of its described classes stand at each light."""

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
    decisions: int

    @property
    def runs_in_all(self) -> int:
        return sum(self.runs_today.values())

    @property
    def faulty_today(self) -> int:
        return sum(self.runs_today.get(state, 0) for state in Run.FAULTY)

    @property
    def twice(self) -> int:
        """Links beyond one for each class."""
        return self.links - self.classes


def figures(account: Account) -> Figures:
    """Everything within the account's scope. Four queries."""
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
        runs_today=dict(runs.filter(queued_at__gte=since).order_by().values_list("state").annotate(n=Count("pk"))),
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
    """What the list of classes is narrowed to; empty: everything. `order`: see `ORDERS`, reversed with a minus."""

    words: str = ""
    department: str = ""
    channel: str = ""
    light: str = ""
    described: str = ""
    category: str = ""
    order: str = ""

    @property
    def narrows(self) -> bool:
        return any((self.words, self.department, self.channel, self.light, self.described, self.category))


@dataclass(frozen=True)
class ClassRow:
    """One line of the list. `due`: when the next delivery is due, None where nothing is promised or nothing came."""

    data_class: DataClass
    channels: tuple[ClassChannel, ...]
    light: Light
    last_success_at: dt.datetime | None
    due: dt.datetime | None
    tally: Tally
    last_run: Run | None

    @property
    def rows(self) -> int | None:
        return self.data_class.current.row_count if self.data_class.current else None

    @property
    def is_static(self) -> bool:
        """Whether the unit hands it in by itself."""
        return any(channel.kind == Channel.STATIC for channel in self.channels)


# What a list of classes may be sorted by; largest, newest or worst first.
ORDERS = ("name", "department", "light", "score", "rows", "declared", "run")
_LIGHT_RANK: dict[Light, int] = {"red": 0, "yellow": 1, "green": 2, "grey": 3}
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def filtered(account: Account, wanted: ClassFilter) -> list[DataClass]:
    """Classes in the wanted order. The light is no column, so it is judged here. At most three queries."""
    rows = classes_of(account).select_related("department", "current")
    if wanted.words:
        words = wanted.words[:80]
        named = Q(name__icontains=words) | Q(english__icontains=words) | Q(slug__icontains=words)
        rows = rows.filter(named | Q(code__startswith=words))
    if wanted.department:
        rows = rows.filter(department__slug=wanted.department)
    if wanted.category:
        rows = rows.filter(category__startswith=wanted.category)
    if wanted.described:
        rows = rows.filter(is_described=wanted.described == "yes")
    if wanted.channel:
        links = ClassChannel.objects.filter(kind=wanted.channel, withdrawn_at=None)
        rows = rows.filter(pk__in=links.values("data_class"))
    found = list(rows.order_by("-is_described", "slug"))
    lights: dict[str, Light] = {}
    if wanted.light or wanted.order.removeprefix("-") == "light":
        lights = _lights(found)
    if wanted.light:
        found = [one for one in found if lights[one.pk] == wanted.light]
    return _sorted(found, wanted.order, lights)


def _sorted(found: list[DataClass], order: str, lights: dict[str, Light]) -> list[DataClass]:
    name = order.removeprefix("-")
    if name not in ORDERS:
        return found
    key: Callable[[DataClass], Any]
    if name == "score":
        scores = quality.class_scores([one.pk for one in found])
        measured = [one for one in found if one.pk in scores]
        rest = [one for one in found if one.pk not in scores]
        ordered = sorted(measured, key=lambda one: scores[one.pk].score or 0.0, reverse=order.startswith("-"))
        return [*ordered, *rest]
    if name == "run":
        newest = dict(_newest_runs([one.pk for one in found]).values_list("data_class", "queued_at"))
        key = lambda one: -(newest.get(one.pk, _EPOCH) - _EPOCH).total_seconds()  # noqa: E731
    elif name == "rows":
        key = lambda one: -(one.current.row_count if one.current else -1)  # noqa: E731
    elif name == "declared":
        key = lambda one: -one.declared_rows  # noqa: E731
    elif name == "light":
        key = lambda one: _LIGHT_RANK[lights[one.pk]]  # noqa: E731
    elif name == "department":
        key = lambda one: (one.department.order, one.department_id)  # noqa: E731
    else:
        key = lambda one: one.label  # noqa: E731
    return sorted(found, key=key, reverse=order.startswith("-"))


def _last_success(class_ids: Iterable[str]) -> dict[str, dt.datetime | None]:
    rows = ClassChannel.objects.filter(withdrawn_at=None, data_class__in=list(class_ids))
    return dict(rows.order_by().values_list("data_class").annotate(at=Max("last_success_at")))


def _lights(classes: Sequence[DataClass]) -> dict[str, Light]:
    at, now = _last_success(one.pk for one in classes), clock.now()
    return {one.pk: light(one.cycle, at.get(one.pk), now) for one in classes}


def _newest_runs(class_ids: Sequence[str]) -> QuerySet[Run]:
    newest = Run.objects.filter(data_class__in=class_ids).order_by().values("data_class").annotate(last=Max("pk"))
    return Run.objects.filter(pk__in=newest.values("last"))


def class_rows(classes: Sequence[DataClass]) -> list[ClassRow]:
    """Lines for one page of classes. Three queries."""
    ids = [one.pk for one in classes]
    channels: dict[str, list[ClassChannel]] = defaultdict(list)
    for channel in (
        ClassChannel.objects.filter(data_class__in=ids, withdrawn_at=None).select_related("unit").order_by("kind")
    ):
        channels[channel.data_class_id].append(channel)
    scores = quality.class_scores(ids)
    runs = {run.data_class_id: run for run in _newest_runs(ids)}
    now = clock.now()
    rows = []
    for one in classes:
        own = tuple(channels[one.pk])
        at = max((channel.last_success_at for channel in own if channel.last_success_at), default=None)
        rows.append(
            ClassRow(
                data_class=one,
                channels=own,
                light=light(one.cycle, at, now),
                last_success_at=at,
                due=due_at(one.cycle, at, now),
                tally=scores.get(one.pk, Tally()),
                last_run=runs.get(one.pk),
            )
        )
    return rows


def overdue(account: Account, count: int, department: Organisation | None = None) -> list[ClassRow]:
    """Described classes that are overdue, those that have been so longest first. `department`: those it holds or delivers.

    Five queries.
    """
    classes = classes_of(account).filter(is_described=True).select_related("department", "current")
    if department is not None:
        classes = classes.filter(concerning(department, ""))
    found = list(classes)
    at, now = _last_success(one.pk for one in found), clock.now()
    late = [
        (due, one)
        for one in found
        if light(one.cycle, at.get(one.pk), now) == "red" and (due := due_at(one.cycle, at.get(one.pk), now))
    ]
    late.sort(key=lambda entry: (entry[0], entry[1].pk))
    return class_rows([one for _due, one in late[:count]])


def departments_of(account: Account) -> list[Organisation]:
    """Departments that have a class within the scope, in the city's order."""
    return list(Organisation.objects.filter(pk__in=classes_of(account).values("department")))


def categories() -> dict[str, Text]:
    """信息资源分类 of the city: id → label."""
    return _categories(city_folder())


@lru_cache(maxsize=4)
def _categories(city: Path) -> dict[str, Text]:
    return {name: one.label for name, one in catalogue_file(city).categories.items()}
