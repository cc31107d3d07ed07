"""From an order to money in the ledger, with WeChat Pay."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pytest
from django.test import Client
from openpyxl import load_workbook

from tests.platform.pay.conftest import ALL, Live, books_agree, house_order, paid_order, permit_order, refund
from yici.base import clock
from yici.base.errors import Invalid, NotFound
from yici.core.ledger import queries as ledger
from yici.core.ledger.errors import KeyUsed
from yici.platform.pay import queries, services
from yici.platform.pay.errors import NothingToRefund, OrderExpired, OrderNotOpen
from yici.platform.pay.models import Callback, FeeItem, OrderEvent, Payment, PayOrder
from yici.platform.pay.providers import Refunded
from yici.platform.pay.rules import NotCharged
from yici.platform.pay.services.refunding import conclude

pytestmark = pytest.mark.django_db


def test_only_what_is_on_the_list_can_be_charged(demo: Any) -> None:
    def order(code: str) -> None:
        services.order_for("k", [services.Charge(code)], title="x", payer=demo.farmer.person, account=demo.farmer)

    with pytest.raises(NotCharged):
        order("yinchang-fei")
    FeeItem.objects.filter(code="budongchan-dengji-zhuzhai").update(current=None)
    with pytest.raises(NotCharged):
        order("budongchan-dengji-zhuzhai")


def test_one_order_for_four_payees(demo: Any) -> None:
    order = house_order(demo.farmer)
    lines = {line.payee_code: line.fen for line in order.lines.all()}
    tax = 685184  # 3 % of 456,789.01 is 13,703.67; half of it, half a fen up
    assert lines == {
        "payee:bz.real_estate": 8000,
        "payee:bz.local_tax": tax,
        "payee:bz.housing_trade": 17800,
        "payee:bz.surveying": 12104,
    }
    assert order.fen == sum(lines.values()) == -sum(amount for _code, amount in order.legs)


def test_reduction_that_leaves_nothing_needs_no_order(demo: Any) -> None:
    charge = services.Charge("juzhuzheng-bufa", facts={"poverty.registered": "1"})
    given = {"title": "x", "payer": demo.farmer.person, "account": demo.farmer, "division": "341602000000"}
    assert services.order_for("k", [charge], **given) is None


def test_key_gives_the_same_order_and_refuses_another(demo: Any) -> None:
    first, again = permit_order(demo.farmer), permit_order(demo.farmer)
    assert first.pk == again.pk and first.events.count() == 1
    with pytest.raises(KeyUsed):
        permit_order(demo.daughter)


@pytest.mark.parametrize("charge", [{"quantity": 0}, {"quantity": -1}, {"quantity": 10**9}, {"quantity": 1.5}])
def test_amount_that_cannot_be_is_refused(demo: Any, charge: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        services.order_for(
            "k", [services.Charge("fangchan-cehui", **charge)], title="x", payer=None, account=demo.farmer
        )


@pytest.mark.parametrize("of", [0, -5, None, 10**18, 1.5])
def test_base_of_a_rate_that_cannot_be_is_refused(demo: Any, of: Any) -> None:
    with pytest.raises(Invalid):
        services.order_for("k", [services.Charge("fangwu-qishui", of=of)], title="x", payer=None, account=demo.farmer)


def test_subsidy_pays_its_part(demo: Any) -> None:
    """B08: a hundred yuan of telephone credit for 98, two from the budget."""
    order = services.order_for(
        "k", [services.Charge("huafei-chongzhi", of=10000)], title="x", payer=None, account=demo.farmer
    )
    assert order is not None and order.fen == 9800
    assert sorted(map(tuple, order.legs)) == [("budget:phone_topup", 200), ("payee:bz.telecom", -10000)]


def test_paid_order_is_booked_remembered_and_followed_up(demo: Any, sandbox: Live, client: Client) -> None:
    order = paid_order(demo.farmer, sandbox, client)
    payment = order.payments.get()
    assert (payment.place, payment.fen, payment.seen_by) == ("applied", 2000, "callback")
    assert ledger.balance_of("payee:qiaocheng.public_security") == -2000
    assert [event.kind for event in order.events.all()] == ["opened", "attempt", "paid"]
    assert books_agree(sandbox)
    assert services.follow_up() == 1 and services.follow_up() == 0
    receipt = order.receipts.get()
    assert receipt.file is not None and receipt.fen == 2000
    page = client.get(f"/pay/receipts/{receipt.batch}{receipt.number}/?code={receipt.check_code}").content.decode()
    assert "真实有效" in page and "王秀英" not in page
    assert client.get(f"/pay/receipts/{receipt.batch}{receipt.number}/?code=000000").status_code == 404


def test_shares_of_four_payees_stand_in_the_ledger(demo: Any, sandbox: Live, client: Client) -> None:
    order = paid_order(demo.farmer, sandbox, client, order=house_order(demo.farmer))
    assert {code: ledger.balance_of(code) for code, _fen in order.legs} == dict(map(tuple, order.legs))
    services.follow_up()
    assert sorted(order.receipts.values_list("payee_code", flat=True)) == [
        "payee:bz.housing_trade",
        "payee:bz.real_estate",
    ]


def standing(order: PayOrder) -> dict[str, int]:
    """What each payee of an order still has."""
    return {code: -ledger.balance_of(code) for code, _fen in order.legs}


@ALL
def test_four_payees_give_back_in_parts_and_to_the_last_fen(
    demo: Any, sandbox: Live, client: Client, provider: str
) -> None:
    """After every part each payee has its share to the fen, and ledger and the provider's bill say the same; one part fails between."""
    order = paid_order(demo.farmer, sandbox, client, provider=provider, order=house_order(demo.farmer))
    services.follow_up()
    due, back = {code: -fen for code, fen in order.legs}, 0
    for number, part in enumerate((1, 333, 7, 100_000, 50_001)):
        assert refund(order, part, f"p{number}", demo.farmer).state == "done"
        back += part
        left = standing(order)
        assert sum(left.values()) == order.fen - back
        for code, whole in due.items():
            assert abs(left[code] - whole * (order.fen - back) / order.fen) <= 2, (code, part)
        if number == 2:  # the provider refuses one: its shares are free again
            payment, open_ = queries.refundable_of(order)
            assert payment is not None
            lost = services.request_refund(
                payment, 4_321, available=open_, key="lost", reason="测试", account=demo.farmer
            )
            assert conclude(lost, Refunded("failed", detail="余额不足")) == "failed"
    assert set(order.receipts.values_list("state", flat=True)) == {"valid"}
    assert refund(order, order.fen - back, "rest", demo.farmer).state == "done"
    assert set(standing(order).values()) == {0} and set(order.receipts.values_list("state", flat=True)) == {"reversed"}
    bill = services.reconcile(provider, sandbox.book.now().date())
    assert (bill.state, bill.paid_fen, bill.refund_fen, bill.refund_count) == ("balanced", order.fen, order.fen, 6)
    assert bill.ledger_fen == 0 and books_agree(sandbox, provider)


@ALL
def test_only_what_the_fees_rules_allow_goes_back_of_a_combined_order(
    demo: Any, sandbox: Live, client: Client, provider: str
) -> None:
    """The survey's fee never goes back; the other three payees give back their lines whole, and their receipts are reversed."""
    order = paid_order(demo.farmer, sandbox, client, provider=provider, order=house_order(demo.farmer))
    services.follow_up()
    made = services.refund_allowed(order, reason="办件未办成", account=None, key="case")
    assert made.fen == order.fen - 12104 and services.send_refund(made.number) == "done"
    assert {code: fen for code, fen in standing(order).items() if fen} == {"payee:bz.surveying": 12104}
    assert set(order.receipts.values_list("state", flat=True)) == {"reversed"}
    assert services.refund_allowed(order, reason="再来", account=None, key="case").pk == made.pk
    with pytest.raises(NothingToRefund):
        services.refund_allowed(order, reason="另一次", account=None, key="other")
    bill = services.reconcile(provider, sandbox.book.now().date())
    assert (bill.state, bill.refund_fen) == ("balanced", made.fen) and books_agree(sandbox, provider)


def test_rules_and_the_cashier_give_back_no_line_twice(demo: Any, sandbox: Live, client: Client) -> None:
    """A part went back by hand first, shared by all; the rules then bring back what is left of their three lines."""
    order = paid_order(demo.farmer, sandbox, client, order=house_order(demo.farmer))
    assert refund(order, 100_000, "hand", demo.farmer).state == "done"
    before = standing(order)
    made = services.refund_allowed(order, reason="办件未办成", account=None, key="case")
    assert services.send_refund(made.number) == "done"
    assert made.fen == sum(before.values()) - before["payee:bz.surveying"]
    assert standing(order) == {**dict.fromkeys(before, 0), "payee:bz.surveying": before["payee:bz.surveying"]}
    assert refund(order, before["payee:bz.surveying"], "rest", demo.farmer).state == "done"
    assert set(standing(order).values()) == {0} and books_agree(sandbox)


@ALL
def test_four_payees_give_back_everything_at_once(demo: Any, sandbox: Live, client: Client, provider: str) -> None:
    order = paid_order(demo.farmer, sandbox, client, provider=provider, order=house_order(demo.farmer))
    made = services.refund_rest(order, reason="撤回登记", account=demo.farmer, key="all")
    assert services.send_refund(made.number) == "done"
    assert sorted(map(tuple, made.legs)) == sorted((code, -fen) for code, fen in order.legs)
    assert set(standing(order).values()) == {0} and books_agree(sandbox, provider)
    with pytest.raises(NothingToRefund):
        services.refund_rest(order, reason="再退", account=demo.farmer, key="again")
    services.follow_up()
    assert order.receipts.count() == 0  # all of it went back before a receipt was printed


def test_expired_order_cannot_be_begun_and_is_closed(demo: Any, sandbox: Live) -> None:
    order = permit_order(demo.farmer, hours=1)
    attempt = services.begin(order.number, "wechat", demo.farmer)
    with clock.at(clock.now() + dt.timedelta(hours=2)):
        with pytest.raises(OrderExpired):
            services.begin(order.number, "wechat", demo.farmer)
        sandbox.book.skew = 7200
        assert services.close_expired() == 1
    order.refresh_from_db()
    assert (order.state, order.closed_why) == ("closed", "expired")
    assert sandbox.trade("wechat", attempt.number)["state"] == "closed"
    with pytest.raises(OrderNotOpen):
        services.begin(order.number, "wechat", demo.farmer)


def test_second_begin_gives_the_open_attempt(demo: Any, sandbox: Live) -> None:
    order = permit_order(demo.farmer)
    first, again = (
        services.begin(order.number, "wechat", demo.farmer),
        services.begin(order.number, "wechat", demo.farmer),
    )
    assert first.pk == again.pk and first.scan.startswith("weixin://")
    phone = services.begin(order.number, "wechat", demo.farmer, is_phone=True)
    assert phone.pk != first.pk and phone.link.startswith("http")


def test_nobody_opens_another_persons_order(demo: Any, sandbox: Live, client: Client, sign_in: Any) -> None:
    order = permit_order(demo.farmer)
    with pytest.raises(NotFound):
        queries.order_for_payer(demo.daughter, order.number)
    sign_in(client, demo.daughter)
    for path in ("", "pay/", "cancel/", "wait/wechat/"):
        address = f"/my/payments/{order.number}/{path}"
        answer = client.post(address, {"provider": "wechat"}) if path in ("pay/", "cancel/") else client.get(address)
        assert answer.status_code == 404, path


def test_payer_pays_on_the_pages(
    demo: Any, sandbox: Live, client: Client, sign_in: Any, django_assert_max_num_queries: Any
) -> None:
    order = permit_order(demo.farmer)
    sign_in(client, demo.farmer)
    assert "居住证补领" in client.get("/my/payments/").content.decode()
    sheet = load_workbook(io.BytesIO(client.get("/my/payments/export/").content)).active
    assert sheet is not None and (sheet["A2"].value, sheet["D2"].value, sheet.max_row) == (order.number, 20, 2)
    assert "20.00" in client.get(f"/my/payments/{order.number}/").content.decode()
    answer = client.post(f"/my/payments/{order.number}/pay/", {"provider": "wechat"})
    assert answer.headers["Location"].endswith("/wait/wechat/")
    page = client.get(answer.headers["Location"]).content.decode()
    assert 'http-equiv="refresh"' in page and "data:image/svg+xml" in page
    assert client.get(answer.headers["Location"], headers={"HX-Request": "true"}).status_code == 204
    sandbox.pay(order.attempts.get().number)
    sandbox.deliver(Client(), "wechat", order.attempts.get().number)
    asked = client.get(answer.headers["Location"], headers={"HX-Request": "true"})
    assert asked.headers["HX-Redirect"] == f"/my/payments/{order.number}/"
    assert client.get(answer.headers["Location"]).status_code == 302
    services.follow_up()
    with django_assert_max_num_queries(20):
        page = client.get(f"/my/payments/{order.number}/").content.decode()
    assert "已支付" in page and "非税电子票据" in page
    receipt = order.receipts.get()
    assert client.get(f"/files/{receipt.file_id}/").status_code == 200
    assert sign_in(Client(), demo.daughter).get(f"/files/{receipt.file_id}/").status_code == 404


def test_events_of_an_order_stay(demo: Any) -> None:
    from django.db import DatabaseError, transaction

    permit_order(demo.farmer)
    with pytest.raises(DatabaseError), transaction.atomic():
        OrderEvent.objects.all().update(kind="x")


def test_callback_for_somebody_elses_merchant_is_refused(demo: Any, sandbox: Live, client: Client) -> None:
    order = permit_order(demo.farmer)
    attempt = services.begin(order.number, "wechat", demo.farmer)
    sandbox.pay(attempt.number)
    sandbox.shop.sides["wechat"].mchid = "1600000000"
    answer = sandbox.deliver(client, "wechat", attempt.number)
    assert answer.status_code == 400 and Callback.objects.get().outcome == "refused"
    assert Payment.objects.count() == 0 and PayOrder.objects.get().state == "open"
