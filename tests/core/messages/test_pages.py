"""A citizen's messages, a clerk's reminders, the outbox at the desk, the API, and the gateway's own page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from django.test import Client

from tests.core.messages.conftest import LiveGateway
from yici.core.messages import sandbox, services
from yici.core.messages.models import Delivery, Message

CONTEXT = {"title": "高龄津贴", "case_number": "341600202611230000017", "organisation": "涡阳县民政局"}

pytestmark = pytest.mark.django_db
SignIn = Callable[..., Client]


def tell(account: Any, **extra: Any) -> Message:
    return services.tell(account, "case.received", CONTEXT, **extra)


def test_empty_inbox_says_what_to_do(client: Client, demo: Any, sign_in: SignIn) -> None:
    Message.objects.all().delete()
    page = sign_in(client, demo.farmer).get("/my/messages/").content.decode()
    assert "还没有消息" in page and "去办事" in page


def test_unread_messages_are_marked_and_can_be_marked_read(client: Client, demo: Any, sign_in: SignIn) -> None:
    tell(demo.farmer)
    sign_in(client, demo.farmer)
    page = client.get("/my/messages/").content.decode()
    assert "已收到您的申请：高龄津贴" in page and ">未读<" in page
    assert client.get("/my/messages/read/").status_code == 405
    client.post("/my/messages/read/")
    assert ">未读<" not in client.get("/my/messages/").content.decode()


def test_opening_a_message_marks_it_and_leads_to_its_case(client: Client, demo: Any, sign_in: SignIn) -> None:
    message = tell(demo.farmer, link="/my/cases/1/")
    response = sign_in(client, demo.farmer).get(f"/my/messages/{message.pk}/")
    assert (response.status_code, response["Location"]) == (302, "/my/cases/1/")
    message.refresh_from_db()
    assert message.read_at is not None


@pytest.mark.parametrize("link", ["//evil.example/", "https://evil.example/", "javascript:alert(1)"])
def test_message_never_leads_out_of_the_site(client: Client, demo: Any, sign_in: SignIn, link: str) -> None:
    message = tell(demo.farmer, link=link)
    assert sign_in(client, demo.farmer).get(f"/my/messages/{message.pk}/")["Location"] == "/my/messages/"


def test_another_persons_message_is_not_found(client: Client, demo: Any, sign_in: SignIn) -> None:
    message = tell(demo.farmer)
    assert sign_in(client, demo.daughter).get(f"/my/messages/{message.pk}/").status_code == 404


def test_inbox_makes_a_constant_number_of_queries(
    client: Client, demo: Any, sign_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    for _number in range(45):
        tell(demo.farmer)
    sign_in(client, demo.farmer)
    with django_assert_max_num_queries(8):
        page = client.get("/my/messages/?page=2").content.decode()
    assert "第 2 / 3 页" in page


def test_clerk_sees_reminders_at_the_desk(client: Client, demo: Any, sign_in: SignIn) -> None:
    services.tell(demo.clerk, "case.due_soon", {**CONTEXT, "remaining": "剩余 1 个工作日"}, case_number="1")
    page = sign_in(client, demo.clerk).get("/desk/inbox/").content.decode()
    assert "即将到期：高龄津贴" in page and "剩余 1 个工作日" in page


def test_outbox_is_only_for_those_who_look_after_it(client: Client, demo: Any, sign_in: SignIn) -> None:
    assert client.get("/desk/messages/").status_code == 302
    assert sign_in(client, demo.farmer).get("/desk/messages/").status_code == 403


def test_desk_shows_failures_masked_and_sends_again(
    client: Client, demo: Any, sign_in: SignIn, gateway: LiveGateway
) -> None:
    tell(None, phone="13800005678")
    delivery = Delivery.objects.latest("pk")
    Delivery.objects.filter(pk=delivery.pk).update(state="failed", last_error="HTTP 500", attempts=12)
    sign_in(client, demo.admin)
    page = client.get("/desk/messages/?state=failed").content.decode()
    assert "138****5678" in page and "13800005678" not in page and "重发" in page and "HTTP 500" in page
    assert client.post(f"/desk/messages/{delivery.pk}/retry/").status_code == 302
    services.deliver_due()
    delivery.refresh_from_db()
    assert delivery.state == "sent" and len(gateway.messages()) == 1


def test_outbox_makes_a_constant_number_of_queries(
    client: Client, demo: Any, sign_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    for _number in range(60):
        tell(None, phone="13800005678")
    sign_in(client, demo.admin)
    with django_assert_max_num_queries(9):
        page = client.get("/desk/messages/?state=pending&channel=sms").content.decode()
    assert "更早的" in page
    assert client.get("/desk/messages/?state=x&channel=y&before=z").status_code == 200


def test_api_lists_own_messages_page_by_page(client: Client, demo: Any, sign_in: SignIn) -> None:
    Message.objects.all().delete()
    for _number in range(3):
        tell(demo.farmer)
    tell(demo.daughter)
    sign_in(client, demo.farmer)
    first = client.get("/api/v1/messages?limit=2").json()
    assert (len(first["messages"]), first["unread"]) == (2, 3)
    second = client.get(f"/api/v1/messages?limit=2&before={first['next_before']}").json()
    assert len(second["messages"]) == 1 and second["next_before"] is None
    assert client.post("/api/v1/messages/read").json() == {"read": 3}
    assert Client().get("/api/v1/messages").status_code == 401


def test_gateways_page_shows_the_newest_first_and_escapes(gateway: LiveGateway) -> None:
    assert "还没有短信" in httpx.get(gateway.url, trust_env=False).text
    for text in ("第一条", "<b>第二条</b>"):
        gateway.gateway.accept({"content": text, "mobiles": "13800005678"}, text)
    page = httpx.get(gateway.url, trust_env=False).text
    assert page.index("第二条") < page.index("第一条")
    assert "&lt;b&gt;第二条" in page and "setInterval" in page and "http-equiv" not in page and "13800005678" in page


def test_gateway_remembers_after_a_restart(gateway: LiveGateway) -> None:
    group = gateway.gateway.accept({"content": "甲", "mobiles": "13800005678"}, "key-1")
    with gateway.gateway.path.open("a", encoding="utf-8") as handle:
        handle.write('{"half a line')
    again = sandbox.Gateway(gateway.gateway.path.parent, "sandbox-only", "亳州一次办")
    assert again.accept({"content": "甲", "mobiles": "13800005678"}, "key-1") == group
    assert len(again.messages) == 1


def test_gateway_checks_the_signature_of_a_request(gateway: LiveGateway) -> None:
    answer = httpx.post(f"{gateway.url}/sms/norsubmit", content=b"bm90IGpzb24=", trust_env=False).json()
    assert answer == {"msgGroup": "", "rspcod": "InvalidMessage", "success": False}
