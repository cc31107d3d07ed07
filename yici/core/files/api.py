"""Files over JSON: upload one, read what it is, fetch its bytes."""

from __future__ import annotations

import datetime as dt

from django.http import FileResponse, HttpRequest
from ninja import File, Router, Schema
from ninja.files import UploadedFile

from yici.core.files import pages, queries, services
from yici.core.files.models import StoredFile
from yici.core.people.auth import any_auth, citizen_auth

router = Router(tags=["files"])


class FileOut(Schema):
    id: int
    name: str
    media_type: str
    size: int
    sha256: str
    trust: str
    scan: str
    case_number: str
    created_at: dt.datetime


@router.post("/files", auth=citizen_auth, response={201: FileOut}, summary="上传文件")
def upload(request: HttpRequest, file: UploadedFile = File(...)) -> tuple[int, StoredFile]:  # type: ignore[type-arg]
    """One file per request, as multipart form data. An upload that no case takes is removed after 30 days."""
    account = request.auth  # type: ignore[attr-defined]
    stored = services.store(file, file.name or "", holder=account.person, account=account, trust="C", retention_days=30)
    return 201, stored


@router.get("/files/{stored_id}", auth=any_auth, response=FileOut, summary="文件信息")
def describe(request: HttpRequest, stored_id: int) -> StoredFile:
    return queries.readable_file(request.auth, stored_id)  # type: ignore[attr-defined]


@router.get("/files/{stored_id}/content", auth=any_auth, summary="下载文件")
def content(request: HttpRequest, stored_id: int) -> FileResponse:
    account = request.auth  # type: ignore[attr-defined]
    return pages.send(queries.readable_file(account, stored_id), account, request)
