"""A photo of a paper in an application: uploaded, read by the worker, confirmed by its owner, in the form. No JavaScript."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.systems.hall.test_story import value_of
from tests.visitor import Visitor
from yici.core.people import services as people
from yici.platform.trust.models import PaperReading
from yici.platform.trust.papers.specimens import Specimen, degraded, draw
from yici.platform.trust.papers.specimens.people import Invented, invent
from yici.systems.hall.models import Application

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("story_day")]


class Newcomer:
    """Somebody the city's register does not know, with an identity card of her own."""

    def __init__(self, sign_in: Callable[..., Any], seed: int = 41) -> None:
        self.someone: Invented = invent(random.Random(seed))
        self.card: Specimen = draw("id_card", seed, self.someone)
        person = people.ensure_person(self.someone.name, self.someone.id_number, phone="13900000041")
        self.account = people.ensure_account(person)
        self.visitor = Visitor(phone=True)
        sign_in(self.visitor.client, self.account)

    def at_materials(self) -> Visitor:
        self.visitor.open("/items/juzhuzheng/").press("立即办理")
        self.visitor.press("保存并继续", situation__occasion="first", situation__ground="work")
        self.visitor.open("/" + "/".join(self.visitor.path.split("/")[1:3]) + "/materials/")
        return self.visitor

    def with_card(self, content: bytes | None = None) -> Visitor:
        visitor = self.at_materials()
        picture = content or degraded(self.card.picture, 5)
        form = next(form for form in visitor.forms if form.values.get("material") == ["identity"])
        upload = {"material": "identity", "upload": "1", "file": SimpleUploadedFile("card.jpg", picture)}
        token = form.values["csrfmiddlewaretoken"][0]
        response = visitor.client.post(visitor.path, {**upload, "csrfmiddlewaretoken": token}, follow=True)
        return visitor._arrive(response, visitor.path, 200)


@pytest.fixture
def newcomer(sign_in: Callable[..., Any]) -> Newcomer:
    return Newcomer(sign_in)


def test_a_confirmed_card_fills_the_form_and_says_where_it_came_from(
    newcomer: Newcomer, run_jobs: Callable[[], list[str]]
) -> None:
    visitor = newcomer.with_card()
    visitor.press("识别照片，自动填表")
    assert "正在识别" in visitor.text
    assert visitor.response["Refresh"] == "2", "a page that waits asks again without JavaScript"
    assert "trust.read_paper" in run_jobs()
    visitor.open(visitor.path)
    assert "居民身份证" in visitor.text
    address = newcomer.someone.address
    assert value_of(visitor, "person.registered_address") == address
    picture = visitor.client.get(f"/papers/{PaperReading.objects.get().pk}/picture/")
    assert picture["Content-Type"] == "image/jpeg" and picture.content[:3] == b"\xff\xd8\xff"
    visitor.press("核对无误，填入表单")
    assert "户籍地址" in visitor.text and visitor.path.endswith("/materials/")
    visitor.open(visitor.path.replace("/materials/", "/form/who/"))
    assert value_of(visitor, "person.registered_address") == address
    assert "来自您上传的证件照片" in visitor.bare


def test_what_the_person_corrects_is_kept_and_marked(newcomer: Newcomer, run_jobs: Callable[[], list[str]]) -> None:
    visitor = newcomer.with_card()
    visitor.press("识别照片，自动填表")
    run_jobs()
    visitor.open(visitor.path)
    visitor.press("核对无误，填入表单", status=422, person__birth_date="不知道")
    assert "真实的日期" in visitor.text and "错误" in visitor.response.content.decode()
    visitor.press(
        "核对无误，填入表单", person__birth_date="", person__registered_address="安徽省亳州市蒙城县乐土镇新桥村1组2号"
    )
    reading = PaperReading.objects.get()
    assert set(reading.corrections) >= {"person.registered_address", "person.birth_date"}
    assert reading.fields["person.registered_address"]["value"] == newcomer.someone.address, "what was read stays known"
    visitor.open(visitor.path.replace("/materials/", "/form/who/"))
    assert value_of(visitor, "person.registered_address") == "安徽省亳州市蒙城县乐土镇新桥村1组2号"


def test_another_persons_card_is_told_and_no_record_is_looked_up(
    newcomer: Newcomer, run_jobs: Callable[[], list[str]], demo: Any
) -> None:
    farmer = demo.farmer.person
    other = Invented(farmer.name, "2", "汉", farmer.birth_date, "安徽省某地", farmer.id_number, "安徽省亳州市涡阳县")
    visitor = newcomer.with_card(degraded(draw("id_card", 9, other).picture, 5))
    visitor.press("识别照片，自动填表")
    run_jobs()
    visitor.open(visitor.path)
    assert "与申请人的身份号码不同" in visitor.text
    problems = [words for one in PaperReading.objects.get().fields.values() for words in one["problems"]]
    assert not any("登记" in words for words in problems), "the register must not answer to a number on a picture"


def test_a_photo_that_cannot_be_read_says_why_and_holds_nothing_up(
    newcomer: Newcomer, run_jobs: Callable[[], list[str]]
) -> None:
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (900, 600), "grey").save(out, "JPEG")
    visitor = newcomer.with_card(out.getvalue())
    visitor.press("识别照片，自动填表")
    run_jobs()
    visitor.open(visitor.path)
    assert "没有找到文字" in visitor.text
    visitor.follow("返回申请材料")
    assert visitor.has_button("识别照片，自动填表"), "another try is offered"


def test_nobody_else_sees_the_reading_or_its_picture(
    newcomer: Newcomer, sign_in: Callable[..., Any], run_jobs: Callable[[], list[str]]
) -> None:
    visitor = newcomer.with_card()
    visitor.press("识别照片，自动填表")
    run_jobs()
    stranger = Newcomer(sign_in, seed=42)
    stranger.visitor.open(visitor.path, 404)
    assert stranger.visitor.client.get(f"/papers/{PaperReading.objects.get().pk}/picture/").status_code == 404


def test_correcting_what_the_photo_said_is_no_objection(newcomer: Newcomer, run_jobs: Callable[[], list[str]]) -> None:
    from yici.core.forms.rules import changed_fields

    visitor = newcomer.with_card()
    visitor.press("识别照片，自动填表")
    run_jobs()
    visitor.open(visitor.path)
    visitor.press("核对无误，填入表单")
    visitor.open(visitor.path.replace("/materials/", "/form/who/"))
    visitor.press(
        "保存并继续", person__registered_address="安徽省亳州市蒙城县乐土镇新桥村1组2号", person__phone="13900000041"
    )
    from yici.core.forms.models import Draft

    draft = Draft.objects.get(owner=newcomer.account)
    assert draft.answers["person.registered_address"] != draft.prefill["person.registered_address"]["value"]
    assert changed_fields(draft.answers, draft.prefill) == []
    assert not Application.objects.filter(applicant=newcomer.account.person).exists()
