"""What rows are looked at for: said once, kept for the session, recorded with every look."""

from __future__ import annotations

from django.http import HttpRequest

from yici.core.people.auth import account_of
from yici.platform.data.models import DataClass
from yici.platform.data.pages.words import plain
from yici.platform.data.reading import access

_KEPT = "data-purpose"  # session key: subject → purpose
_MOST = 20


def purpose_of(request: HttpRequest, subject: str, data_class: DataClass) -> str:
    """Why the signed-in person sees the rows of a subject (`run:12`, `class:slug`) in clear; empty: they are masked."""
    kept: dict[str, str] = request.session.get(_KEPT, {})
    return kept.get(subject, "") if access.may_see_rows(account_of(request), data_class) else ""


def keep_purpose(request: HttpRequest, subject: str, purpose: str) -> bool:
    """Keep a purpose, or forget it where it is empty. Returns whether rows are in clear from now on."""
    others = {key: value for key, value in request.session.get(_KEPT, {}).items() if key != subject}
    said = plain(purpose, 200)
    newest = list(others.items())[-_MOST:]
    request.session[_KEPT] = dict(newest) | ({subject: said} if said else {})
    return bool(said)
