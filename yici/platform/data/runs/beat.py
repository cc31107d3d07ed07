"""The pulse of a running run: progress, a sign of life, and word that somebody cancelled it.

A thread of its own writes once a second, so that a long statement in an engine does not look like a dead run.
"""

from __future__ import annotations

import threading
from types import TracebackType

from django.db import connection

from yici.base import clock
from yici.platform.data.models import Run

SECONDS = 1.0
DEAD_AFTER = 30.0  # seconds without a sign of life: the process was killed


class Cancelled(Exception):
    """Somebody cancelled the run; it ends at the next opportunity and leaves nothing behind."""


class Beat:
    """Use as a context: `with Beat(run) as beat: … beat.progress(rows)`."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._done = 0
        self._total: int | None = None
        self._phase = ""
        self._stop = threading.Event()
        self._gone = threading.Event()
        self._thread = threading.Thread(target=self._live, name=f"run-{run.pk}", daemon=True)

    def __enter__(self) -> Beat:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def phase(self, phase: str, total: int | None = None) -> None:
        """A new phase begins; `total` in the unit of its progress. Raises `Cancelled`."""
        self._phase, self._done, self._total = phase, 0, total
        self._write()
        self._check()

    def progress(self, done: int, total: int | None = None) -> None:
        """So much of the phase is done. Cheap: written by the pulse. Raises `Cancelled`."""
        self._done = done
        self._total = total if total is not None else self._total
        self._check()

    def _check(self) -> None:
        if self._gone.is_set():
            raise Cancelled

    def _write(self) -> None:
        mine = Run.objects.filter(pk=self._run.pk)
        alive = mine.filter(state=Run.State.RUNNING).update(
            phase=self._phase, progress_done=self._done, progress_total=self._total, heartbeat_at=clock.now()
        )
        if not alive and mine.exists():
            self._gone.set()

    def _live(self) -> None:
        try:
            while not self._stop.wait(SECONDS):
                self._write()
        finally:
            connection.close()
