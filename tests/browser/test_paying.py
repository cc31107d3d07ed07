"""A water bill in a browser: paid on a small phone, seen by the cashier, held against the provider's bill by finance."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Device, Site
from tests.browser.processes import MONDAY, shift

ANDROID = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Mobile Safari/537.36"
CUSTOMER = "20010001"

New = Callable[..., Device]
SignIn = Callable[..., Device]


def pay_water(phone: Device) -> tuple[str, str]:
    """From the biller to the provider's own page and back; returns order number and amount in yuan."""
    phone.open("/my/bills/").page.locator("main").get_by_role("link", name="水费").click()
    phone.check().press("查账单", customer=CUSTOMER).says(CUSTOMER)
    with phone.page.expect_navigation():
        phone.page.locator("main").get_by_role("button", name=re.compile("^缴费")).first.click()
    phone.check().says("待支付", "选择支付方式")
    amount = re.search(r"¥([\d.]+)", phone.text)
    number = re.search(r"/my/payments/(\d{18})/", phone.page.url)
    assert amount and number, phone.text
    phone.press(f"支付 {amount[1]} 元", provider="alipay").says("正在等待支付结果")
    with phone.page.expect_navigation():
        phone.page.get_by_role("link", name="打开支付宝付款").click()
    expect(phone.page.locator("body")).to_contain_text(f"¥{amount[1]}")
    phone.page.get_by_role("button", name="确认付款").click()
    expect(phone.page.locator("body")).to_contain_text("付款成功")
    return number[1], amount[1]


def set_clock(site: Site, skew: float) -> None:
    httpx.post(f"{site.cashier}/control", json={"skew": skew}, trust_env=False).raise_for_status()


@pytest.fixture
def slow_provider(site: Site) -> Iterator[str]:
    """A provider whose clock is a day behind: its bill of yesterday can be held against the books today. The day."""
    set_clock(site, shift(site.started) - dt.timedelta(days=1).total_seconds())
    yield f"{MONDAY - dt.timedelta(days=1):%Y-%m-%d}"
    set_clock(site, shift(site.started))


def test_a_water_bill_from_the_phone_to_the_books(
    site: Site, device: New, sign_in_citizen: SignIn, sign_in_staff: SignIn, slow_provider: str
) -> None:
    yesterday = slow_provider
    phone = sign_in_citizen(device("phone", user_agent=ANDROID).open("/login/?next=/my/bills/"), "patient")
    number, amount = pay_water(phone)
    phone.until(f"/my/payments/{number}/", lambda: "已销账" in phone.text)
    phone.check().says("缴费凭证", "已支付", f"¥{amount}", "支付宝", number, yesterday)
    phone.open("/my/payments/?show=all").says("水费", amount, "已支付")

    cashier = sign_in_staff(device("desk"), "cashier").open("/desk/pay/").says(number, "水费")
    with cashier.page.expect_navigation():
        cashier.page.get_by_role("link", name=number).click()
    cashier.check().says(
        "开出订单", "选择支付方式", "到账入账", "payee:bz.water_supply", "provider:alipay", "收到的回调", amount
    )

    finance = sign_in_staff(device("desk"), "finance").open("/desk/pay/reconciliation/").says("没有暂存的款项")
    finance.page.select_option("[name=provider]", "alipay")
    assert finance.page.locator("[name=day]").input_value() == yesterday
    finance.press("取账单并核对").says(f"支付宝{yesterday}平", f"1·¥{amount}", "逐笔相符，没有差异。")
    finance.page.set_viewport_size({"width": 360, "height": 780})
    finance.check()
    with finance.page.expect_navigation():
        finance.page.get_by_role("link", name=f"¥{amount}", exact=True).first.click()
    finance.check().says("支付宝待结算款", number, amount)
