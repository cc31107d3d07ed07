"""The store of raw objects: what a source delivered, byte for byte, the same bytes kept once a class.

Content-addressed below `raw/`. Written aside, hashed while it is copied, moved into place; never changed afterwards, and
deleted once its time is over (`expire`); what is known of it stays.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import tempfile
from pathlib import Path

from django.db import transaction
from django.db.models import Q

from yici.base import clock
from yici.platform.data.disk import disk_full_is_told, force_to_disk
from yici.platform.data.errors import BytesExpired
from yici.platform.data.lake.layout import raw_root
from yici.platform.data.models import DataClass, RawObject, Run

__all__ = ["expire", "keep", "path_of"]

_CHUNK = 1 << 20
_LONGEST_NAME = 200


def keep(raw: Path, data_class: DataClass, name: str, received_at: dt.datetime) -> tuple[RawObject, bool]:
    """Keep a copy of the file; returns its row and whether the class did not have these bytes before. Raises `DiskFull`."""
    root = raw_root()
    root.mkdir(parents=True, exist_ok=True)
    with disk_full_is_told():
        descriptor, draft = tempfile.mkstemp(dir=root, prefix="incoming-")
        try:
            digest, size = hashlib.sha256(), 0
            with raw.open("rb") as incoming, os.fdopen(descriptor, "wb") as outgoing:
                while chunk := incoming.read(_CHUNK):
                    digest.update(chunk)
                    outgoing.write(chunk)
                    size += len(chunk)
                outgoing.flush()
                os.fsync(outgoing.fileno())
            sha256 = digest.hexdigest()
            relative = f"{sha256[:2]}/{sha256[2:4]}/{sha256}"
            target = root / relative
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                Path(draft).replace(target)
                force_to_disk(target.parent)
        finally:
            Path(draft).unlink(missing_ok=True)
    found, is_new = RawObject.objects.get_or_create(
        data_class=data_class,
        sha256=sha256,
        defaults={
            "name": Path(name).name[-_LONGEST_NAME:],
            "path": relative,
            "byte_count": size,
            "received_at": received_at,
        },
    )
    if found.removed_at is not None:
        found.removed_at = None
        found.save(update_fields=["removed_at"])
    return found, is_new


def path_of(raw: RawObject) -> Path:
    """Where the bytes are. Raises `BytesExpired`."""
    if raw.removed_at is not None:
        raise BytesExpired
    return raw_root() / raw.path


def expire(before: dt.datetime) -> int:
    """Delete the bytes of deliveries older than that; returns how many. Runs that are not ended, and what the class shows now, keep theirs.

    Bytes that another class has as well go with the last of them.
    """
    old = RawObject.objects.filter(received_at__lt=before, removed_at=None)
    shown = DataClass.objects.exclude(current=None).values("current")
    needed = Run.objects.filter(Q(state__in=Run.UNENDED) | Q(snapshots__in=shown), raw__isnull=False)
    count = 0
    for raw in old.exclude(pk__in=needed.values("raw")).iterator():
        with transaction.atomic():
            raw.removed_at = clock.now()
            raw.save(update_fields=["removed_at"])
            if not RawObject.objects.filter(path=raw.path, removed_at=None).exists():
                (raw_root() / raw.path).unlink(missing_ok=True)
        count += 1
    return count
