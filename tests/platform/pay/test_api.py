"""Payments over JSON: own orders, receipts and bills only; reconciliation for finance only."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.platform.pay.conftest import Live, paid_order, permit_order, refund
from yici.core.audit.models import Entry
from yici.core.people import services as people
from yici.platform.pay import services
from yici.platform.pay.models import Difference, Payment, PayOrder

pytestmark = pytest.mark.django_db
API = "/api/v1"


def bearer(account: Any, assurance: int = 1) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {people.issue_token(account, assurance)}"}


def get(path: str, account: Any, **query: Any) -> Any:
    return Client().get(f"{API}{path}", query, **bearer(account))  # type: ignore[arg-type]


def test_payer_reads_own_orders_and_receipts(demo: Any, sandbox: Live, client: Client) -> None:
    paid = paid_order(demo.farmer, sandbox, client)
    services.follow_up()
    refund(paid, 300, "r", demo.farmer)
    waiting = permit_order(demo.farmer, "k2")
    found = get("/my/payments", demo.farmer).json()
    assert [one["number"] for one in found["items"]] == [waiting.number, paid.number] and not found["has_next"]
    assert [one["number"] for one in get("/my/payments", demo.farmer, state="open").json()["items"]] == [waiting.number]
    one = get(f"/my/payments/{paid.number}", demo.farmer).json()
    assert (one["fen"], one["state"], one["is_payable"], one["parked_fen"]) == (2000, "paid", False, 0)
    assert one["lines"][0]["full_fen"] == 2000 and [back["fen"] for back in one["refunds"]] == [300]
    (receipt,) = get("/my/receipts", demo.farmer).json()["items"]
    assert receipt == one["receipts"][0] and receipt["order"] == paid.number and receipt["state"] == "valid"


def test_nobody_reads_another_persons_payments(demo: Any, sandbox: Live, client: Client) -> None:
    order = paid_order(demo.farmer, sandbox, client)
    services.follow_up()
    assert get(f"/my/payments/{order.number}", demo.daughter).status_code == 404
    for path in ("/my/payments", "/my/receipts"):
        assert get(path, demo.daughter).json()["items"] == []
        assert Client().get(f"{API}{path}").status_code == 401
        assert get(path, demo.staff("finance")).status_code in (401, 403)


def test_lists_take_a_constant_number_of_queries(
    demo: Any, sandbox: Live, client: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(60):
        permit_order(demo.farmer, f"k{number}")
    token = bearer(demo.farmer)
    with django_assert_max_num_queries(10):
        found = Client().get(f"{API}/my/payments", **token).json()  # type: ignore[arg-type]
    assert len(found["items"]) == 50 and found["has_next"]
    assert len(get("/my/payments", demo.farmer, page=2).json()["items"]) == 10


def test_bill_is_looked_up_and_ordered_for_the_billers_own_amount(demo: Any, sandbox: Live) -> None:
    assert "water" in [one["id"] for one in get("/my/bills", demo.farmer).json()]
    due = get("/my/bills/water", demo.farmer, customer="20010001").json()["bills"][0]
    wish = {"customer": "20010001", "number": due["number"], "fen": 1}
    made = Client().post(f"{API}/my/bills/water/orders", wish, "application/json", **bearer(demo.farmer))  # type: ignore[arg-type]
    assert made.status_code == 201 and made.json()["fen"] == due["fen"]
    again = Client().post(f"{API}/my/bills/water/orders", wish, "application/json", **bearer(demo.daughter))  # type: ignore[arg-type]
    assert again.status_code == 409 and again["Content-Type"].startswith("application/problem+json")
    assert PayOrder.objects.filter(purpose="bill").count() == 1
    assert get("/my/bills/water", demo.farmer, customer="1").status_code == 422
    assert get("/my/bills/nobody", demo.farmer, customer="20010001").status_code == 404


def test_finance_reads_days_and_differences(demo: Any, sandbox: Live, client: Client) -> None:
    finance = demo.staff("finance")
    attempt = services.begin(permit_order(demo.farmer).number, "wechat", demo.farmer)
    sandbox.pay(attempt.number)
    day = sandbox.trade("wechat", attempt.number)["paid"][:10]
    services.reconcile("wechat", sandbox.book.now().date())
    (bill,) = get("/reconciliations", finance, first_day=day, last_day=day).json()
    assert (bill["state"], bill["paid_fen"], bill["own_paid_fen"]) == ("differs", 2000, 0)
    found = get(f"/reconciliations/wechat/{day}", finance).json()
    assert [(one["kind"], one["proposal"], one["their_fen"]) for one in found["differences"]] == [
        ("only_bill", "book", 2000)
    ]
    assert Entry.objects.filter(action="read", subject_kind="reconciliation", subject_id=f"wechat {day}").exists()
    services.decide(Difference.objects.get().pk, "book", "已核实", finance)
    assert get(f"/reconciliations/wechat/{day}", finance, open_only=True).json()["count"] == 0
    assert get(f"/reconciliations/alipay/{day}", finance).status_code == 404
    assert Payment.objects.count() == 1


def test_reconciliation_is_for_finance_only(demo: Any) -> None:
    for account in (demo.staff("cashier"), demo.clerk):
        assert get("/reconciliations", account, first_day="2026-01-01", last_day="2026-01-02").status_code == 403
        assert get("/reconciliations/wechat/2026-01-01", account).status_code == 403
    assert get("/reconciliations", demo.farmer, first_day="2026-01-01", last_day="2026-01-02").status_code in (401, 403)
