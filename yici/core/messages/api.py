"""Messages over JSON: a person's own."""

from __future__ import annotations

import datetime as dt

from django.http import HttpRequest
from ninja import Query, Router, Schema

from yici.core.messages import queries, services
from yici.core.messages.models import Message
from yici.core.people.auth import account_of, any_auth

router = Router(tags=["messages"])


class MessageOut(Schema):
    id: int
    template: str
    title: str
    body: str
    link: str
    case_number: str
    created_at: dt.datetime
    read_at: dt.datetime | None


class MessagePage(Schema):
    unread: int
    messages: list[MessageOut]
    next_before: int | None


class ReadOut(Schema):
    read: int


@router.get("/messages", auth=any_auth, response=MessagePage, summary="我的消息")
def list_messages(
    request: HttpRequest, before: int | None = None, limit: int = Query(20, ge=1, le=100)
) -> dict[str, object]:
    """Newest first. For the next page send `before=<next_before>`."""
    account = account_of(request)
    found = queries.messages_of(account)
    if before is not None:
        found = found.filter(pk__lt=before)
    rows: list[Message] = list(found[: limit + 1])
    more = len(rows) > limit
    return {
        "unread": queries.unread_count(account),
        "messages": rows[:limit],
        "next_before": rows[limit - 1].pk if more else None,
    }


@router.post("/messages/read", auth=any_auth, response=ReadOut, summary="全部标为已读")
def read_all(request: HttpRequest) -> dict[str, int]:
    return {"read": services.mark_all_read(account_of(request))}
