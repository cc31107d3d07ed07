"""The story the platform was begun for, walked page by page without JavaScript: a villager's senior allowance."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.systems.hall.conftest import code_in, totp
from tests.visitor import Visitor
from yici.base import clock
from yici.core.cases.models import Case
from yici.systems.hall.models import Application, MaterialInstance

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("story_day")]

ITEM = "/items/gaoling-jintie/"
NEW_ADDRESS = "安徽省亳州市涡阳县高炉镇陆杨村3组27号"
OLD_ADDRESS = "安徽省亳州市涡阳县高炉镇陆杨村老庄1组6号"
PROVEN_BY = {"identity": "居民身份证", "household_register": "户口簿", "payee_account": "社会保障卡"}


class City:
    """The people of the story, each at a device of their own."""

    def __init__(self, demo: Any, sms: Any, run_jobs: Callable[[], list[str]]) -> None:
        self.demo, self.sms, self.run_jobs = demo, sms, run_jobs

    def citizen(self, key: str, beginning: str = "/login/") -> Visitor:
        """Signed in through the pages with name, number and the code that came by SMS."""
        entry = next(one for one in self.demo.file["citizens"] if one["key"] == key)
        visitor = Visitor(phone=True).open(beginning)
        visitor.press("获取验证码", name=entry["name"], id_number=entry["id_number"], phone=entry["phone"])
        self.run_jobs()
        return visitor.press("登录", code=code_in(self.sms, entry["phone"]))

    def staff(self, key: str) -> Visitor:
        """Signed in through the pages with password and the authenticator's digits."""
        account = self.demo.staff(key)
        visitor = Visitor().open("/login/staff/")
        visitor.press("下一步", username=account.username, password=self.demo.password)
        return visitor.press("登录", into="second", code=totp(self.demo.totp_secret, clock.now().timestamp()))


@pytest.fixture
def city_at_work(demo: Any, sms: Any, run_jobs: Callable[[], list[str]]) -> City:
    return City(demo, sms, run_jobs)


def walk_to_check(visitor: Visitor, *, filed_by: str) -> Visitor:
    """From the first page of the application to the check page, correcting where the person lives."""
    visitor.press("保存并继续", situation__lives_elsewhere="no", situation__collected_by_other="no")
    assert "这些来自公安户籍登记" in visitor.text
    visitor.press("保存并继续")
    assert "户口在哪里" in visitor.text
    visitor.press("保存并继续")
    assert value_of(visitor, "person.residential_address") == OLD_ADDRESS
    assert re.search(r"来自\S+·2015-08-19更新", visitor.bare)
    visitor.press("保存并继续", person__residential_address=NEW_ADDRESS, person__living_arrangement="1")
    assert "联系电话" in visitor.text
    visitor.press("保存并继续", person__phone="13956731945")
    visitor.press("保存并继续", account_kind="social")
    if visitor.path.endswith("/form/account/"):  # the card field opens with its record, shown before it is sent
        assert value_of(visitor, "social_insurance.card_number") == "A34218508"
        visitor.press("保存并继续")
    visitor.press("保存并继续", filed_by=filed_by)
    assert "所有材料都已由城市的记录或电子证照证明" in visitor.text
    for name in PROVEN_BY.values():
        assert name in visitor.text
    assert "file" not in {name for form in visitor.forms for name in form.offered}, "nothing is to be uploaded"
    visitor.press("继续")
    assert visitor.path.endswith("/check/")
    return visitor


def value_of(visitor: Visitor, name: str) -> str:
    return next(form.values[name][0] for form in visitor.forms if name in form.values)


def submit(visitor: Visitor) -> Case:
    """Press the last button; the receipt names the case and its dates."""
    visitor.press("确认并提交")
    assert "提交成功" in visitor.text
    number = re.search(r"办件编号(\d{20})", visitor.bare)
    assert number, visitor.text
    return Case.objects.get(number=number[1])


@pytest.mark.parametrize("words", ["高龄补贴", "gljt", "laonian"])
def test_the_allowance_is_found_by_synonym_initials_and_pinyin(words: str) -> None:
    visitor = Visitor(phone=True).open("/")
    visitor.open(f"/search/?q={words}")
    visitor.follow("80周岁以上老年人高龄津贴")
    assert visitor.path == ITEM
    assert "法定时限" in visitor.text and "承诺时限" in visitor.text
    assert visitor.has_button("立即办理")


def test_a_villager_gets_her_allowance_from_search_to_signed_certificate(city_at_work: City) -> None:
    farmer = city_at_work.citizen("farmer", f"/login/?next={ITEM}")
    assert farmer.path == ITEM
    farmer.press("立即办理")
    if "为谁办理" in farmer.text:
        farmer.press("继续", subject="self")
    walk_to_check(farmer, filed_by="self")
    assert OLD_ADDRESS in farmer.text and NEW_ADDRESS in farmer.text and "不影响办理" in farmer.text
    assert "由涡阳县民政局办理：2026-11-24前答复是否受理，预计2026-12-01前办结" in farmer.bare
    case = submit(farmer)
    check_receipt(farmer, case)
    check_objection(city_at_work, case)
    assert [case.number in one["content"] for one in city_at_work.sms.messages("13956731945")].count(True) == 1
    clerk = city_at_work.staff("clerk")
    correct_once(city_at_work, farmer, clerk, case)
    decide(city_at_work, clerk, case)
    download_and_verify(city_at_work, farmer, case)
    check_timeline_and_looks(city_at_work, farmer, case)
    rate_once(farmer, case)


def check_receipt(farmer: Visitor, case: Case) -> None:
    assert "2026-11-24" in farmer.text and "2026-12-01" in farmer.text
    assert case.organisation.name == "涡阳县民政局" and case.is_self_filed and case.channel == "app"
    sources = {row.requirement: row.source for row in MaterialInstance.objects.filter(application__case=case)}
    assert sources.keys() == PROVEN_BY.keys()
    assert set(sources.values()) <= {"data", "certificate"}


def check_objection(city_at_work: City, case: Case) -> None:
    """The corrected value became a case at the source department, and the application goes on."""
    city_at_work.run_jobs()
    raised = list(Case.objects.filter(type__slug="data-objection", data__raised_in=case.number))
    objection = next(one for one in raised if one.data["element"] == "person.residential_address")
    assert objection.data["held"] == OLD_ADDRESS and objection.data["claimed"] == NEW_ADDRESS
    assert "public_security" in objection.organisation.slug
    officer = city_at_work.staff("data_officer").open("/desk/cases/")
    officer.follow(objection.number)
    assert OLD_ADDRESS in officer.text and NEW_ADDRESS in officer.text, officer.text[200:1200]
    assert officer.has_button("记录有误，予以更正")
    case.refresh_from_db()
    assert case.state == "received" and case.closed_at is None


def correct_once(city_at_work: City, farmer: Visitor, clerk: Visitor, case: Case) -> None:
    """The clerk asks for one correction: the clock stops until the citizen has answered."""
    clerk.open("/desk/cases/")
    assert (
        case.number in clerk.text
        and "剩余 1 个工作日" in clerk.text
        and "王*英" in clerk.text
        and "王秀英" not in clerk.text
    )
    clerk.follow(case.number)
    clerk.press("一次性补正告知", demands="请写明代领津贴的家人姓名", opinion="材料不全")
    case.refresh_from_db()
    assert (case.state, case.light, case.due_at) == ("correction_open", "stopped", None)
    assert "停" in clerk.text and not clerk.has_button("一次性补正告知")
    city_at_work.run_jobs()
    assert "补正" in city_at_work.sms.messages("13956731945")[-1]["content"]
    farmer.open(f"/my/cases/{case.number}/")
    assert "请写明代领津贴的家人姓名" in farmer.text
    farmer.follow("现在补正")
    farmer.press("提交补正", remark="不用代领，打到我自己的卡上")
    assert farmer.path == f"/my/cases/{case.number}/"
    case.refresh_from_db()
    assert (case.state, case.light) == ("correction_done", "green") and case.due_at is not None


def decide(city_at_work: City, clerk: Visitor, case: Case) -> None:
    """Three people, three steps."""
    clerk.open(f"/desk/cases/{case.number}/")
    assert "不用代领，打到我自己的卡上" in clerk.text
    clerk.press("受理")
    reviewer = city_at_work.staff("reviewer").open(f"/desk/cases/{case.number}/")
    assert "剩余 5 个工作日" in reviewer.text
    reviewer.press("审核通过", opinion="年龄、户籍属实，未重复领取")
    approver = city_at_work.staff("approver").open(f"/desk/cases/{case.number}/")
    approver.press("准予", opinion="同意发放")
    case.refresh_from_db()
    assert (case.state, case.closed_on_time) == ("approved", True)


def download_and_verify(city_at_work: City, farmer: Visitor, case: Case) -> None:
    """The worker issues the certificate; anybody can check it, to the byte."""
    assert "hall.issue_result" in city_at_work.run_jobs()
    farmer.open(f"/my/cases/{case.number}/").follow("查看")
    farmer.follow("查验页面")
    assert "真实有效" in farmer.text and "王秀英" not in farmer.text
    farmer.open(f"/my/cases/{case.number}/").follow("查看").follow("下载 PDF")
    pdf = farmer.response.content
    assert pdf.startswith(b"%PDF-") and "attachment" in farmer.response.headers["Content-Disposition"]
    assert "真实有效" in verified(pdf)
    flipped = bytearray(pdf)
    flipped[len(pdf) // 2] ^= 1
    said = verified(bytes(flipped))
    assert "查验未通过" in said and "真实有效" not in said


def verified(pdf: bytes) -> str:
    """What the public page says to a stranger who uploads the file."""
    stranger = Visitor().open("/verify/")
    stranger.press("上传并查验", file=SimpleUploadedFile("高龄津贴.pdf", pdf, "application/pdf"))
    return stranger.text


def check_timeline_and_looks(city_at_work: City, farmer: Visitor, case: Case) -> None:
    farmer.open(f"/my/cases/{case.number}/")
    steps = ["提交申请", "一次性补正告知", "提交补正", "受理", "审核通过", "准予"]
    assert all(step in farmer.text for step in steps)
    for key in ("clerk", "reviewer", "approver"):
        assert city_at_work.demo.staff(key).name in farmer.text, "every official who looked is named"
    looks = farmer.text.split("谁为这件事看过我的数据")[1]
    assert "张晓雨" in looks and "涡阳县民政局" in looks
    farmer.open("/my/record/")
    assert "张晓雨" in farmer.text and "涡阳县民政局" in farmer.text
    assert re.search(
        r"张晓雨·涡阳县民政局查看内容：\S*现住址\S*手机号码\S*事由：办理80周岁以上老年人高龄津贴", farmer.bare
    )


def rate_once(farmer: Visitor, case: Case) -> None:
    farmer.open(f"/my/cases/{case.number}/").follow("评价这次服务")
    farmer.press("提交评价", status=422)
    farmer.press("提交评价", level="5", text="<b>不用跑腿</b>")
    assert "5 / 5" in farmer.text and "评价这次服务" not in farmer.text
    farmer.open(f"/my/cases/{case.number}/rate/")
    farmer.press("提交评价", status=409, level="1")
    assert "已经评价过" in farmer.text
    case.evaluation.refresh_from_db()
    assert case.evaluation.level == 5


def test_a_daughter_applies_for_her_mother_on_the_household_register(city_at_work: City) -> None:
    daughter = city_at_work.citizen("daughter", "/login/?next=/my/delegations/")
    mother = city_at_work.demo.farmer.person
    daughter.press("申请", into="ask", name="王秀英", id_number=mother.id_number, basis="household")
    assert "现在可以替对方办事" in daughter.text
    daughter.open(ITEM).press("立即办理")
    assert "为谁办理" in daughter.text
    daughter.press("继续", subject=str(mother.pk))
    walk_to_check(daughter, filed_by="child")
    case = submit(daughter)
    assert "代办人" in daughter.text and "李梅" in daughter.text
    application = Application.objects.get(case=case)
    assert (case.subject, application.agent, case.is_self_filed) == (mother, city_at_work.demo.daughter.person, False)
    farmer = city_at_work.citizen("farmer", "/login/?next=/my/cases/")
    assert case.number in farmer.text or "高龄津贴" in farmer.text
    farmer.open(f"/my/cases/{case.number}/")
    farmer.open("/my/record/")
    assert "李梅" in farmer.text, "the mother sees that her daughter read her data"


def test_nobody_applies_for_somebody_who_gave_no_delegation(demo: Any, sign_in: Any) -> None:
    visitor = Visitor()
    sign_in(visitor.client, demo.trader)
    visitor.client.handler.enforce_csrf_checks = False
    answer = visitor.client.post(f"{ITEM}start/", {"subject": str(demo.farmer.person_id)})
    assert answer.status_code == 404
    assert not Application.objects.filter(agent=demo.trader.person).exists()
