"""One run from beginning to end: pull, land, map, screen, publish, measure.

Whatever happens, the run ends in one closed state with a sentence for people, the work folder is empty again, and
the class shows either its old version whole or its new one. Safe to repeat: the same delivery twice adds nothing.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import YiciError
from yici.platform.data import engines
from yici.platform.data.catalogue import reading
from yici.platform.data.catalogue.definition import ClassDefinition
from yici.platform.data.engines.base import Screened, Screening
from yici.platform.data.errors import (
    DiskFull,
    LoadInProgress,
    Overtaken,
    Refused,
    SourceInconsistent,
    SourceUnavailable,
)
from yici.platform.data.lake import reading as lake
from yici.platform.data.lake.layout import quarantine_root, work_root
from yici.platform.data.lake.writing import note_success, publish
from yici.platform.data.landing import archive
from yici.platform.data.landing.applying import Mapped, apply_mapping
from yici.platform.data.landing.counting import counted
from yici.platform.data.landing.drift import Drift, compare
from yici.platform.data.landing.landing import Landed, land
from yici.platform.data.models import Channel, RawObject, Run, Snapshot
from yici.platform.data.quality import freshness, issues, measuring
from yici.platform.data.rules.deriving import rules_of
from yici.platform.data.rules.language import Rule
from yici.platform.data.runs import mending, pulling, quarantine
from yici.platform.data.runs.beat import DEAD_AFTER, Beat, Cancelled
from yici.platform.data.runs.starting import decisions_of, release_waiting, retry_later
from yici.platform.data.runs.telling import tell_of_end
from yici.platform.data.sources.base import SourceAccessDenied

__all__ = ["load"]

logger = logging.getLogger(__name__)
_DATE_IN_NAME = re.compile(r"(20\d{2})[-_]?(0[1-9]|1[0-2])[-_]?(0[1-9]|[12]\d|3[01])(?!\d)")
_SAMPLES = 5
_PASSING = (SourceUnavailable, SourceInconsistent, DiskFull)  # may be over in half an hour


class Waiting(Exception):
    """The layout changed; a person must decide. Nothing is wrong with the run."""

    def __init__(self, drift: Drift) -> None:
        self.drift = drift


def load(run_id: int) -> str:
    """Carry out a queued run; returns the state it ended in. A run that is not queued any more is left alone."""
    run = _claim(run_id)
    if run is None:
        return ""
    folder = work_root() / f"run-{run.pk}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        with Beat(run) as beat:
            _Loading(run, folder, beat).carry_out()
    except Cancelled:
        logger.info("run %s was cancelled", run.pk)
    except Waiting as waiting:
        _end(run, Run.State.WAITING, "", "；".join(waiting.drift.explanations))
    except LoadInProgress:
        _end(run, Run.State.FAILED, LoadInProgress.slug, str(LoadInProgress.message))
        retry_later(run)
    except Refused as refused:
        _end(run, Run.State.REFUSED, refused.slug, str(refused.message))
    except YiciError as error:
        _end(run, Run.State.FAILED, error.slug, str(error.message))
        if isinstance(error, _PASSING) and not isinstance(error, SourceAccessDenied):
            retry_later(run)
    except Exception:
        logger.exception("run %s of %s broke", run.pk, run.data_class_id)
        _end(run, Run.State.FAILED, "broken", _("程序出错，本次入库已撤销；请把运行编号告诉管理员，现有数据不受影响。"))
        retry_later(run)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        run.refresh_from_db()
        if run.state not in (Run.State.PUBLISHED, Run.State.RUNNING):
            _forget_quarantine(run)
    has_loaded = run.raw_id is not None and run.state in (Run.State.PUBLISHED, Run.State.UNCHANGED)
    if has_loaded and run.trigger != Run.Trigger.REPLAY:  # where nothing came, what waits is still the newest
        release_waiting(
            run, is_whole=bool(run.detail.get("complete", reading.definition_of(run.data_class).load == "full"))
        )
    tell_of_end(run)
    return str(run.state)


def _claim(run_id: int) -> Run | None:
    """Queued → running. A run of the same class that died without a word is ended first."""
    run = Run.objects.select_related("data_class", "channel__unit", "raw", "retry_of").filter(pk=run_id).first()
    if run is None or run.state != Run.State.QUEUED:
        return None
    limit = clock.now() - dt.timedelta(seconds=DEAD_AFTER)
    for dead in Run.objects.filter(data_class=run.data_class, state=Run.State.RUNNING, heartbeat_at__lt=limit):
        _end(dead, Run.State.FAILED, "killed", _("运行被意外终止，未写入任何数据；稍后会自动重试。"))
    now = clock.now()
    try:
        with transaction.atomic():
            claimed = Run.objects.filter(pk=run.pk, state=Run.State.QUEUED).update(
                state=Run.State.RUNNING, started_at=now, heartbeat_at=now, error="", message=""
            )
    except IntegrityError:  # another run of the class is alive: the database allows one
        _end(run, Run.State.FAILED, LoadInProgress.slug, str(LoadInProgress.message))
        retry_later(run)
        return None
    # Not the whole row: what was fetched along with it is asked for again and again.
    run.refresh_from_db(fields=["state", "attempt", "detail", "started_at", "heartbeat_at", "error", "message"])
    return run if claimed else None


def _end(run: Run, state: str, error: str, message: str) -> None:
    """Close a run that is still open; one that somebody cancelled meanwhile stays cancelled."""
    Run.objects.filter(pk=run.pk, state__in=Run.OPEN).update(
        state=state,
        error=error,
        message=message,
        ended_at=None if state == Run.State.WAITING else clock.now(),
        detail=run.detail,
    )


def _forget_quarantine(run: Run) -> None:
    path = _quarantine_path(run)
    path.unlink(missing_ok=True)


def _quarantine_path(run: Run) -> Path:
    return quarantine_root() / run.data_class_id / f"{run.pk}.parquet"


class _Loading:
    """The state of one run while it is carried out."""

    def __init__(self, run: Run, folder: Path, beat: Beat) -> None:
        self.run = run
        self.folder = folder
        self.beat = beat
        self.definition: ClassDefinition = reading.definition_of(run.data_class)
        self.rules: tuple[Rule, ...] = rules_of(self.definition)
        self.complete = self.definition.load == "full"
        self.seconds: dict[str, float] = {}
        self.rejected: Path | None = None
        self.rejected_rows = 0

    def carry_out(self) -> None:
        if self.run.trigger == Run.Trigger.REPLAY:
            landed = Mapped(self.folder / "mapped.parquet", {name: name for name in self.definition.by_name})
            mending.write_mended(self._replayed(), landed.file)
        else:
            raw = self._timed(Run.Phase.PULL, self._raw)
            if raw is None or self._is_known(raw):
                self._nothing_new(came=raw is not None or self._took_a_file())
                return
            landed = self._timed(Run.Phase.LAND, lambda: self._land(raw))
        screened = self._timed(Run.Phase.SCREEN, lambda: self._screen(landed))
        self._timed(Run.Phase.PUBLISH, lambda: self._publish(screened))
        Run.objects.filter(pk=self.run.pk).update(detail={**self.run.detail, "seconds": self.seconds})

    def _timed(self, phase: str, work: Callable[[], Any]) -> Any:
        self.beat.phase(phase)
        began = time.monotonic()
        try:
            return work()
        finally:
            self.seconds[phase] = round(time.monotonic() - began, 3)

    def _replayed(self) -> Run:
        assert self.run.retry_of is not None
        return self.run.retry_of

    # Pull -------------------------------------------------------------------------------------------------

    def _raw(self) -> RawObject | None:
        if self.run.raw is not None:
            if self.run.trigger == Run.Trigger.RETRY and self.run.actor_id is None and self.run.overtaken_by():
                raise Overtaken
            self.complete = bool(self.run.detail.get("complete", self.complete))
            return self.run.raw
        pulled = pulling.pull(self.run, self.definition, self.beat)
        self.complete = pulled.complete
        return pulled.raw

    def _is_known(self, raw: RawObject) -> bool:
        """Whether these bytes led to what the class shows now (full), or were loaded ever (increments)."""
        if self.run.retry_of_id or self.run.detail.get("confirmed_by") is not None:
            return False
        loaded = Snapshot.objects.filter(data_class=self.run.data_class, run__raw=raw, state="published")
        if self.complete:
            loaded = loaded.filter(pk=self.run.data_class.current_id or 0)
        return loaded.exists() or self._led_to_nothing(raw)

    def _led_to_nothing(self, raw: RawObject) -> bool:
        """The same bytes were screened against the version that is still current, and changed nothing."""
        current = self.run.data_class.current
        since = Run.objects.filter(data_class=self.run.data_class, raw=raw, state=Run.State.UNCHANGED)
        return current is not None and since.filter(ended_at__gte=current.published_at).exists()

    def _nothing_new(self, *, came: bool) -> None:
        """The same bytes as before (`came`), or nothing: that is a success where the source itself was asked, and no delivery
        where a unit hands its files in. While the last delivery is not loaded, the class is not up to date either.
        """
        self.run.detail = {**self.run.detail, "seconds": self.seconds}
        unloaded = None if came else self._unloaded()
        message = _("数据源没有新的内容。")
        if unloaded is not None:
            message += _("上一次送来的数据还没有入库（运行 {number}），请先处理。").format(number=unloaded)
        is_handed_in = self.run.channel is not None and self.run.channel.kind in (Channel.FILE_DROP, Channel.STATIC)
        with transaction.atomic():
            _end(self.run, Run.State.UNCHANGED, "", message)
            if came or (unloaded is None and not is_handed_in):
                note_success(self.run.channel)

    def _took_a_file(self) -> bool:
        """Whether a folder had a file whose content was taken before: it brings no bytes, and is a delivery all the same."""
        return bool(self.run.cursor_after.get("files", {}) != self.run.cursor_before.get("files", {}))

    def _unloaded(self) -> int | None:
        """Number of the run whose bytes are kept and in no version, if that is the channel's last delivery."""
        before = self.run.data_class.runs.filter(channel=self.run.channel, raw__isnull=False, pk__lt=self.run.pk)
        last = before.exclude(trigger=Run.Trigger.REPLAY).order_by("-pk").first()
        loaded = (Run.State.PUBLISHED, Run.State.UNCHANGED)
        return None if last is None or last.state in loaded else last.pk

    # Land -------------------------------------------------------------------------------------------------

    def _land(self, raw: RawObject) -> Mapped:
        target = self.folder / "landed.parquet"
        landed = land(archive.path_of(raw), target, name=self.run.file_name or raw.name, progress=self.beat.progress)
        decisions = decisions_of(self.run.data_class_id)
        landed = counted(landed, target, self.definition, decisions)
        earlier = self._earlier_landing()
        drift = compare(landed, self.definition, decisions, earlier.get("headers", []), earlier.get("encoding") or "")
        self.run.detail = {**self.run.detail, "landing": _told(landed), "drift": asdict(drift)}
        self.rejected, self.rejected_rows = landed.rejected, landed.rejected_rows
        if drift.is_blocking:
            raise Waiting(drift)
        return apply_mapping(target, landed, drift.mapping, self.folder / "mapped.parquet", self.definition)

    def _earlier_landing(self) -> dict[str, Any]:
        """What landing told of the channel's last published delivery; empty before the first."""
        earlier = self.run.data_class.runs.filter(state=Run.State.PUBLISHED, channel=self.run.channel).exclude(
            trigger=Run.Trigger.REPLAY
        )
        return earlier.order_by("-id").values_list("detail__landing", flat=True).first() or {}

    # Screen -----------------------------------------------------------------------------------------------

    def _screen(self, landed: Mapped) -> Screened:
        target = _quarantine_path(self.run)
        target.parent.mkdir(parents=True, exist_ok=True)
        references: dict[str, list[Path]] = {}
        for rule in self.rules:
            wanted = str(rule.parameters.get("class", ""))
            if wanted and wanted not in references:
                references[wanted] = lake.files_of_class(wanted)
        job = Screening(
            definition=self.definition,
            # A class that is not in the lake yet proves nothing about those that refer to it.
            rules=[rule for rule in self.rules if references.get(str(rule.parameters.get("class", "")), True)],
            landed=[landed.file],
            names=landed.names,
            accepted=self.folder / "accepted.parquet",
            quarantined=target,
            today=clock.today(),
            references={name: files for name, files in references.items() if files},
        )
        screened = engines.screen(job, self.beat.progress)
        if self.rejected is not None and self.rejected_rows:
            quarantine.add_misshapen(target, self.rejected)
        return screened

    # Publish ----------------------------------------------------------------------------------------------

    def _publish(self, screened: Screened) -> None:
        is_replay = self.run.trigger == Run.Trigger.REPLAY
        mode = Snapshot.Mode.REPLAY if is_replay else Snapshot.Mode.FULL if self.complete else Snapshot.Mode.INCREMENT
        publish(
            self.run.data_class,
            [self.folder / "accepted.parquet"],
            definition=self.definition,
            mode=mode,
            run=self.run,
            data_date=self._data_date(),
            channel=None if is_replay else self.run.channel,
            allow_shrink=bool(self.run.detail.get("allow_shrink")),
            held=self._held_keys() if mode == Snapshot.Mode.FULL and screened.quarantined else None,
            within=lambda snapshot: self._close_and_measure(screened, snapshot),
        )

    def _held_keys(self) -> Path:
        return quarantine.write_keys(_quarantine_path(self.run), self.definition, self.folder / "held-keys.parquet")

    def _close_and_measure(self, screened: Screened, snapshot: Snapshot) -> None:
        """In the transaction that shows the new version: counts, scores and issues stand or fall with it."""
        self._close(screened, snapshot)
        began = time.monotonic()
        self._measure(screened, snapshot)
        self.seconds[Run.Phase.MEASURE] = round(time.monotonic() - began, 3)

    def _close(self, screened: Screened, snapshot: Snapshot) -> None:
        """Close the run with its counts; raises `Cancelled` where somebody cancelled it meanwhile."""
        held = screened.quarantined + self.rejected_rows
        run = self.run
        run.rows_read, run.rows_accepted, run.rows_quarantined = (
            screened.rows + self.rejected_rows,
            screened.accepted,
            held,
        )
        run.quarantine = str(_quarantine_path(run).relative_to(settings.DATA_HOME)) if held else ""
        changed = snapshot.run_id == run.pk
        run.detail = {
            **run.detail,
            "failed": {one.rule.id: one.failed for one in screened.outcomes if one.failed},
            "snapshot": snapshot.number,
            "kept": snapshot.kept if changed else 0,
        }
        closed = Run.objects.filter(pk=run.pk, state=Run.State.RUNNING).update(
            state=Run.State.PUBLISHED if changed or held else Run.State.UNCHANGED,
            ended_at=clock.now(),
            rows_read=run.rows_read,
            rows_accepted=run.rows_accepted,
            rows_quarantined=run.rows_quarantined,
            quarantine=run.quarantine,
            detail=run.detail,
            message=_unchanged(held) if not changed else "",
        )
        if not closed:
            raise Cancelled
        if run.trigger == Run.Trigger.REPLAY:
            failing = {one.row: list(one.reasons) for one in quarantine.read(_quarantine_path(run), limit=1_000_000)}
            mending.settle(self._replayed(), run, failing)

    def _data_date(self) -> dt.date:
        found = _DATE_IN_NAME.search(self.run.file_name)
        if found:
            try:
                named = dt.date(int(found[1]), int(found[2]), int(found[3]))
                return min(named, clock.today())
            except ValueError:
                pass
        return timezone.localdate(self.run.queued_at)

    # Measure ----------------------------------------------------------------------------------------------

    def _measure(self, screened: Screened, snapshot: Snapshot) -> None:
        """Scores and issues. A replay speaks of a few mended rows only, so it says nothing about the class."""
        channel = self.run.channel
        if self.run.trigger != Run.Trigger.REPLAY:
            measuring.measure(self.run, snapshot, screened.outcomes)
            issues.update(self.run, snapshot, screened.outcomes, self._samples)
        if channel is not None and self.run.trigger in (Run.Trigger.UPLOAD, Run.Trigger.SCHEDULE):
            is_drop = channel.kind == Channel.FILE_DROP
            channel.next_run_at = freshness.next_run_at(self.definition.cycle, clock.now(), is_drop=is_drop)
            channel.save(update_fields=["next_run_at"])

    def _samples(self, rule_id: str) -> list[dict[str, Any]]:
        """A few rows that fail a rule, with everything they hold; who shows them masks."""
        return [{"row": one.row, **one.values} for one in self._held.get(rule_id, [])]

    @cached_property
    def _held(self) -> dict[str, list[quarantine.HeldRow]]:
        return quarantine.samples(self.run, _SAMPLES)


def _unchanged(held: int) -> str:
    if held:
        return _("合格的行与现有数据一致，没有产生新版本；不合格的行已隔离。")
    return _("内容与现有数据一致，没有产生新版本。")


def _told(landed: Landed) -> dict[str, Any]:
    """What landing found, as the run keeps it: no values."""
    return {
        "kind": landed.kind,
        "encoding": landed.encoding,
        "delimiter": landed.delimiter,
        "headers": list(landed.headers),
        "sheets": list(landed.sheets),
        "bytes": landed.byte_count,
        "rows": landed.rows,
        "warnings": [str(one) for one in landed.warnings],
        "rejected": landed.rejected_rows,
    }
