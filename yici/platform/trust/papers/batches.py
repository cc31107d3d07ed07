"""A department's paper series, read in batches: pages in, confirmed one by one, rows out through the data service.

What cannot be read, confirmed or delivered is held with its reason; nothing is dropped. Who may do what is decided by
the series' department, which the data service knows (`ports.paper_desk`).
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Conflict, Invalid
from yici.core.audit import services as audit
from yici.core.files import services as files
from yici.core.people.models import Account
from yici.core.people.services import actor_of
from yici.core.vocabulary import queries as vocabulary
from yici.core.vocabulary.rules import check
from yici.platform.trust.models import PaperBatch, PaperReading
from yici.platform.trust.papers import pictures, readings
from yici.platform.trust.papers.queries import extra_elements
from yici.platform.trust.ports import PaperDesk, ReadSeries, paper_desk

__all__ = ["Delivered", "deliver", "hold", "open_batch"]

MOST_PAGES = 2_000  # of one batch
MOST_BYTES = 1024**3  # of all pictures of one batch, unpacked
_RATIO = 200  # unpacked : packed of one member; pictures do not shrink
_PRIORITY = -10  # citizens' photos and codes come first


@dataclass
class Taken:
    """What came of an upload: pages to be read, and names left out with the reason."""

    pages: int = 0
    skipped: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Delivered:
    rows: int
    held: int
    run: int | None


def open_batch(
    account: Account, series: ReadSeries, name: str, uploads: Iterable[UploadedFile], given: Mapping[str, str]
) -> PaperBatch:
    """Keep the pictures and have every page read. Raises `Invalid` where no picture came, or a given value is wrong."""
    values = _given(series, given)
    taken = Taken()
    with transaction.atomic():
        batch = PaperBatch.objects.create(
            series=series.slug,
            name=name.strip()[:120]
            or _("{series} {moment}").format(series=series.label, moment=f"{clock.now():%Y-%m-%d %H:%M}"),
            made_by=account,
            created_at=clock.now(),
            given=values,
        )
        for picture_name, content in _pictures(uploads, taken):
            _take(batch, account, picture_name, content, taken)
        if not taken.pages:
            reasons = "；".join(f"{one['name']}：{one['reason']}" for one in taken.skipped[:3])
            raise Invalid(fields={"files": _("没有可以识别的图片。请选择扫描图片、PDF，或装有它们的 ZIP。") + reasons})
        batch.skipped = taken.skipped
        batch.save(update_fields=["skipped"])
        audit.record(
            actor_of(account),
            "change",
            subject=("paper_batch", batch.pk),
            purpose=f"上传《{series.label}》扫描件 {taken.pages} 页",
        )
    return batch


def _given(series: ReadSeries, given: Mapping[str, str]) -> dict[str, str]:
    values, errors = {}, {}
    for element in extra_elements(series):
        raw = given.get(element, "").strip()
        if not raw:
            continue
        try:
            values[element] = check(vocabulary.element(element), raw)
        except Invalid as error:
            errors[element] = str(error.message)
    if errors:
        raise Invalid(fields=errors)
    return values


def _pictures(uploads: Iterable[UploadedFile], taken: Taken) -> Iterator[tuple[str, bytes]]:
    """Names and bytes of every file, archives opened; limits hold before anything is unpacked."""
    for upload in uploads:
        name = upload.name or "file"
        content = upload.read()
        if content.startswith(b"PK\x03\x04"):
            yield from _members(name, content, taken)
        else:
            yield name, content


def _members(name: str, content: bytes, taken: Taken) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [one for one in archive.infolist() if not one.is_dir() and not _is_noise(one.filename)]
            if len(members) > MOST_PAGES or sum(one.file_size for one in members) > MOST_BYTES:
                raise Invalid(
                    _("压缩包太大：一批最多 {pages} 个文件、解压后 1 GB，请分成几批。").format(pages=MOST_PAGES)
                )
            for member in members:
                if member.flag_bits & 1 or member.file_size > _RATIO * max(member.compress_size, 1):
                    taken.skipped.append({"name": member.filename[-120:], "reason": _("有密码，或解压后过大")})
                else:
                    yield member.filename, archive.read(member)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise Invalid(fields={"files": _("压缩包 {name} 已损坏，请重新打包。").format(name=name)}) from error


def _is_noise(name: str) -> bool:
    """What archivers of a Mac and folders of Windows add."""
    return name.startswith("__MACOSX/") or name.rsplit("/", 1)[-1] in (".DS_Store", "Thumbs.db", "desktop.ini")


def _take(batch: PaperBatch, account: Account, name: str, content: bytes, taken: Taken) -> None:
    try:
        with transaction.atomic():
            stored = files.store(content, name, account=account, trust="B")
            if stored.media_type not in readings.IMAGES:
                raise files.FileRejected(_("不是图片"))
            count = pictures.page_count(content)
    except Invalid as error:
        taken.skipped.append({"name": name[-120:], "reason": str(error.message)})
        return
    if taken.pages + count > MOST_PAGES:
        taken.skipped.append({"name": name[-120:], "reason": _("超过一批的最多页数，请另开一批")})
        return
    for page in range(1, count + 1):
        readings.ask(account, stored, batch=batch, page=page, priority=_PRIORITY)
    taken.pages += count


@transaction.atomic
def hold(reading: PaperReading, account: Account, reason: str) -> None:
    """Put a page aside with a reason: it is not delivered. Raises `Invalid` without one, `Conflict` once delivered."""
    if not reason.strip():
        raise Invalid(fields={"reason": _("请写明为什么不能录入。")})
    row = PaperReading.objects.select_for_update().get(pk=reading.pk)
    if row.state == PaperReading.State.DELIVERED:
        raise Conflict(_("这一页已经入库。"))
    row.state, row.message = PaperReading.State.HELD, reason.strip()[:500]
    row.save(update_fields=["state", "message"])
    audit.record(actor_of(account), "change", subject=("paper_reading", row.pk), purpose=f"扫描件隔离：{row.message}")


@transaction.atomic
def deliver(batch: PaperBatch, series: ReadSeries, account: Account) -> Delivered:
    """Hand every confirmed page over as a row; pages that cannot be one are held with their reason.

    Raises `Conflict` where nothing is confirmed. Done twice, the second finds nothing left.
    """
    desk: PaperDesk = paper_desk()
    locked = PaperBatch.objects.select_for_update().get(pk=batch.pk)
    pages = list(locked.pages.select_for_update().filter(state=PaperReading.State.CONFIRMED).order_by("pk"))
    if not pages:
        raise Conflict(_("没有已确认、还未入库的页。请先逐页核对。"))
    rows: list[dict[str, str]] = []
    sent: list[PaperReading] = []
    seen: dict[str, int] = {}
    for page in pages:
        row = _row_of(page, series)
        reason = _why_not(row, series, seen, page)
        if reason:
            page.state, page.message = PaperReading.State.HELD, reason
        else:
            page.state = PaperReading.State.DELIVERED
            rows.append(row)
            sent.append(page)
    PaperReading.objects.bulk_update(pages, ["state", "message"])
    run = desk.deliver(account, series.slug, rows, f"{locked.name}.csv") if rows else None
    locked.delivered_at, locked.run = clock.now(), run or locked.run
    locked.delivered_rows += len(rows)
    locked.save(update_fields=["delivered_at", "delivered_rows", "run"])
    audit.record(
        actor_of(account),
        "change",
        subject=("paper_batch", locked.pk),
        purpose=f"《{series.label}》入库 {len(rows)} 行（运行 {run}）",
    )
    return Delivered(len(rows), len(pages) - len(rows), run)


def _row_of(page: PaperReading, series: ReadSeries) -> dict[str, str]:
    """Column → value; the day of confirmation where the class asks when the row was last changed."""
    row = {}
    for column in series.columns:
        if column.element:
            row[column.name] = str(page.fields.get(column.element, {}).get("confirmed", ""))
        elif column.is_moment and page.confirmed_at:
            row[column.name] = f"{page.confirmed_at.astimezone(clock.now().tzinfo):%Y-%m-%d %H:%M:%S}"
    return row


def _why_not(row: Mapping[str, str], series: ReadSeries, seen: dict[str, int], page: PaperReading) -> str:
    """Why a page is no row of the class; empty where it is one."""
    missing = [column.label for column in series.columns if column.required and not row.get(column.name)]
    if missing:
        return _("缺少必填项：{names}").format(names="、".join(missing))
    key = "\x00".join(row.get(name, "") for name in series.key)
    first = seen.setdefault(key, page.pk)
    return "" if first == page.pk else _("与同一批的另一页（第 {number} 号）重复").format(number=first)
