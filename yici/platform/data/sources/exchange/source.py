"""The exchange channel: a department's database, read by SQL.

With a watermark, each pull begins somewhat behind where the last one ended (`overlap`) and brings that stretch
again: rows of a tie, of a commit that came late or of a clock that lags are in it. Whether anything in it is new is
told by a digest, so that a quiet table brings nothing. Without a watermark the whole table is read and compared.

A long pull by watermark that was cut goes on where it stopped (`resuming`). One without begins again: what was read
before and after the cut would be of two moments, and nothing could tell.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yici.base.errors import YiciError
from yici.platform.data.disk import disk_full_is_told, sha256_of
from yici.platform.data.errors import DiskFull, SourceInconsistent
from yici.platform.data.sources import base
from yici.platform.data.sources.base import (
    Pace,
    Problem,
    Progress,
    Pull,
    Pulled,
    SourceMisconfigured,
    Stop,
    local_name,
    read_options,
)
from yici.platform.data.sources.connections import Connection, connection
from yici.platform.data.sources.defaults import completed
from yici.platform.data.sources.exchange.mysql import MysqlSession
from yici.platform.data.sources.exchange.options import ExchangeOptions
from yici.platform.data.sources.exchange.postgresql import PostgresqlSession
from yici.platform.data.sources.exchange.resuming import Cut, Cuts, Marks, checked
from yici.platform.data.sources.exchange.session import Session, SourceColumn
from yici.platform.data.sources.failures import clock_problems, failure, problem_of
from yici.platform.data.sources.writing import Digest, Row, TableWriter, short_digest

if TYPE_CHECKING:
    from yici.platform.data.catalogue.definition import ClassDefinition


class Exchange:
    """Implements `Source`."""

    kind = "exchange"
    label: str | Promise = gettext_lazy("交换平台对接")
    Options: type[base.Options] = ExchangeOptions

    def check_config(self, options: dict[str, Any], *, definition: ClassDefinition | None = None) -> list[Problem]:
        try:
            chosen = read_options(ExchangeOptions, completed(self.kind, options, definition))
            with _session(_connection(chosen)) as session:
                columns = session.columns(session.relation(chosen))
                missing = _missing_keys(chosen, columns, definition)
                return [*_column_problems(chosen, columns), *missing, *_clock_problems(session)]
        except YiciError as error:
            return [problem_of(error)]

    def pull(
        self,
        options: dict[str, Any],
        cursor: dict[str, Any],
        into: Path,
        *,
        definition: ClassDefinition | None = None,
        progress: Progress | None = None,
        stop: Stop | None = None,
    ) -> Pull:
        chosen = read_options(ExchangeOptions, completed(self.kind, options, definition))
        at = _connection(chosen)
        into.mkdir(parents=True, exist_ok=True)
        pace = Pace(progress, stop, at.timeouts.total)
        with _session(at) as session:
            return _Pulling(session, chosen, cursor, pace).pull(into)


@dataclass
class _Stretch:
    """Which rows to bring: all, or those from `since` (less the overlap) on. `until`: the next pull's `since`."""

    since: str | None = None
    until: str | None = None
    notes: list[str] = field(default_factory=list)


class _Pulling:
    """One pull in one session."""

    def __init__(self, session: Session, options: ExchangeOptions, cursor: dict[str, Any], pace: Pace) -> None:
        self.session, self.options, self.pace = session, options, pace
        self.relation = session.relation(options)
        there = session.columns(self.relation)
        self.columns = self._columns(there)
        self.watermark = next((one for one in there if one.name == options.watermark), None)
        self.shape = _shape(options, self.columns)
        self.cursor = cursor

    def _columns(self, there: Sequence[SourceColumn]) -> list[SourceColumn]:
        if problems := _column_problems(self.options, there):
            first = problems[0]
            raise failure(SourceMisconfigured, first.code, first.message, first.remedy, first.field)
        by_name = {one.name: one for one in there}
        return [by_name[name] for name in self.options.columns] if self.options.columns else list(there)

    def pull(self, into: Path) -> Pull:
        stretch = self._stretch()
        where, parameters = self._where(stretch.since)
        total = int(self.session.one(f"SELECT count(*) FROM {self.relation}{where}", parameters)[0] or 0)  # noqa: S608
        self.pace.total = total
        name = f"{self.options.table or 'query'}.{self.options.format}"
        target = into / local_name(name)
        draft = target.with_name(target.name + ".part")
        cuts = Cuts(draft)
        try:
            with disk_full_is_told():
                digest = (self._ordered if self._is_resumable() else self._whole)(draft, cuts, stretch)
        except DiskFull:
            cuts.forget()
            raise
        if self.pace.done != total:
            cuts.forget()
            raise SourceInconsistent(
                _("取数前统计有 %(total)d 行，实际取到 %(done)d 行，取数期间数据有变动；稍后会从头重试。")
                % {"total": total, "done": self.pace.done}
            )
        cursor = {"shape": self.shape, "watermark": stretch.until, "digest": digest.value, "rows": total}
        if digest.value == self._known(stretch) or (stretch.since is not None and total == 0):
            cuts.forget()
            return Pull([], cursor, stretch.since is None, total, stretch.notes)
        draft.replace(target)
        cuts.clear()
        pulled = Pulled(target, name, sha256_of(target), target.stat().st_size)
        return Pull([pulled], cursor, stretch.since is None, total, stretch.notes)

    def _known(self, stretch: _Stretch) -> str:
        """The digest that means nothing new, where it was made of the same stretch."""
        same = self.cursor.get("shape") == self.shape and self.cursor.get("watermark") == stretch.until
        return str(self.cursor.get("digest", "")) if same else ""

    def _stretch(self) -> _Stretch:
        stretch = _Stretch()
        if self.watermark is None:
            return stretch
        column = self.session.quote(self.watermark.name)
        stretch.until = self._newest(column, stretch)
        since = self.cursor.get("watermark")
        if self.cursor and self.cursor.get("shape") != self.shape:
            stretch.notes.append(_("对接参数或表结构有变化，本次重新读取全部数据。"))
        elif since and self._went_back(column, since):
            stretch.notes.append(_("数据源的水位比上次还早（可能恢复了备份），本次重新读取全部数据。"))
        elif since:
            stretch.since = since
        return stretch

    def _newest(self, column: str, stretch: _Stretch) -> str | None:
        """The highest watermark that is not in the future: one wrong date must not hide all later changes."""
        assert self.watermark is not None
        text = self.session.as_text
        if self.watermark.kind == "number":
            return self.session.one(f"SELECT {text(f'max({column})')} FROM {self.relation}")[0]  # noqa: S608
        now = self.session.now(self.watermark)
        newest = f"SELECT {text(f'max({column})')} FROM {self.relation} WHERE {column} <= {now}"  # noqa: S608
        later = f"SELECT count(*), {text(f'max({column})')} FROM {self.relation} WHERE {column} > {now}"  # noqa: S608
        count, latest = self.session.one(later)
        if int(count or 0):
            stretch.notes.append(
                _("有 %(count)s 行的“%(column)s”晚于数据库当前时间（最晚 %(latest)s），水位不越过当前时间。")
                % {"count": count, "column": self.watermark.name, "latest": latest}
            )
        return self.session.one(newest)[0]

    def _went_back(self, column: str, since: str) -> bool:
        assert self.watermark is not None
        behind = self.session.behind(self.watermark, self.options.overlap)
        sql = f"SELECT {self.session.as_text(f'CASE WHEN max({column}) >= {behind} THEN 0 ELSE 1 END')} FROM {self.relation}"  # noqa: S608
        return self.session.one(sql, [since])[0] == "1"

    def _where(self, since: str | None) -> tuple[str, list[str]]:
        """Rows without a watermark belong to every stretch: nobody can say that they did not change."""
        if since is None or self.watermark is None:
            return "", []
        condition, parameters = self._from(since, self.options.overlap)
        return f" WHERE ({condition} OR {self.session.quote(self.watermark.name)} IS NULL)", parameters

    def _whole(self, draft: Path, cuts: Cuts, stretch: _Stretch) -> Digest:
        """Write the rows as they come; the digest is of those that the next pull will bring again."""
        cuts.clear()
        where, parameters = self._where(stretch.since)
        inside, inner = self._again(stretch.until)
        digest = Digest()
        with TableWriter(draft, self._names, self.options.format) as writer:
            for rows in self._rows([inside], where, [*inner, *parameters]):
                self._take(rows, writer, digest)
                self.pace.advance(len(rows))
        return digest

    # In the order of the watermark ---------------------------------------------------------------------------

    def _is_resumable(self) -> bool:
        total = self.pace.total or 0
        return self.watermark is not None and self.options.format == "csv" and total >= self.options.resumable_rows

    def _ordered(self, draft: Path, cuts: Cuts, stretch: _Stretch) -> Digest:
        """As `_whole`, going on behind a cut and noting how far a next pull could; rows without a watermark come last."""
        assert self.watermark is not None
        column = self.session.quote(self.watermark.name)
        begun = self._confirmed(cuts.read(), stretch)
        if not begun.rows:
            cuts.clear()
        above, parameters = self._from(begun.mark, 0) if begun.mark else self._from(stretch.since, self.options.overlap)
        inside, inner = self._again(stretch.until)
        place, mark = self._mark()
        marks, digest = Marks(begun, place), Digest()
        self.pace.advance(begun.rows)
        with TableWriter(draft, self._names, self.options.format, begun.size) as writer:
            for rows in self._rows([*mark, inside], f" WHERE {above} ORDER BY {column}", [*inner, *parameters]):
                below = marks.below(rows)
                if below >= 0:  # none of these is brought again: no digest
                    writer.write(rows[:below])
                    cuts.keep(replace(marks.cut, size=writer.size()))
                self._take(rows[max(below, 0) :], writer, digest)
                self.pace.advance(len(rows))
            for rows in self._rows(["'1'"], f" WHERE {column} IS NULL", []):
                self._take(rows, writer, digest)
                self.pace.advance(len(rows))
        return digest

    def _confirmed(self, cut: Cut | None, stretch: _Stretch) -> Cut:
        """The cut to go on from; an empty one where there is none, or the source does not hold the same rows any more."""
        assert self.watermark is not None
        fresh = Cut(self.shape, stretch.since)
        if cut is None or (cut.shape, cut.since) != (self.shape, stretch.since):
            return fresh
        column = self.session.quote(self.watermark.name)
        above, parameters = self._from(stretch.since, self.options.overlap)
        below = f"{above} AND {column} < {self.session.behind(self.watermark, 0)}"
        sql = f"SELECT {self.session.as_text(column)} AS _0 FROM {self.relation} WHERE {below} ORDER BY {column}"  # noqa: S608
        rows = check = 0
        for batch in self.session.stream(sql, [*parameters, cut.mark], self.options.batch_rows):
            rows, check = rows + len(batch), checked((row[0] or "" for row in batch), check)
            self.pace.advance()
        if (rows, check) != (cut.rows, cut.check):
            stretch.notes.append(_("上次中断前取到的数据在数据源已有变动，本次从头取数。"))
            return fresh
        stretch.notes.append(_("上次取到 %(rows)d 行后中断，本次从断点继续。") % {"rows": cut.rows})
        return cut

    def _mark(self) -> tuple[int, list[str]]:
        """The place of the watermark in a row, and what is to be selected besides for it to be there."""
        assert self.watermark is not None
        if self.watermark.name in self._names:
            return self._names.index(self.watermark.name), []
        return len(self.columns), [self.session.as_text(self.session.quote(self.watermark.name))]

    def _from(self, value: str | None, overlap: int) -> tuple[str, list[str]]:
        """Condition: with a watermark, from `value` less the overlap on."""
        assert self.watermark is not None
        column = self.session.quote(self.watermark.name)
        if value is None:
            return f"{column} IS NOT NULL", []
        return f"{column} >= {self.session.behind(self.watermark, overlap)}", [value]

    # Both ways -------------------------------------------------------------------------------------------------

    @property
    def _names(self) -> list[str]:
        return [one.name for one in self.columns]

    def _rows(self, further: list[str], where: str, parameters: Sequence[str]) -> Iterator[list[Row]]:
        selected = [self.session.as_text(self.session.quote(name)) for name in self._names]
        # Names of their own: ORDER BY would otherwise find the text of a column before the column.
        named = ", ".join(f"{value} AS _{place}" for place, value in enumerate([*selected, *further]))
        sql = f"SELECT {named} FROM {self.relation}{where}"  # noqa: S608
        return self.session.stream(sql, parameters, self.options.batch_rows)

    def _take(self, rows: Sequence[Row], writer: TableWriter, digest: Digest) -> None:
        width = len(self.columns)
        writer.write(rows)
        for row in rows:
            if row[-1] == "1":
                digest.add(row[:width])

    def _again(self, until: str | None) -> tuple[str, list[str]]:
        if self.watermark is None or until is None:
            return "'1'", []
        column = self.session.quote(self.watermark.name)
        behind = self.session.behind(self.watermark, self.options.overlap)
        return f"CASE WHEN {column} < {behind} THEN '0' ELSE '1' END", [until]


def _connection(options: ExchangeOptions) -> Connection:
    return connection(options.connection, ("postgresql", "mysql"))


def _session(at: Connection) -> Session:
    return PostgresqlSession(at) if at.kind == "postgresql" else MysqlSession(at)


def _shape(options: ExchangeOptions, columns: Sequence[SourceColumn]) -> str:
    """Changes when a cursor's watermark and digest do not speak of the same rows any more."""
    parts = [options.table, options.query, options.watermark, options.overlap, [one.name for one in columns]]
    return short_digest(parts)


def _column_problems(options: ExchangeOptions, columns: Sequence[SourceColumn]) -> list[Problem]:
    there = {one.name: one for one in columns}
    problems = [_missing("missing-column", name, "columns") for name in options.columns if name not in there]
    watermark = options.watermark
    if watermark and watermark not in there:
        problems.append(_missing("missing-watermark", watermark, "watermark"))
    elif watermark and there[watermark].kind == "text":
        problems.append(
            Problem(
                "watermark-type",
                _("“%(name)s”不是时间、日期或整数列，不能作水位：文字的先后不等于时间的先后。") % {"name": watermark},
                _("请改用时间列或序号列，或去掉 watermark 改为全量比对。"),
                "watermark",
            )
        )
    return problems


def _missing_keys(
    options: ExchangeOptions, columns: Sequence[SourceColumn], definition: ClassDefinition | None
) -> list[Problem]:
    """A key column of the class may go by any of its headers. A pull does not mind: landing explains what changed."""
    there = {one.name for one in columns}
    wanted = [(name,) for name in options.key]
    if not wanted and definition is not None:
        wanted = [definition.by_name[name].headers for name in definition.key]  # type: ignore[misc]
    return [_missing("missing-key", names[0], "key") for names in wanted if there.isdisjoint(names)]


def _missing(code: str, name: str, field: str) -> Problem:
    what = {"key": _("主键列"), "watermark": _("水位列"), "columns": _("列")}[field]
    return Problem(
        code,
        _("表中没有%(what)s“%(name)s”。") % {"what": what, "name": name},
        _("请核对参数 %(field)s，或请提供单位补上这一列。") % {"field": field},
        field,
    )


def _clock_problems(session: Session) -> list[Problem]:
    return clock_problems(
        session.seconds() - time.time(),
        _("数据库的时钟比平台%(said)s %(seconds)d 秒。"),
        _("取数以数据库的时钟为准，不会漏数；仍请提供单位校时。"),
    )
