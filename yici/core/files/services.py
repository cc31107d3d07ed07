"""Every change to stored files: keep one, raise its trust, attach it to a case, look for viruses, let it go.

The bytes lie in the default storage under `ab/cd/abcd…` (their SHA-256). Storing and removing the same bytes
is serialised by an advisory lock on the hash, so that a removal never takes bytes somebody just stored again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, BinaryIO, Literal, Protocol, cast

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app

from yici.base import clock
from yici.base.errors import Invalid, NotFound
from yici.core.audit import services as audit
from yici.core.files import antivirus, inspection, rules
from yici.core.files.models import StoredFile
from yici.core.files.rules import CHUNK, FileRejected, Infected, TooLarge, TypeMismatch, TypeNotAllowed
from yici.core.people.models import Account, Person

__all__ = [
    "Fault",
    "FileRejected",
    "Infected",
    "TooLarge",
    "TypeMismatch",
    "TypeNotAllowed",
    "attach",
    "open_file",
    "raise_trust",
    "release",
    "remove_expired",
    "scan_pending",
    "store",
    "verify_store",
]

SWEEP_DAYS = 7  # how long a removal that was interrupted is tried again
_SPOOL = 1024 * 1024  # bytes kept in memory before the temporary file is written to disk


class Source(Protocol):
    """Anything that can be read piece by piece."""

    def read(self, size: int = ..., /) -> bytes: ...


@dataclass(frozen=True)
class Fault:
    """One thing wrong in the store: bytes `missing`, or `changed` (they no longer have their hash)."""

    sha256: str
    kind: Literal["missing", "changed"]


def store(
    source: Source | bytes,
    name: str,
    *,
    holder: Person | None = None,
    account: Account | None = None,
    trust: str = "C",
    case_number: str = "",
    retention_days: int | None = None,
    is_own: bool = False,
) -> StoredFile:
    """Check and keep one upload. Raises a `FileRejected`: `TooLarge`, `TypeNotAllowed`, `TypeMismatch`, …

    `retention_days`: days from today after which it may be removed; None keeps it for ever. `is_own`: the platform
    packed it itself (an archive), so it is not judged as a stranger's file.
    """
    readable = io.BytesIO(source) if isinstance(source, bytes) else source
    with tempfile.SpooledTemporaryFile(max_size=_SPOOL) as spool:
        stream = cast(BinaryIO, spool)
        digest, size = _receive(readable, stream, settings.FILE_SIZE_LIMIT)
        cleaned = rules.clean_name(name)
        media_type = inspection.own_type(cleaned) if is_own else inspection.check_type(stream, size, cleaned)
        with transaction.atomic():
            _lock(digest)
            _keep_bytes(stream, digest)
            stored = StoredFile.objects.create(
                sha256=digest,
                name=cleaned,
                media_type=media_type,
                size=size,
                trust=trust,
                scan=StoredFile.Scan.PENDING if antivirus.is_configured() else StoredFile.Scan.SKIPPED,
                holder=holder,
                uploaded_by=account,
                case_number=case_number,
                retain_until=_day(retention_days),
            )
            if stored.scan == StoredFile.Scan.PENDING:
                app.configure_task("files.scan_file").defer(stored_id=stored.pk)
    return stored


def _receive(source: Source, target: IO[bytes], limit: int) -> tuple[str, int]:
    """Copy piece by piece while hashing; stop as soon as the limit (bytes) is passed."""
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(CHUNK):
        size += len(chunk)
        if size > limit:
            raise TooLarge(
                _("文件太大，最大 %(limit)s MB。请压缩或分成几个文件后再上传。") % {"limit": limit // (1024 * 1024)}
            )
        digest.update(chunk)
        target.write(chunk)
    return digest.hexdigest(), size


def _path(digest: str) -> str:
    return f"{digest[:2]}/{digest[2:4]}/{digest}"


def _lock(digest: str) -> None:
    """Until the end of the transaction nobody else stores or removes these bytes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"files:{digest}"])


def _keep_bytes(stream: BinaryIO, digest: str) -> None:
    path = _path(digest)
    if default_storage.exists(path):
        return
    stream.seek(0)
    saved = default_storage.save(path, File(stream))
    if saved != path:  # a storage without our lock (another site on the same bucket) was faster
        default_storage.delete(saved)


def _day(retention_days: int | None) -> dt.date | None:
    return None if retention_days is None else clock.today() + dt.timedelta(days=retention_days)


def open_file(stored: StoredFile) -> IO[bytes]:
    """The bytes, to be closed by the caller. Raises `Infected`, or `NotFound` once removed.

    Decides nothing about who may read: that is `queries.readable_file`.
    """
    if stored.scan == StoredFile.Scan.INFECTED:
        raise Infected()
    if stored.removed_at is not None:
        raise NotFound(_("文件已过保存期限，已经删除。"))
    try:
        return default_storage.open(_path(stored.sha256), "rb")
    except FileNotFoundError as error:
        raise NotFound(_("文件的内容丢失，请联系管理员。")) from error


@transaction.atomic
def raise_trust(stored: StoredFile, trust: str, actor: audit.Actor, reason: str) -> StoredFile:
    """Record that the paper was checked (B) or is our own (A). Raises `Invalid` for anything but a rise."""
    if trust not in StoredFile.Trust.values or not reason.strip():
        raise Invalid(_("请选择可信等级并写明依据。"))
    row = StoredFile.objects.select_for_update().get(pk=stored.pk)
    if not rules.is_higher_trust(trust, row.trust):
        raise Invalid(_("材料的可信等级只能提高，不能降低。"))
    before, row.trust = row.trust, trust
    row.save(update_fields=["trust"])
    audit.record(
        actor,
        "change",
        subject=("file", row.pk),
        elements=["trust"],
        purpose=f"可信等级 {before} → {trust}：{reason.strip()}",
        case_number=row.case_number,
    )
    stored.trust = trust
    return row


def attach(stored: StoredFile, case_number: str, retention_days: int | None = None) -> None:
    """Make an upload part of a case: from now on it is kept as long as the case's files are."""
    stored.case_number, stored.retain_until = case_number, _day(retention_days)
    stored.save(update_fields=["case_number", "retain_until"])


def release(stored: StoredFile) -> None:
    """Nobody needs it any more (a draft was thrown away): the next `remove_expired` takes it."""
    stored.retain_until = clock.today() - dt.timedelta(days=1)
    stored.save(update_fields=["retain_until"])


def scan_pending(limit: int = 100, stored_id: int | None = None) -> int:
    """Look for viruses in files that wait for it; how many were decided. Raises `Unavailable`."""
    if not antivirus.is_configured():
        return 0
    waiting = StoredFile.objects.filter(scan=StoredFile.Scan.PENDING, removed_at=None)
    if stored_id is not None:
        waiting = waiting.filter(pk=stored_id)
    done = 0
    for stored in waiting.order_by("pk")[:limit]:
        with open_file(stored) as stream:
            virus = antivirus.scan(cast(BinaryIO, stream))
        _decide_scan(stored, virus)
        done += 1
    return done


@transaction.atomic
def _decide_scan(stored: StoredFile, virus: str) -> None:
    """The verdict is about the bytes, so it holds for every waiting row that shares them."""
    verdict = StoredFile.Scan.INFECTED if virus else StoredFile.Scan.CLEAN
    rows = StoredFile.objects.filter(sha256=stored.sha256)
    if not virus:
        rows = rows.filter(scan=StoredFile.Scan.PENDING)
    for row in rows.exclude(scan=verdict).select_for_update():
        row.scan = verdict
        row.save(update_fields=["scan"])
        if virus:
            audit.record(
                audit.SYSTEM,
                "change",
                subject=("file", row.pk),
                elements=["scan"],
                purpose=f"查出病毒 {virus}，文件已封存",
                case_number=row.case_number,
            )


def remove_expired(today: dt.date | None = None) -> int:
    """Remove files past their retention; how many rows. Bytes go only when no live row shares them."""
    day = today or clock.today()
    now = clock.now()
    removed = StoredFile.objects.filter(removed_at=None, retain_until__lt=day).update(removed_at=now)
    recent = StoredFile.objects.filter(removed_at__gte=now - dt.timedelta(days=SWEEP_DAYS))
    for digest in recent.order_by("sha256").values_list("sha256", flat=True).distinct():
        _remove_bytes(digest)
    return removed


@transaction.atomic
def _remove_bytes(digest: str) -> None:
    _lock(digest)
    if not StoredFile.objects.filter(sha256=digest, removed_at=None).exists():
        default_storage.delete(_path(digest))


def verify_store() -> list[Fault]:
    """Read every live file's bytes once and compare them with their hash."""
    return list(_faults())


def _faults() -> Iterator[Fault]:
    live: Any = StoredFile.objects.filter(removed_at=None).order_by("sha256")
    for digest in live.values_list("sha256", flat=True).distinct().iterator():
        if not default_storage.exists(_path(digest)):
            yield Fault(digest, "missing")
            continue
        actual = hashlib.sha256()
        with default_storage.open(_path(digest), "rb") as handle:
            while chunk := handle.read(CHUNK):
                actual.update(chunk)
        if actual.hexdigest() != digest:
            yield Fault(digest, "changed")
