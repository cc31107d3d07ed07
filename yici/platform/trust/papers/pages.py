"""Pages of reading papers. The picture of a reading: for whoever asked for it, and the department of its batch."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from yici.core.people.auth import account_of
from yici.platform.trust.papers import queries, readings


@require_safe
@login_required
@never_cache
def picture(request: HttpRequest, reading_id: int) -> HttpResponse:
    """The upright page as JPEG of our own making."""
    reading = queries.visible_reading(account_of(request), reading_id)
    response = HttpResponse(readings.upright(reading), content_type="image/jpeg")
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cache-Control"] = "private, no-store"
    return response
