"""The work list: what an official may see, filtered, in pages, in a constant number of queries."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone

from yici.base import clock
from yici.base.text import localized
from yici.core.cases import telling
from yici.core.cases.definitions import warm
from yici.core.cases.models import Case, CaseType
from yici.core.people import queries as people
from yici.core.people.models import Account
from yici.core.people.queries import Scope
from yici.core.places.rules import code_range
from yici.core.vocabulary.rules import mask_name

COUNT_CAP = 10_000
SIZES = (20, 50, 100)
TABS = ("mine", "department", "done")
_EXPORT_LIMIT = 10_000  # rows

# What a row shows, and nothing else: no event, no segment, no definition is read for a list.
_COLUMNS = (
    "number",
    "title",
    "subject_id",
    "subject_name",
    "state",
    "stage",
    "light",
    "clock",
    "due_at",
    "opened_at",
    "closed_at",
    "event_count",
    "urged",
    "version_id",
    "type__name",
    "type__english",
    "organisation__short_name",
    "organisation__english",
    "division__full_name",
    "division__english",
    "data__english",
    "assignee_id",
    "assignee__name",
    "is_simulated",
)


@dataclass(frozen=True)
class WorkListFilter:
    """What the list shows. `text` is the beginning of a number or of a person's name, `type` a slug or words of a
    type's name, `division` a code."""

    tab: str = "department"
    state: str = ""
    light: str = ""
    type: str = ""
    division: str = ""
    text: str = ""
    overdue: bool = False
    unassigned: bool = False
    size: int = 20


@dataclass(frozen=True)
class WorkListRow:
    """One line, ready for the page. A person's name is masked: who opens the case sees it, and is recorded."""

    number: str
    title: str
    type_name: str
    subject_name: str
    state: str
    state_label: str
    tone: str
    light: str
    days_left: str
    due_at: dt.datetime | None
    opened_at: dt.datetime
    closed_at: dt.datetime | None
    organisation: str
    division: str
    assignee: str
    is_mine: bool
    is_unassigned: bool
    urged: int
    is_simulated: bool

    @property
    def due_on(self) -> str:
        """Month, day and minute in China; a list holds a hundred of them, and a filter of the template takes several times as long."""
        return f"{timezone.localtime(self.due_at):%m-%d %H:%M}" if self.due_at else ""

    @property
    def closed_on(self) -> str:
        return f"{timezone.localtime(self.closed_at):%Y-%m-%d %H:%M}" if self.closed_at else ""

    @property
    def closed_moment(self) -> str:
        """For machines: ISO 8601 with its offset, to the second."""
        return timezone.localtime(self.closed_at).isoformat(timespec="seconds") if self.closed_at else ""


@dataclass(frozen=True)
class WorkListPage:
    rows: list[WorkListRow]
    capped_count: int
    is_capped: bool
    page: int
    size: int
    has_next: bool
    filters: WorkListFilter = field(default_factory=WorkListFilter)

    @property
    def count_in_words(self) -> str:
        """`10,000+` where nobody counted further."""
        return f"{COUNT_CAP:,}+" if self.is_capped else f"{self.capped_count:,}"


def work_list(account: Account, filters: WorkListFilter | None = None, page: int = 1) -> WorkListPage:
    """One page of the cases the account may view. At most five queries, whatever the scope and the length."""
    chosen = filters or WorkListFilter()
    size = chosen.size if chosen.size in SIZES else SIZES[0]
    number = max(1, min(page, COUNT_CAP // size + 1))
    cases = _filtered(account, chosen)
    start = (number - 1) * size
    found = _rows(list(_ordered(cases, chosen.tab).values_list("pk", flat=True)[start : start + size + 1]))
    whole = number == 1 and len(found) <= size
    count = len(found) if whole else _length(cases)
    warm(row["version_id"] for row in found)
    words = _Words()
    return WorkListPage(
        rows=[_row(row, account, words) for row in found[:size]],
        capped_count=min(count, COUNT_CAP),
        is_capped=count > COUNT_CAP,
        page=number,
        size=size,
        has_next=len(found) > size,
        filters=chosen,
    )


def export_rows(account: Account, filters: WorkListFilter) -> Iterator[WorkListRow]:
    """The whole filtered list for a file, up to 10,000 rows."""
    found = list(_ordered(_filtered(account, filters), filters.tab).values(*_COLUMNS)[:_EXPORT_LIMIT])
    warm(row["version_id"] for row in found)
    words = _Words()
    yield from (_row(row, account, words) for row in found)


def desk_counts(account: Account) -> dict[str, int]:
    """Open cases on the account's own desk: `mine`, `overdue`, `due_soon`. One query."""
    open_mine = Case.objects.filter(assignee=account, closed_at=None)
    return open_mine.aggregate(
        mine=Count("pk"), overdue=Count("pk", filter=Q(light="red")), due_soon=Count("pk", filter=Q(light="yellow"))
    )


SUGGESTED_TYPES = 60
_KEEP_TYPES_SECONDS = 60.0
_KEPT_SCOPES = 500
_types: dict[tuple[str, Scope], tuple[float, list[CaseType]]] = {}


def types_at_hand(account: Account) -> list[CaseType]:
    """Types of the open cases the account may view, most cases first, at most sixty: what a filter suggests.

    Kept for a minute for all who see the same. A city has thousands of types: nobody wants them in one list.
    """
    scope = people.scope_of(account, "case.view")
    key = (str(connection.settings_dict["NAME"]), scope)
    kept = _types.get(key)
    if kept is None or time.monotonic() - kept[0] > _KEEP_TYPES_SECONDS:
        if len(_types) >= _KEPT_SCOPES:
            _types.clear()
        counted = Case.objects.filter(scope.q(), closed_at=None).values("type").annotate(n=Count("*"))
        ids = list(counted.order_by("-n", "type").values_list("type", flat=True)[:SUGGESTED_TYPES])
        found = CaseType.objects.in_bulk(ids)
        kept = _types[key] = (time.monotonic(), [found[pk] for pk in ids])
    return kept[1]


def _types_called(words: str) -> list[int]:
    """Types of this slug or name; where there is none, all whose name holds these words."""
    called = CaseType.objects.filter(Q(slug=words) | Q(name__icontains=words) | Q(english__icontains=words)).order_by()
    found = list(called.values_list("pk", "slug", "name", "english"))
    exactly = [pk for pk, *names in found if words in names]
    return exactly or [pk for pk, *_names in found]


def _filtered(account: Account, filters: WorkListFilter) -> QuerySet[Case]:
    cases = Case.objects.filter(people.scope_of(account, "case.view").q())
    cases = cases.filter(closed_at__isnull=filters.tab != "done")
    if filters.tab == "mine":
        cases = cases.filter(assignee=account)
    if filters.unassigned:
        cases = cases.filter(assignee=None)
    if filters.state:
        cases = cases.filter(state=filters.state)
    if filters.light:
        cases = cases.filter(light=filters.light)
    if filters.type:
        types = _types_called(filters.type)
        cases = cases.filter(type=types[0]) if len(types) == 1 else cases.filter(type__in=types)
    if filters.division:
        low, high = code_range(filters.division)
        cases = cases.filter(division_id__gte=low, division_id__lt=high)
    if filters.overdue:
        cases = cases.filter(due_at__lt=clock.now())
    return cases.filter(_text(filters.text))


def _text(text: str) -> Q:
    words = text.strip().replace("\x00", "")[:60]
    if not words:
        return Q()
    # Digits are the beginning of a number; both prefixes have an index of their own.
    return Q(number__startswith=words) if words.isdecimal() else Q(subject_name__startswith=words)


def _ordered(cases: QuerySet[Case], tab: str) -> QuerySet[Case]:
    if tab == "done":
        return cases.order_by("-closed_at", "-pk")
    return cases.order_by(F("due_at").asc(nulls_last=True), "pk")


# The tint of a state; the words carry the meaning. A closed case without one is plain.
_TONES = {
    "approved": "success",
    "approved_tolerant": "success",
    "correction_open": "warning",
    "withdrawal_pending": "warning",
    "denied": "danger",
    "refused": "danger",
    "revoked": "danger",
}


class _Words:
    """State and time left of the rows of one list, each said once: many rows share a state and a due moment."""

    def __init__(self) -> None:
        self._said: dict[tuple[object, ...], str] = {}

    def state(self, row: dict[str, Any]) -> str:
        key = row["version_id"], row["state"]
        if key not in self._said:
            self._said[key] = telling.state_name(*key)
        return self._said[key]

    def time_left(self, row: dict[str, Any]) -> str:
        is_closed = row["closed_at"] is not None
        key = row["version_id"], row["clock"], row["light"], None if is_closed else row["due_at"], is_closed
        if key not in self._said:
            version_id, clock_name, light, due_at, _is_closed = key
            self._said[key] = telling.time_left(
                version_id=version_id, clock_name=clock_name, light=light, due_at=due_at, is_closed=is_closed
            )
        return self._said[key]


def _rows(ids: Sequence[int]) -> list[dict[str, Any]]:
    """What the rows show, in the order of `ids`. Found by index first and joined afterwards: a hundred, not all."""
    by_id = {row["pk"]: row for row in Case.objects.filter(pk__in=ids).values("pk", *_COLUMNS)}
    return [by_id[pk] for pk in ids if pk in by_id]


def _length(cases: QuerySet[Case]) -> int:
    """How many, at most one more than the cap. Any column would do: this one stands in the indexes it is found by."""
    return cases.order_by().values("organisation_id")[: COUNT_CAP + 1].count()


def _row(row: dict[str, Any], account: Account, words: _Words) -> WorkListRow:
    state, closed_at = str(row["state"]), row["closed_at"]
    return WorkListRow(
        number=str(row["number"]),
        title=localized(str(row["title"]), str(row["data__english"] or "")),
        type_name=localized(str(row["type__name"]), str(row["type__english"])),
        subject_name=str(row["subject_name"]) if row["subject_id"] is None else mask_name(str(row["subject_name"])),
        state=state,
        state_label=words.state(row),
        tone=_TONES.get(state, "plain" if closed_at else ""),
        light=str(row["light"]),
        days_left=words.time_left(row),
        due_at=row["due_at"],
        opened_at=row["opened_at"],
        closed_at=closed_at,
        organisation=localized(str(row["organisation__short_name"]), str(row["organisation__english"])),
        division=localized(str(row["division__full_name"]), str(row["division__english"])),
        assignee=str(row["assignee__name"] or ""),
        is_mine=row["assignee_id"] == account.pk,
        is_unassigned=row["assignee_id"] is None and closed_at is None,
        urged=row["urged"],
        is_simulated=bool(row["is_simulated"]),
    )


__all__ = [
    "COUNT_CAP",
    "SIZES",
    "TABS",
    "WorkListFilter",
    "WorkListPage",
    "WorkListRow",
    "desk_counts",
    "export_rows",
    "types_at_hand",
    "work_list",
]
