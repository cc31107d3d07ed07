"""What goes wrong between us and a provider; after each, money in the ledger is money at the provider, to the fen."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from tests.conftest import wait_until
from tests.platform.pay.conftest import (
    ALL,
    PROVIDERS,
    Call,
    Live,
    Mailbox,
    books_agree,
    paid_order,
    permit_order,
    post_notice,
    refund,
)
from yici.base import clock
from yici.base.errors import Invalid, Unavailable
from yici.core.ledger import queries as ledger
from yici.core.ledger.errors import KeyUsed
from yici.platform.pay import queries, services
from yici.platform.pay.errors import AmountChanged, TooMuch
from yici.platform.pay.models import Attempt, Callback, Payment, Receipt, Refund
from yici.platform.pay.providers import Refused

pytestmark = pytest.mark.django_db


def begun(demo: Any, provider: str, key: str = "k1", **extra: Any) -> Attempt:
    return services.begin(permit_order(demo.farmer, key, **extra).number, provider, demo.farmer)


def later(seconds: int) -> Any:
    return clock.at(clock.now() + dt.timedelta(seconds=seconds))


@ALL
def test_paid_and_refunded_in_parts(demo: Any, sandbox: Live, client: Client, provider: str) -> None:
    order = paid_order(demo.farmer, sandbox, client, provider=provider)
    assert ledger.balance_of("payee:qiaocheng.public_security") == -2000 and books_agree(sandbox, provider)
    first, second = refund(order, 700, "a", demo.farmer), refund(order, 1300, "b", demo.farmer)
    assert (first.state, second.state) == ("done", "done")
    assert ledger.balance_of("payee:qiaocheng.public_security") == 0 and books_agree(sandbox, provider)


@ALL
def test_callback_twice_is_one_payment(demo: Any, sandbox: Live, client: Client, provider: str) -> None:
    order = paid_order(demo.farmer, sandbox, client, provider=provider)
    assert sandbox.deliver(client, provider, order.attempts.get().number).status_code == 200
    assert [one.outcome for one in Callback.objects.order_by("id")] == ["settled", "repeated"]
    assert Payment.objects.count() == 1 and books_agree(sandbox, provider)


@ALL
def test_callback_before_the_answer(demo: Any, sandbox: Live, client: Client, provider: str, live_notice: Any) -> None:
    sandbox.spoil(f"{provider}.create.first", "callback_first")
    attempt = begun(demo, provider)
    for call in live_notice.calls:  # it came while `begin` still waited for its answer
        post_notice(client, provider, *call)
    order = attempt.order
    order.refresh_from_db()
    attempt.refresh_from_db()
    assert (order.state, attempt.state, len(live_notice.calls)) == ("paid", "paid", 1) and books_agree(
        sandbox, provider
    )


@ALL
def test_callbacks_late_twice_and_in_the_wrong_order(
    demo: Any, sandbox: Live, client: Client, provider: str, live_notice: Mailbox
) -> None:
    """As the sandbox sends them itself: the first is held back until the second, which comes late and twice."""
    first, second = begun(demo, provider), begun(demo, provider, "k2")
    sandbox.spoil(f"{provider}.notify", "hold")
    sandbox.pay(first.number)
    sandbox.spoil(f"{provider}.notify", "late", seconds=0.2)
    sandbox.pay(second.number)
    wait_until(lambda: len(live_notice.calls) == 2, 10)
    sandbox.spoil(f"{provider}.notify", "twice")
    third = begun(demo, provider, "k3")
    sandbox.pay(third.number)
    wait_until(lambda: len(live_notice.calls) == 4, 10)
    for call in live_notice.calls:
        post_notice(client, provider, *call)
    told = list(Callback.objects.order_by("id").values_list("number", "outcome"))
    assert told == [
        (second.number, "settled"),
        (first.number, "settled"),
        (third.number, "settled"),
        (third.number, "repeated"),
    ]
    assert Payment.objects.count() == 3 and books_agree(sandbox, provider)


@ALL
def test_lost_callback_is_found_by_the_poller(demo: Any, sandbox: Live, provider: str) -> None:
    attempt = begun(demo, provider)
    sandbox.pay(attempt.number)
    assert services.poll() == {}  # too early to ask
    with later(30):
        assert services.poll() == {"paid": 1}
        assert services.poll() == {}
    assert Payment.objects.get().seen_by == "poll" and books_agree(sandbox, provider)


@ALL
def test_timeout_then_success(demo: Any, sandbox: Live, client: Client, provider: str) -> None:
    """The order was taken, the answer lost; the payer pays all the same; beginning again finds it."""
    sandbox.spoil(f"{provider}.create", "lost")
    with pytest.raises(Unavailable):
        begun(demo, provider)
    attempt = Attempt.objects.get()
    assert attempt.state == "made"
    sandbox.pay(attempt.number)
    with later(30):
        assert services.poll() == {"paid": 1}
    attempt.order.refresh_from_db()
    assert attempt.order.state == "paid" and books_agree(sandbox, provider)


@ALL
def test_order_whose_answer_was_lost_is_begun_again(demo: Any, sandbox: Live, client: Client, provider: str) -> None:
    sandbox.spoil(f"{provider}.create", "error")
    with pytest.raises(Unavailable):
        begun(demo, provider)
    again = begun(demo, provider)
    assert again.state == "open" and Attempt.objects.count() == 1


@ALL
def test_refund_whose_answer_was_lost_is_sent_once(demo: Any, sandbox: Live, client: Client, provider: str) -> None:
    order = paid_order(demo.farmer, sandbox, client, provider=provider)
    sandbox.spoil(f"{provider}.refund", "lost")
    found = refund(order, 500, "a", demo.farmer)
    assert found.state == "sent" and sandbox.taken(provider) == 1500
    with later(60):
        assert services.send_waiting() == 1
    found.refresh_from_db()
    assert found.state == "done" and books_agree(sandbox, provider)


@ALL
def test_refund_bigger_than_what_is_left(demo: Any, sandbox: Live, client: Client, provider: str) -> None:
    order = paid_order(demo.farmer, sandbox, client, provider=provider)
    refund(order, 1500, "a", demo.farmer)
    with pytest.raises(TooMuch):
        refund(order, 501, "b", demo.farmer)
    assert refund(order, 500, "c", demo.farmer).state == "done"  # exactly what is left
    services.follow_up()
    assert set(Receipt.objects.values_list("state", flat=True)) <= {"reversed"} and books_agree(sandbox, provider)


@ALL
def test_provider_that_refuses_a_refund_sets_the_money_free(
    demo: Any, sandbox: Live, client: Client, provider: str
) -> None:
    order = paid_order(demo.farmer, sandbox, client, provider=provider)
    sandbox.give_back(provider, order.attempts.get().number, "elsewhere", 1900)
    found = refund(order, 500, "a", demo.farmer)
    assert found.state == "failed" and queries.refundable_of(order)[1] == 2000
    assert ledger.balance_of(f"provider:{provider}") == 2000  # the stranger's refund is for reconciliation to find


@ALL
def test_second_cashier_sees_that_the_amount_changed(demo: Any, sandbox: Live, client: Client, provider: str) -> None:
    order = paid_order(demo.farmer, sandbox, client, provider=provider)
    refund(order, 500, "a", demo.farmer, available=2000)
    with pytest.raises(AmountChanged):
        refund(order, 500, "b", demo.farmer, available=2000)
    assert refund(order, 500, "a", demo.farmer, available=2000).pk == Refund.objects.get().pk  # the same key again
    with pytest.raises(KeyUsed):
        refund(order, 400, "a", demo.farmer)
    assert books_agree(sandbox, provider)


@pytest.mark.parametrize("fen", [0, -1, -2000, 10**13, 1.5, "500", True])
def test_refund_of_no_amount_is_refused(demo: Any, sandbox: Live, client: Client, fen: Any) -> None:
    order = paid_order(demo.farmer, sandbox, client)
    with pytest.raises(Invalid):
        refund(order, fen, "a", demo.farmer)
    assert Refund.objects.count() == 0 and queries.refundable_of(order)[1] == 2000


@ALL
def test_paid_twice_with_two_providers_keeps_the_second_apart(
    demo: Any, sandbox: Live, client: Client, provider: str
) -> None:
    other = next(one for one in PROVIDERS if one != provider)
    order = permit_order(demo.farmer)
    attempts = [services.begin(order.number, one, demo.farmer) for one in (provider, other)]
    for attempt in attempts:
        sandbox.pay(attempt.number)
        assert sandbox.deliver(client, attempt.provider, attempt.number).status_code == 200
    assert [(one.place, one.why) for one in Payment.objects.order_by("id")] == [
        ("applied", ""),
        ("parked", "paid_twice"),
    ]
    assert ledger.balance_of("suspense") == -2000 and books_agree(sandbox, provider, other)
    parked = Payment.objects.get(place="parked")
    made = services.request_refund(parked, 2000, available=2000, key="r", reason="重复支付", account=demo.farmer)
    assert services.send_refund(made.number) == "done"
    assert ledger.balance_of("suspense") == 0 and books_agree(sandbox, provider, other)


@ALL
def test_expired_order_paid_late_is_kept_apart(demo: Any, sandbox: Live, client: Client, provider: str) -> None:
    attempt = begun(demo, provider, hours=1)
    with sandbox.book.locked() as connection:  # the provider did not hear of the closing
        code = connection.execute("SELECT code FROM trade").fetchone()["code"]
    with later(7200):
        sandbox.book.skew = 7200
        assert services.close_expired() == 1
        with sandbox.book.locked() as connection:
            connection.execute("UPDATE trade SET state = 'open' WHERE code = ?", [code])
        sandbox.pay(attempt.number)
        assert sandbox.deliver(client, provider, attempt.number).status_code == 200
    payment = Payment.objects.get()
    assert (payment.place, payment.why) == ("parked", "late") and books_agree(sandbox, provider)
    services.follow_up()
    attempt.order.refresh_from_db()
    assert attempt.order.state == "closed"


@ALL
def test_callback_for_another_amount_is_kept_apart(demo: Any, sandbox: Live, client: Client, provider: str) -> None:
    attempt = begun(demo, provider)
    sandbox.pay(attempt.number, fen=1999)
    assert sandbox.deliver(client, provider, attempt.number).status_code == 200
    payment = Payment.objects.get()
    assert (payment.place, payment.why, payment.fen) == ("parked", "amount_differs", 1999)
    attempt.order.refresh_from_db()
    assert attempt.order.state == "open" and ledger.balance_of("suspense") == -1999 and books_agree(sandbox, provider)


@ALL
def test_callback_with_a_wrong_signature_is_refused(demo: Any, sandbox: Live, client: Client, provider: str) -> None:
    attempt = begun(demo, provider)
    sandbox.pay(attempt.number)
    headers, body = sandbox.notice(provider, attempt.number)
    altered = (
        body.replace(b'"summary"', b'"Summary"')
        if provider == "wechat"
        else body.replace(b"20.00", b"10.00").replace(b"txnAmt=2000", b"txnAmt=1000")
    )
    assert altered != body
    answer = post_notice(client, provider, headers, altered)
    assert answer.content not in (b"success", b"ok") and (provider == "alipay" or answer.status_code == 400)
    assert Callback.objects.get().outcome == "refused" and Payment.objects.count() == 0
    for rubbish in (b"", b"{}", b"\xff\xfe", b"a=b&&&", b'{"resource": 1}'):
        assert post_notice(client, provider, headers, rubbish).status_code in (200, 400)
    assert Payment.objects.count() == 0


def notice(sandbox: Live, provider: str, number: str, **changed: Any) -> Call:
    """The callback of a paid trade, signed by the provider, with other values than the truth."""
    side, trade = sandbox.shop.sides[provider], sandbox.trade(provider, number)
    if provider == "wechat":
        document = side._trade_document(trade)
        return side._sealed("TRANSACTION.SUCCESS", "transaction", {**document, **changed})
    if provider == "alipay":
        return side._letter(trade, changed).write()
    fields = {"txnType": "01", "txnTime": "20261126101010", **side._trade_fields(trade), **changed}
    return side._letter("", fields).write()


AMOUNTS: dict[str, Any] = {
    "wechat": lambda fen: {"amount": {"total": fen, "currency": "CNY"}},
    "alipay": lambda fen: {"total_amount": str(fen)},
    "unionpay": lambda fen: {"txnAmt": str(fen)},
}
CURRENCY: dict[str, dict[str, Any]] = {
    "wechat": {"amount": {"total": 2000, "currency": "USD"}},
    "alipay": {"trans_currency": "USD"},
    "unionpay": {"currencyCode": "840"},
}


def refused(client: Client, provider: str, call: Call) -> str:
    """The callback is answered with the provider's word for no, booked nowhere and remembered; the reason that is kept."""
    answer = post_notice(client, provider, *call)
    assert answer.status_code == 400 or answer.content == b"failure"
    kept = Callback.objects.latest("id")
    assert (kept.outcome, Payment.objects.count()) == ("refused", 0)
    return kept.detail


@ALL
@pytest.mark.parametrize("fen", [0, -2000, 10**14, "x", ""])
def test_callback_for_an_amount_that_cannot_be_is_refused(
    demo: Any, sandbox: Live, client: Client, provider: str, fen: Any
) -> None:
    """Signed by the provider all the same. The money is not lost: the poller asks how it stands."""
    attempt = begun(demo, provider)
    sandbox.pay(attempt.number)
    assert refused(client, provider, notice(sandbox, provider, attempt.number, **AMOUNTS[provider](fen)))
    with later(30):
        assert services.poll() == {"paid": 1}
    assert books_agree(sandbox, provider)


@ALL
def test_callback_in_another_currency_is_refused(demo: Any, sandbox: Live, client: Client, provider: str) -> None:
    attempt = begun(demo, provider)
    sandbox.pay(attempt.number)
    assert "人民币" in refused(client, provider, notice(sandbox, provider, attempt.number, **CURRENCY[provider]))


@ALL
def test_answer_in_another_currency_books_nothing_and_stops_nobody(
    demo: Any, sandbox: Live, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The poller goes on with the next one; the order does not expire while nobody knows."""
    strange, other = begun(demo, provider, hours=1), begun(demo, "wechat" if provider != "wechat" else "alipay", "k2")
    for attempt in (strange, other):
        sandbox.pay(attempt.number)
    side = sandbox.shop.sides[provider]
    name = {"wechat": "_trade_document", "alipay": "_query", "unionpay": "_trade_fields"}[provider]
    plain = getattr(side, name)
    monkeypatch.setattr(side, name, lambda *given: {**plain(*given), **CURRENCY[provider]})
    with later(30):
        assert services.poll() == {"unavailable": 1, "paid": 1}
    with later(7200):
        sandbox.book.skew = 7200
        assert services.close_expired() == 0
    strange.order.refresh_from_db()
    assert strange.order.state == "open" and [one.number for one in Payment.objects.all()] == [other.number]


def test_replayed_callback_is_refused_by_its_age(demo: Any, sandbox: Live, client: Client) -> None:
    """WeChat signs the time of the callback itself; the others' is told once only, see below."""
    attempt = begun(demo, "wechat")
    sandbox.pay(attempt.number)
    headers, body = sandbox.notice("wechat", attempt.number)
    with later(301):
        assert post_notice(client, "wechat", headers, body).status_code == 400
    assert "时钟" in Callback.objects.get().detail and Payment.objects.count() == 0


@ALL
def test_replayed_callback_books_nothing_even_after_a_refund(
    demo: Any, sandbox: Live, client: Client, provider: str
) -> None:
    attempt = begun(demo, provider)
    sandbox.pay(attempt.number)
    call = sandbox.notice(provider, attempt.number)
    post_notice(client, provider, *call)
    refund(attempt.order, 2000, "a", demo.farmer)
    for _again in range(2):
        post_notice(client, provider, *call)
    assert [one.outcome for one in Callback.objects.order_by("id")] == ["settled", "repeated", "repeated"]
    assert Payment.objects.count() == 1 and sandbox.taken(provider) == 0 and books_agree(sandbox, provider)


@ALL
def test_provider_whose_clock_is_wrong(demo: Any, sandbox: Live, client: Client, provider: str) -> None:
    """WeChat's callback is refused by its time, and the poller finds the money; the others' carry no time to refuse by.

    Either way the payment keeps the provider's time, and stands on the same day on both sides.
    """
    attempt = begun(demo, provider)
    sandbox.book.skew = 900
    sandbox.pay(attempt.number)
    answer = sandbox.deliver(client, provider, attempt.number)
    assert answer.status_code == (400 if provider == "wechat" else 200)
    sandbox.book.skew = 0
    with later(30):
        services.poll()
    payment, trade = Payment.objects.get(), sandbox.trade(provider, attempt.number)
    assert payment.paid_at == dt.datetime.fromisoformat(trade["paid"])
    assert payment.seen_by == ("poll" if provider == "wechat" else "callback") and books_agree(sandbox, provider)
    bill = services.reconcile(provider, payment.day)
    assert (bill.state, bill.paid_fen) == ("balanced", 2000)


def test_our_own_clock_is_wrong(demo: Any, sandbox: Live) -> None:
    """WeChat refuses requests whose time is off: the payer is told that nothing was taken, and may choose another provider."""
    sandbox.book.skew = 900
    with pytest.raises(Refused, match="时间戳"):
        begun(demo, "wechat")
    assert Attempt.objects.get().state == "closed"
    order = permit_order(demo.farmer)
    sandbox.book.skew = 0
    assert services.begin(order.number, "wechat", demo.farmer).state == "open"


@ALL
def test_refund_callback_before_the_refunds_answer(demo: Any, sandbox: Live, client: Client, provider: str) -> None:
    """The callback concludes it; the answer that comes later changes nothing, nor does the callback again."""
    order = paid_order(demo.farmer, sandbox, client, provider=provider)
    payment, left = queries.refundable_of(order)
    assert payment is not None
    made = services.request_refund(payment, 500, available=left, key="a", reason="测试", account=demo.farmer)
    call = sandbox.give_back(provider, payment.number, made.number, 500)
    assert post_notice(client, provider, *call).status_code == 200
    made.refresh_from_db()
    assert made.state == "done"
    assert services.send_refund(made.number) == "done" and Refund.objects.count() == 1
    assert post_notice(client, provider, *call).status_code == 200
    assert Payment.objects.count() == 1 and books_agree(sandbox, provider)


@ALL
def test_callback_of_a_refund_we_never_asked_for_books_nothing(
    demo: Any, sandbox: Live, client: Client, provider: str
) -> None:
    """It is remembered; the day's bill names it, and a person decides."""
    order = paid_order(demo.farmer, sandbox, client, provider=provider)
    call = sandbox.give_back(provider, order.attempts.get().number, "ELSEWHERE1", 500)
    assert post_notice(client, provider, *call).status_code == 200
    assert Callback.objects.latest("id").outcome == "unknown_refund" and Refund.objects.count() == 0
    assert ledger.balance_of(f"provider:{provider}") == 2000
