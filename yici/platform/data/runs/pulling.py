"""From a source to kept bytes: what a channel delivers is stored whole before anything is made of it.

The store of raw objects is the durable inbox: once the bytes are kept and their runs are queued the cursor moves on,
in one transaction, and nothing is fetched twice.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Misconfigured
from yici.platform.data.catalogue.definition import ClassDefinition
from yici.platform.data.lake.layout import work_root
from yici.platform.data.landing import archive
from yici.platform.data.models import RawObject, Run
from yici.platform.data.runs.beat import Beat
from yici.platform.data.runs.starting import enqueue
from yici.platform.data.sources.registry import source

__all__ = ["Pulled", "pull"]


@dataclass(frozen=True)
class Pulled:
    """`raw`: what this run loads, None where nothing new came. Further objects have runs of their own."""

    raw: RawObject | None
    complete: bool


def pull(run: Run, definition: ClassDefinition, beat: Beat) -> Pulled:
    """Fetch over the run's channel and keep what came. Raises the source's errors; the cursor then stays.

    The folder is the channel's, not the run's: what was fetched before a cut is there for the next try.
    """
    channel = run.channel
    if channel is None:
        raise Misconfigured(_("这次运行没有对接方式，无法取数。"))
    into = work_root() / f"pull-{channel.pk}"
    into.mkdir(exist_ok=True)
    found = source(channel.kind).pull(
        channel.options, channel.cursor, into, definition=definition, progress=beat.progress
    )
    notes = [str(note) for note in found.notes]
    kept: list[RawObject] = []
    for one in found.objects:
        raw, _is_new = archive.keep(one.path, run.data_class, one.name, clock.now())
        kept.append(raw)
    with transaction.atomic():
        channel.cursor = found.cursor
        channel.save(update_fields=["cursor"])
        detail = {**run.detail, "notes": notes, "complete": found.complete}
        run.raw, run.cursor_after, run.detail = (kept[0] if kept else None), found.cursor, detail
        run.save(update_fields=["raw", "cursor_after", "detail"])
        for raw in kept[1:]:
            further = Run.objects.create(
                data_class=run.data_class,
                channel=channel,
                trigger=run.trigger,
                actor=run.actor,
                raw=raw,
                queued_at=clock.now(),
                detail={"complete": found.complete, "pulled_by": run.pk},
            )
            enqueue(further)
    shutil.rmtree(into, ignore_errors=True)
    return Pulled(run.raw, found.complete)
