"""Two shareholders found a company on their phones: articles, two signatures, the licence; nothing is printed."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.browser.conftest import Device, Site
from tests.conftest import wait_until
from tests.environment import ROOT

ITEM = "/items/youxian-gongsi-sheli/"


def found_a_company(phone: Device, site: Site) -> str:
    """From the guide to the receipt; returns the case number."""
    phone.open(ITEM).says("不用打印").press("立即办理")
    phone.says("张伟").press("保存并继续", person__phone="13905681980")
    phone.press(
        "保存并继续", organisation__name="亳州市伟刚餐饮管理有限公司",
        organisation__address="安徽省亳州市谯城区汤陵街道魏武大道188号", organisation__business_scope="餐饮服务",
    )  # fmt: skip
    phone.fill("organisation.registered_capital", "500000")
    for part, value in (("year", "2031"), ("month", "11"), ("day", "1")):
        phone.fill(f"capital_paid_by__{part}", value)
    phone.press("保存并继续", organisation__legal_representative="张伟")
    if phone.page.locator("[name='shareholders.0.shareholder_name']").count() == 0:
        phone.press("添加一项")
    phone.press("添加一项")
    for row, key, yuan in ((0, "restaurateur", "300000"), (1, "trader", "200000")):
        entry = site.citizen(key)
        for cell, value in (
            ("name", entry["name"]), ("id_number", entry["id_number"]), ("phone", entry["phone"]), ("amount", yuan),
        ):  # fmt: skip
            phone.fill(f"shareholders.{row}.shareholder_{cell}", value)
    phone.press("保存并继续")
    promise = phone.page.locator("main form[action*='promise'] button, main button:has-text('承诺')")
    if promise.count():
        with phone.page.expect_navigation():
            promise.first.click()
        phone.check()
    phone.press("继续").says("亳州市伟刚餐饮管理有限公司", "吴刚")
    phone.press("确认并提交")
    number = re.search(r"/cases/(\d{20})/receipt/", phone.page.url)
    assert number, phone.page.url
    return number[1]


def sign_on(phone: Device, clerk: Device, person: dict[str, str]) -> None:
    """From the list of what waits to the signature: every page turned, identity proven at a window meanwhile."""
    phone.open("/my/signing/").says("等我签")
    phone.page.locator("main .list a").first.click()
    phone.page.wait_for_url("**/my/signing/QS*/")
    phone.check().press("看文件，然后签署")
    while phone.page.get_by_role("link", name="下一页").count():
        assert phone.page.locator("img.signing-page").evaluate("one => one.complete && one.naturalWidth > 500")
        phone.press("下一页")
    phone.press("看完了，去签署")
    assert "/my/identity/" in phone.page.url, "nobody signs whose identity is not proven"
    clerk.open("/desk/identity/").press(
        "人证一致，生成核验码", name=person["name"], id_number=person["id_number"], document="居民身份证原件"
    )
    code = clerk.page.locator(".vouch-code").inner_text()
    with phone.page.expect_navigation():
        phone.page.locator("main a[href*='/my/identity/window/']").first.click()
    phone.check().press("核验", code=code).says("窗口核验", "同意签署")
    phone.page.locator("#agree").check()
    phone.press("签署").says("已签署")


def test_two_shareholders_found_a_company_on_their_phones(
    device: Callable[..., Device],
    sign_in_citizen: Callable[..., Device],
    sign_in_staff: Callable[..., Device],
    site: Site,
    tmp_path: Path,
) -> None:
    first, second = device("phone", has_touch=True), device("phone", has_touch=True)
    sign_in_citizen(first.open(f"/login/?next={ITEM}"), "restaurateur")
    number = found_a_company(first, site)
    told = site.citizen("trader")["phone"]
    wait_until(lambda: any("请您签署《公司章程》" in one["content"] for one in site.sms.messages(told)))
    clerk = sign_in_staff(device("desk"), "qiaocheng_market_supervision_clerk")
    sign_on(first, clerk, site.citizen("restaurateur"))
    first.open(f"/my/cases/{number}/").says("等各位签署人在手机上签署")
    sign_in_citizen(second.open("/login/?next=/my/"), "trader")
    sign_on(second, clerk, site.citizen("trader"))
    second.says("全部签署人都已签完")
    with second.page.expect_download() as download:
        second.page.get_by_role("link", name="下载证据包").click()
    package = tmp_path / "evidence.zip"
    download.value.save_as(package)
    checker = ROOT / "yici" / "platform" / "trust" / "signatures" / "evidence_check.py"
    judged = subprocess.run([sys.executable, str(checker), str(package)], capture_output=True, text=True, check=False)
    assert judged.returncode == 0 and "吴刚（股东）" in judged.stdout, judged.stdout

    desk = sign_in_staff(device("desk"), "qiaocheng_market_supervision_chief")
    desk.open(f"/desk/cases/{number}/").says("在线签署", "公司章程")
    form = desk.page.locator("form[action$='/approve/']")
    if not form.get_by_role("button").is_visible():
        desk.page.locator("details:has(form[action$='/approve/']) > summary").click()
    with desk.page.expect_navigation():
        form.get_by_role("button").click()
    desk.check()
    link = first.page.locator("main a[href^='/my/certificates/']")
    first.until(f"/my/cases/{number}/", lambda: link.count() > 0)
    first.open(str(link.first.get_attribute("href"))).says("营业执照", "亳州市伟刚餐饮管理有限公司", "有效")
