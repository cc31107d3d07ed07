"""Certificates over JSON: the public check by code or file, and one's own certificates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import File, Form, Path, Query, Router, Schema
from ninja.files import UploadedFile
from pydantic import Field

from yici.base import clock
from yici.core.people.auth import account_of, any_auth, citizen_auth
from yici.core.people.models import Account
from yici.core.people.services import address_of
from yici.platform.trust import queries
from yici.platform.trust.credentials import issuing
from yici.platform.trust.library import sharing
from yici.platform.trust.library.printing import Format
from yici.platform.trust.models import Share
from yici.platform.trust.pages import checking, wallet
from yici.platform.trust.queries import Held, Verdict

router = Router(tags=["certificates"])

PAGE_SIZE = 50
RowId = Annotated[int, Path(ge=1, le=2**63 - 1)]


class FaceOut(Schema):
    element: str
    label: str
    value: str


class PublicCertificateOut(Schema):
    """What the public may know: the face with personal parts masked."""

    type: str
    name: str
    identifier: str
    number: str
    issuer: str
    issued_on: dt.date
    valid_from: dt.date
    valid_to: dt.date | None
    state: str
    state_reason: str
    face: list[FaceOut]


class VerdictOut(Schema):
    genuine: bool = Field(description="the certificate is the city's own, unaltered and in force today")
    outcome: str = Field(description="genuine, not_in_force, altered, foreign, different, unknown or unreadable")
    reason: str
    certificate: PublicCertificateOut | None


class CertificateOut(PublicCertificateOut):
    check_code: str = Field(description="empty until it is first asked for")
    case_number: str
    holder: str
    acts_for_holder: bool = Field(description="an organisation holds it, and the account's person acts for that")


class CertificatePage(Schema):
    items: list[CertificateOut]
    has_next: bool


def _public(held: Held, *, masked: bool, only: Collection[str] | None = None) -> dict[str, object]:
    lines = queries.face_lines(held, masked=masked, only=only)
    return {
        "type": held.type,
        "name": str(held.name),
        "identifier": held.identifier,
        "number": (held.masked_number if masked else held.number) if only is None else "",
        "issuer": held.issuer,
        "issued_on": held.issued_on,
        "valid_from": held.valid_from,
        "valid_to": held.valid_to,
        "state": held.state,
        "state_reason": held.state_reason,
        "face": [{"element": line.element, "label": line.label, "value": line.value} for line in lines],
    }


def _own(held: Held) -> dict[str, object]:
    return {
        **_public(held, masked=False),
        "check_code": held.check_code,
        "case_number": held.case_number,
        "holder": held.holder_name,
        "acts_for_holder": held.acts_for_holder,
    }


def _verdict(verdict: Verdict) -> dict[str, object]:
    known = verdict.certificate
    certificate = _public(known, masked=True, only=verdict.elements) if known else None
    return {
        "genuine": verdict.genuine, "outcome": verdict.outcome.value, "reason": verdict.reason, "certificate": certificate,
    }  # fmt: skip


@router.get("/verify/{code}", auth=None, response=VerdictOut, summary="按查验码或标识查验证照")
def verify_code(request: HttpRequest, code: str) -> dict[str, object]:
    """Public. Code or GB/T 36904 identifier; an unknown one is a verdict (`unknown`), not an error.

    An identifier alone gives the state without number and face."""
    return _verdict(queries.verdict_on(code))


@router.post("/verify", auth=None, response=VerdictOut, summary="按文件查验证照")
def verify_file(
    request: HttpRequest,
    file: UploadedFile = File(...),  # type: ignore[type-arg]
    code: str = Form("", max_length=200, description="of the QR code beside it: code, identifier or address"),
) -> dict[str, object]:
    """Public. PDF, OFD, SD-JWT or evidence as downloaded, up to 5 MB, as multipart form data; nothing is kept."""
    return _verdict(queries.verify_file(checking.read_upload(file), code))


@router.get("/my/certificates", auth=citizen_auth, response=CertificatePage, summary="我的证照")
def my_certificates(request: HttpRequest, page: Annotated[int, Query(ge=1, le=10_000)] = 1) -> dict[str, object]:
    """Own certificates and those of people the account may act for, issued or made in bulk, 50 a page."""
    start = (page - 1) * PAGE_SIZE
    held = queries.certificates_for(account_of(request))[start : start + PAGE_SIZE + 1]
    return {"items": [_own(entry) for entry in held[:PAGE_SIZE]], "has_next": len(held) > PAGE_SIZE}


@router.get("/my/certificates/{identifier}/file", auth=citizen_auth, summary="下载证照文件")
def my_certificate_file(request: HttpRequest, identifier: str, format: Format = "pdf") -> HttpResponse:
    """PDF or OFD; `json`: record, proof and signature of one made in bulk, to be checked off line."""
    return wallet.send_file(queries.certificate_of(account_of(request), identifier), format, request)


class CredentialIn(Schema):
    elements: list[str] = Field(min_length=1, max_length=60, description="element ids of the face to disclose")


class CredentialOut(Schema):
    credential: str = Field(description="SD-JWT (RFC 9901), seven days")


class TokenIn(Schema):
    credential: str = Field(max_length=100_000)


class ClaimOut(Schema):
    label: str
    value: str


class CredentialVerdict(Schema):
    outcome: str = Field(description="genuine, not_in_force, unknown, altered, expired, not_yet, holder, unreadable")
    state: str = ""
    type: str = ""
    claims: dict[str, ClaimOut]


@router.post(
    "/my/certificates/{identifier}/credential", auth=citizen_auth, response=CredentialOut, summary="选择性披露凭证"
)
def my_credential(request: HttpRequest, identifier: str, given: CredentialIn) -> dict[str, str]:
    """A credential of one's own certificate that discloses these elements and no others."""
    held = queries.certificate_of(account_of(request), identifier)
    return {"credential": issuing.credential_of(held, given.elements, clock.now())}


@router.post("/credentials/verify", auth=None, response=CredentialVerdict, summary="查验选择性披露凭证")
def verify_credential(request: HttpRequest, given: TokenIn) -> dict[str, object]:
    """Public. Says only what the holder disclosed, and whether the certificate is in force today."""
    found = issuing.judge(given.credential, clock.now())
    return {
        **found,
        "claims": {name: {"label": one["label"], "value": str(one["value"])} for name, one in found["claims"].items()},
    }


class ShowIn(Schema):
    single_use: bool = False


class ShareIn(Schema):
    elements: list[str] = Field(min_length=1, max_length=60, description="element ids of the face that may be seen")
    purpose: str = Field(max_length=200)
    recipient: str = Field(max_length=100, description="full name of an organisation of the platform, or anybody's")
    until: dt.date = Field(description="last day, at most a year from now")
    single_use: bool = False


class MadeShareOut(Schema):
    id: int
    code: str = Field(description="told once; only its hash is kept")
    expires_at: dt.datetime


class ShareUseOut(Schema):
    at: dt.datetime
    by: str
    elements: list[str]
    refused: str = Field(description="empty: seen; else expired, revoked, used, state or recipient")


class ShareOut(Schema):
    id: int
    kind: str = Field(description="show or share")
    certificate: str = Field(description="identifier")
    elements: list[str]
    purpose: str
    recipient: str
    state: str = Field(description="running, ended, expired or used")
    single_use: bool
    created_at: dt.datetime
    expires_at: dt.datetime
    uses: list[ShareUseOut]


class OpenIn(Schema):
    code: str = Field(max_length=60)
    reader: str = Field(default="", max_length=100, description="who opens it; taken from the account where signed in")


class OpenedOut(Schema):
    refused: str = Field(description="empty: shown; else expired, revoked, used, state or recipient")
    reason: str
    purpose: str
    type: str = ""
    issuer: str = ""
    valid_to: dt.date | None = None
    face: list[FaceOut]


def _made_share(made: Share, code: str) -> dict[str, object]:
    return {"id": made.pk, "code": code, "expires_at": made.expires_at}


@router.post("/my/certificates/{identifier}/show", auth=citizen_auth, response=MadeShareOut, summary="亮证")
def show(request: HttpRequest, identifier: str, given: ShowIn) -> dict[str, object]:
    """Eight digits that show the whole face for two minutes."""
    account = account_of(request)
    held = queries.certificate_of(account, identifier)
    return _made_share(*sharing.show(account, held, single_use=given.single_use))


@router.post("/my/certificates/{identifier}/shares", auth=citizen_auth, response=MadeShareOut, summary="授权用证")
def share(request: HttpRequest, identifier: str, given: ShareIn) -> dict[str, object]:
    """A code that shows these elements to this recipient for this purpose, to the end of a day."""
    account = account_of(request)
    held = queries.certificate_of(account, identifier)
    return _made_share(*sharing.share(account, held, **given.dict()))


@router.get("/my/shares", auth=citizen_auth, response=list[ShareOut], summary="授权与使用记录")
def my_shares(request: HttpRequest, page: Annotated[int, Query(ge=1, le=10_000)] = 1) -> list[dict[str, object]]:
    """What the holder allowed, newest first, 50 a page, with every use and refused attempt."""
    start = (page - 1) * PAGE_SIZE
    rows = sharing.told(sharing.shared_by(account_of(request))[start : start + PAGE_SIZE])
    return [
        {
            "id": row.share.pk, "kind": row.share.kind, "certificate": row.share.identifier,
            "elements": row.share.elements, "purpose": row.share.purpose, "recipient": row.share.recipient,
            "state": row.state, "single_use": row.share.single_use, "created_at": row.share.created_at,
            "expires_at": row.share.expires_at,
            "uses": [{"at": u.at, "by": u.by, "elements": u.elements, "refused": u.refused} for u, _words in row.uses],
        }
        for row in rows
    ]  # fmt: skip


@router.delete("/my/shares/{share_id}", auth=citizen_auth, response={204: None}, summary="收回授权")
def end_share(request: HttpRequest, share_id: RowId) -> tuple[int, None]:
    sharing.end(account_of(request), share_id)
    return 204, None


def _anybody(request: HttpRequest) -> str:
    """Last in the row: whoever is not signed in may still open a share by its code."""
    return "anybody"


@router.post("/shares/open", auth=[*any_auth, _anybody], response=OpenedOut, summary="打开授权的证照")
def open_share(request: HttpRequest, given: OpenIn) -> dict[str, object]:
    """Public, by code. Granted or refused, the attempt is recorded for the holder. 404 for an unknown code."""
    account = request.auth if isinstance(request.auth, Account) else None  # type: ignore[attr-defined]
    opened = sharing.open_share(given.code, sharing.Reader(given.reader, account, address_of(request)))
    held = opened.held
    return {
        "refused": opened.refused,
        "reason": opened.reason,
        "purpose": opened.share.purpose,
        "type": held.type if held else "",
        "issuer": held.issuer if held else "",
        "valid_to": held.valid_to if held else None,
        "face": [{"element": line.element, "label": line.label, "value": line.value} for line in opened.lines],
    }
