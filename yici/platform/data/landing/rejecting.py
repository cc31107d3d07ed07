"""Lines that DuckDB could not read: counted, told, kept in a file with their numbers; read from its own reject tables."""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb
import numpy as np
from django.utils.translation import gettext as _
from duckdb import DuckDBPyConnection

from yici.base.sql import text
from yici.platform.data.landing.drafting import Numbers
from yici.platform.data.landing.headers import is_total
from yici.platform.data.landing.sniffing import UNIT

__all__ = ["Rejects", "write_rejected"]

LONGEST_LINE_KEPT = 2_000  # characters
_LAST = 5  # lines at the end among which a short line of totals may stand
# One line may be told twice (too few fields and a bad character): once is enough.
_FOUND = f"""
    SELECT CAST(line AS BIGINT) AS _row, min(line_byte_position) AS place,
           left(trim(any_value(csv_line), chr(13) || chr(10)), {LONGEST_LINE_KEPT}) AS _line,
           CAST(min(error_type) AS VARCHAR) AS _reason
    FROM reject_errors GROUP BY line
"""  # noqa: S608 - a number of ours


class Rejects:
    """What one reading left aside. A whitespace-only line counts as blank: it keeps its number and is told nowhere."""

    def __init__(self, connection: DuckDBPyConnection, delimiter: str, quote: str) -> None:
        self._connection = connection
        self._delimiter, self._quote = delimiter, quote
        self.bad_encoding = self.count = 0
        self._has_any = _has_rejects(connection)
        if not self._has_any:  # as nearly always: a small file is landed in a few milliseconds
            return
        connection.execute("CREATE TEMP TABLE aside AS " + _FOUND)
        connection.execute(
            "CREATE TEMP TABLE skipped AS SELECT _row FROM aside WHERE trim(_line, chr(9) || chr(10) || ' 　') = ''"
        )
        connection.execute("DELETE FROM aside WHERE _row IN (SELECT _row FROM skipped)")
        self.bad_encoding = self._number("SELECT count(*) FROM aside WHERE _reason = 'INVALID ENCODING'")
        self.count = self._number("SELECT count(*) FROM aside")

    def first_of(self, reason: str) -> int:
        """Number of the first line that was left aside for this reason, 0 where there is none."""
        return self.count and self._number(f"SELECT coalesce(min(_row), 0) FROM aside WHERE _reason = '{reason}'")  # noqa: S608 - ours

    def open_quote_at_end(self, path: Path, last_kept: int, longest: int) -> tuple[int, bool]:
        """Number of the line in whose quotes the file ends (0 where it does not), and whether it is longer than may be.

        `last_kept`: how many records of the file come before its end at least, for one that is followed by others
        closed its quotes somehow.
        """
        if not self.count:
            return 0, False
        last = self._connection.execute("SELECT _row, place, _reason FROM aside ORDER BY _row DESC LIMIT 1").fetchone()
        if last is None or last[2] != "UNQUOTED VALUE" or last[0] < last_kept:
            return 0, False
        with path.open("rb") as handle:
            handle.seek(max(int(last[1]) - 1, 0))
            tail = handle.read(longest + 1)
        is_long = len(tail) > longest
        return (int(last[0]) if is_long or tail.count(self._quote.encode()) % 2 else 0), is_long

    def take_totals(self, last_row: int) -> int:
        """Short lines of totals at the end are no wrong lines; returns how many. `last_row`: where they begin at least."""
        if not self.count:
            return 0
        found = self._connection.execute(
            f"SELECT _row, _line FROM aside WHERE _row >= ? ORDER BY _row DESC LIMIT {_LAST}",  # noqa: S608
            [last_row],
        ).fetchall()
        totals = []
        for row, line in found:
            if not is_total(next(csv.reader([line], delimiter=self._delimiter, quotechar=self._quote), [])):
                break
            totals.append(row)
        if totals:
            self._connection.execute("INSERT INTO skipped SELECT unnest(?)", [totals])
            self._connection.execute("DELETE FROM aside WHERE _row IN (SELECT _row FROM skipped)")
            self.count -= len(totals)
        return len(totals)

    def numbers(self) -> Numbers:
        """Numbers of every line that is not among the rows, ascending."""
        if not self._has_any:
            return np.array([], dtype=np.int64)
        query = "SELECT _row FROM aside UNION SELECT _row FROM skipped ORDER BY _row"
        return np.asarray(self._connection.execute(query).fetchnumpy()["_row"], dtype=np.int64)

    def write(self, path: Path, sequence: str) -> int:
        """Write `_row`, `_line`, `_reason`; returns how many. No file where there are none. `sequence`: the delimiter that
        the file itself has, where it was respelt.
        """
        line = f"replace(_line, {text(UNIT)}, {text(sequence)})" if sequence else "_line"
        if self.count:
            self._connection.execute(
                f"COPY (SELECT _row, {line} AS _line, CASE _reason WHEN 'INVALID ENCODING' THEN 'encoding' "  # noqa: S608
                f"WHEN 'UNQUOTED VALUE' THEN 'quotes' ELSE 'fields' END AS _reason FROM aside ORDER BY _row) "
                f"TO {text(path)} (FORMAT parquet, COMPRESSION zstd)"
            )
        return self.count

    def told(self, is_cut_short: bool) -> list[str]:
        """Sentences for people. `is_cut_short`: one of them is the last line of the file, and has no end."""
        found = []
        others = self.count - self.bad_encoding
        if self.bad_encoding:
            line = self.first_of("INVALID ENCODING")
            found.append(
                _("有 {count} 行含有无法识别的字符，按隔离处理（第一处在第 {line} 行）。").format(
                    count=self.bad_encoding, line=line
                )
            )
        if others:
            line = self._number("SELECT min(_row) FROM aside WHERE _reason <> 'INVALID ENCODING'")
            found.append(
                _("有 {count} 行的列数与表头不一致，按隔离处理（第一处在第 {line} 行）。").format(
                    count=others, line=line
                )
            )
            if is_cut_short:
                found.append(_("最后一行不完整，文件可能没有传完，请与数据源核对。"))
        return found

    def _number(self, query: str) -> int:
        found = self._connection.execute(query).fetchone()
        return int(found[0]) if found and found[0] is not None else 0


def _has_rejects(connection: DuckDBPyConnection) -> bool:
    try:
        return connection.execute("SELECT 1 FROM reject_errors LIMIT 1").fetchone() is not None
    except duckdb.CatalogException:
        return False


def write_rejected(path: Path, lines: list[tuple[int, str]]) -> None:
    """Lines that another reader set aside, in the same form."""
    if not lines:
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = {
        "_row": pa.array([row for row, _line in lines], pa.int64()),
        "_line": pa.array([line[:LONGEST_LINE_KEPT].rstrip("\r\n") for _row, line in lines], pa.string()),
        "_reason": pa.array(["fields"] * len(lines), pa.string()),
    }
    pq.write_table(pa.table(table), path)
