"""The story the platform was begun for, in a browser: from a daughter's phone to a certificate anybody can check."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import Device
from tests.conftest import wait_until

ITEM = "/items/gaoling-jintie/"
DAUGHTERS_PHONE = "13956731972"
OLD_ADDRESS = "安徽省亳州市涡阳县高炉镇陆杨村老庄1组6号"
NEW_ADDRESS = "安徽省亳州市涡阳县高炉镇陆杨村3组27号"

New = Callable[..., Device]
SignIn = Callable[..., Device]


def find_the_service(phone: Device) -> None:
    phone.open("/").open("/search/?q=gljt").says("找到 1 项")
    phone.page.locator("main").get_by_role("link", name="高龄津贴").click()
    phone.page.wait_for_url(f"**{ITEM}")
    phone.check().says("5 个工作日", "不用您提交")


def apply(phone: Device, *, filed_by: str = "child") -> str:
    """From the guide to the receipt; returns the case number."""
    phone.open(ITEM).press("立即办理")
    phone.press("保存并继续", situation__lives_elsewhere="no", situation__collected_by_other="no")
    phone.says("王秀英", "342124194503121221", "来自 市公安局 人口信息 · 2026-03-02").press("保存并继续")
    phone.says("户口在哪里").press("保存并继续")
    address = phone.page.locator("[name='person.residential_address']")
    expect(address).to_have_value(OLD_ADDRESS)
    phone.says("2015-08-19 更新")
    phone.press("保存并继续", person__residential_address=NEW_ADDRESS, person__living_arrangement="1")
    phone.says("联系电话").press("保存并继续", person__phone="13956731945")
    phone.press("保存并继续", account_kind="social")
    if phone.page.url.endswith("/form/account/"):  # without JavaScript the card's field opens first
        phone.press("保存并继续")
    phone.press("保存并继续", filed_by=filed_by).says("所有材料都已由城市的记录或电子证照证明")
    assert phone.page.locator("main input[type=file]").count() == 0, "nothing is to be uploaded"
    phone.press("继续").says(NEW_ADDRESS, f"原记录为“{OLD_ADDRESS}”", "不影响办理")
    phone.press("确认并提交").says("提交成功" if "提交成功" in phone.text else "收件回执", "2026-11-24", "2026-12-01")
    number = re.search(r"/cases/(\d{20})/receipt/", phone.page.url)
    assert number, phone.page.url
    return number[1]


def ask_for_correction(clerk: Device, number: str) -> None:
    clerk.open("/desk/cases/").says("剩余 1 个工作日", "王*英", number)
    assert clerk.page.locator(".light.green").count() >= 1
    clerk.open(f"/desk/cases/{number}/").says("王秀英", NEW_ADDRESS, "人口信息")
    clerk.page.locator("summary", has_text="一次性补正告知").click()
    form = clerk.page.locator("form[action$='/request_correction/']")
    form.locator("[name=demands]").fill("请写明代领津贴的家人姓名")
    with clerk.page.expect_navigation():
        form.get_by_role("button").click()
    clerk.check().says("补正开始", "请写明代领津贴的家人姓名")
    assert clerk.page.locator(".light.stopped").count() >= 1, "the clock stands still"


def decide(desk: Device, number: str, action: str, opinion: str = "") -> None:
    desk.open(f"/desk/cases/{number}/")
    form = desk.page.locator(f"form[action$='/{action}/']")
    if not form.get_by_role("button").is_visible():
        desk.page.locator(f"details:has(form[action$='/{action}/']) > summary").click()
    if opinion:
        form.locator("[name=opinion]").fill(opinion)
    with desk.page.expect_navigation():
        form.get_by_role("button").click()
    desk.check()


def certificate_of(phone: Device, number: str) -> str:
    """Waits for the worker; returns the address of the certificate's page."""
    link = phone.page.locator("main a[href^='/my/certificates/']")
    phone.until(f"/my/cases/{number}/", lambda: link.count() > 0, 20)
    phone.check().says("办结通过", "准予")
    return str(link.first.get_attribute("href"))


def test_a_daughter_gets_her_mothers_allowance_and_anybody_can_check_it(
    device: New, sign_in_citizen: SignIn, sign_in_staff: SignIn, tmp_path: Path
) -> None:
    phone = device("phone", has_touch=True)
    find_the_service(phone)
    sign_in_citizen(phone.open(f"/login/?next={ITEM}"), "farmer", DAUGHTERS_PHONE)
    number = apply(phone)
    wait_until(lambda: any(number in one["content"] for one in phone.site.sms.messages("13956731945")))

    clerk = sign_in_staff(device("desk"), "clerk")
    ask_for_correction(clerk, number)
    phone.open(f"/my/cases/{number}/").says("需要您补正", "请写明代领津贴的家人姓名").press("现在补正")
    phone.press("提交补正", remark="不用代领，打到老人自己的卡上")
    decide(clerk, number, "accept")
    decide(sign_in_staff(device("desk"), "reviewer"), number, "review", "年龄、户籍属实，未重复领取")
    decide(sign_in_staff(device("desk"), "approver"), number, "approve", "同意发放")

    phone.open(certificate_of(phone, number)).says("有效", "王秀英")
    with phone.page.expect_download() as download:
        phone.page.get_by_role("link", name="下载 PDF").click()
    pdf = tmp_path / "certificate.pdf"
    download.value.save_as(pdf)
    assert pdf.read_bytes().startswith(b"%PDF-")
    address = phone.page.get_by_role("link", name="查验页面").get_attribute("href")
    stranger = device("phone").open(str(address)).says("真实有效", "王*英")
    stranger.open("/verify/").page.locator("main input[type=file]").set_input_files(pdf)
    stranger.press("上传并查验").says("真实有效")

    phone.open("/my/record/").says("张晓雨", "涡阳县民政局")
    phone.open(f"/my/cases/{number}/").press("评价这次服务").press("提交评价", level="5").says("5 / 5")


def test_the_citizens_path_needs_no_javascript(device: New, sign_in_citizen: SignIn) -> None:
    phone = device("phone", java_script_enabled=False)
    phone.check = lambda: phone  # the checker itself is JavaScript  # type: ignore[method-assign]
    find_the_service(phone)
    sign_in_citizen(phone.open(f"/login/?next={ITEM}"), "farmer", "13956731800")
    number = apply(phone, filed_by="self")
    phone.open(f"/my/cases/{number}/").says("已接件")
    for address in ("/my/", "/my/messages/", "/my/record/", "/my/settings/", "/browse/"):
        phone.open(address)
        assert phone.page.locator("main h2, main .empty, main .note").count(), address
