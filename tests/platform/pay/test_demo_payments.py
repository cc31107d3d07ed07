"""What the demo city has paid: real payments at the sandbox, in the books and in the bills."""

from __future__ import annotations

from typing import Any

import pytest

from tests.platform.pay.conftest import Live, books_agree
from yici.platform.pay.models import DayBill, Difference, PayOrder
from yici.web.demo import payments


@pytest.mark.django_db
def test_yesterdays_payments_are_booked_and_reconciled(
    demo: Any, sandbox: Live, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PAY_SANDBOX = sandbox.url
    monkeypatch.setattr(payments, "YESTERDAY", 20)
    monkeypatch.setattr(payments, "TODAY", 2)
    assert demo.farmer.person_id
    assert payments.fill() == 22
    assert not PayOrder.objects.exclude(state="paid").exists()
    assert {bill.provider for bill in DayBill.objects.all()} == {"wechat", "alipay", "unionpay"}
    assert Difference.objects.filter(bill__provider="alipay", kind="only_bill").count() == 1
    assert Difference.objects.filter(kind="fee").exists()
    assert books_agree(sandbox, "wechat", "alipay", "unionpay")
    assert payments.fill() == 0
