"""Nothing is lost, nothing is told twice: the outbox against partners that fail in every way."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from email import message_from_bytes
from email.header import decode_header, make_header
from typing import Any

import pytest

from tests.core.messages.conftest import LiveGateway, Received
from yici.base import clock
from yici.base.errors import Conflict, Misconfigured
from yici.core.audit.models import Entry
from yici.core.audit.services import SYSTEM
from yici.core.messages import queries, rules, sending, services
from yici.core.messages.models import Delivery
from yici.core.messages.providers import Refused
from yici.core.people.models import Account

PHONE = "13800005678"
CONTEXT = {"title": "高龄津贴", "case_number": "341600202611230000017", "organisation": "涡阳县民政局"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def citizen() -> Account:
    return Account.objects.create_user("c-outbox", name="王秀英", kind=Account.Kind.CITIZEN, phone=PHONE)


def tell(citizen: Account | None, **extra: Any) -> Delivery:
    message = services.tell(citizen, "case.received", CONTEXT, **extra)
    return message.deliveries.get()


def later(delivery: Delivery, **more: Any) -> Any:
    """The moment its next attempt is due."""
    delivery.refresh_from_db()
    return clock.at(delivery.next_attempt_at + dt.timedelta(**more))


def test_telling_writes_a_message_and_an_sms(citizen: Account, gateway: LiveGateway) -> None:
    delivery = tell(citizen, link="/my/cases/1/", case_number="1")
    assert (delivery.message.title, delivery.state) == ("已收到您的申请：高龄津贴", "pending")  # type: ignore[union-attr]
    assert queries.unread_count(citizen) == 1
    assert gateway.messages() == []
    assert services.deliver_due() == 1
    delivery.refresh_from_db()
    assert delivery.state == "sent" and delivery.provider_reference and delivery.attempts == 1
    (sms,) = gateway.messages()
    assert sms["mobiles"] == PHONE and sms["request_id"] == str(delivery.key)
    assert sms["content"].startswith("【亳州一次办】已收到“高龄津贴”申请") and sms["content"].count("【") == 1
    assert services.deliver_due() == 0


def test_account_reads_its_language_and_the_sms_stays_chinese(citizen: Account) -> None:
    citizen.language = "en"
    delivery = tell(citizen)
    assert delivery.message.title == "We have received your application: 高龄津贴"  # type: ignore[union-attr]
    assert delivery.payload["text"].startswith("【亳州一次办】已收到")


def test_somebody_without_an_account_is_told_by_phone_number(gateway: LiveGateway) -> None:
    tell(None, phone="13900001111")
    services.deliver_due()
    assert [sms["mobiles"] for sms in gateway.messages()] == ["13900001111"]


@pytest.mark.parametrize(
    ("occasion", "context"),
    [
        ("phone_changed", {"phone": "139****0000"}),
        ("sign_in_new_phone", {"phone": "139****0000"}),
        ("delegation_asked", {"agent": "李*"}),
        ("delegation_made", {"agent": "李*"}),
        ("delegation_accepted", {"principal": "王*英"}),
    ],
)
def test_every_occasion_of_the_people_kernel_has_its_text(
    citizen: Account, occasion: str, context: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    services.notify(citizen, occasion, context, "13700001111")
    delivery = Delivery.objects.get()
    assert delivery.address == "13700001111" and next(iter(context.values())) in delivery.payload["text"]
    assert not caplog.records


def test_unknown_template_is_a_fault_of_the_city() -> None:
    with pytest.raises(Misconfigured, match=r"no\.such"):
        services.tell(None, "no.such", {})


@pytest.mark.parametrize("mode", ["lost", "timeout"])
def test_answer_that_is_lost_after_the_gateway_kept_the_sms_is_not_told_twice(
    citizen: Account, gateway: LiveGateway, mode: str
) -> None:
    delivery = tell(citizen)
    gateway.spoil(mode)
    assert sending.deliver(delivery.pk, seconds=0.5) is False
    delivery.refresh_from_db()
    assert delivery.state == "pending" and "没有回应" in delivery.last_error
    assert len(gateway.messages()) == 1
    with later(delivery):
        assert services.deliver_due() == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("sent", 2)
    assert len(gateway.messages()) == 1


def test_partner_that_fails_leaves_it_pending_with_growing_waits_and_gets_it_later(
    citizen: Account, gateway: LiveGateway
) -> None:
    delivery = tell(citizen)
    gateway.spoil("error", 4)
    waits = []
    for _attempt in range(4):
        with later(delivery):
            begun = clock.now()
            assert services.deliver_due() == 0
        delivery.refresh_from_db()
        assert delivery.state == "pending"
        waits.append((delivery.next_attempt_at - begun).total_seconds())
    assert waits == sorted(waits) and 30 <= waits[0] <= 36 and 192 <= waits[3] <= 288
    with later(delivery, seconds=-1):
        assert services.deliver_due() == 0
    with later(delivery):
        assert services.deliver_due() == 1
    assert len(gateway.messages()) == 1


def test_partner_that_refuses_wrong_credentials_is_tried_again(
    citizen: Account, gateway: LiveGateway, settings: Any
) -> None:
    settings.SMS_ACCOUNT = {**settings.SMS_ACCOUNT, "secretKey": "wrong"}
    delivery = tell(citizen)
    services.deliver_due()
    delivery.refresh_from_db()
    assert delivery.state == "pending" and "IllegalMac" in delivery.last_error


def test_after_twelve_attempts_it_fails_and_the_desk_can_send_it_again(citizen: Account, gateway: LiveGateway) -> None:
    delivery = tell(citizen)
    gateway.spoil("error", rules.MAX_ATTEMPTS)
    for _attempt in range(rules.MAX_ATTEMPTS):
        with later(delivery):
            services.deliver_due()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("failed", rules.MAX_ATTEMPTS)
    (row,) = queries.outbox_page(state="failed").rows
    assert row.may_retry and row.address == "138****5678" and "HTTP 500" in row.last_error
    key = delivery.key
    services.retry(delivery.pk, SYSTEM)
    assert Entry.objects.filter(subject_kind="delivery", subject_id=str(delivery.pk)).exists()
    with later(delivery):
        assert services.deliver_due() == 1
    delivery.refresh_from_db()
    assert delivery.state == "sent" and gateway.messages()[0]["request_id"] == str(key)
    with pytest.raises(Conflict):
        services.retry(delivery.pk, SYSTEM)


def test_number_that_is_none_fails_at_once(gateway: LiveGateway) -> None:
    delivery = tell(None, phone="123")
    services.deliver_due()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("failed", 1)


def test_partner_that_is_down_is_left_alone_for_the_rest_of_the_sweep(citizen: Account, gateway: LiveGateway) -> None:
    for _number in range(6):
        tell(citizen)
    gateway.spoil("error", 6)
    services.deliver_due()
    assert Delivery.objects.filter(attempts=0).count() == 3


def test_old_news_expires_instead_of_confusing(citizen: Account, gateway: LiveGateway) -> None:
    delivery = tell(citizen)
    with clock.at(clock.now() + dt.timedelta(days=4)):
        assert services.deliver_due() == 0
    delivery.refresh_from_db()
    assert delivery.state == "expired" and gateway.messages() == []


def test_one_time_code_is_sealed_then_masked(gateway: LiveGateway) -> None:
    services.send_code(PHONE, "482913")
    delivery = Delivery.objects.get()
    assert "482913" not in json.dumps(delivery.payload)
    services.deliver_due()
    delivery.refresh_from_db()
    assert "验证码482913，10分钟内有效" in gateway.messages()[0]["content"]
    assert (
        delivery.state == "sent" and "******" in delivery.payload["text"] and "482913" not in delivery.payload["text"]
    )


def test_one_time_code_is_tried_right_after_the_commit(
    gateway: LiveGateway, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        services.send_code(PHONE, "482913")
        assert gateway.messages() == []
    assert len(gateway.messages()) == 1


def test_one_time_code_is_never_sent_when_it_is_too_late(gateway: LiveGateway) -> None:
    services.send_code(PHONE, "482913")
    delivery = Delivery.objects.get()
    with clock.at(clock.now() + dt.timedelta(minutes=11)):
        services.deliver_due()
    delivery.refresh_from_db()
    assert delivery.state == "expired" and "sealed" not in delivery.payload and gateway.messages() == []
    with pytest.raises(Conflict):
        services.retry(delivery.pk, SYSTEM)


def test_mail_goes_out_over_smtp_with_its_key_as_message_id(citizen: Account, mail_server: list[bytes]) -> None:
    citizen.email = "wang@example.cn"
    delivery = tell(citizen, channels=("email",), link="/my/cases/1/")
    assert services.deliver_due() == 1
    mail = message_from_bytes(mail_server[0])
    assert str(delivery.key) in mail["Message-ID"]
    assert str(make_header(decode_header(mail["Subject"]))) == "已收到您的申请：高龄津贴"
    assert "/my/cases/1/" in mail.get_payload(decode=True).decode()  # type: ignore[union-attr]


def test_mail_address_that_does_not_exist_fails_at_once(citizen: Account, mail_server: list[bytes]) -> None:
    citizen.email = "nobody@example.cn"
    delivery = tell(citizen, channels=("email",))
    services.deliver_due()
    delivery.refresh_from_db()
    assert delivery.state == "failed" and mail_server == []


def test_webhook_is_signed_and_only_told_what_it_asked_for(receiver: Received, settings: Any) -> None:
    settings.WEBHOOK_PRIVATE = True
    services.add_webhook("省平台", receiver.url, "s3cret", ["case.approved"])
    assert services.publish_event("case.received", {"number": "1"}) == 0
    assert services.publish_event("case.approved", {"number": "1", "at": clock.now()}) == 1
    assert services.deliver_due() == 1
    headers, body = receiver.calls[0]
    stamp, signature = (part.partition("=")[2] for part in headers["X-Yici-Signature"].split(","))
    assert hmac.new(b"s3cret", f"{stamp}.".encode() + body, hashlib.sha256).hexdigest() == signature
    assert headers["X-Yici-Delivery"] == str(Delivery.objects.get().key)
    assert json.loads(body)["data"]["number"] == "1" and json.loads(body)["event"] == "case.approved"
    assert hmac.new(b"other", f"{stamp}.".encode() + body, hashlib.sha256).hexdigest() != signature


def test_webhook_into_the_inner_network_is_refused(receiver: Received, settings: Any) -> None:
    settings.WEBHOOK_PRIVATE = False
    urls = [
        receiver.url,
        "http://localhost:1/",
        "http://169.254.169.254/latest/",
        "http://[::ffff:127.0.0.1]/",
        "http://2130706433/",
    ]
    for url in urls:
        services.add_webhook("x", url, "s")
    services.publish_event("case.approved", {})
    services.deliver_due()
    states = set(Delivery.objects.values_list("state", "last_error"))
    assert states == {("failed", "回调地址指向内部网络，已拒绝")}
    assert receiver.calls == []


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.cn/", "http://u:p@example.cn/", "http://", "http://x:99999/"]
)
def test_webhook_addresses_must_be_plain_http(url: str) -> None:
    with pytest.raises(Refused):
        services.add_webhook("x", url, "s")


def test_redirect_of_a_webhook_is_not_followed(receiver: Received, settings: Any) -> None:
    settings.WEBHOOK_PRIVATE = True
    receiver.status, receiver.location = 307, "http://169.254.169.254/"
    services.add_webhook("x", receiver.url, "s")
    services.publish_event("case.approved", {})
    assert services.deliver_due() == 0
    delivery = Delivery.objects.get()
    assert (len(receiver.calls), delivery.state) == (1, "pending") and "HTTP 307" in delivery.last_error
