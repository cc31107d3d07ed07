"""Data classes and their runs over JSON: what the data desk does, for programs. Staff only, but for the signed push."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Field, File, Query, Router, Schema, UploadedFile

from yici.base import clock
from yici.base.errors import Conflict, Invalid, NotAllowed, NotFound
from yici.core.people.auth import account_of, staff_auth
from yici.core.people.services import require
from yici.platform.data.catalogue import exporting, reading
from yici.platform.data.models import DataClass, Run
from yici.platform.data.quality.freshness import light
from yici.platform.data.reading import access
from yici.platform.data.runs import mending, pushing, quarantine, starting
from yici.platform.data.runs.previewing import preview_or_refuse

router = Router(tags=["data"])
PAGE = 100
_Word = Annotated[str, Query(max_length=120, pattern=r"^[^\x00]*$")]
_Note = Field("", max_length=500, pattern=r"^[^\x00]*$")


class ChannelOut(Schema):
    kind: str
    unit: str
    last_success_at: dt.datetime | None
    next_run_at: dt.datetime | None


class ClassOut(Schema):
    id: str
    code: str
    name: str
    department: str
    category: str
    cycle: str
    light: str = Field(description="green, yellow, red; grey: nothing was ever loaded")
    share_type: str
    is_open: bool
    sensitivity: str
    is_described: bool
    declared_rows: int
    rows: int | None = Field(description="in the version that readers see; null: not in the lake")
    version: int | None
    channels: list[ChannelOut]


class ClassList(Schema):
    rows: list[ClassOut]
    count: int
    page: int
    has_next: bool


class RunOut(Schema):
    id: int
    data_class: str
    trigger: str
    state: str
    phase: str
    queued_at: dt.datetime
    started_at: dt.datetime | None
    ended_at: dt.datetime | None
    progress_done: int
    progress_total: int | None
    rows_read: int
    rows_accepted: int
    rows_quarantined: int
    error: str
    message: str
    failed: dict[str, int] = Field(description="rule id → rows that fail it")


class HeaderOut(Schema):
    header: str
    column: str = Field(description="what the machine proposes; empty: nothing")
    confidence: float = Field(description="0–1; 1: decided before, or as the class names it")
    why: str


class MappingOut(Schema):
    headers: list[HeaderOut]
    needed: list[str] = Field(description="columns that must come")
    problems: list[str]


class HeldOut(Schema):
    row: int
    reasons: list[str]
    values: dict[str, str | None] = Field(description="empty where the fields of the line could not be told apart")
    line: str = Field(description="such a line whole; empty unless a purpose was said")


class DecideIn(Schema):
    columns: dict[str, str] = Field(description="header → column; empty: the header is left out")
    reason: str = _Note


class MendIn(Schema):
    row: int
    values: dict[str, str]
    note: str = _Note


class StartIn(Schema):
    channel: str = Field("", description="file_drop, exchange, interface, static; empty: the class's first")


@router.get("/data/classes", auth=staff_auth, response=ClassList, summary="Data classes; permission data.view")
def list_classes(
    request: HttpRequest,
    q: _Word = "",
    department: _Word = "",
    channel: _Word = "",
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> dict[str, Any]:
    account = account_of(request)
    require(account, "data.view")
    rows = access.classes_of(account).select_related("department", "current").prefetch_related("channels__unit")
    if q:
        rows = rows.filter(Q(name__icontains=q) | Q(english__icontains=q) | Q(slug__icontains=q) | Q(code__icontains=q))
    if department:
        rows = rows.filter(department__function=department)
    if channel:
        rows = rows.filter(channels__kind=channel, channels__withdrawn_at=None).distinct()
    page = max(page, 1)
    found = list(rows[(page - 1) * PAGE : page * PAGE + 1])
    return {
        "rows": [_class_out(one) for one in found[:PAGE]],
        "count": rows.count(),
        "page": page,
        "has_next": len(found) > PAGE,
    }


@router.get("/data/classes/{slug}", auth=staff_auth, response=ClassOut, summary="One class; permission data.view")
def show_class(request: HttpRequest, slug: str) -> dict[str, Any]:
    return _class_out(access.class_for(account_of(request), slug))


@router.get("/data/classes/{slug}/dcat", auth=staff_auth, summary="The class as DCAT-AP 3 (JSON-LD); data.view")
def show_dcat(request: HttpRequest, slug: str) -> dict[str, Any]:
    return dict(exporting.dcat_of(access.class_for(account_of(request), slug)))


@router.post("/data/classes/{slug}/runs", auth=staff_auth, response={201: RunOut}, summary="Load now; data.operate")
def start_run(request: HttpRequest, slug: str, given: StartIn) -> tuple[int, dict[str, Any]]:
    account = account_of(request)
    data_class = access.class_for(account, slug, "data.operate")
    channel = starting.channel_of(data_class, given.channel or "")
    if channel is None:
        raise NotFound
    return 201, _run_out(starting.start(channel, Run.Trigger.MANUAL, account))


@router.post(
    "/data/classes/{slug}/files", auth=staff_auth, response={201: RunOut}, summary="Upload a file; data.upload"
)
def upload_file(request: HttpRequest, slug: str, file: UploadedFile = File(...)) -> tuple[int, dict[str, Any]]:
    """The run waits until `/decide` confirms how the columns map."""
    account = account_of(request)
    data_class = access.class_for(account, slug, "data.upload")
    return 201, _run_out(starting.upload_chunks(data_class, file.chunks(), file.name or "", account))


@router.post("/data/push/{slug}", auth=None, response={202: RunOut}, summary="Signed push of a delivery")
def push(request: HttpRequest, slug: str) -> tuple[int, dict[str, Any]]:
    """For a department's program: the body is the file, the headers X-Yici-App, -Timestamp, -Nonce and -Signature.

    Who signs with the secret of the class's own interface channel may deliver this class and nothing else.
    """
    if len(request.body) > pushing.LONGEST:
        raise Invalid(_("一次推送不能超过 64 MB，请改用文件方式报送。"))
    query = request.META.get("QUERY_STRING", "")
    return 202, _run_out(pushing.accept(slug, dict(request.headers), request.body, request.path, query))


@router.get("/data/runs/{number}", auth=staff_auth, response=RunOut, summary="One run; permission data.view")
def show_run(request: HttpRequest, number: int) -> dict[str, Any]:
    return _run_out(access.run_for(account_of(request), number))


@router.get(
    "/data/runs/{number}/mapping",
    auth=staff_auth,
    response=MappingOut,
    summary="How the columns of a waiting run map; data.upload",
)
def show_mapping(request: HttpRequest, number: int) -> dict[str, Any]:
    """What `/decide` settles. Bytes that cannot be used end the run, and the answer says why."""
    run = access.run_for(account_of(request), number, "data.upload")
    if run.state != Run.State.WAITING:
        raise Conflict(_("这次运行已不在等待决定，请刷新页面。"))
    seen = preview_or_refuse(run)
    definition = reading.definition_of(run.data_class)
    return {
        "headers": [
            {"header": one.header, "column": one.column or "", "confidence": one.confidence, "why": str(one.why)}
            for one in seen.proposals
        ],
        "needed": sorted(definition.needed),
        "problems": list(seen.problems),
    }


@router.post("/data/runs/{number}/decide", auth=staff_auth, response=RunOut, summary="Confirm the mapping; data.upload")
def decide_run(request: HttpRequest, number: int, given: DecideIn) -> dict[str, Any]:
    account = account_of(request)
    run = access.run_for(account, number, "data.upload")
    return _run_out(starting.decide(run, given.columns, account, given.reason))


@router.post("/data/runs/{number}/cancel", auth=staff_auth, response=RunOut, summary="Cancel; data.operate")
def cancel_run(request: HttpRequest, number: int) -> dict[str, Any]:
    account = account_of(request)
    return _run_out(starting.cancel(access.run_for(account, number, "data.operate"), account))


@router.post("/data/runs/{number}/retry", auth=staff_auth, response={201: RunOut}, summary="Again; data.operate")
def retry_run(request: HttpRequest, number: int) -> tuple[int, dict[str, Any]]:
    account = account_of(request)
    return 201, _run_out(starting.retry(access.run_for(account, number, "data.operate"), account))


@router.get(
    "/data/runs/{number}/quarantine", auth=staff_auth, response=list[HeldOut], summary="Rows held back; data.view"
)
def list_held(
    request: HttpRequest,
    number: int,
    reason: _Word = "",
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
    purpose: _Word = "",
) -> list[dict[str, Any]]:
    """Personal values are masked. Who holds data.rows and says a `purpose` sees them; the look is recorded."""
    account = account_of(request)
    run = access.run_for(account, number)
    may_see = access.may_see_rows(account, run.data_class)
    if purpose and not may_see:
        raise NotAllowed
    definition = reading.definition_of(run.data_class)
    rows = quarantine.held_rows(run, reason, (max(page, 1) - 1) * PAGE, PAGE)
    if purpose:
        access.look(account, run.data_class, definition, purpose)
    return [
        {
            "row": one.row,
            "reasons": list(one.reasons),
            "values": {} if one.line else dict(one.values) if purpose else access.masked(definition, one.values),
            "line": one.line if purpose else "",
        }
        for one in rows
    ]


@router.post("/data/runs/{number}/mends", auth=staff_auth, response={201: None}, summary="Mend a row; data.rows")
def mend_row(request: HttpRequest, number: int, given: MendIn) -> tuple[int, None]:
    account = account_of(request)
    mending.mend(access.run_for(account, number, "data.rows"), given.row, given.values, account, given.note)
    return 201, None


@router.post(
    "/data/runs/{number}/replay", auth=staff_auth, response={201: RunOut}, summary="Load mended rows; data.rows"
)
def replay_run(request: HttpRequest, number: int) -> tuple[int, dict[str, Any]]:
    account = account_of(request)
    return 201, _run_out(mending.replay(access.run_for(account, number, "data.rows"), account))


def _class_out(one: DataClass) -> dict[str, Any]:
    channels = [channel for channel in one.channels.all() if channel.withdrawn_at is None]
    newest = max((channel.last_success_at for channel in channels if channel.last_success_at), default=None)
    return {
        "id": one.slug,
        "code": one.code,
        "name": one.label,
        "department": one.department.label,
        "category": one.category,
        "cycle": one.cycle,
        "light": light(one.cycle, newest, clock.now()),
        "share_type": one.share_type,
        "is_open": one.is_open,
        "sensitivity": one.sensitivity,
        "is_described": one.is_described,
        "declared_rows": one.declared_rows,
        "rows": one.current.row_count if one.current else None,
        "version": one.current.number if one.current else None,
        "channels": [
            {
                "kind": channel.kind,
                "unit": channel.unit.label,
                "last_success_at": channel.last_success_at,
                "next_run_at": channel.next_run_at,
            }
            for channel in channels
        ],
    }


def _run_out(run: Run) -> dict[str, Any]:
    names = [name for name in RunOut.model_fields if name not in ("data_class", "failed")]
    return {
        **{name: getattr(run, name) for name in names},
        "data_class": run.data_class_id,
        "failed": run.detail.get("failed", {}),
    }
