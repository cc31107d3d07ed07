"""How a run begins, and what a person may do to one: start, upload, decide, cancel, retry.

Nothing is loaded here: a row is written and a job deferred in one transaction, so the run exists exactly when the
job does.
"""

from __future__ import annotations

import datetime as dt
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Conflict, Invalid
from yici.core.audit import services as audit
from yici.core.people import queries as people
from yici.core.people.models import Account
from yici.core.people.services import actor_of
from yici.platform.data.catalogue import reading
from yici.platform.data.errors import LoadInProgress, Refused
from yici.platform.data.lake.layout import work_root
from yici.platform.data.landing import archive
from yici.platform.data.landing.errors import Empty
from yici.platform.data.models import Channel, ClassChannel, ColumnDecision, DataClass, RawObject, Run

__all__ = [
    "UNATTENDED",
    "cancel",
    "channel_of",
    "decide",
    "decisions_of",
    "enqueue",
    "keep_and_queue",
    "open_run_of",
    "put_on_record",
    "record_decisions",
    "refuse",
    "release_waiting",
    "retry",
    "start",
    "upload",
    "upload_chunks",
]

MAXIMUM_ATTEMPTS = 4
UNATTENDED = (Run.Trigger.SCHEDULE, Run.Trigger.PUSH, Run.Trigger.RETRY)  # no person waits for the run's end
_BACK_OFF_MINUTES = (1, 5, 30)
_IS_TEXT = re.compile("[^\x00\ud800-\udfff]*").fullmatch  # what the database can keep


def enqueue(run: Run, at: dt.datetime | None = None) -> Run:
    """Hand the run to the worker, in the transaction that wrote it."""
    from yici.platform.data.jobs import load_run

    load_run.configure(schedule_at=at, queueing_lock=f"data.run.{run.pk}.{run.attempt}").defer(run_id=run.pk)
    return run


def channel_of(data_class: DataClass, kind: str = "") -> ClassChannel | None:
    """The class's first channel of that kind, or its first at all; None where there is none."""
    channels = data_class.channels.filter(withdrawn_at=None).order_by("id")
    if kind and kind not in Channel.values:
        return None
    return (channels.filter(kind=kind) if kind else channels).first()


def open_run_of(data_class: DataClass) -> Run | None:
    """The run of the class that is queued or running, if there is one."""
    return data_class.runs.filter(state__in=Run.OPEN).order_by("id").first()


@transaction.atomic
def start(channel: ClassChannel, trigger: str = Run.Trigger.MANUAL, actor: Account | None = None) -> Run:
    """Queue a pull over the channel. Raises `LoadInProgress` while another run of the class is open, `Invalid` for a class
    that is registered but not described.
    """
    if not channel.data_class.is_described:
        raise Invalid(_("这一类数据还没有编写列和规则，暂不能入库。"))
    _lock(channel.data_class)
    if open_run_of(channel.data_class):
        raise LoadInProgress
    run = Run.objects.create(
        data_class=channel.data_class,
        channel=channel,
        trigger=trigger,
        actor=actor,
        queued_at=clock.now(),
        cursor_before=channel.cursor,
    )
    put_on_record(actor, run, "手动启动数据入库")
    return enqueue(run)


def upload_chunks(data_class: DataClass, chunks: Iterable[bytes], name: str, actor: Account) -> Run:
    """`upload` of what a browser or a program sends piece by piece. Raises `Empty` where nothing came."""
    with tempfile.NamedTemporaryFile(dir=work_root()) as kept:
        for chunk in chunks:
            kept.write(chunk)
        kept.flush()
        if not kept.tell():
            raise Empty
        return upload(data_class, Path(kept.name), name or "upload", actor)


def upload(
    data_class: DataClass, path: Path, name: str, actor: Account | None, trigger: str = Run.Trigger.UPLOAD
) -> Run:
    """Keep what a person or a program handed over; the run waits until somebody confirms how its columns map.

    The file is kept byte for byte first. Raises `Invalid` for a class that is registered but not described.
    """
    if not data_class.is_described:
        raise Invalid(_("这一类数据还没有编写列和规则，暂不能上传。"))
    raw, _is_new = archive.keep(path, data_class, name, clock.now())
    return from_raw(data_class, raw, trigger, actor, state=Run.State.WAITING, name=name)


@transaction.atomic
def from_raw(
    data_class: DataClass,
    raw: RawObject,
    trigger: str,
    actor: Account | None = None,
    channel: ClassChannel | None = None,
    state: str = Run.State.QUEUED,
    name: str = "",
) -> Run:
    """A run over bytes that are kept already; `name` is what they are called this time."""
    run = Run.objects.create(
        data_class=data_class,
        channel=channel or _handed_in_by(data_class, actor),
        trigger=trigger,
        state=state,
        actor=actor,
        raw=raw,
        queued_at=clock.now(),
        detail={"file": name} if name not in ("", raw.name) else {},
    )
    put_on_record(actor, run, "上传数据文件")
    return enqueue(run) if state == Run.State.QUEUED else run


def _handed_in_by(data_class: DataClass, actor: Account | None) -> ClassChannel | None:
    """The channel that a file handed in stands for: of the unit of who did it, and static where there is one."""
    channels = list(data_class.channels.filter(withdrawn_at=None).select_related("unit").order_by("id"))
    if actor is not None:
        scope = people.scope_of(actor, "data.upload")
        channels = [one for one in channels if scope.covers(one.unit)] or channels
    return next((one for one in channels if one.kind == Channel.STATIC), channels[0] if channels else None)


def keep_and_queue(channel: ClassChannel, path: Path, name: str, trigger: str) -> Run:
    """Keep bytes that a program delivered and queue their run; a changed layout makes it wait like any other."""
    raw, _is_new = archive.keep(path, channel.data_class, name, clock.now())
    return from_raw(channel.data_class, raw, trigger, None, channel, name=name)


def decisions_of(class_id: str) -> dict[str, str]:
    """Header → column (empty: left out), as decided so far."""
    standing = ColumnDecision.objects.filter(data_class_id=class_id, replaced_at=None)
    return dict(standing.values_list("header", "column"))


def record_decisions(
    data_class: DataClass,
    columns: Mapping[str, str],
    actor: Account | None,
    reason: str = "",
) -> None:
    """Record that each header is that column (empty: left out). Earlier decisions about a header are replaced.

    Raises `Invalid` for a column the class does not have, or one that two headers claim.
    """
    definition = reading.definition_of(data_class)
    claimed = [column for column in columns.values() if column]
    wrong = {
        header: _("没有这一列") for header, column in columns.items() if column and column not in definition.by_name
    }
    wrong |= {header: _("表头里有无法识别的字符") for header in columns if not _IS_TEXT(header)}
    wrong |= {header: _("两个表头对应了同一列") for header, column in columns.items() if claimed.count(column) > 1}
    if wrong:
        raise Invalid(_("列的对应有误，请按提示修改。"), fields=wrong)
    now = clock.now()
    standing = ColumnDecision.objects.filter(data_class=data_class, replaced_at=None)
    known = decisions_of(data_class.pk)
    changed = {header.strip(): column for header, column in columns.items() if known.get(header.strip()) != column}
    standing.filter(header__in=list(changed)).update(replaced_at=now)
    # A column that moves to another header leaves the one that had it.
    standing.filter(column__in=[column for column in changed.values() if column]).update(replaced_at=now)
    ColumnDecision.objects.bulk_create(
        ColumnDecision(
            data_class=data_class,
            header=header,
            column=column,
            reason=reason,
            decided_by=actor,
            decided_at=now,
        )
        for header, column in changed.items()
    )


@transaction.atomic
def decide(run: Run, columns: Mapping[str, str], actor: Account | None, reason: str = "") -> Run:
    """Settle what a waiting run asks, and queue it again from the bytes that are kept.

    Raises `Conflict` when the run does not wait any more.
    """
    run = Run.objects.select_for_update().get(pk=run.pk)
    if run.state != Run.State.WAITING or run.raw_id is None:
        raise Conflict(_("这次运行已不在等待决定，请刷新页面。"))
    record_decisions(run.data_class, columns, actor, reason)
    run.state, run.attempt, run.message, run.error = Run.State.QUEUED, run.attempt + 1, "", ""
    run.detail = {**run.detail, "confirmed_by": actor.name if actor else ""}
    run.save(update_fields=["state", "attempt", "message", "error", "detail"])
    put_on_record(actor, run, "确认数据列的对应")
    return enqueue(run)


@transaction.atomic
def release_waiting(run: Run, *, is_whole: bool) -> Run | None:
    """After a run was loaded: what waits behind it on its channel, most likely for the same decision, goes on by itself.

    Of increments the next, so that they keep their order; of whole deliveries (`is_whole`) the newest, and the others are not needed any
    more. What a person handed in waits for that person. Returns the run that was queued.
    """
    waiting = list(
        Run.objects.select_for_update()
        .filter(channel=run.channel, channel__isnull=False, state=Run.State.WAITING, trigger__in=UNATTENDED)
        .order_by("pk")
    )
    behind = [one for one in waiting if one.pk > run.first.pk]
    following = (behind[-1] if is_whole else behind[0]) if behind else None
    if is_whole:
        message = _("之后又收到一次报送，以后一次为准；现有数据不受影响。")
        unneeded = [one.pk for one in waiting if one is not following]
        Run.objects.filter(pk__in=unneeded).update(state=Run.State.CANCELLED, ended_at=clock.now(), message=message)
    if following is None:
        return None
    following.state, following.attempt, following.message = Run.State.QUEUED, following.attempt + 1, ""
    following.save(update_fields=["state", "attempt", "message"])
    return enqueue(following)


def refuse(run: Run, refused: Refused) -> None:
    """End a waiting run whose bytes turned out to be unusable when they were looked at, and say why."""
    Run.objects.filter(pk=run.pk, state=Run.State.WAITING).update(
        state=Run.State.REFUSED, error=refused.slug, message=str(refused.message), ended_at=clock.now()
    )


@transaction.atomic
def cancel(run: Run, actor: Account | None) -> Run:
    """End a run that is not ended yet; a running one stops at its next step and leaves nothing behind."""
    run = Run.objects.select_for_update().get(pk=run.pk)
    if run.state not in Run.UNENDED:
        raise Conflict(_("这次运行已经结束。"))
    run.state, run.ended_at = Run.State.CANCELLED, clock.now()
    run.message = _("已由 {name} 取消；现有数据不受影响。").format(name=actor.name if actor else _("系统"))
    run.save(update_fields=["state", "ended_at", "message"])
    put_on_record(actor, run, "取消数据入库")
    return run


@transaction.atomic
def retry(run: Run, actor: Account | None = None, at: dt.datetime | None = None, *, allow_shrink: bool = False) -> Run:
    """The same again: from the kept bytes where there are any, else from the source.

    `at`: not before; whatever runs now is not in its way. `allow_shrink`: a person has seen that the class really became that much smaller.
    """
    _lock(run.data_class)
    if run.state in Run.UNENDED:
        raise Conflict(_("这次运行还没有结束。"))
    if at is None and open_run_of(run.data_class):
        raise LoadInProgress
    last = Run.objects.filter(pk=run.pk).aggregate(latest=Max("retries__attempt"))["latest"] or run.attempt
    again = Run.objects.create(
        data_class=run.data_class,
        channel=run.channel,
        trigger=run.trigger if run.trigger == Run.Trigger.REPLAY else Run.Trigger.RETRY,
        actor=actor,
        raw=run.raw,
        retry_of=run,
        attempt=last + 1,
        queued_at=clock.now(),
        cursor_before=run.channel.cursor if run.channel else {},
        detail={
            **{name: run.detail[name] for name in ("complete", "confirmed_by") if name in run.detail},
            **({"allow_shrink": True} if allow_shrink else {}),
        },
    )
    put_on_record(actor, again, "放行并重试数据入库" if allow_shrink else "重试数据入库")
    return enqueue(again, at)


def retry_later(run: Run) -> Run | None:
    """After a failure that may pass by itself: again in 1, 5 and 30 minutes, then no more."""
    run.refresh_from_db()
    if run.attempt >= MAXIMUM_ATTEMPTS or run.trigger == Run.Trigger.REPLAY:
        return None
    minutes = _BACK_OFF_MINUTES[min(run.attempt, len(_BACK_OFF_MINUTES)) - 1]
    try:
        return retry(run, None, clock.now() + dt.timedelta(minutes=minutes))
    except Conflict:
        return None


def _lock(data_class: DataClass) -> None:
    """Two people who start at once: the second waits here and finds the first one's run."""
    DataClass.objects.select_for_update(of=("self",)).get(pk=data_class.pk)


def put_on_record(actor: Account | None, run: Run, purpose: str, elements: Iterable[str | None] = ()) -> None:
    """Record what a person did to a run; what the platform does by itself stands in the run."""
    if actor is None:
        return
    subject: tuple[str, Any] = ("data_class", run.data_class_id)
    audit.record(
        actor_of(actor),
        "change",
        subject=subject,
        elements=sorted({one for one in elements if one}),
        purpose=f"{purpose}（运行 {run.pk}）",
    )
