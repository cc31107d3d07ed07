"""The cashier's pages and the fee list at the desk."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from openpyxl import load_workbook

from tests.platform.pay.conftest import Live, paid_order, permit_order
from yici.base.errors import Conflict, Invalid, NotAllowed
from yici.core.audit.models import Entry
from yici.core.people.models import Organisation, RoleGrant
from yici.platform.pay import services
from yici.platform.pay.loading import load
from yici.platform.pay.models import FeeItem, FeeVersion, Refund

pytestmark = pytest.mark.django_db


def test_cashier_sees_an_orders_life_and_refunds(
    demo: Any, sandbox: Live, client: Client, sign_in: Any, django_assert_max_num_queries: Any
) -> None:
    order = paid_order(demo.farmer, sandbox, client)
    services.follow_up()
    sign_in(client, demo.staff("cashier"))
    with django_assert_max_num_queries(30):
        page = client.get(f"/desk/pay/orders/{order.number}/").content.decode()
    assert "王秀英" in page and "payee:qiaocheng.public_security" in page and "收到的回调" in page and "已入账" in page
    assert Entry.objects.filter(
        action="read", subject_kind="person", subject_id=str(order.payer_id), purpose__contains=order.number
    ).exists()
    address = f"/desk/pay/orders/{order.number}/refund/"
    form = {"yuan": "5", "available": "2000", "reason": "多收", "key": "k"}
    assert client.post(address, {**form, "yuan": "20.01"}).status_code == 422
    assert client.post(address, {**form, "yuan": "-1"}).status_code == 422
    assert client.post(address, {**form, "available": "1999"}).status_code == 409
    assert client.post(address, {**form, "reason": ""}).status_code == 422
    assert client.post(address, form).status_code == 302 and client.post(address, form).status_code == 302
    assert Refund.objects.get().fen == 500


def test_list_masks_payers_is_found_by_any_number_and_exported(
    demo: Any, sandbox: Live, client: Client, sign_in: Any, django_assert_max_num_queries: Any
) -> None:
    order = paid_order(demo.farmer, sandbox, client)
    for number in range(30):
        permit_order(demo.farmer, f"more{number}")
    sign_in(client, demo.staff("cashier"))
    with django_assert_max_num_queries(15):
        page = client.get("/desk/pay/").content.decode()
    assert "王秀英" not in page and page.count("/desk/pay/orders/") == 31
    for words in (order.number, order.attempts.get().number, order.payments.get().trade_no):
        assert client.get(f"/desk/pay/?q={words}").content.decode().count("/desk/pay/orders/") == 1
    assert client.get("/desk/pay/?state=paid&provider=wechat").content.decode().count("/desk/pay/orders/") == 1
    assert client.get("/desk/pay/?state=refunded").content.decode().count("/desk/pay/orders/") == 0
    sheet = load_workbook(io.BytesIO(client.get("/desk/pay/export/?state=paid").content)).active
    assert sheet is not None and (sheet["A2"].value, sheet["D2"].value) == (order.number, 20)
    assert Entry.objects.filter(action="export", subject_kind="order").exists()


def test_cashier_of_another_body_sees_nothing(demo: Any, client: Client, sign_in: Any) -> None:
    order = permit_order(demo.farmer)
    other = Organisation.objects.get(slug="mengcheng.civil_affairs")
    RoleGrant.objects.filter(account=demo.staff("cashier")).update(organisation=other)
    sign_in(client, demo.staff("cashier"))
    assert order.number not in client.get("/desk/pay/").content.decode()
    for path in ("", "refund/", "ask/"):
        address = f"/desk/pay/orders/{order.number}/{path}"
        assert (client.post(address) if path else client.get(address)).status_code == 404


def test_price_changes_by_two_people_and_keeps_its_history(demo: Any, client: Client, sign_in: Any) -> None:
    cashier, finance = demo.staff("cashier"), demo.staff("finance")
    sign_in(client, cashier)
    address = "/desk/pay/fees/juzhuzheng-bufa/"
    form = {"yuan": "15", "valid_from": "2016-01-01", "valid_until": "", "reason": "皖价费〔2026〕1号"}
    assert client.post(f"{address}propose/", {**form, "reason": ""}).status_code == 422
    assert client.post(f"{address}propose/", {**form, "yuan": "20"}).status_code == 422
    assert client.post(f"{address}propose/", {**form, "valid_from": "x"}).status_code == 422
    assert client.post(f"{address}propose/", form).status_code == 302
    with pytest.raises(Conflict):
        services.propose_fee("juzhuzheng-bufa", {"fen": 1}, "x", finance)
    assert client.post(f"{address}review/", {"verdict": "approve"}).status_code == 403
    assert permit_order(demo.farmer, "before").fen == 2000
    with pytest.raises(NotAllowed):
        services.review_fee("juzhuzheng-bufa", approve=True, opinion="", account=cashier)
    sign_in(client, finance)
    assert "15.00" in client.get(address).content.decode()
    assert client.post(f"{address}review/", {"verdict": "approve", "opinion": "同意"}).status_code == 302
    assert permit_order(demo.farmer, "after").fen == 1500
    history = client.get(address).content.decode()
    assert "皖价费〔2026〕1号" in history and demo.staff("cashier").name in history
    assert client.get("/desk/pay/fees/").status_code == 200
    sheet = load_workbook(io.BytesIO(client.get("/desk/pay/fees/export/").content)).active
    assert sheet is not None
    assert [row[2] for row in sheet.iter_rows(values_only=True) if row[0] == "juzhuzheng-bufa"] == [15]


def test_rejected_proposal_changes_nothing_and_needs_a_reason(demo: Any) -> None:
    services.propose_fee("juzhuzheng-bufa", {"fen": 1}, "依据", demo.staff("cashier"))
    with pytest.raises(Invalid):
        services.review_fee("juzhuzheng-bufa", approve=False, opinion="", account=demo.staff("finance"))
    services.review_fee("juzhuzheng-bufa", approve=False, opinion="没有文件", account=demo.staff("finance"))
    assert permit_order(demo.farmer).fen == 2000
    services.propose_fee("juzhuzheng-bufa", {"fen": 2}, "依据", demo.staff("cashier"))  # another may follow


def test_folder_does_not_undo_what_two_people_decided(demo: Any, city: Any) -> None:
    services.propose_fee("juzhuzheng-bufa", {"fen": 1500}, "依据", demo.staff("cashier"))
    services.review_fee("juzhuzheng-bufa", approve=True, opinion="", account=demo.staff("finance"))
    load(city)
    current = FeeItem.objects.get(code="juzhuzheng-bufa").current
    assert current is not None and (current.source, current.definition["fen"]) == ("desk", 1500)


def test_published_version_is_frozen(demo: Any) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        FeeVersion.objects.filter(item="juzhuzheng-bufa").update(definition={})
