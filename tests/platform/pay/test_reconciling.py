"""Every provider's bill against the books: balanced, or named differences; nothing moves but by a decision."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from typing import Any

import httpx
import pytest
from django.test import Client
from openpyxl import load_workbook

from tests.platform.pay.conftest import ALL, Live, books_agree, paid_order, permit_order, refund
from yici.base import clock
from yici.base.errors import Conflict, Invalid
from yici.core.ledger import queries as ledger
from yici.platform.pay import providers, services
from yici.platform.pay.models import DayBill, Difference, Payment, Refund
from yici.platform.pay.providers import BillUnreadable, unionpay
from yici.platform.pay.providers.money import fee, whole

pytestmark = pytest.mark.django_db


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


@ALL
def test_refund_made_on_the_providers_pages_is_booked_by_decision(
    demo: Any, sandbox: Live, client: Client, provider: str
) -> None:
    order = paid_order(demo.farmer, sandbox, client, provider=provider)
    sandbox.give_back(provider, order.attempts.get().number, "ELSEWHERE1", 800)
    bill = services.reconcile(provider, today())
    assert differences(bill) == [("only_bill_refund", "book_refund")]
    services.decide(Difference.objects.get().pk, "book_refund", "商户平台人工退款", demo.staff("finance"))
    bill.refresh_from_db()
    assert bill.state == "balanced" and Refund.objects.get().fen == 800 and money(bill)
    assert books_agree(sandbox, provider)


@ALL
def test_parked_money_goes_back_by_decision(demo: Any, sandbox: Live, client: Client, provider: str) -> None:
    attempt = services.begin(permit_order(demo.farmer).number, provider, demo.farmer)
    sandbox.pay(attempt.number, fen=1)
    sandbox.deliver(client, provider, attempt.number)
    bill = services.reconcile(provider, today())
    assert differences(bill) == [("parked", "return")]
    services.decide(Difference.objects.get().pk, "return", "金额不符，退回付款人", demo.staff("finance"))
    services.send_refund(Refund.objects.get().number)
    bill = services.reconcile(provider, today())
    assert bill.state == "balanced" and ledger.balance_of("suspense") == 0 and books_agree(sandbox, provider)


@pytest.mark.parametrize(
    ("provider", "call", "mode"),
    [
        ("wechat", "bill", "truncated"), ("wechat", "bill", "wrong_summary"), ("alipay", "bill", "truncated"),
        ("alipay", "bill.sum", "wrong"), ("unionpay", "bill", "truncated"), ("unionpay", "bill.line", "cut"),
        ("unionpay", "bill.sum", "wrong"),
    ],
)  # fmt: skip
def test_wrong_bill_is_not_believed_in_any_part(
    demo: Any, sandbox: Live, client: Client, provider: str, call: str, mode: str
) -> None:
    paid_order(demo.farmer, sandbox, client, provider=provider)
    sandbox.spoil(f"{provider}.{call}", mode)
    bill = services.reconcile(provider, today())
    assert (bill.state, bill.rows.count()) == ("broken", 0) and bill.detail
    assert Difference.objects.count() == 0 and books_agree(sandbox, provider)
    assert services.reconcile(provider, today()).state == "balanced"  # the next download is whole


def test_wechat_bill_in_gbk_is_read(demo: Any, sandbox: Live, client: Client) -> None:
    """Alipay's and UnionPay's are in GBK always."""
    paid_order(demo.farmer, sandbox, client)
    sandbox.spoil("wechat.bill", "gbk")
    assert services.reconcile("wechat", today()).state == "balanced"


def own_bill(sandbox: Live, provider: str) -> bytes:
    return bytes(sandbox.shop.sides[provider].bill(today().isoformat()))


def test_comma_and_back_tick_within_a_value_of_wechat_shift_nothing(demo: Any, sandbox: Live, client: Client) -> None:
    paid_order(demo.farmer, sandbox, client)
    content = own_bill(sandbox, "wechat").replace("居住证补领".encode(), "证件,补`领,9.99".encode())
    (row,) = providers.provider("wechat").read_bill(content)
    assert (row.fen, row.kind) == (2000, "payment")


def test_wechat_bill_without_back_ticks_is_read(demo: Any, sandbox: Live, client: Client) -> None:
    """As a spreadsheet program leaves it."""
    paid_order(demo.farmer, sandbox, client)
    assert [
        row.fen for row in providers.provider("wechat").read_bill(own_bill(sandbox, "wechat").replace(b"`", b""))
    ] == [2000]


def repacked(content: bytes, change: Any) -> bytes:
    """A bill's archive with its detail file changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for number, info in enumerate(old.infolist()):
            new.writestr(info, change(old.read(info)) if number == 0 else old.read(info))
    return out.getvalue()


def test_chinese_in_a_fixed_column_of_unionpay_shifts_nothing(demo: Any, sandbox: Live, client: Client) -> None:
    """Columns are counted in bytes of GBK: here a bill number (32 bytes) stands before the columns of a refund."""
    order = paid_order(demo.farmer, sandbox, client, provider="unionpay")
    refund(order, 500, "r", demo.farmer)
    width = sum(unionpay.WIDTHS[:24]) + 24

    def change(data: bytes) -> bytes:
        return b"".join(
            line[:width] + "亳州市公安局".encode("gbk").ljust(32) + line[width + 32 :]
            for line in data.splitlines(keepends=True)
        )

    paid, back = providers.provider("unionpay").read_bill(repacked(own_bill(sandbox, "unionpay"), change))
    assert (paid.fen, back.fen, back.trade_no) == (2000, 500, paid.trade_no)


def test_utf8_where_gbk_belongs_is_no_bill(demo: Any, sandbox: Live, client: Client) -> None:
    paid_order(demo.farmer, sandbox, client, provider="alipay")
    content = repacked(own_bill(sandbox, "alipay"), lambda data: data.decode("gbk").encode())
    assert services.take_bill("alipay", today(), content).state == "broken"


def test_wechat_bill_in_another_currency_is_refused(demo: Any, sandbox: Live, client: Client) -> None:
    paid_order(demo.farmer, sandbox, client)
    bill = services.take_bill("wechat", today(), own_bill(sandbox, "wechat").replace(b"`CNY", b"`HKD"))
    assert bill.state == "broken" and "HKD" in bill.detail


@ALL
def test_bill_of_another_day_is_refused(demo: Any, sandbox: Live, client: Client, provider: str) -> None:
    paid_order(demo.farmer, sandbox, client, provider=provider)
    bill = services.take_bill(provider, today() - dt.timedelta(days=1), own_bill(sandbox, provider))
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


def paid_at(demo: Any, sandbox: Live, client: Client, provider: str, moment: dt.datetime, key: str = "k1") -> Payment:
    """A payment that the provider took at a moment."""
    attempt = services.begin(permit_order(demo.farmer, key).number, provider, demo.farmer)
    sandbox.book.pay(sandbox.trade(provider, attempt.number)["code"], at=moment)
    with clock.at(max(moment, clock.now())):
        services.ask(attempt)
    return Payment.objects.get(number=attempt.number)


def china(day: dt.date, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, minute), dt.timezone(dt.timedelta(hours=8)))


@pytest.mark.parametrize(
    ("provider", "hour", "days_on"),
    [("unionpay", 22, 0), ("unionpay", 23, 1), ("wechat", 23, 0), ("alipay", 23, 0)],
)
def test_each_providers_day_ends_at_its_own_hour(
    demo: Any, sandbox: Live, client: Client, provider: str, hour: int, days_on: int
) -> None:
    """UnionPay's at 23:00. Both days are balanced with equal sums on both sides and in the ledger, and on no bill it stands twice."""
    first = today() - dt.timedelta(days=3)
    payment = paid_at(demo, sandbox, client, provider, china(first, hour, 59 if hour == 22 else 1))
    noon = paid_at(demo, sandbox, client, provider, china(first, 12), "k2")
    assert (noon.day, payment.day) == (first, first + dt.timedelta(days=days_on))
    bills = [services.reconcile(provider, first + dt.timedelta(days=on)) for on in (0, 1)]
    assert [bill.state for bill in bills] == ["balanced", "balanced"] and all(map(money, bills))
    assert [bill.paid_count for bill in bills] == ([1, 1] if days_on else [2, 0])
    assert Difference.objects.count() == 0


@ALL
def test_payment_that_the_bill_accounts_on_the_neighbouring_day(
    demo: Any, sandbox: Live, client: Client, provider: str
) -> None:
    """The provider's clock was a few seconds ahead at its cut: one bill lacks it, the next has it. Named meanwhile, gone afterwards."""
    first, cut = today() - dt.timedelta(days=3), 23 if provider == "unionpay" else 0
    end = china(first, 23) if cut else china(first + dt.timedelta(days=1), 0)
    payment = paid_at(demo, sandbox, client, provider, end - dt.timedelta(seconds=2))
    paid_at(demo, sandbox, client, provider, china(first, 12), "k2")
    assert payment.day == first
    later = (end + dt.timedelta(seconds=1)).isoformat()
    with sandbox.book.locked() as connection:
        connection.execute("UPDATE trade SET paid = ? WHERE trade_no = ?", [later, payment.trade_no])
    early = services.reconcile(provider, first)
    assert differences(early) == [("only_ours", "wait")]
    late = services.reconcile(provider, first + dt.timedelta(days=1))
    early.refresh_from_db()
    payment.refresh_from_db()
    assert payment.day == late.day and [early.state, late.state] == ["balanced", "balanced"]
    assert money(early) and money(late) and early.paid_count == late.paid_count == 1
    assert Difference.objects.get().is_settled


def test_payment_on_two_bills_is_named(demo: Any, sandbox: Live, client: Client) -> None:
    first = today() - dt.timedelta(days=3)
    payment = paid_at(demo, sandbox, client, "wechat", china(first, 23, 59))
    assert services.reconcile("wechat", first).state == "balanced"
    with sandbox.book.locked() as connection:
        connection.execute("UPDATE trade SET paid = ?", [china(first + dt.timedelta(days=1), 0).isoformat()])
    assert differences(services.reconcile("wechat", first + dt.timedelta(days=1))) == [("other_day", "ask")]
    payment.refresh_from_db()
    assert payment.day == first and Payment.objects.count() == 1


def test_refund_at_the_cut_stands_on_the_day_of_the_bill(demo: Any, sandbox: Live, client: Client) -> None:
    """Asked and done at 23:05: UnionPay settles it with the next day."""
    order = paid_order(demo.farmer, sandbox, client, provider="unionpay")
    evening = china(today(), 23, 5)
    sandbox.book.skew = (evening - clock.now()).total_seconds()
    with clock.at(evening):
        made = refund(order, 700, "r", demo.farmer)
    assert made.day == today() + dt.timedelta(days=1)
    bills = [services.reconcile("unionpay", today() + dt.timedelta(days=on)) for on in (0, 1)]
    assert [bill.state for bill in bills] == ["balanced", "balanced"] and all(map(money, bills))
    assert [bill.refund_fen for bill in bills] == [0, 700]


@ALL
def test_what_the_provider_keeps_is_named_and_booked_by_decision(
    demo: Any, sandbox: Live, client: Client, provider: str
) -> None:
    """Six per mille of 20.00 is 0.12; of the 5.00 that went back 0.03 come back."""
    httpx.post(f"{sandbox.url}/control", json={"fee": 60}, trust_env=False).raise_for_status()
    order = paid_order(demo.farmer, sandbox, client, provider=provider)
    bill = services.reconcile(provider, today())
    assert (bill.fee_fen, bill.own_fee_fen, money(bill)) == (12, 0, True)
    assert differences(bill) == [("fee", "book_fee")] and ledger.balance_of(f"provider:{provider}") == 2000
    services.decide(Difference.objects.get().pk, "book_fee", "合同费率千分之六", demo.staff("finance"))
    bill.refresh_from_db()
    assert (bill.state, bill.own_fee_fen, money(bill)) == ("balanced", 12, True)
    refund(order, 500, "r", demo.farmer)
    bill = services.reconcile(provider, today())
    assert (bill.fee_fen, differences(bill)) == (9, [("fee", "book_fee")])
    services.decide(Difference.objects.get().pk, "book_fee", "退款退回手续费", demo.staff("finance"))
    assert services.reconcile(provider, today()).state == "balanced"
    assert ledger.balance_of(f"fee:{provider}") == 9
    assert ledger.balance_of(f"provider:{provider}") == sandbox.taken(provider) - 9


def test_only_fees_are_booked_as_fees(demo: Any, sandbox: Live, client: Client) -> None:
    attempt = services.begin(permit_order(demo.farmer).number, "wechat", demo.farmer)
    sandbox.pay(attempt.number)
    services.reconcile("wechat", today())
    with pytest.raises(Invalid):
        services.decide(Difference.objects.get().pk, "book_fee", "x", demo.staff("finance"))


@pytest.mark.parametrize("text", ["x", "1e3", "0.000001", "--1", "1,00"])
def test_fee_that_cannot_be_is_no_bill(text: str) -> None:
    with pytest.raises(BillUnreadable):
        fee(text)


@pytest.mark.parametrize(
    ("text", "fen"), [("", 0), ("0.00000", 0), ("0.12000", 12), ("-0.12", 12), ("0.00500", 1), ("0.00499", 0)]
)
def test_fees_are_whole_fen(text: str, fen: int) -> None:
    assert whole(fee(text)) == fen


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
    assert sheet is not None and sheet["D2"].value == 20 and sheet["A4"].value == "账单有、我方无"
    accounts = client.get("/desk/pay/ledger/").content.decode()
    assert "微信支付待结算款" in accounts and "20.00" in accounts
    account = ledger.accounts_with_balance().get(code="provider:wechat")
    assert attempt.order.number in client.get(f"/desk/pay/ledger/{account.pk}/").content.decode()
    sheet = load_workbook(io.BytesIO(client.get(f"/desk/pay/ledger/{account.pk}/export/?day={today()}").content)).active
    assert sheet is not None and (sheet["D2"].value, sheet["F2"].value) == (attempt.order.number, 20)
    for day in ("9999-12-31", "0001-01-01", "x"):
        for code in ("provider:wechat", "provider:unionpay"):
            pk = ledger.accounts_with_balance().get(code=code).pk
            assert client.get(f"/desk/pay/ledger/{pk}/?day={day}").status_code == 200
            assert client.get(f"/desk/pay/ledger/{pk}/export/?day={day}").status_code == 200
        wish = {"provider": "unionpay", "day": day}
        assert client.post("/desk/pay/reconciliation/run/", wish).headers["Location"] == "/desk/pay/reconciliation/"
    assert "核对无误" in client.post("/desk/pay/ledger/verify/", follow=True).content.decode()
    for until in ("", str(today() - dt.timedelta(days=20)), "2099-01-01", "0001-01-01", "x"):
        assert client.get("/desk/pay/reconciliation/", {"until": until}).status_code == 200
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
