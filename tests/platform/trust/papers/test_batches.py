"""A department's paper series: scans in, confirmed page by page, rows of a class out; everything else held with reasons."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from tests.visitor import Visitor
from yici.core.audit.models import Entry
from yici.platform.data.models import PaperSeries, Run
from yici.platform.trust.models import PaperBatch, PaperReading
from yici.platform.trust.papers import readings
from yici.platform.trust.papers.specimens import degraded, draw

pytestmark = pytest.mark.django_db

SERIES = "vehicle_management.vehicle_files"
STATE = PaperReading.State


def picture(kind: str = "vehicle_licence", seed: int = 1) -> bytes:
    return degraded(draw(kind, seed).picture, seed)


def archive(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, content in members.items():
            packed.writestr(name.replace("__", "."), content)
    return out.getvalue()


@pytest.fixture
def officer(demo: Any, sign_in: Callable[..., Client]) -> Visitor:
    from yici.core.people.models import RoleGrant

    RoleGrant.objects.update(valid_from=dt.date(2017, 1, 1))
    visitor = Visitor()
    sign_in(visitor.client, demo.staff("data_officer"))
    return visitor


def upload(visitor: Visitor, *contents: tuple[str, bytes], status: int = 200, **given: str) -> Visitor:
    visitor.open(f"/desk/papers/new/{SERIES}/")
    form = visitor.forms[-1]
    values = {name: list(value) for name, value in form.values.items()} | given
    files = [SimpleUploadedFile(name, content) for name, content in contents]
    response = visitor.client.post(visitor.path, {**values, "files": files}, follow=True)
    return visitor._arrive(response, visitor.path, status)


GIVEN = {"vehicle.plate_kind": "02", "vehicle.state": "A"}


def read_all() -> None:
    for pk in PaperReading.objects.filter(state=STATE.QUEUED).values_list("pk", flat=True):
        readings.perform(pk)


def test_scans_become_rows_of_the_class(officer: Visitor) -> None:
    before = PaperSeries.objects.get(pk=SERIES)
    upload(officer, ("scans.zip", archive(a__jpg=picture(seed=1), b__jpg=picture(seed=2))), **GIVEN)
    batch = PaperBatch.objects.get()
    assert "正在识别" in officer.text and officer.response["Refresh"]
    read_all()
    officer.open(f"/desk/papers/{batch.pk}/")
    assert "核对（还有2页）" in officer.bare
    officer.follow("核对（还有")
    officer.press("确认，下一页")
    officer.press("确认")
    assert officer.path == f"/desk/papers/{batch.pk}/"
    officer.press("入库 2 行")
    batch.refresh_from_db()
    run = Run.objects.get(pk=batch.run)
    assert run.data_class_id == "public_security.vehicle" and run.state == Run.State.QUEUED
    assert batch.delivered_rows == 2 and set(batch.pages.values_list("state", flat=True)) == {STATE.DELIVERED}
    after = PaperSeries.objects.get(pk=SERIES)
    assert after.structured == before.structured + 2


def test_the_class_holds_what_the_papers_say(officer: Visitor, settings: Any, tmp_path: Any) -> None:
    from yici.platform.data.lake import reading as lake
    from yici.platform.data.models import DataClass
    from yici.platform.data.runs import carrying_out

    settings.DATA_HOME = tmp_path
    upload(officer, ("a.jpg", picture(seed=1)), **GIVEN)
    read_all()
    page = PaperReading.objects.get()
    officer.open(f"/desk/papers/{page.batch_id}/pages/{page.pk}/").press("确认")
    officer.press("入库 1 行")
    run = Run.objects.get()
    carrying_out.load(run.pk)
    run.refresh_from_db()
    assert run.state == Run.State.PUBLISHED, (run.state, run.message)
    truth = draw("vehicle_licence", 1).truth
    key = {"plate_number": truth["vehicle.plate_number"], "plate_kind": "02"}
    (row,) = lake.look_up(DataClass.objects.get(pk="public_security.vehicle"), key)
    assert row["vin"] == truth["vehicle.vin"] and row["owner_name"] == truth["vehicle.owner_name"]


def test_doubtful_pages_come_first_and_the_cursor_is_in_the_doubtful_field(officer: Visitor) -> None:
    upload(officer, ("a.jpg", picture(seed=1)), ("b.jpg", picture(seed=2)), ("c.jpg", picture(seed=3)), **GIVEN)
    read_all()
    doubtful = PaperReading.objects.order_by("pk").last()
    assert doubtful is not None
    one = doubtful.fields["vehicle.vin"]
    doubtful.fields = doubtful.fields | {"vehicle.vin": {**one, "problems": ["看不清"]}}
    doubtful.doubts = 1
    doubtful.save()
    officer.open(f"/desk/papers/{doubtful.batch_id}/").follow("核对（还有")
    assert officer.path.endswith(f"/pages/{doubtful.pk}/")
    focused = re.search(r'name="([^"]+)"[^>]* autofocus', officer.response.content.decode())
    assert focused and focused[1] == "vehicle.vin"


def test_what_cannot_be_read_or_is_another_paper_is_refused_with_words(officer: Visitor) -> None:
    blank = io.BytesIO()
    Image.new("RGB", (900, 600), "white").save(blank, "PNG")
    upload(
        officer,
        ("card.jpg", picture("id_card", 4)),
        ("blank.png", blank.getvalue()),
        ("a.jpg", picture(seed=1)),
        **GIVEN,
    )
    read_all()
    told = dict(PaperReading.objects.values_list("file__name", "message"))
    assert "不是机动车行驶证" in told["card.jpg"] and "没有找到文字" in told["blank.png"] and told["a.jpg"] == ""
    batch = PaperBatch.objects.get()
    officer.open(f"/desk/papers/{batch.pk}/?state=refused")
    assert "没有找到文字" in officer.text


def test_missing_values_and_duplicates_are_held_with_the_reason(officer: Visitor) -> None:
    same = picture(seed=1)
    again = degraded(draw("vehicle_licence", 1).picture, 77)
    upload(officer, ("a.jpg", same), ("again.jpg", again), ("c.jpg", picture(seed=2)), **GIVEN)
    read_all()
    for page in PaperReading.objects.order_by("pk"):
        values = {key: one["value"] for key, one in page.fields.items()}
        if page.file.name == "c.jpg":
            values["vehicle.vin"] = ""
        readings.confirm(page, page.asked_by, values)
    batch = PaperBatch.objects.get()
    officer.open(f"/desk/papers/{batch.pk}/").press("入库 3 行")
    assert "2 页因缺项或重复被隔离" in officer.text
    told = {page.file.name: (page.state, page.message) for page in PaperReading.objects.select_related("file")}
    assert told["a.jpg"] == (STATE.DELIVERED, "")
    assert told["again.jpg"][0] == STATE.HELD and "重复" in told["again.jpg"][1]
    assert told["c.jpg"][0] == STATE.HELD and "车辆识别代号" in told["c.jpg"][1]


def test_a_held_page_can_be_mended_and_delivered(officer: Visitor) -> None:
    upload(officer, ("a.jpg", picture(seed=1)), **GIVEN)
    read_all()
    page = PaperReading.objects.get()
    officer.open(f"/desk/papers/{page.batch_id}/pages/{page.pk}/")
    officer.press("隔离", status=422, reason="")
    assert "请写明" in officer.text
    officer.press("隔离", reason="缺角，找原件")
    page.refresh_from_db()
    assert (page.state, page.message) == (STATE.HELD, "缺角，找原件")
    officer.open(f"/desk/papers/{page.batch_id}/pages/{page.pk}/").press("确认")
    page.refresh_from_db()
    assert page.state == STATE.CONFIRMED


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("words.txt", "只有字".encode(), "没有可以识别的图片"),
        ("broken.zip", b"PK\x03\x04 and nothing more", "已损坏"),
        ("empty.zip", archive(), "没有可以识别的图片"),
    ],
)
def test_uploads_without_pictures_are_refused(officer: Visitor, name: str, content: bytes, says: str) -> None:
    upload(officer, (name, content), status=422, **GIVEN)
    assert says in officer.text
    assert not PaperBatch.objects.exists() and not PaperReading.objects.exists()


def test_other_files_in_an_archive_are_listed_with_the_reason(officer: Visitor) -> None:
    packed = archive(
        a__jpg=picture(seed=1), notes__txt="说明".encode(), evil__exe=b"MZ" + b"\0" * 90, bomb__png=b"\0" * 5_000_000
    )
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for member in source.namelist():
            target.writestr(member, source.read(member))
    upload(officer, ("scans.zip", out.getvalue()), **GIVEN)
    batch = PaperBatch.objects.get()
    assert {one["name"] for one in batch.skipped} == {"notes.txt", "evil.exe", "bomb.png"}
    assert all(one["reason"] for one in batch.skipped) and batch.pages.count() == 1


def test_each_page_of_a_pdf_is_a_page_of_the_batch(officer: Visitor) -> None:
    sheets = [draw("vehicle_licence", seed).picture for seed in (1, 2)]
    out = io.BytesIO()
    sheets[0].save(out, "PDF", save_all=True, append_images=sheets[1:], resolution=150)
    upload(officer, ("scan.pdf", out.getvalue()), **GIVEN)
    read_all()
    plates = [page.fields["vehicle.plate_number"]["value"] for page in PaperReading.objects.order_by("page")]
    assert plates == [draw("vehicle_licence", seed).truth["vehicle.plate_number"] for seed in (1, 2)]


def test_the_export_is_masked_unless_a_purpose_and_a_permission_are_there(
    officer: Visitor, demo: Any, sign_in: Callable[..., Client]
) -> None:
    upload(officer, ("a.jpg", picture(seed=1)), **GIVEN)
    read_all()
    batch = PaperBatch.objects.get()
    vin = draw("vehicle_licence", 1).truth["vehicle.vin"]
    for purpose in ("", "核对年报"):  # the data officer may upload, but not see rows
        answer = officer.client.get(f"/desk/papers/{batch.pk}/export/", {"purpose": purpose})
        assert vin not in cells(answer.content)
    engineer = sign_in(Client(), demo.staff("data_engineer"))
    assert vin not in cells(engineer.get(f"/desk/papers/{batch.pk}/export/").content)
    assert vin in cells(engineer.get(f"/desk/papers/{batch.pk}/export/", {"purpose": "核对年报"}).content)
    assert Entry.objects.filter(purpose__contains="核对年报").exists()


def cells(workbook: bytes) -> set[str]:
    sheet = openpyxl.load_workbook(io.BytesIO(workbook), read_only=True).active
    return {str(value) for row in sheet.iter_rows(values_only=True) for value in row}


def test_lists_show_key_values_masked_and_each_look_is_recorded(officer: Visitor) -> None:
    upload(officer, ("a.jpg", picture(seed=1)), **GIVEN)
    read_all()
    page = PaperReading.objects.get()
    plate = draw("vehicle_licence", 1).truth["vehicle.plate_number"]
    officer.open(f"/desk/papers/{page.batch_id}/")
    assert plate not in officer.response.content.decode()
    officer.open(f"/desk/papers/{page.batch_id}/pages/{page.pk}/")
    assert plate in officer.response.content.decode()
    assert Entry.objects.filter(subject_kind="paper_reading", subject_id=str(page.pk), action="view").exists()


def test_another_departments_batches_do_not_exist(officer: Visitor, demo: Any, sign_in: Callable[..., Client]) -> None:
    from yici.core.people.models import Account, Organisation, RoleGrant

    upload(officer, ("a.jpg", picture(seed=1)), **GIVEN)
    page = PaperReading.objects.get()
    education = Organisation.objects.get(slug="bz.education")
    other = Account.objects.create_user("jiaoyu.shuju", kind="staff", name="某某", organisation=education)
    RoleGrant.objects.create(
        account=other, role="data_officer", organisation=education, valid_from=dt.date(2017, 1, 1), reason="测试"
    )
    stranger = sign_in(Client(), other)
    for path in (f"/desk/papers/{page.batch_id}/", f"/desk/papers/{page.batch_id}/pages/{page.pk}/", f"/papers/{page.pk}/picture/",
                 f"/desk/papers/new/{SERIES}/", f"/desk/papers/{page.batch_id}/export/"):  # fmt: skip
        assert stranger.get(path).status_code == 404, path
    assert stranger.post(f"/desk/papers/{page.batch_id}/deliver/").status_code == 404
    assert officer.client.get(f"/papers/{page.pk}/picture/").status_code == 200


def test_the_backlog_is_ordered_by_citizens_who_still_wait(officer: Visitor) -> None:
    from yici.platform.data.quality import backlog

    waiting = [one.waiting for one in backlog.series()]
    assert waiting == sorted(waiting, reverse=True) and waiting[0] > 1_000_000


def test_progress_is_counted_in_a_constant_number_of_queries(
    officer: Visitor, django_assert_max_num_queries: Any
) -> None:
    for _ in range(3):
        upload(officer, ("a.jpg", picture(seed=1)), **GIVEN)
    officer.open("/desk/papers/")
    with django_assert_max_num_queries(30):
        officer.open("/desk/papers/")
