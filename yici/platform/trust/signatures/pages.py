"""Pages of signatures. Thin: everything is decided in the modules beside this one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from yici.platform.trust.signatures import revocation


@require_safe
def revocation_list(request: HttpRequest) -> HttpResponse:
    """Which signing certificates are revoked, for every reader that checks a signature. Public."""
    response = HttpResponse(revocation.revocation_list(), content_type=revocation.MEDIA_TYPE)
    response["Cache-Control"] = "public, max-age=300"
    return response
