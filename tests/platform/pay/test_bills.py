"""Water, power, telephone, school: query, pay, confirm, reverse; over HTTP with the sandbox of billers."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.platform.pay.conftest import Live, books_agree, paid_order, refund
from yici.base.errors import Conflict, Invalid
from yici.core.ledger import queries as ledger
from yici.platform.pay import services
from yici.platform.pay.models import BillPayment, FollowUp, PayOrder, Refund

pytestmark = pytest.mark.django_db


def water(customer: str = "20010001") -> tuple[Any, Any]:
    biller = services.biller_of("water")
    return biller, services.look_up(biller, customer).bills[0]


def state(order: PayOrder) -> str:
    return BillPayment.objects.get(order=order).state


def test_bill_is_looked_up_paid_and_confirmed(demo: Any, sandbox: Live, client: Client) -> None:
    biller, due = water()
    order = services.pay_bill(biller, "20010001", due.number, demo.farmer)
    assert order.fen == due.fen and state(order) == "waiting"
    paid_order(demo.farmer, sandbox, client, order=order)
    services.follow_up()
    bill = BillPayment.objects.get(order=order)
    assert bill.state == "confirmed" and bill.reference.startswith("R")
    assert ledger.balance_of("payee:bz.water_supply") == -due.fen and books_agree(sandbox)
    assert due.number not in [one.number for one in services.look_up(biller, "20010001").bills]
    with pytest.raises(Conflict):
        services.pay_bill(biller, "20010001", due.number, demo.daughter)
    assert not order.receipts.exists()  # no non-tax revenue


def test_same_bill_is_not_paid_by_two_people_at_a_time(demo: Any, sandbox: Live) -> None:
    biller, due = water()
    order = services.pay_bill(biller, "20010001", due.number, demo.farmer)
    assert services.pay_bill(biller, "20010001", due.number, demo.farmer).pk == order.pk
    with pytest.raises(Conflict):
        services.pay_bill(biller, "20010001", due.number, demo.daughter)
    services.cancel(order.number, demo.farmer)
    assert services.pay_bill(biller, "20010001", due.number, demo.daughter).pk != order.pk


def test_biller_that_does_not_answer_is_told_again(demo: Any, sandbox: Live, client: Client) -> None:
    """The confirmation was done, its answer lost: the same key again gives the same reference."""
    biller, due = water()
    order = services.pay_bill(biller, "20010001", due.number, demo.farmer)
    paid_order(demo.farmer, sandbox, client, order=order)
    sandbox.spoil("billers.confirm", "lost")
    assert services.follow_up() == 0 and state(order) == "waiting"
    FollowUp.objects.update(next_attempt_at=order.created_at)
    assert services.follow_up() == 1 and state(order) == "confirmed"


def test_bill_paid_elsewhere_meanwhile_goes_back_to_the_payer(demo: Any, sandbox: Live, client: Client) -> None:
    biller, due = water()
    order = services.pay_bill(biller, "20010001", due.number, demo.farmer)
    paid_order(demo.farmer, sandbox, client, order=order)
    sandbox.spoil("billers.refuse", "yes")
    services.follow_up()
    assert state(order) == "reversed"
    assert services.send_refund(Refund.objects.get().number) == "done"
    services.follow_up()
    assert sandbox.taken("wechat") == 0 and ledger.balance_of("payee:bz.water_supply") == 0 and books_agree(sandbox)


def test_refunded_bill_is_reversed_at_the_biller(demo: Any, sandbox: Live, client: Client) -> None:
    biller, due = water()
    order = services.pay_bill(biller, "20010001", due.number, demo.farmer)
    paid_order(demo.farmer, sandbox, client, order=order)
    services.follow_up()
    refund(order, due.fen, "r", demo.farmer)
    services.follow_up()
    assert state(order) == "reversed"
    assert due.number in [one.number for one in services.look_up(biller, "20010001").bills] and books_agree(sandbox)


def test_top_up_costs_98_and_the_budget_two(demo: Any, sandbox: Live, client: Client) -> None:
    order = services.top_up(services.biller_of("phone"), "13956731945", 10000, demo.farmer)
    assert order.fen == 9800
    paid_order(demo.farmer, sandbox, client, order=order)
    services.follow_up()
    assert state(order) == "confirmed"
    assert (ledger.balance_of("payee:bz.telecom"), ledger.balance_of("budget:phone_topup")) == (-10000, 200)
    refund(order, 4900, "half", demo.farmer)
    assert (ledger.balance_of("payee:bz.telecom"), ledger.balance_of("budget:phone_topup")) == (-5000, 100)
    assert books_agree(sandbox)


@pytest.mark.parametrize("fen", [0, -10000, 1, 10**12])
def test_other_face_values_are_refused(demo: Any, fen: int) -> None:
    with pytest.raises(Invalid):
        services.top_up(services.biller_of("phone"), "13956731945", fen, demo.farmer)


def test_citizen_pays_a_bill_on_the_pages(demo: Any, sandbox: Live, client: Client, sign_in: Any) -> None:
    sign_in(client, demo.farmer)
    assert "水费" in client.get("/my/bills/").content.decode()
    assert client.get("/my/bills/nobody/").status_code == 404
    assert client.get("/my/bills/water/?customer=12").status_code == 422
    assert "没有欠费" in client.get("/my/bills/water/?customer=20010000").content.decode()
    _biller, due = water()
    assert due.number in client.get("/my/bills/water/?customer=20010001").content.decode()
    form = {"customer": "20010001", "number": due.number, "fen": "1"}  # the amount of the form counts for nothing
    answer = client.post("/my/bills/water/pay/", form)
    order = PayOrder.objects.get(purpose="bill")
    assert answer.headers["Location"] == f"/my/payments/{order.number}/" and order.fen == due.fen
    assert "待支付" in client.get(answer.headers["Location"]).content.decode()
    assert client.post("/my/bills/water/pay/", {**form, "number": "none"}).status_code == 409
    assert client.post("/my/bills/phone/pay/", {"customer": "13956731945", "fen": "3000"}).status_code == 302
    assert client.post("/my/bills/phone/pay/", {"customer": "13956731945", "fen": "7"}).status_code == 422
