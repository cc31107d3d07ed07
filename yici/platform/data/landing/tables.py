"""Text tables: CSV and its relatives, read by DuckDB with an explicit dialect once the header is found."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
from django.utils.translation import gettext as _
from duckdb import DuckDBPyConnection

from yici.platform.data.engines.duckdb import connect
from yici.platform.data.landing.errors import Damaged, HeaderOnly, LineTooLong, TooManyWrongLines
from yici.platform.data.landing.headers import find_header, is_total
from yici.platform.data.landing.sniffing import delimiter_of, encoding_of
from yici.platform.data.landing.transcoding import BAD, to_utf8
from yici.platform.data.landing.unpacking import Limits

__all__ = ["Table", "column_names", "land_text", "write_rejected"]

HEAD = 1 << 20
WRONG_SHARE = 0.05
LONGEST_LINE_KEPT = 2_000  # characters of a line that is set aside
_TAIL_ROWS = 3  # rows at the end among which the total may stand
_ENCODINGS = {"utf-8-sig": "UTF-8（带 BOM）", "utf-8": "UTF-8", "utf-16": "UTF-16", "gb18030": "GB18030"}
Progress = Callable[..., None]


@dataclass(frozen=True)
class Table:
    """What one of the readers made; see `landing.Landed`."""

    headers: tuple[str, ...]
    columns: tuple[str, ...]
    rows: int
    first_row: int
    warnings: tuple[str, ...] = ()
    encoding: str = ""
    delimiter: str = ""
    rejected_rows: int = 0


def column_names(headers: tuple[str, ...]) -> tuple[str, ...]:
    """c0001, c0002 …: headers are the source's words and no identifiers."""
    return tuple(f"c{place:04d}" for place in range(1, len(headers) + 1))


def land_text(raw: Path, target: Path, rejected: Path, scratch: Path, progress: Progress | None) -> Table:
    """Raises `NoHeader`, `HeaderOnly`, `TooManyColumns`, `LineTooLong`, `Unreadable`, `TooManyWrongLines`, `Damaged`."""
    encoding = encoding_of(raw)
    copied = to_utf8(raw, scratch / "utf8", encoding, Limits.line, progress)
    with copied.path.open("rb") as handle:
        head = handle.read(HEAD)
    text = head.decode("utf-8", "ignore").removeprefix("\ufeff")
    if not text.strip():
        raise HeaderOnly
    delimiter = delimiter_of(text)
    header = find_header(list(csv.reader(io.StringIO(_whole_lines(text)), delimiter=delimiter))[:60])
    warnings = list(header.warnings)
    if encoding != "utf-8":
        warnings.append(_("文件编码为 {encoding}，已转为 UTF-8。").format(encoding=_ENCODINGS[encoding]))
    if copied.nul:
        warnings.append(_("去除了 {count} 个空字符（NUL）。").format(count=copied.nul))
    columns = column_names(header.names)
    with connect() as connection:
        _read(connection, copied.path, columns, delimiter, _lines_before(text, header.row, delimiter))
        wrong = _wrong_lines(connection)
        try:
            connection.execute(f"COPY landed TO {_text(target)} (FORMAT parquet, COMPRESSION zstd)")
        except duckdb.Error as error:
            raise _told(error) from error
        wrong = _wrong_lines(connection) or wrong
        rows = _count(connection, target)
        bad_rows = _take_bad_rows(connection, target, columns, delimiter, header.row + 1) if copied.bad else []
        rows -= len(bad_rows)
        if rows + len(wrong) == 0:
            raise HeaderOnly
        if wrong and wrong[-1][1].count('"') % 2 and _is_cut(connection, wrong):
            raise Damaged
        if len(wrong) > max(WRONG_SHARE * (rows + len(wrong)), 5):
            raise TooManyWrongLines
        total = _take_totals(connection, target, columns, rows)
    if total:
        warnings.append(_("末尾的合计行未入库。"))
    if copied.bad:
        warnings.append(_("有 {count} 行含有无法识别的字符，已隔离。").format(count=len(bad_rows)))
    if wrong:
        warnings.append(_("有 {count} 行的列数与表头不一致，已隔离。").format(count=len(wrong)))
    write_rejected(rejected, [*wrong, *bad_rows])
    return Table(
        headers=header.names,
        columns=columns,
        rows=rows - total,
        first_row=header.row + 1,
        warnings=tuple(warnings),
        encoding=encoding,
        delimiter=delimiter,
        rejected_rows=len(wrong) + len(bad_rows),
    )


def _whole_lines(text: str) -> str:
    """Without the last line, which may be cut, unless it is the only one."""
    cut = text.rfind("\n")
    return text[: cut + 1] if cut > 0 and len(text) > HEAD // 2 else text


def _lines_before(text: str, rows: int, delimiter: str) -> int:
    """Lines (not records) that the header and what stands above it take: a header cell may hold a line break."""
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    for _row in range(rows):
        next(reader, None)
    return reader.line_num


def _read(connection: DuckDBPyConnection, path: Path, columns: tuple[str, ...], delimiter: str, skip: int) -> None:
    types = ", ".join(f"'{name}': 'VARCHAR'" for name in columns)
    shown = {"\t": "\\t"}.get(delimiter, delimiter)
    connection.execute(
        f"""
        CREATE VIEW landed AS SELECT * FROM read_csv(
            {_text(path)}, columns = {{{types}}}, auto_detect = false, header = false, skip = {skip}, delim = '{shown}',
            quote = '"', escape = '"', strict_mode = true, null_padding = false, max_line_size = {Limits.line},
            store_rejects = true, rejects_limit = 0
        )
        """  # noqa: S608 - column names are ours, the delimiter is one of four
    )


def _wrong_lines(connection: DuckDBPyConnection) -> list[tuple[int, str]]:
    """(line number, line) of what does not fit, each line once."""
    try:
        found = connection.execute(
            "SELECT line, any_value(csv_line) FROM reject_errors GROUP BY line, byte_position ORDER BY byte_position"
        ).fetchall()
    except duckdb.CatalogException:
        return []
    return [(int(line), (text or "")[:LONGEST_LINE_KEPT]) for line, text in found]


def _is_cut(connection: DuckDBPyConnection, wrong: list[tuple[int, str]]) -> bool:
    """The last wrong line ends within quotes at the very end of the file: the file was cut off."""
    found = connection.execute(
        "SELECT count(*) FROM reject_errors WHERE error_type = 'UNQUOTED VALUE' AND line >= ?", [wrong[-1][0]]
    ).fetchone()
    return bool(found and found[0])


def _told(error: duckdb.Error) -> Exception:
    text = str(error)
    if "Maximum line size" in text or "max_line_size" in text or "MAXIMUM_LINE_SIZE" in text:
        return LineTooLong()
    return Damaged() if isinstance(error, duckdb.InvalidInputException | duckdb.ConversionException) else error


def _count(connection: DuckDBPyConnection, path: Path) -> int:
    found = connection.execute(f"SELECT count(*) FROM read_parquet({_text(path)})").fetchone()  # noqa: S608
    return int(found[0]) if found else 0


def _take_bad_rows(
    connection: DuckDBPyConnection, target: Path, columns: tuple[str, ...], delimiter: str, first_row: int
) -> list[tuple[int, str]]:
    """Rows with a character that could not be read are set aside; the rest is written anew."""
    is_bad = " OR ".join(f"contains({column}, '{BAD}')" for column in columns)
    source = f"read_parquet({_text(target)}, file_row_number = true)"
    found = connection.execute(f"SELECT file_row_number, {', '.join(columns)} FROM {source} WHERE {is_bad}").fetchall()  # noqa: S608
    if found:
        clean = target.with_suffix(".clean")
        kept = f"SELECT {', '.join(columns)} FROM {source} WHERE NOT coalesce({is_bad}, false)"  # noqa: S608
        connection.execute(f"COPY ({kept}) TO {_text(clean)} (FORMAT parquet, COMPRESSION zstd)")
        clean.replace(target)
    joined = [(first_row + row[0], delimiter.join(cell or "" for cell in row[1:])) for row in found]
    return [(row, line[:LONGEST_LINE_KEPT]) for row, line in joined]


def _take_totals(connection: DuckDBPyConnection, target: Path, columns: tuple[str, ...], rows: int) -> int:
    """Take lines of totals off the end; returns how many."""
    source = f"read_parquet({_text(target)}, file_row_number = true)"
    last = connection.execute(
        f"SELECT {', '.join(columns)} FROM {source} WHERE file_row_number >= {max(rows - _TAIL_ROWS, 0)} "  # noqa: S608
        "ORDER BY file_row_number DESC"
    ).fetchall()
    totals = 0
    for row in last:
        if not is_total(row) and any(row):
            break
        totals += 1
    if totals:
        kept = target.with_suffix(".kept")
        limit = f"SELECT {', '.join(columns)} FROM {source} WHERE file_row_number < {rows - totals}"  # noqa: S608
        connection.execute(f"COPY ({limit}) TO {_text(kept)} (FORMAT parquet, COMPRESSION zstd)")
        kept.replace(target)
    return totals


def write_rejected(path: Path, lines: list[tuple[int, str]]) -> None:
    """Lines that were set aside, as Parquet of `_row` and `_line`."""
    if not lines:
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    clean = re.compile(r"[\x00\r\n]+$")
    ordered = sorted(lines)
    table = {
        "_row": pa.array([row for row, _line in ordered], pa.int64()),
        "_line": pa.array([clean.sub("", line) for _row, line in ordered], pa.string()),
    }
    pq.write_table(pa.table(table), path)


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
