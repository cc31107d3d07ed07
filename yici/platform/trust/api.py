"""Certificates over JSON: the public check by code or file, and one's own certificates."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from django.http import FileResponse, HttpRequest
from ninja import File, Path, Query, Router, Schema
from ninja.files import UploadedFile
from pydantic import Field

from yici.base import clock
from yici.core.people.auth import account_of, citizen_auth
from yici.platform.trust import pages, queries
from yici.platform.trust.credentials import issuing
from yici.platform.trust.models import Certificate
from yici.platform.trust.queries import Verdict

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
    outcome: str = Field(description="genuine, not_in_force, altered, unknown or unreadable")
    reason: str
    certificate: PublicCertificateOut | None


class CertificateOut(PublicCertificateOut):
    id: int
    check_code: str
    case_number: str
    has_file: bool


class CertificatePage(Schema):
    items: list[CertificateOut]
    has_next: bool


def _public(certificate: Certificate, *, masked: bool) -> dict[str, object]:
    lines = queries.face_lines(certificate, masked=masked)
    return {
        "type": certificate.type,
        "name": str(queries.name_of(certificate)),
        "identifier": certificate.identifier,
        "number": certificate.number,
        "issuer": certificate.issuer.name,
        "issued_on": certificate.issued_on,
        "valid_from": certificate.valid_from,
        "valid_to": certificate.valid_to,
        "state": queries.state_of(certificate),
        "state_reason": certificate.state_reason,
        "face": [{"element": line.element, "label": line.label, "value": line.value} for line in lines],
    }


def _own(certificate: Certificate) -> dict[str, object]:
    return {
        **_public(certificate, masked=False),
        "id": certificate.pk,
        "check_code": certificate.check_code,
        "case_number": certificate.case_number,
        "has_file": certificate.file_id is not None,
    }


def _verdict(verdict: Verdict) -> dict[str, object]:
    certificate = _public(verdict.certificate, masked=True) if verdict.certificate else None
    return {
        "genuine": verdict.genuine, "outcome": verdict.outcome.value, "reason": verdict.reason, "certificate": certificate,
    }  # fmt: skip


@router.get("/verify/{code}", auth=None, response=VerdictOut, summary="按查验码查验证照")
def verify_code(request: HttpRequest, code: str) -> dict[str, object]:
    """Public. An unknown code is a verdict (`unknown`), not an error."""
    return _verdict(queries.verdict_on(code))


@router.post("/verify", auth=None, response=VerdictOut, summary="按文件查验证照")
def verify_file(request: HttpRequest, file: UploadedFile = File(...)) -> dict[str, object]:  # type: ignore[type-arg]
    """Public. The PDF as downloaded, up to 5 MB, as multipart form data; nothing is kept."""
    return _verdict(queries.verify_file(pages.read_upload(file)))


@router.get("/my/certificates", auth=citizen_auth, response=CertificatePage, summary="我的证照")
def my_certificates(request: HttpRequest, page: Annotated[int, Query(ge=1, le=10_000)] = 1) -> dict[str, object]:
    """Own certificates and those of people the account may act for, newest first, 50 a page."""
    start = (page - 1) * PAGE_SIZE
    held = list(queries.certificates_for(account_of(request))[start : start + PAGE_SIZE + 1])
    return {"items": [_own(entry) for entry in held[:PAGE_SIZE]], "has_next": len(held) > PAGE_SIZE}


@router.get("/my/certificates/{certificate_id}/file", auth=citizen_auth, summary="下载证照文件")
def my_certificate_file(request: HttpRequest, certificate_id: RowId) -> FileResponse:
    return pages.send_file(queries.certificate_of(account_of(request), certificate_id), request)


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
    "/my/certificates/{certificate_id}/credential", auth=citizen_auth, response=CredentialOut, summary="选择性披露凭证"
)
def my_credential(request: HttpRequest, certificate_id: RowId, given: CredentialIn) -> dict[str, str]:
    """A credential of one's own certificate that discloses these elements and no others."""
    certificate = queries.certificate_of(account_of(request), certificate_id)
    token = issuing.credential_of(certificate, given.elements, clock.now(), queries.state_of(certificate))
    return {"credential": token}


@router.post("/credentials/verify", auth=None, response=CredentialVerdict, summary="查验选择性披露凭证")
def verify_credential(request: HttpRequest, given: TokenIn) -> dict[str, object]:
    """Public. Says only what the holder disclosed, and whether the certificate is in force today."""
    found = issuing.judge(given.credential, clock.now())
    return {
        **found,
        "claims": {name: {"label": one["label"], "value": str(one["value"])} for name, one in found["claims"].items()},
    }
