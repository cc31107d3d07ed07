"""Text tables: CSV and its relatives, read by DuckDB with an explicit dialect once the header is found.

A line whose fields cannot be told apart is set aside whole, with its number and why; none is dropped.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from django.utils.translation import gettext as _

from yici.base.sql import text
from yici.platform.data.engines.duckdb import connect
from yici.platform.data.landing.dialects import dialect_of, respelt
from yici.platform.data.landing.drafting import Draft, Numbers, column_names, drop_blank, renumber, write_draft
from yici.platform.data.landing.errors import Damaged, Empty, HeaderOnly, LineTooLong, TooManyWrongLines, Unreadable
from yici.platform.data.landing.headers import Header, find_header
from yici.platform.data.landing.limits import Limits
from yici.platform.data.landing.rejecting import Rejects
from yici.platform.data.landing.sniffing import delimiter_of, encoding_of, quote_of
from yici.platform.data.landing.transcoding import Progress, Utf8, as_utf8, decodes_throughout

__all__ = ["Table", "land_text"]

HEAD = 1 << 20
_FEW_BAD = 20  # lines with a broken character that are set aside before the encoding itself is doubted
_ENCODINGS = {"utf-8-sig": "UTF-8（带 BOM）", "utf-8": "UTF-8", "utf-16": "UTF-16", "gb18030": "GB18030"}
csv.field_size_limit(max(csv.field_size_limit(), Limits.line))


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
    sheets: tuple[str, ...] = ()
    lost_digits: tuple[int, ...] = ()
    sample: pa.Table | None = None


@dataclass(frozen=True)
class _Layout:
    header: Header
    delimiter: str
    quote: str
    row_bytes: float  # of one line, for telling progress


def land_text(
    raw: Path, target: Path, rejected: Path, scratch: Path, limits: Limits, progress: Progress | None
) -> Table:
    """Raises `NoHeader`, `HeaderOnly`, `TooManyColumns`, `LineTooLong`, `Unreadable`, `TooManyWrongLines`, `Damaged`."""
    encoding = encoding_of(raw)
    text = _common(as_utf8(raw, scratch / "utf8", encoding, limits.line, progress), scratch)
    is_sure = encoding != "utf-8" or not _begins_plain(raw)
    try:
        table = _land(text, target, rejected, limits, progress, is_sure)
    except Unreadable:
        if is_sure:
            raise
        # The first megabytes were ASCII: only further on does the file show what it is.
        if decodes_throughout(raw, "gb18030"):
            encoding = "gb18030"
            text = _common(as_utf8(raw, scratch / "utf8", encoding, limits.line, progress), scratch)
        table = _land(text, target, rejected, limits, progress, is_sure=True)
    warnings = [*table.warnings, *text.dialect.told()]
    if encoding != "utf-8":
        warnings.append(_("文件编码为 {encoding}，已转为 UTF-8。").format(encoding=_ENCODINGS[encoding]))
    if text.nul:
        warnings.append(_("去除了 {count} 个空字符（NUL）。").format(count=text.nul))
    return replace(table, encoding=encoding, warnings=tuple(warnings))


def _common(text: Utf8, scratch: Path) -> Utf8:
    """The text respelt where it is of a dialect of its own."""
    with text.path.open("rb") as handle:
        head = handle.read(HEAD).decode("utf-8", "ignore")
    dialect = dialect_of(_whole_lines(head))
    if dialect.is_common:
        return text
    return replace(text, path=respelt(text.path, scratch / "common", dialect), dialect=dialect)


def _land(text: Utf8, target: Path, rejected: Path, limits: Limits, progress: Progress | None, is_sure: bool) -> Table:
    layout = _layout_of(text.path, limits)
    header, first = layout.header, layout.header.row + 1
    columns = column_names(header.names)
    size = text.path.stat().st_size
    with connect() as connection:
        source = _source(text.path, columns, layout, limits)
        try:
            draft = write_draft(
                connection, source, columns, target, first,
                progress and (lambda rows: progress(min(int(rows * layout.row_bytes), size), size)),
            )  # fmt: skip
        except duckdb.Error as error:
            raise _told(error) from error
        rejects = Rejects(connection, layout.delimiter, layout.quote)
        _judge(rejects, draft, first, text.path, limits, is_sure)
        totals = draft.totals + rejects.take_totals(first + draft.rows)
        gaps = rejects.numbers()
        if text.has_gaps and len(columns) > 1:  # of a single column, a blank line is a row
            gaps = np.union1d(gaps, _blank_rows(text.path, layout, first))
        if len(gaps):
            renumber(target, columns, first, gaps)
        if draft.blank:
            drop_blank(target, columns)
        count = rejects.write(rejected, text.dialect.sequence)
        ends_aside = bool(len(gaps)) and gaps[-1] >= first + draft.rows + draft.totals + len(gaps) - 1
        warnings = [*header.warnings, *rejects.told(ends_aside and _has_no_end(text.path))]
    rows = draft.rows - draft.blank
    if rows + count == 0:
        raise HeaderOnly
    if totals:
        warnings.append(_("末尾的 {count} 行合计未入库。").format(count=totals))
    return Table(
        headers=header.names, columns=columns, rows=rows, first_row=first, warnings=tuple(warnings),
        delimiter=text.dialect.sequence or layout.delimiter, rejected_rows=count, sample=draft.sample,
    )  # fmt: skip


def _layout_of(path: Path, limits: Limits) -> _Layout:
    with path.open("rb") as handle:
        head = handle.read(HEAD)
    text = head.decode("utf-8", "ignore").removeprefix("\ufeff")
    if not text.strip():
        raise Empty
    whole = _whole_lines(text)
    delimiter = delimiter_of(whole)
    quote = quote_of(whole, delimiter)
    rows = list(_first_records(whole, delimiter, quote))
    header = find_header(rows, limits.columns)
    return _Layout(header, delimiter, quote, len(head) / max(head.count(b"\n"), 1))


def _whole_lines(text: str) -> str:
    """Without the last line, which may be cut, unless it is the only one."""
    cut = text.rfind("\n")
    return text[: cut + 1] if cut > 0 and len(text) > HEAD // 4 else text


def _first_records(text: str, delimiter: str, quote: str, count: int = 60) -> Iterator[list[str]]:
    """Records as the reader will see them; what cannot be read ends them."""
    reader = csv.reader(io.StringIO(text.replace("\r\n", "\n"), newline=""), delimiter=delimiter, quotechar=quote)
    try:
        for _place, row in zip(range(count), reader, strict=False):
            yield row
    except csv.Error:
        return


def _source(path: Path, columns: tuple[str, ...], layout: _Layout, limits: Limits) -> str:
    types = ", ".join(f"'{name}': 'VARCHAR'" for name in columns)
    quote = text(layout.quote)
    delimiter = {"\t": "\\t"}.get(layout.delimiter, layout.delimiter)
    return f"""read_csv(
        {text(path)}, columns = {{{types}}}, auto_detect = false, header = false, skip = {layout.header.row},
        delim = '{delimiter}', quote = {quote}, escape = {quote}, strict_mode = true, null_padding = false,
        max_line_size = {limits.line}, store_rejects = true, rejects_limit = {limits.wrong_lines},
        nullstr = ['', '\\N']
    )"""


def _judge(rejects: Rejects, draft: Draft, first: int, path: Path, limits: Limits, is_sure: bool) -> None:
    """Refuse the whole file where what could not be read tells that the rest is not to be trusted either."""
    line = rejects.first_of("LINE SIZE OVER MAXIMUM")
    last_kept = first + draft.rows + draft.totals + len(rejects.numbers()) - 1
    open_line, is_long = rejects.open_quote_at_end(path, last_kept, limits.line)
    if line or is_long:
        raise LineTooLong(
            _("第 {line} 行超出长度限制，多半是换行符丢失，或引号没有成对。请检查导出设置后重新报送。").format(
                line=line or open_line
            )
        )
    if open_line:
        raise Damaged(
            _("文件在第 {line} 行的引号中间断掉，可能没有传完。请重新导出并报送整个文件。").format(line=open_line)
        )
    whole = draft.rows + rejects.count
    if rejects.bad_encoding > (max(_FEW_BAD, whole * limits.wrong_share) if is_sure else 0):
        raise Unreadable(
            _("文件里混用了几种文字编码，第 {line} 行起无法读出。请统一存为 UTF-8 或 GB18030 后再报送。").format(
                line=rejects.first_of("INVALID ENCODING")
            )
        )
    if rejects.count and not draft.rows:
        raise TooManyWrongLines
    if rejects.count >= limits.wrong_lines or rejects.count > max(limits.wrong_share * whole, 5):
        raise TooManyWrongLines


def _blank_rows(path: Path, layout: _Layout, first_row: int) -> Numbers:
    """Numbers of the blank lines below the header, as a spreadsheet would count them."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="\n") as lines:
        reader = csv.reader(lines, delimiter=layout.delimiter, quotechar=layout.quote)
        try:
            found = [number for number, row in enumerate(reader, start=1) if not row and number >= first_row]
        except csv.Error as error:
            raise Damaged from error
    return np.array(found, dtype=np.int64)


def _begins_plain(path: Path) -> bool:
    """Whether what the encoding was decided by is ASCII, so that nothing was decided."""
    with path.open("rb") as handle:
        return handle.read(4 * HEAD).isascii()


def _has_no_end(path: Path) -> bool:
    """Whether the last line has no end."""
    with path.open("rb") as handle:
        handle.seek(-1, io.SEEK_END)
        return handle.read(1) != b"\n"


def _told(error: duckdb.Error) -> Exception:
    text = str(error)
    if "aximum line size" in text or "max_line_size" in text or "MAXIMUM_LINE_SIZE" in text:
        return LineTooLong()
    return Damaged() if isinstance(error, duckdb.InvalidInputException | duckdb.ConversionException) else error
