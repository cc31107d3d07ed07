"""Where a pull over the exchange channel was cut, and whether the next may go on from there.

Rows are then read in the order of the watermark, so that everything below a mark is in the draft. A new session sees
a later state of the database; the draft is still true where the watermarks below its mark are, one by one, what they
were: a row that changed has left, one that came late or was deleted shows.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from yici.platform.data.sources.writing import Row


@dataclass(frozen=True)
class Cut:
    """`rows` of the draft, its first `size` bytes, have their watermark below `mark`; `check` is of these watermarks.

    `shape` and `since`: what the draft is of (see `_Pulling`).
    """

    shape: str
    since: str | None
    mark: str = ""
    rows: int = 0
    check: int = 0
    size: int = 0


class Cuts:
    """The latest cut of one draft, in a file beside it: whatever ends the process, it speaks of rows that are there."""

    def __init__(self, draft: Path) -> None:
        self._draft = draft
        self._file = draft.with_name(draft.name + ".cut")

    def read(self) -> Cut | None:
        """None where nothing was cut, or what was kept is not whole."""
        try:
            cut = Cut(**json.loads(self._file.read_text("utf-8")))
            return cut if self._draft.stat().st_size >= cut.size > 0 else None
        except (OSError, ValueError, TypeError):
            return None

    def keep(self, cut: Cut) -> None:
        written = self._file.with_name(self._file.name + ".new")
        written.write_text(json.dumps(asdict(cut)), "utf-8")
        written.replace(self._file)

    def clear(self) -> None:
        """The draft is begun anew, or finished."""
        self._file.unlink(missing_ok=True)

    def forget(self) -> None:
        """The draft is of no use."""
        self.clear()
        self._draft.unlink(missing_ok=True)


class Marks:
    """Follows rows in the order of their watermark, which is value `place` of a row, and tells where a cut may be.

    The last value of a row is 1 where the next pull brings it again: no cut among those, as their digest must come
    from one pull.
    """

    def __init__(self, cut: Cut, place: int) -> None:
        self.cut = cut
        self._place, self._rows, self._check, self._last = place, cut.rows, cut.check, ""

    def below(self, batch: Sequence[Row]) -> int:
        """Moves `cut`, all but its size, up to the last watermark of the batch; how many rows come before, or -1."""
        marks = [row[self._place] or "" for row in batch]
        mark = marks[-1]
        before = marks.index(mark)
        check = checked(marks[:before], self._check)
        is_moved = batch[-1][-1] == "0" and (before > 0 or self._last not in ("", mark))
        if is_moved:
            self.cut = replace(self.cut, mark=mark, rows=self._rows + before, check=check)
        self._rows, self._check, self._last = self._rows + len(batch), checked(marks[before:], check), mark
        return before if is_moved else -1


def checked(marks: Iterable[str], check: int = 0) -> int:
    """The check sum of watermarks one after the other, going on from that of those before; it tells slips, not fraud."""
    return zlib.crc32("".join(f"{mark}\n" for mark in marks).encode(), check)
