"""One reading from the upload to the confirmation: asked for, read by the worker, confirmed by a person."""

from __future__ import annotations

import datetime as dt
import io
import time
from collections.abc import Mapping

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _
from PIL import Image
from procrastinate.contrib.django import app

from yici.base import clock
from yici.base.errors import Conflict, Invalid
from yici.core.audit import services as audit
from yici.core.files import services as files
from yici.core.files.models import StoredFile
from yici.core.forms import queries as facts
from yici.core.forms.ports import Subject
from yici.core.people.models import Account
from yici.core.people.services import actor_of
from yici.core.vocabulary import queries as vocabulary
from yici.core.vocabulary.rules import check
from yici.platform.trust.models import PaperBatch, PaperReading
from yici.platform.trust.papers import checking, layouts, pictures, reader
from yici.platform.trust.papers.checking import ReadField
from yici.platform.trust.papers.pictures import PictureRefused
from yici.platform.trust.papers.queries import extra_elements, series_of

__all__ = ["IMAGES", "ask", "confirm", "forget", "perform", "upright"]

IMAGES = frozenset({"image/jpeg", "image/png", "image/webp", "application/pdf"})
_IDENTITY = ("person.id_number", "driver.licence_number")


@transaction.atomic
def ask(
    account: Account, stored: StoredFile, *, batch: PaperBatch | None = None, page: int = 1, priority: int = 0
) -> PaperReading:
    """Have a picture read by the worker; asked again, the reading there is. The caller has checked who may read it.

    Raises `Invalid` for a file that is no picture.
    """
    if stored.media_type not in IMAGES:
        raise Invalid(_("只能识别照片（JPG、PNG、WEBP）和扫描成的 PDF。"))
    StoredFile.objects.select_for_update(no_key=True).get(pk=stored.pk)  # pressed twice, the second finds the first
    asked = PaperReading.objects.filter(file=stored, page=page, batch=batch).exclude(state=PaperReading.State.REFUSED)
    if already := asked.first():
        return already
    reading = PaperReading.objects.create(
        file=stored, batch=batch, page=page, kind="", asked_by=account, created_at=clock.now()
    )
    app.configure_task("trust.read_paper", priority=priority).defer(reading_id=reading.pk)
    return reading


@transaction.atomic
def perform(reading_id: int) -> bool:
    """Read one page that waits; False where it was read already. A picture that cannot be read is refused with words."""
    reading = (
        PaperReading.objects.select_for_update(of=("self",))
        .select_related("file__holder", "asked_by", "batch")
        .filter(pk=reading_id, state=PaperReading.State.QUEUED)
        .first()
    )
    if reading is None:
        return False
    begun = time.thread_time()
    try:
        with translation.override(reading.asked_by.language):  # problems are kept in the words of who will read them
            fields = _fields_of(reading)
        reading.state, reading.fields = PaperReading.State.READ, {key: one.as_json() for key, one in fields.items()}
    except (PictureRefused, files.FileRejected) as error:
        reading.state, reading.message = PaperReading.State.REFUSED, str(error.message)
    reading.doubts = sum(not ReadField(**one).is_sure for one in reading.fields.values())
    reading.cpu_seconds = round(time.thread_time() - begun, 3)
    reading.model, reading.read_at = reader.MODEL, clock.now()
    reading.save()
    return True


def _fields_of(reading: PaperReading) -> dict[str, ReadField]:
    page = reader.read_page(_picture_of(reading))
    reading.turned, reading.width, reading.height = page.turned, page.width, page.height
    layout, found = layouts.values_of(page)
    reading.kind = layout.kind
    fields = checking.checked(layout, found)
    return _in_batch(reading.batch, layout, fields, reading.asked_by) if reading.batch else _compared(reading, fields)


def _in_batch(
    batch: PaperBatch, layout: layouts.Layout, fields: dict[str, ReadField], account: Account
) -> dict[str, ReadField]:
    """A page of a series: of its layout, with what was given for the batch, compared where a number names a person."""
    series = series_of(account, batch.series)
    if layout.kind != series.layout:
        wanted = layouts.LAYOUTS[series.layout].title
        raise PictureRefused(_("这一页是{found}，不是{wanted}。").format(found=layout.title, wanted=wanted))
    number = fields.get(layout.key)
    if layout.key in _IDENTITY and number is not None and not number.problems:
        told = facts.collect_facts(
            Subject("person", number.value),
            list(fields),
            purpose=f"核对《{series.label}》扫描件",
            actor=actor_of(account),
        )
        fields = checking.against_records(fields, told, tell=False)
    extras = {element: batch.given.get(element, "") for element in extra_elements(series)}
    missing = (_("纸上没有，请填写"),)
    return fields | {key: ReadField(key, value, 1.0, () if value else missing) for key, value in extras.items()}


def _compared(reading: PaperReading, fields: dict[str, ReadField]) -> dict[str, ReadField]:
    """Against the city's records of the person the file belongs to: never of a number that merely stands on a picture."""
    person = reading.file.holder
    if person is None:
        return fields
    for key in _IDENTITY:
        one = fields.get(key)
        if one is not None and one.value and one.value != person.id_number:
            words = _("证件上的号码与申请人的身份号码不同，请核对是不是传错了证件")
            return {**fields, key: ReadField(**{**one.as_json(), "problems": (*one.problems, words)})}
    told = facts.collect_facts(
        Subject.of(person), list(fields), purpose="核对上传的证件照片", actor=actor_of(reading.asked_by)
    )
    return checking.against_records(fields, told, tell=reading.asked_by.person_id == person.pk)


@transaction.atomic
def confirm(reading: PaperReading, account: Account, values: Mapping[str, str]) -> PaperReading:
    """Keep what a person says stands on the paper. Empty values are left out.

    Raises `Invalid(fields)` for values that their elements refuse, `Conflict` for a page that is not to be confirmed.
    """
    row = PaperReading.objects.select_for_update().get(pk=reading.pk)
    if (
        row.state not in (PaperReading.State.READ, PaperReading.State.CONFIRMED, PaperReading.State.HELD)
        or not row.fields
    ):
        raise Conflict(_("这一页还没有识别完，或者无法识别，不能确认。"))
    errors: dict[str, str] = {}
    confirmed: dict[str, str] = {}
    for element in row.fields:
        raw = values.get(element, "").strip()
        if not raw:
            continue
        try:
            confirmed[element] = check(vocabulary.element(element), raw)
        except Invalid as error:
            errors[element] = str(error.message)
    if errors:
        raise Invalid(fields=errors)
    if not confirmed:
        raise Invalid(_("请至少保留一项内容，或者删除这张图片。"))
    row.corrections = [key for key, one in row.fields.items() if confirmed.get(key, "") != one["value"]]
    row.fields = {key: {**one, "confirmed": confirmed.get(key, "")} for key, one in row.fields.items()}
    row.state, row.message = PaperReading.State.CONFIRMED, ""
    row.confirmed_by, row.confirmed_at = account, clock.now()
    row.save(update_fields=["corrections", "fields", "state", "message", "confirmed_by", "confirmed_at"])
    audit.record(
        actor_of(account),
        "change",
        subject=("paper_reading", row.pk),
        elements=sorted(confirmed),
        purpose="确认证件识别结果",
    )
    return row


@transaction.atomic
def forget() -> int:
    """What was read and whose time (`READING_DAYS`) is over goes: of citizens the whole reading, of a department's pages
    that were delivered or could not be read what stood on them. The pictures have their own retention. How many.
    """
    now = clock.now()
    last = now - dt.timedelta(days=settings.READING_DAYS)
    state = PaperReading.State
    own = PaperReading.objects.filter(batch=None, created_at__lt=last).exclude(state=state.QUEUED)
    pages = PaperReading.objects.filter(
        batch__delivered_at__lt=last, state__in=[state.DELIVERED, state.REFUSED], forgotten_at=None
    )
    gone, emptied = own.delete()[0], pages.update(fields={}, corrections=[], forgotten_at=now)
    if gone or emptied:
        purpose = f"证件识别结果保存期满（{settings.READING_DAYS} 天）：删除 {gone} 份，清空扫描件 {emptied} 页"
        audit.record(audit.SYSTEM, "delete", subject=("paper_reading", "expired"), purpose=purpose)
    return gone + emptied


def upright(reading: PaperReading) -> bytes:
    """The page as it was read, upright, as JPEG of our own making: nothing uploaded is shown as it came."""
    out = io.BytesIO()
    Image.fromarray(np.rot90(_picture_of(reading), reading.turned)).save(out, "JPEG", quality=82)
    return out.getvalue()


def _picture_of(reading: PaperReading) -> np.ndarray:
    with files.open_file(reading.file) as stream:
        return pictures.open_picture(stream.read(), reading.page)
