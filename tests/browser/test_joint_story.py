"""A home is bought as one thing: one form on a phone, three departments at their desks at once, one payment for four payees."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx

from tests.browser.conftest import Device, Site

THEME = "/together/budongchan-dengji/"
PARTS = ("存量房买卖合同网签备案", "房产测绘成果审核", "房屋契税申报", "不动产转移登记")
HOUSE = {
    "house.certificate_number": "皖（2015）亳州市不动产权第0012345号", "house.address": "安徽省亳州市谯城区汤陵街道魏武大道188号3栋502室",
    "house.floor_area": "88", "house.use": "10", "seller": "马建国", "seller_id": "342102197503120312", "price": "456000",
    "first_home": "yes",
}  # fmt: skip


def apply(phone: Device) -> str:
    """From the proof of what it saves to the page of the whole; returns its case number. Every question is asked once."""
    phone.open(THEME).says("办理窗口", "9", "38").press("一次申请", place="341602000000").press("接着办理")
    asked: list[str] = []
    for _page in range(8):
        if "/form/" not in phone.page.url:
            break
        names = phone.page.locator("main [name]:visible").evaluate_all("all => all.map(one => one.name)")
        asked += [name for name in dict.fromkeys(names) if not name.startswith("__")]
        for name in dict.fromkeys(names):
            if name in HOUSE:
                phone.fill(name, HOUSE[name])
        phone.press("保存并继续")
    assert set(HOUSE) <= set(asked) and len(asked) == len(set(asked)), asked
    for _paper in range(phone.page.locator("main button[name=promise][value=yes]").count()):
        with phone.page.expect_navigation():
            phone.page.locator("main button[name=promise][value=yes]").first.click()
        phone.check()
    phone.says("由本次办出的").press("继续").says("提交前请核对", "马建国", "市房地产交易管理处", "不动产登记中心")
    phone.press("确认并提交")
    number = re.search(r"/my/joint/(\d{20})/", phone.page.url)
    assert number, f"{phone.page.url}\n{phone.text}"
    return number[1]


def accept(desk: Device, title: str) -> str:
    """The clerk of one department finds the part in the work list and accepts it; returns its address."""
    desk.open("/desk/cases/")
    desk.page.locator("main tr", has_text=title).locator("a").first.click()
    desk.page.wait_for_url(re.compile(r"/desk/cases/\d{20}/"))
    desk.check().says(title, "本件")
    address = desk.page.url
    form = desk.page.locator("form[action$='/accept/']")
    if not form.get_by_role("button").is_visible():
        desk.page.locator("details:has(form[action$='/accept/']) > summary").click()
    with desk.page.expect_navigation():
        form.get_by_role("button").click()
    desk.check()
    return address


def accept_by_program(site: Site, key: str, title: str) -> None:
    """A department that works in a system of its own does the same through the API."""
    given = {"username": site.staff(key)["username"], "password": site.demo["password"], "totp": site.digits()}
    with httpx.Client(base_url=f"{site.url}/api/v1", trust_env=False) as program:
        token = program.post("/session/staff", json=given).raise_for_status().json()["token"]
        program.headers["Authorization"] = f"Bearer {token}"
        rows = program.get("/cases", params={"tab": "department"}).raise_for_status().json()["rows"]
        (number,) = (row["number"] for row in rows if row["title"] == title)
        program.post(f"/cases/{number}/actions/accept", json={}).raise_for_status()


def row_of(desk: Device, title: str, body: str) -> str:
    return desk.page.locator("main tr", has_text=title).filter(has_text=body).inner_text()


def pay(phone: Device, number: str) -> None:
    """One order with a line for every payee, paid at the cashier of the provider."""
    link = phone.page.locator("main a[href^='/my/payments/']")
    phone.until(f"/my/joint/{number}/", lambda: link.count() > 0)
    phone.check().says("一次缴费")
    with phone.page.expect_navigation():
        link.first.click()
    phone.check().says("不动产登记费", "契税", "交易手续费", "测绘费")
    order = phone.page.url.removeprefix(phone.site.url)
    button = phone.page.locator("main form[action*='payments'] button.wide")
    with phone.page.expect_navigation():
        button.click()
    counter = phone.page.context.new_page()
    counter.goto(f"{phone.site.cashier}/")
    counter.locator("a", has_text="二手房过户").first.click()
    counter.get_by_role("button", name="确认付款").click()
    counter.wait_for_selector("text=付款成功")
    counter.close()
    phone.until(order, lambda: "已支付" in phone.text)
    phone.check()


def test_a_home_is_bought_with_one_form_and_one_payment_while_the_departments_see_each_other(
    device: Callable[..., Device],
    sign_in_citizen: Callable[..., Device],
    sign_in_staff: Callable[[Device, str], Device],
    site: Site,
) -> None:
    phone = device("phone", has_touch=True)
    sign_in_citizen(phone.open(f"/login/?next={THEME}"), "trader")
    number = apply(phone)
    phone.says("各部门办到哪里了", *PARTS, "办成后自动开始")

    housing = sign_in_staff(device("desk"), "housing_trade_clerk")
    filed = accept(housing, PARTS[0])
    tax = sign_in_staff(device("desk"), "qiaocheng_local_tax_clerk")
    accept(tax, PARTS[2])
    tax.says("一件事：各部门进度", *PARTS, "共用的材料")
    assert "部门受理" in row_of(tax, PARTS[0], "市房地产交易管理处"), "the tax clerk sees how far housing is"
    assert tax.page.locator(f"main a[href='{filed.removeprefix(site.url)}']").count() == 0, "its papers stay with it"
    housing.open(filed)
    assert "部门受理" in row_of(housing, PARTS[2], "谯城区地税局"), "and housing how far the tax office is"
    accept_by_program(site, "surveying_clerk", PARTS[1])
    pay(phone, number)
