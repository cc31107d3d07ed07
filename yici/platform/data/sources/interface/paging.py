"""Page after page into one file of JSON lines, with a log from which a cut pull goes on.

Every page must state the same total, no page may come twice, and at the end the rows must be as many as stated.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from yici.platform.data.disk import disk_full_is_told
from yici.platform.data.errors import DiskFull, SourceInconsistent
from yici.platform.data.sources.base import Pace, SourceMisconfigured
from yici.platform.data.sources.failures import failure
from yici.platform.data.sources.interface.client import Client
from yici.platform.data.sources.interface.options import InterfaceOptions
from yici.platform.data.sources.writing import Digest

_RESUME_WITHIN = 3600.0  # seconds: later the pages before may not be those of now


@dataclass
class State:
    """How far it is, after a whole page. `next`: the page or cursor to ask for; None: that was the last."""

    next: str | None
    bytes: int = 0
    rows: int = 0
    total: int | None = None
    as_of: str = ""
    digest: str = "0:0"
    page: str = ""
    columns: list[str] = field(default_factory=list)
    at: float = 0.0


class Paging:
    """One pull. `draft` holds the rows, `log` a line per page."""

    def __init__(self, client: Client, options: InterfaceOptions, since: str, draft: Path, pace: Pace) -> None:
        self.client, self.options, self.since, self.pace = client, options, since, pace
        self.draft = draft
        self._pages: set[str] = set()

    @property
    def log(self) -> Path:
        return self.draft.with_name(self.draft.name + ".log")

    def run(self) -> State:
        """Fetch every page that is missing. Raises `SourceInconsistent`; what is there then is thrown away."""
        try:
            state = self._resumed()
            with disk_full_is_told(), self.draft.open("ab") as rows, self.log.open("a", encoding="utf-8") as log:
                while state.next is not None:
                    state = self._page(state, rows)
                    rows.flush()
                    log.write(json.dumps(asdict(state), ensure_ascii=False) + "\n")
                    log.flush()
            if state.total is not None and state.rows != state.total:
                raise SourceInconsistent(
                    _("数据接口称共有 %(total)d 行，实际给出 %(rows)d 行；稍后会从头重试。")
                    % {"total": state.total, "rows": state.rows}
                )
        except (SourceInconsistent, DiskFull):
            self.draft.unlink(missing_ok=True)
            self.log.unlink(missing_ok=True)
            raise
        self.log.unlink()
        return state

    def look(self) -> None:
        """Ask for the first page only, and whether it is as the options say."""
        answer = self.client.get(self._parameters(self._beginning()))
        self._rows(answer)
        self._total(answer)

    def _beginning(self) -> State:
        return State(next=str(self.options.first_page) if self.options.paging == "page" else "")

    def _resumed(self) -> State:
        """The last whole page that was logged, the file cut back to it; else the beginning."""
        state = begin = self._beginning()
        if self.log.exists() and self.draft.exists():
            for line in self.log.read_text("utf-8").splitlines():
                try:
                    state = State(**json.loads(line))
                except ValueError:
                    break  # the last line of a process that was killed while writing
                self._pages.add(state.page)
            if state.bytes > self.draft.stat().st_size or time.time() - state.at > _RESUME_WITHIN:
                state = begin
        if state is begin:
            self._pages.clear()
            self.log.unlink(missing_ok=True)
        self.draft.touch()
        with self.draft.open("r+b") as handle:
            handle.truncate(state.bytes)
        self.pace.total = state.total
        self.pace.advance(state.rows)
        return state

    def _page(self, state: State, target: Any) -> State:
        answer = self.client.get(self._parameters(state))
        rows = self._rows(answer)
        total = self._total(answer)
        if state.page and total != state.total:
            raise SourceInconsistent(
                _("数据接口在两页上给出不同的总数（%(before)s 和 %(now)s），取数期间数据有变动；稍后会从头重试。")
                % {"before": state.total, "now": total}
            )
        page = Digest()
        digest, columns = Digest(state.digest), dict.fromkeys(state.columns)
        size = state.bytes
        for row in rows:
            text = {name: _as_text(value) for name, value in row.items()}
            columns |= dict.fromkeys(text)
            page.add(list(text.items()))
            digest.add(sorted(text.items()))
            size += target.write((json.dumps(text, ensure_ascii=False) + "\n").encode())
        if rows and page.value in self._pages:
            raise SourceInconsistent(_("数据接口把同一页给了两次；稍后会从头重试。"))
        self._pages.add(page.value)
        self.pace.total = total
        self.pace.advance(len(rows))
        as_of = state.as_of or str(_at(answer, self.options.as_of) or "")
        done = State(
            None, size, state.rows + len(rows), total, as_of, digest.value, page.value, list(columns), time.time()
        )
        done.next = self._next(state, done, answer, len(rows))
        return done

    def _parameters(self, state: State) -> dict[str, str]:
        options = self.options
        found = dict(options.parameters)
        if self.since:
            found[options.since_parameter] = self.since
        if options.paging != "none":
            found[options.size_parameter] = str(options.size)
            if state.next:
                found[options.page_parameter if options.paging == "page" else options.cursor_parameter] = state.next
        return found

    def _next(self, before: State, done: State, answer: Any, rows: int) -> str | None:
        if self.options.paging == "none":
            return None
        if self.options.paging == "cursor":
            following = _at(answer, self.options.next)
            if following is not None and str(following) == before.next and rows:
                raise SourceInconsistent(_("数据接口的游标没有前进；稍后会从头重试。"))
            return str(following) if following not in (None, "", False) else None
        if done.total is not None and done.rows >= done.total:
            return None
        return str(int(before.next or 0) + 1) if rows else None

    def _rows(self, answer: Any) -> list[dict[str, Any]]:
        rows = _at(answer, self.options.rows) if self.options.rows else answer
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise failure(
                SourceMisconfigured,
                "no-rows",
                _("数据接口的应答中，“%(rows)s”处不是行的列表。") % {"rows": self.options.rows},
                _("请核对参数 rows。"),
                "rows",
            )
        return rows

    def _total(self, answer: Any) -> int | None:
        if not self.options.total or self.options.paging == "none":
            return None
        stated = _at(answer, self.options.total)
        if stated is None and self.options.paging == "cursor":
            return None
        if not str(stated).isdecimal():
            raise failure(
                SourceMisconfigured,
                "no-total",
                _("数据接口的应答中，“%(total)s”处没有总行数。") % {"total": self.options.total},
                _("请核对参数 total；接口不给总数时留空。"),
                "total",
            )
        return int(str(stated))


def _at(answer: Any, pointer: str) -> Any:
    for part in pointer.split("."):
        if not isinstance(answer, dict):
            return None
        answer = answer.get(part)
    return answer


def _as_text(value: Any) -> str | None:
    """As landing wants it: text or null. Numbers are text already, as they were written."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False)
