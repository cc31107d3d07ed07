"""The download: always an attachment, never rendered within the site."""

from __future__ import annotations

from django.http import FileResponse, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from yici.core.audit import services as audit
from yici.core.files import queries, services
from yici.core.files.models import StoredFile
from yici.core.people.auth import account_of, citizen_required, staff_required
from yici.core.people.models import Account
from yici.core.people.services import actor_of


def _download(request: HttpRequest, stored_id: int) -> HttpResponse:
    account = account_of(request)
    return send(queries.readable_file(account, stored_id), account, request)  # type: ignore[return-value]


_for_citizens = citizen_required(_download)
_for_staff = staff_required()(_download)


@require_safe
def download(request: HttpRequest, stored_id: int) -> HttpResponse:
    """Citizens and staff alike, each signed in the way their pages ask for."""
    is_staff = request.user.is_authenticated and account_of(request).kind == Account.Kind.STAFF
    view = _for_staff if is_staff else _for_citizens
    response: HttpResponse = view(request, stored_id=stored_id)
    return response


def send(stored: StoredFile, account: Account, request: HttpRequest) -> FileResponse:
    """Stream the bytes as an attachment; a look by staff at a person's file is recorded first."""
    stream = services.open_file(stored)
    if account.kind != Account.Kind.CITIZEN and stored.holder_id is not None:
        audit.record(
            actor_of(account, request),
            "read",
            subject=("person", stored.holder_id),
            elements=["file"],
            purpose=f"查看材料《{stored.name}》",
            case_number=stored.case_number,
        )
    response = FileResponse(stream, as_attachment=True, filename=stored.name, content_type=stored.media_type)
    response["Content-Length"] = str(stored.size)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cache-Control"] = "private, no-store"
    return response
