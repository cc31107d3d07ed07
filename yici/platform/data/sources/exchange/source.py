"""The exchange channel: a department's database, read by SQL.

With a watermark, each pull begins somewhat behind where the last one ended (`overlap`) and brings that stretch
again: rows of a tie, of a commit that came late or of a clock that lags are in it. Whether anything in it is new is
told by a digest, so that a quiet table brings nothing. Without a watermark the whole table is read and compared.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
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
from yici.platform.data.sources.exchange.session import Session, SourceColumn
from yici.platform.data.sources.failures import clock_problems, failure, problem_of
from yici.platform.data.sources.writing import Digest, TableWriter, short_digest

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
        try:
            with disk_full_is_told():
                digest = self._write(draft, where, parameters, stretch.until)
        except DiskFull:
            draft.unlink()
            raise
        if self.pace.done != total:
            draft.unlink()
            raise SourceInconsistent(
                _("取数前统计有 %(total)d 行，实际取到 %(done)d 行，取数期间数据有变动；稍后会从头重试。")
                % {"total": total, "done": self.pace.done}
            )
        cursor = {"shape": self.shape, "watermark": stretch.until, "digest": digest.value, "rows": total}
        if digest.value == self._known(stretch) or (stretch.since is not None and total == 0):
            draft.unlink()
            return Pull([], cursor, stretch.since is None, total, stretch.notes)
        draft.replace(target)
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
        column = self.session.quote(self.watermark.name)
        behind = self.session.behind(self.watermark, self.options.overlap)
        return f" WHERE ({column} >= {behind} OR {column} IS NULL)", [since]

    def _write(self, draft: Path, where: str, parameters: Sequence[str], until: str | None) -> Digest:
        """Write the rows; the digest is of those that the next pull will bring again."""
        selected = [self.session.as_text(self.session.quote(one.name)) for one in self.columns]
        inside, inner = self._again(until)
        sql = f"SELECT {', '.join([*selected, inside])} FROM {self.relation}{where}"  # noqa: S608
        digest = Digest()
        with TableWriter(draft, [one.name for one in self.columns], self.options.format) as writer:
            for rows in self.session.stream(sql, [*inner, *parameters], self.options.batch_rows):
                writer.write(rows)
                for row in rows:
                    if row[-1] == "1":
                        digest.add(row[:-1])
                self.pace.advance(len(rows))
        return digest

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
