"""What was read from papers is kept so long as the setting says, and no longer."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pytest

from yici.base import clock
from yici.core.audit.models import Entry
from yici.core.files import services as files
from yici.platform.trust.models import PaperBatch, PaperReading
from yici.platform.trust.papers import readings

pytestmark = pytest.mark.django_db
STATE = PaperReading.State


def reading(account: Any, state: str, days: int, batch: PaperBatch | None = None) -> PaperReading:
    stored = files.store(io.BytesIO(b"a,b\n1,2\n"), "x.csv", holder=None, account=account, trust="C")
    return PaperReading.objects.create(
        file=stored, kind="id_card", state=state, fields={"person.name": {"value": "王秀英"}}, asked_by=account,
        created_at=clock.now() - dt.timedelta(days=days), batch=batch,
    )  # fmt: skip


def test_old_readings_go_at_night_and_it_is_recorded(demo: Any, settings: Any) -> None:
    settings.READING_DAYS = 30
    now = clock.now()
    delivered = PaperBatch.objects.create(
        series="x", name="甲", made_by=demo.clerk, created_at=now, delivered_at=now - dt.timedelta(days=31), delivered_rows=1
    )  # fmt: skip
    open_batch = PaperBatch.objects.create(series="x", name="乙", made_by=demo.clerk, created_at=now)
    old, young = reading(demo.farmer, STATE.CONFIRMED, 31), reading(demo.farmer, STATE.CONFIRMED, 29)
    waiting = reading(demo.farmer, STATE.QUEUED, 31)
    page = reading(demo.clerk, STATE.DELIVERED, 40, delivered)
    held = reading(demo.clerk, STATE.HELD, 40, delivered)
    undelivered = reading(demo.clerk, STATE.CONFIRMED, 400, open_batch)
    before = Entry.objects.count()
    assert readings.forget() == 2
    assert not PaperReading.objects.filter(pk=old.pk).exists()
    page.refresh_from_db()
    assert page.fields == {} and page.state == STATE.DELIVERED and page.forgotten_at is not None
    for one in (young, waiting, held, undelivered):
        one.refresh_from_db()
        assert one.fields, "somebody still needs it"
    entry = Entry.objects.order_by("-id").first()
    assert Entry.objects.count() == before + 1 and entry is not None and "保存期满（30 天）" in entry.purpose
    assert readings.forget() == 0 and Entry.objects.count() == before + 1, "nothing left, nothing to record"
