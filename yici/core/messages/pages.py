"""A person's messages, a staff member's reminders, and the outbox for those who look after it."""

from __future__ import annotations

from django.contrib import messages as flashes
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from yici.base.requests import whole_number
from yici.core.messages import queries, services
from yici.core.messages.models import Delivery
from yici.core.people.auth import account_of, citizen_required, staff_required
from yici.core.people.services import actor_of

PAGE_SIZE = 20


def _inbox(request: HttpRequest, template: str) -> HttpResponse:
    account = account_of(request)
    page = Paginator(queries.messages_of(account), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, template, {"page": page, "unread_total": queries.unread_count(account)})


def _open(request: HttpRequest, message_id: int, inbox: str) -> HttpResponse:
    link = services.mark_read(account_of(request), message_id).link
    safe = link.startswith("/") and url_has_allowed_host_and_scheme(link, allowed_hosts=None)
    return redirect(link if safe else inbox)


def _read_all(request: HttpRequest, inbox: str) -> HttpResponse:
    services.mark_all_read(account_of(request))
    return redirect(inbox)


@require_GET
@citizen_required
def my_messages(request: HttpRequest) -> HttpResponse:
    return _inbox(request, "messages/my_messages.html")


@require_GET
@citizen_required
def open_message(request: HttpRequest, message_id: int) -> HttpResponse:
    return _open(request, message_id, "my-messages")


@require_POST
@citizen_required
def read_all(request: HttpRequest) -> HttpResponse:
    return _read_all(request, "my-messages")


@require_GET
@staff_required()
def desk_inbox(request: HttpRequest) -> HttpResponse:
    return _inbox(request, "messages/desk_inbox.html")


@require_GET
@staff_required()
def desk_open_message(request: HttpRequest, message_id: int) -> HttpResponse:
    return _open(request, message_id, "desk-inbox")


@require_POST
@staff_required()
def desk_read_all(request: HttpRequest) -> HttpResponse:
    return _read_all(request, "desk-inbox")


@require_GET
@staff_required("message.view")
def outbox(request: HttpRequest) -> HttpResponse:
    state, channel = request.GET.get("state", ""), request.GET.get("channel", "")
    state = state if state in Delivery.State.values else ""
    channel = channel if channel in Delivery.Channel.values else ""
    counts = queries.outbox_counts()
    context = {
        "page": queries.outbox_page(state, channel, whole_number(request.GET.get("before", ""), 0, digits=18) or None),
        "states": [(value, _(label), counts[value]) for value, label in Delivery.State.choices],
        "channels": [(value, _(label)) for value, label in Delivery.Channel.choices],
        "state": state,
        "channel": channel,
    }
    return render(request, "messages/outbox.html", context)


@require_POST
@staff_required("message.view")
def retry(request: HttpRequest, delivery_id: int) -> HttpResponse:
    services.retry(delivery_id, actor_of(account_of(request), request))
    flashes.success(request, _("已重新放入发送队列。"))
    return redirect("desk-messages")
