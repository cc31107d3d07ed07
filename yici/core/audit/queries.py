"""Reading the access log: by subject, by case, by actor, and as the person concerned sees it.

The log stores element ids; whoever shows them passes a function that labels them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import groupby

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from yici.core.audit.models import Entry, ShardHead

__all__ = [
    "ACTIONS",
    "Cursor",
    "Day",
    "EntryFilter",
    "EntryPage",
    "Look",
    "LooksPage",
    "action_label",
    "entries_about",
    "entries_by",
    "entries_matching",
    "entries_of_case",
    "looks_at",
    "recorded_count",
    "subject_label",
]

ACTIONS = {
    "read": _("查看"),
    "create": _("新建"),
    "issue": _("核发"),
    "change": _("修改"),
    "export": _("导出"),
    "download": _("下载"),
    "decide": _("作出决定"),
    "sign-in": _("登录"),
    "sign-in-failed": _("登录失败"),
    "sign-out": _("退出"),
    "grant": _("授予角色"),
    "revoke": _("撤销"),
    "delegate": _("委托"),
    "second-factor": _("变更第二因素"),
    "verify": _("校验记录"),
}


def action_label(action: str) -> str:
    """The action in words; the identifier itself where a kernel above names its own."""
    return str(ACTIONS.get(action, action))


SUBJECTS = {
    "person": _("个人"),
    "organisation": _("机构"),
    "case": _("办件"),
    "account": _("账户"),
    "file": _("文件"),
    "certificate": _("证照"),
    "audit": _("查阅记录"),
}


def subject_label(kind: str) -> str:
    """The kind of subject in words; the identifier itself where a kernel above names its own."""
    return str(SUBJECTS.get(kind, kind))


@dataclass(frozen=True)
class Cursor:
    """A place in the log, newest first: the entry last shown."""

    at: dt.datetime
    id: int

    def __str__(self) -> str:
        return f"{self.at.isoformat()}~{self.id}"

    @classmethod
    def parse(cls, text: str) -> Cursor | None:
        """None for anything that is not a cursor: a broken link shows the first page."""
        moment, _separator, identifier = text.partition("~")
        try:
            at = dt.datetime.fromisoformat(moment.replace(" ", "+"))
            return cls(at, int(identifier)) if at.tzinfo and 0 < int(identifier) < 2**63 else None
        except ValueError:
            return None


def _before(entries: QuerySet[Entry], before: Cursor | None) -> QuerySet[Entry]:
    if before:
        entries = entries.filter(Q(at__lte=before.at) & (Q(at__lt=before.at) | Q(id__lt=before.id)))
    return entries.order_by("-at", "-id")


def entries_about(kind: str, identifier: str | int, limit: int, before: Cursor | None = None) -> list[Entry]:
    """The newest `limit` entries about one subject."""
    return list(_before(Entry.objects.filter(subject_kind=kind, subject_id=str(identifier)), before)[:limit])


def entries_of_case(number: str) -> list[Entry]:
    """Everything recorded in one case, oldest first."""
    return list(Entry.objects.filter(case_number=number).exclude(case_number="").order_by("at", "id"))


def entries_by(actor_id: int, limit: int = 100, before: Cursor | None = None) -> list[Entry]:
    """What one account looked at or did, newest first."""
    return list(_before(Entry.objects.filter(actor_id=actor_id), before)[:limit])


def recorded_count() -> int:
    """How many entries there are, from the heads: exact, and free of a scan."""
    return sum(ShardHead.objects.values_list("seq", flat=True))


@dataclass(frozen=True)
class EntryFilter:
    """What the auditor looks for; empty fields do not narrow. `actors` are account ids; None: anybody."""

    actors: tuple[int, ...] | None = None
    subject_kind: str = ""
    subject_id: str = ""
    action: str = ""
    case_number: str = ""
    first_day: dt.date | None = None
    last_day: dt.date | None = None


@dataclass(frozen=True)
class EntryPage:
    entries: list[Entry]
    next: Cursor | None


def entries_matching(wanted: EntryFilter, limit: int = 50, before: Cursor | None = None) -> EntryPage:
    """One page of the log, newest first, by keyset: the thousandth page costs what the first does."""
    entries = Entry.objects.all()
    if wanted.actors is not None:
        entries = entries.filter(actor_id__in=wanted.actors)
    for name in ("subject_kind", "subject_id", "action", "case_number"):
        if value := getattr(wanted, name):
            entries = entries.filter(**{name: value})
    if wanted.first_day:
        entries = entries.filter(at__gte=_midnight(wanted.first_day))
    if wanted.last_day:
        entries = entries.filter(at__lt=_midnight(wanted.last_day + dt.timedelta(days=1)))
    rows = list(_before(entries, before)[: limit + 1])
    more = len(rows) > limit
    rows = rows[:limit]
    return EntryPage(rows, Cursor(rows[-1].at, rows[-1].id) if more else None)


def _midnight(day: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day, dt.time()))


@dataclass(frozen=True)
class Look:
    """One look at a person's data, in words the person understands."""

    at: dt.datetime
    official: str
    organisation: str
    action: str
    data: list[str]
    purpose: str
    case_number: str


@dataclass(frozen=True)
class Day:
    date: dt.date
    looks: list[Look] = field(default_factory=list)


@dataclass(frozen=True)
class LooksPage:
    days: list[Day]
    page: int
    has_next: bool


def looks_at(
    person_id: int,
    page: int = 1,
    *,
    label: Callable[[str], str] = str,
    own_account: int | None = None,
    size: int = 30,
) -> LooksPage:
    """谁看过我的数据: who looked at or changed a person's data, by day, newest first.

    The person's own doings (`own_account`) are left out: the question is who else looked.
    """
    start = (max(page, 1) - 1) * size
    entries = Entry.objects.filter(subject_kind="person", subject_id=str(person_id))
    if own_account is not None:
        entries = entries.filter(~Q(actor_id=own_account) | Q(actor_id=None))
    rows = list(entries.order_by("-at", "-id")[start : start + size + 1])
    return LooksPage(list(_by_day(rows[:size], label)), max(page, 1), len(rows) > size)


def _by_day(rows: Iterable[Entry], label: Callable[[str], str]) -> Iterable[Day]:
    for date, group in groupby(rows, key=lambda row: timezone.localdate(row.at)):
        yield Day(date, [_look(row, label) for row in group])


def _look(row: Entry, label: Callable[[str], str]) -> Look:
    return Look(
        at=row.at,
        official=row.actor_name,
        organisation=row.actor_organisation,
        action=action_label(row.action),
        data=[label(element) for element in row.elements],
        purpose=row.purpose,
        case_number=row.case_number,
    )
