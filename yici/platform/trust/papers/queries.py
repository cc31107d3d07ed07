"""Reading the readings: always through who is asking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from yici.base.errors import NotFound
from yici.core.people.models import Account
from yici.core.people.queries import permissions_of
from yici.core.vocabulary import queries as vocabulary
from yici.core.vocabulary.rules import mask
from yici.platform.trust.models import PaperBatch, PaperReading
from yici.platform.trust.papers.checking import LOW
from yici.platform.trust.papers.layouts import LAYOUTS, kinds_of_certificate
from yici.platform.trust.ports import ReadSeries, paper_desk

__all__ = [
    "Line",
    "Progress",
    "ShownField",
    "batch_for",
    "batches_for",
    "confirmed_values",
    "export_of",
    "extra_elements",
    "input_of",
    "kinds_of_certificate",
    "line_of",
    "may_see_clear",
    "next_page",
    "own_reading",
    "page_of",
    "pages_of",
    "progress_of",
    "readings_of_files",
    "series_for",
    "series_of",
    "shown_fields",
    "title_of",
    "visible_reading",
    "with_progress",
]


@dataclass(frozen=True)
class ShownField:
    """One line of the confirmation. `boxes`: x, y, width, height in pixels of the upright picture."""

    element: str
    label: str
    kind: str
    value: str
    percent: int
    problems: tuple[str, ...]
    boxes: tuple[tuple[int, int, int, int], ...]
    options: tuple[tuple[str, str], ...]
    error: str
    number: int

    @property
    def is_sure(self) -> bool:
        return not self.problems and self.percent >= LOW * 100


def own_reading(account: Account, reading_id: int) -> PaperReading:
    """A reading the account asked for itself. Raises `NotFound`."""
    reading = (
        PaperReading.objects.select_related("file", "asked_by")
        .filter(pk=reading_id, asked_by=account, batch=None)
        .first()
    )
    if reading is None:
        raise NotFound()
    return reading


def readings_of_files(account: Account, file_ids: list[int]) -> dict[int, PaperReading]:
    """The account's latest reading of each file."""
    rows = PaperReading.objects.filter(file_id__in=file_ids, asked_by=account, batch=None).order_by("pk")
    return {row.file_id: row for row in rows}


def title_of(reading: PaperReading) -> str:
    return LAYOUTS[reading.kind].title if reading.kind in LAYOUTS else ""


def confirmed_values(reading: PaperReading) -> dict[str, str]:
    """Element → what a person confirmed; nothing before that."""
    if reading.state != PaperReading.State.CONFIRMED:
        return {}
    return {element: one["confirmed"] for element, one in reading.fields.items() if one.get("confirmed")}


def shown_fields(
    reading: PaperReading, posted: dict[str, str] | None = None, errors: dict[str, str] | None = None
) -> list[ShownField]:
    """Fields in the order of the paper; after a refused confirmation with what was typed and what is wrong."""
    shown = []
    for number, element in enumerate(_in_order(reading), 1):
        one = reading.fields[element]
        value = (posted or {}).get(element, one.get("confirmed", one["value"]))
        shown.append(_shown(reading, number, element, one, value, (errors or {}).get(element, "")))
    return shown


def _in_order(reading: PaperReading) -> list[str]:
    """Elements as they follow on the paper; those of its other side at the end."""
    wanted = [rule.element for layout in LAYOUTS.values() if layout.kind == reading.kind for rule in layout.rules]
    return sorted(reading.fields, key=lambda element: wanted.index(element) if element in wanted else len(wanted))


def _shown(reading: PaperReading, number: int, element: str, one: dict[str, Any], value: str, error: str) -> ShownField:
    item = vocabulary.element(element)
    options: tuple[tuple[str, str], ...] = ()
    if item.code_list:
        options = tuple((code.code, str(code.label)) for code in vocabulary.code_list(item.code_list).codes)
        if value and value not in dict(options):  # what was read is no code: shown, so that it can be told
            options = ((value, value), *options)
    kind = "select" if options else "date" if item.type == "date" and _is_date(value) else "text"
    boxes = tuple(
        (
            round(left * reading.width) - 4,
            round(top * reading.height) - 4,
            round((right - left) * reading.width) + 8,
            round((bottom - top) * reading.height) + 8,
        )
        for left, top, right, bottom in one["boxes"]
    )
    return ShownField(
        element, str(item.label), kind, value, round(one["confidence"] * 100), tuple(one["problems"]), boxes, options,
        error, number,
    )  # fmt: skip


def _is_date(value: str) -> bool:
    return not value or (len(value) == 10 and value[4] == value[7] == "-")


# The department's batches: series and scope are told by the data service.


@dataclass(frozen=True)
class Progress:
    """Pages of a batch by state."""

    waiting: int
    read: int
    confirmed: int
    delivered: int
    held: int
    refused: int

    @property
    def total(self) -> int:
        return self.waiting + self.read + self.confirmed + self.delivered + self.held + self.refused

    @property
    def read_so_far(self) -> int:
        return self.total - self.waiting

    @property
    def done(self) -> int:
        """Pages that need nobody any more."""
        return self.delivered + self.held + self.refused


@dataclass(frozen=True)
class Line:
    """One page in a list: its key value masked, how many fields are in doubt."""

    reading: PaperReading
    key: str
    title: str


@dataclass(frozen=True)
class Input:
    """A value asked once for a whole batch."""

    element: str
    label: str
    value: str
    options: tuple[tuple[str, str], ...]
    error: str


def series_for(account: Account) -> list[ReadSeries]:
    """Series within the account's scope that some layout can read, most waiting citizens first."""
    return [one for one in paper_desk().series_for(account) if one.layout in LAYOUTS]


def series_of(account: Account, slug: str) -> ReadSeries:
    """Raises `NotFound` outside the scope."""
    found = next((one for one in series_for(account) if one.slug == slug), None)
    if found is None:
        raise NotFound()
    return found


def extra_elements(series: ReadSeries) -> list[str]:
    """Elements the class must have and the paper does not show: given once for the batch, or page by page."""
    shown = {rule.element for rule in LAYOUTS[series.layout].rules}
    return [one.element for one in series.columns if one.required and one.element and one.element not in shown]


def may_see_clear(account: Account, series: ReadSeries) -> bool:
    return paper_desk().may_see_clear(account, series.slug)


def batches_for(account: Account) -> QuerySet[PaperBatch]:
    """Batches of series within the scope, newest first."""
    slugs = [one.slug for one in series_for(account)]
    return PaperBatch.objects.filter(series__in=slugs).select_related("made_by").order_by("-pk")


def batch_for(account: Account, batch_id: int) -> tuple[PaperBatch, ReadSeries]:
    """Raises `NotFound` outside the scope."""
    series = {one.slug: one for one in series_for(account)}
    batch = PaperBatch.objects.select_related("made_by").filter(pk=batch_id, series__in=list(series)).first()
    if batch is None:
        raise NotFound()
    return batch, series[batch.series]


def page_of(batch: PaperBatch, reading_id: int) -> PaperReading:
    reading = batch.pages.select_related("file", "asked_by").filter(pk=reading_id).first()
    if reading is None:
        raise NotFound()
    return reading


def visible_reading(account: Account, reading_id: int) -> PaperReading:
    """The account's own, or a page of a batch within its scope. Raises `NotFound`."""
    reading = PaperReading.objects.select_related("file", "asked_by", "batch").filter(pk=reading_id).first()
    if reading is None:
        raise NotFound()
    if reading.batch_id is None:
        return own_reading(account, reading_id)
    if "data.upload" not in permissions_of(account):
        raise NotFound()
    batch_for(account, reading.batch_id)
    return reading


def progress_of(batch: PaperBatch) -> Progress:
    return _progress(dict(batch.pages.order_by().values_list("state").annotate(Count("pk"))))


def _progress(counts: Mapping[str, int]) -> Progress:
    state = PaperReading.State
    return Progress(
        *(
            counts.get(one, 0)
            for one in (state.QUEUED, state.READ, state.CONFIRMED, state.DELIVERED, state.HELD, state.REFUSED)
        )
    )


def with_progress(account: Account, batches: Iterable[PaperBatch]) -> list[tuple[PaperBatch, ReadSeries, Progress]]:
    """Three queries at most, however many batches."""
    listed = list(batches)
    series = {one.slug: one for one in series_for(account)}
    counts: dict[int, dict[str, int]] = {}
    rows = (
        PaperReading.objects.filter(batch__in=listed).order_by().values_list("batch", "state").annotate(n=Count("pk"))
    )
    for batch_id, state, number in rows:
        counts.setdefault(batch_id, {})[state] = number
    return [(one, series[one.series], _progress(counts.get(one.pk, {}))) for one in listed]


def pages_of(batch: PaperBatch, state: str = "") -> QuerySet[PaperReading]:
    """Pages, the doubtful ones first."""
    pages = batch.pages.select_related("file").order_by("-doubts", "pk")
    return pages.filter(state=state) if state in PaperReading.State.values else pages


def next_page(batch: PaperBatch, after: int | None = None) -> PaperReading | None:
    """The next page to confirm, the doubtful ones first."""
    waiting = batch.pages.filter(state=PaperReading.State.READ).exclude(pk=after or 0)
    return waiting.order_by("-doubts", "pk").first()


def line_of(reading: PaperReading) -> Line:
    layout = LAYOUTS.get(reading.kind)
    one = reading.fields.get(layout.key, {}) if layout else {}
    value = one.get("confirmed") or one.get("value", "")
    return Line(reading, mask(layout.key, value) if layout and value else "", title_of(reading))


def input_of(element: str, value: str, error: str) -> Input:
    item = vocabulary.element(element)
    options: tuple[tuple[str, str], ...] = ()
    if item.code_list:
        options = tuple((code.code, str(code.label)) for code in vocabulary.code_list(item.code_list).codes)
    return Input(element, str(item.label), value, options, error)


def export_of(batch: PaperBatch, series: ReadSeries, *, clear: bool) -> tuple[list[str], Iterator[list[str]]]:
    """Headers and rows of an export: file, page, state, reason, then the class's columns."""
    columns = [column for column in series.columns if column.element]
    headers = [_("文件"), _("页"), _("状态"), _("说明"), *(column.label for column in columns)]

    def rows() -> Iterator[list[str]]:
        for page in batch.pages.select_related("file").order_by("pk").iterator(chunk_size=500):
            values = [
                page.fields.get(column.element, {}).get("confirmed")
                or page.fields.get(column.element, {}).get("value", "")
                for column in columns
            ]
            if not clear:
                values = [
                    mask(column.element, value) if value else "" for column, value in zip(columns, values, strict=True)
                ]
            yield [page.file.name, str(page.page), page.get_state_display(), page.message, *values]

    return headers, rows()
