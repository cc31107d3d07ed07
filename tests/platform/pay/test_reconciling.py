"""Every provider's bill against the books: balanced, or named differences; nothing moves but by a decision."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from typing import Any

import pytest
from django.test import Client
from openpyxl import load_workbook

from tests.platform.pay.conftest import Live, books_agree, paid_order, permit_order, refund
from yici.base import clock
from yici.base.errors import Conflict, Invalid
from yici.core.ledger import queries as ledger
from yici.platform.pay import providers, services
from yici.platform.pay.models import DayBill, Difference, Payment, Refund
from yici.platform.pay.providers import BillUnreadable

pytestmark = pytest.mark.django_db
ALL = pytest.mark.parametrize("provider", ("wechat", "alipay", "unionpay"))


def today() -> dt.date:
    return clock.now().astimezone(dt.timezone(dt.timedelta(hours=8))).date()


def differences(bill: DayBill) -> list[tuple[str, str]]:
    return list(Difference.objects.filter(bill=bill, is_settled=False).values_list("kind", "proposal"))


def money(bill: DayBill) -> bool:
    """Both sides and the ledger tell one sum."""
    return bill.paid_fen - bill.refund_fen == bill.own_paid_fen - bill.own_refund_fen == bill.ledger_fen


@ALL
def test_day_with_payments_and_refunds_is_balanced(demo: Any, sandbox: Live, client: Client, provider: str) -> None:
    for key in "abc":
        order = paid_order(demo.farmer, sandbox, client, key=key, provider=provider)
    refund(order, 300, "r1", demo.farmer)
    refund(order, 400, "r2", demo.farmer)
    bill = services.reconcile(provider, today())
    assert (bill.state, bill.paid_count, bill.paid_fen, bill.refund_count, bill.refund_fen) == (
        "balanced",
        3,
        6000,
        2,
        700,
    )
    assert money(bill) and differences(bill) == []
    again = services.reconcile(provider, today())
    assert again.pk == bill.pk and again.rows.count() == 5


@ALL
def test_day_without_trade_is_balanced_and_a_missing_bill_is_not(
    demo: Any, sandbox: Live, client: Client, provider: str
) -> None:
    assert services.reconcile(provider, today()).state == "balanced"
    paid_order(demo.farmer, sandbox, client, provider=provider)
    with sandbox.book.locked() as connection:
        connection.execute("DELETE FROM trade")
    assert services.reconcile(provider, today()).state == "missing"


@ALL
def test_payment_we_never_heard_of_is_booked_by_decision_only(
    demo: Any, sandbox: Live, client: Client, provider: str
) -> None:
    order = permit_order(demo.farmer)
    attempt = services.begin(order.number, provider, demo.farmer)
    sandbox.pay(attempt.number)
    bill = services.reconcile(provider, today())
    assert (bill.state, differences(bill)) == ("differs", [("only_bill", "book")])
    assert Payment.objects.count() == 0 and ledger.balance_of(f"provider:{provider}") == 0
    found = Difference.objects.get()
    for action, note in (("book", " "), ("burn", "x"), ("return", "x")):
        with pytest.raises(Invalid):
            services.decide(found.pk, action, note, demo.staff("finance"))
    decided = services.decide(found.pk, "book", "账单第 1 行，支付机构确认", demo.staff("finance"))
    bill.refresh_from_db()
    order.refresh_from_db()
    assert (decided.is_settled, bill.state, order.state) == (True, "balanced", "paid")
    assert Payment.objects.get().seen_by == "bill" and money(bill) and books_agree(sandbox, provider)
    with pytest.raises(Conflict):
        services.decide(found.pk, "book", "再来一次", demo.staff("finance"))


@ALL
def test_unknown_row_of_a_bill_is_named_and_parked_by_decision(
    demo: Any, sandbox: Live, client: Client, provider: str
) -> None:
    paid_order(demo.farmer, sandbox, client, provider=provider)
    sandbox.spoil(f"{provider}.bill.rows", "unknown_row")
    bill = services.reconcile(provider, today())
    assert differences(bill) == [("only_bill", "book")]
    services.decide(Difference.objects.get().pk, "book", "支付机构书面确认", demo.staff("finance"))
    bill.refresh_from_db()
    stranger = Payment.objects.get(place="parked")
    assert stranger.why == "unknown_order" and ledger.balance_of("suspense") == -2000
    assert money(bill) and differences(bill) == [("parked", "return")]


@ALL
def test_row_missing_from_a_bill_is_named(demo: Any, sandbox: Live, client: Client, provider: str) -> None:
    for key in "ab":
        paid_order(demo.farmer, sandbox, client, key=key, provider=provider)
    sandbox.spoil(f"{provider}.bill.rows", "missing_row")
    bill = services.reconcile(provider, today())
    assert differences(bill) == [("only_ours", "ask")]
    services.decide(Difference.objects.get().pk, "wait", "等次日账单", demo.staff("finance"))
    assert services.reconcile(provider, today()).state == "balanced"  # the next bill has it
    kept = Difference.objects.get()
    assert kept.is_settled and kept.decision == "wait"


@ALL
def test_row_that_stands_twice_is_named(demo: Any, sandbox: Live, client: Client, provider: str) -> None:
    paid_order(demo.farmer, sandbox, client, provider=provider)
    sandbox.spoil(f"{provider}.bill.rows", "twice")
    assert differences(services.reconcile(provider, today())) == [("twice", "ask")]
    assert Payment.objects.count() == 1 and books_agree(sandbox, provider)


def test_refund_made_on_the_providers_pages_is_booked_by_decision(demo: Any, sandbox: Live, client: Client) -> None:
    order = paid_order(demo.farmer, sandbox, client)
    trade = sandbox.book.trade("wechat", order.attempts.get().number)
    assert trade is not None
    sandbox.book.refund(trade, "ELSEWHERE1", 800)
    bill = services.reconcile("wechat", today())
    assert differences(bill) == [("only_bill_refund", "book_refund")]
    services.decide(Difference.objects.get().pk, "book_refund", "商户平台人工退款", demo.staff("finance"))
    bill.refresh_from_db()
    assert bill.state == "balanced" and Refund.objects.get().fen == 800 and money(bill) and books_agree(sandbox)


def test_parked_money_goes_back_by_decision(demo: Any, sandbox: Live, client: Client) -> None:
    attempt = services.begin(permit_order(demo.farmer).number, "wechat", demo.farmer)
    sandbox.pay(attempt.number, fen=1)
    sandbox.deliver(client, "wechat", attempt.number)
    bill = services.reconcile("wechat", today())
    assert differences(bill) == [("parked", "return")]
    services.decide(Difference.objects.get().pk, "return", "金额不符，退回付款人", demo.staff("finance"))
    services.send_refund(Refund.objects.get().number)
    bill = services.reconcile("wechat", today())
    assert bill.state == "balanced" and ledger.balance_of("suspense") == 0 and books_agree(sandbox)


def test_wrong_bill_is_not_believed_in_any_part(demo: Any, sandbox: Live, client: Client) -> None:
    for provider, call, mode in (
        ("wechat", "bill", "truncated"), ("wechat", "bill", "wrong_summary"), ("alipay", "bill", "truncated"),
        ("alipay", "bill.sum", "wrong"), ("unionpay", "bill", "truncated"), ("unionpay", "bill.line", "cut"),
    ):  # fmt: skip
        paid_order(demo.farmer, sandbox, client, key=f"{provider}{call}{mode}", provider=provider)
        sandbox.spoil(f"{provider}.{call}", mode)
        bill = services.reconcile(provider, today())
        assert (bill.state, bill.rows.count()) == ("broken", 0) and bill.detail, (provider, call, mode)
    assert Difference.objects.count() == 0
    for provider in providers.PROVIDERS:
        assert services.reconcile(provider, today()).state == "balanced"


def test_wechat_bill_in_gbk_is_read(demo: Any, sandbox: Live, client: Client) -> None:
    paid_order(demo.farmer, sandbox, client)
    sandbox.spoil("wechat.bill", "gbk")
    assert services.reconcile("wechat", today()).state == "balanced"


def test_bill_of_another_day_is_refused(demo: Any, sandbox: Live, client: Client) -> None:
    paid_order(demo.farmer, sandbox, client)
    content = sandbox.shop.sides["wechat"].bill(today().isoformat())
    bill = services.take_bill("wechat", today() - dt.timedelta(days=1), content)
    assert bill.state == "broken" and "日期" in bill.detail


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"PK\x03\x04", "交易时间\n".encode(), b"\xff" * 50])
@ALL
def test_rubbish_is_no_bill(provider: str, content: bytes) -> None:
    with pytest.raises(BillUnreadable):
        list(providers.provider(provider).read_bill(content))


def test_two_detail_files_are_no_bill() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.csv", "x")
        archive.writestr("b.csv", "x")
    with pytest.raises(BillUnreadable):
        list(providers.provider("alipay").read_bill(out.getvalue()))


def test_payment_before_midnight_on_the_neighbours_bill_is_no_difference(
    demo: Any, sandbox: Live, client: Client
) -> None:
    """The provider accounts it a day later than we do: both days are balanced once both bills are there."""
    order = paid_order(demo.farmer, sandbox, client)
    payment = order.payments.get()
    Payment.objects.filter(pk=payment.pk).update(day=today() - dt.timedelta(days=1))
    bill = services.reconcile("wechat", today())
    assert [
        kind for kind, _proposal in differences(bill) if kind != "ledger"
    ] == []  # the entries stay on their own day
    yesterday, _made = DayBill.objects.get_or_create(
        provider="wechat", day=today() - dt.timedelta(days=1), defaults={"state": "missing"}
    )
    assert [kind for kind, _proposal in differences(services.hold_again(yesterday)) if kind != "ledger"] == []


def test_due_days_are_reconciled_from_ten_in_the_morning(demo: Any, sandbox: Live, client: Client) -> None:
    paid_order(demo.farmer, sandbox, client)
    zone, day = dt.timezone(dt.timedelta(hours=8)), today()
    morning = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(9, 30), zone)
    with clock.at(morning):
        assert services.reconcile_due() == {}
    sandbox.book.skew = (morning + dt.timedelta(hours=1) - clock.now()).total_seconds()
    with clock.at(morning + dt.timedelta(hours=1)):
        assert services.reconcile_due() == {f"{provider} {day}": "balanced" for provider in providers.PROVIDERS}
        assert services.reconcile_due() == {}


def test_finance_officer_works_on_the_pages(demo: Any, sandbox: Live, client: Client, sign_in: Any) -> None:
    attempt = services.begin(permit_order(demo.farmer).number, "wechat", demo.farmer)
    sandbox.pay(attempt.number)
    sign_in(client, demo.staff("finance"))
    bill = services.reconcile("wechat", today())
    address = f"/desk/pay/reconciliation/wechat/{today()}/"
    page = client.get(address).content.decode()
    assert "账单有、我方无" in page and "查实后补记入账（建议）" in page
    difference = Difference.objects.get()
    assert client.post(f"/desk/pay/differences/{difference.pk}/", {"action": "book", "note": ""}).status_code == 422
    assert (
        client.post(f"/desk/pay/differences/{difference.pk}/", {"action": "book", "note": "已核实"}).status_code == 302
    )
    bill.refresh_from_db()
    assert bill.state == "balanced" and "逐笔相符" not in client.get(address).content.decode()
    for side in ("theirs", "ours", "back"):
        assert client.get(f"{address}rows/{side}/").status_code == 200
    sheet = load_workbook(io.BytesIO(client.get(f"{address}export/").content)).active
    assert sheet is not None and sheet["D2"].value == 20 and sheet["A3"].value == "账单有、我方无"
    accounts = client.get("/desk/pay/ledger/").content.decode()
    assert "微信支付待结算款" in accounts and "20.00" in accounts
    account = ledger.accounts_with_balance().get(code="provider:wechat")
    assert attempt.order.number in client.get(f"/desk/pay/ledger/{account.pk}/").content.decode()
    assert "核对无误" in client.post("/desk/pay/ledger/verify/", follow=True).content.decode()
    assert client.get("/desk/pay/reconciliation/").status_code == 200
    assert (
        client.post(
            "/desk/pay/reconciliation/run/", {"provider": "wechat", "day": str(today())}, follow=True
        ).status_code
        == 200
    )


def test_reconciliation_is_not_for_cashiers(demo: Any, client: Client, sign_in: Any) -> None:
    sign_in(client, demo.staff("cashier"))
    for address in ("/desk/pay/reconciliation/", "/desk/pay/ledger/"):
        assert client.get(address).status_code == 403
    assert client.get("/desk/pay/").status_code == 200
    assert sign_in(Client(), demo.clerk).get("/desk/pay/").status_code == 403
