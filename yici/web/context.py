"""What every page's shell needs, lazily: nothing is queried unless the template asks."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from yici.core.messages import queries as messages
from yici.core.people.models import Account
from yici.web.navigation import staff_navigation


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context of `city/base.html` and `staff/base.html`."""
    account = getattr(request, "user", None)
    return {
        "elder": getattr(request, "elder_mode", False),
        "unread": SimpleLazyObject(lambda: messages.unread_count(account) if isinstance(account, Account) else 0),
        "navigation": SimpleLazyObject(
            lambda: staff_navigation(account, request.path) if isinstance(account, Account) else []
        ),
    }
