"""One table out of a ZIP or GZIP, within limits; workbooks judged before they are parsed."""

from __future__ import annotations

import gzip
import re
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from yici.platform.data.disk import disk_full_is_told
from yici.platform.data.landing.errors import (
    Damaged,
    EntityBomb,
    NestedArchive,
    PasswordProtected,
    SeveralTables,
    SheetTooLarge,
    SparseSheet,
    TooManyColumns,
    TooMuchUnpacked,
)
from yici.platform.data.landing.limits import Limits
from yici.platform.data.landing.merged import Area, areas_in, column_number

__all__ = ["Sheet", "judge_workbook", "unpack_gzip", "unpack_zip"]

_CHUNK = 1 << 20
_TABLES = (".csv", ".txt", ".tsv", ".xlsx", ".json", ".jsonl", ".parquet")
_NESTED = (".zip", ".gz", ".rar", ".7z", ".tar", ".tgz", ".bz2", ".xz")
_DOCTYPE = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
# Each begins with letters that stand for themselves: that is what makes the search fast.
# Cells beyond column Z, or rows beyond 99,999: all that is looked for, so that a usual sheet matches nothing.
_FAR = re.compile(rb' r=["\'](?:([A-Z]{2,})(\d+)|[A-Z]?(\d{6,}))')
_LAST_ROW = re.compile(rb'<row[^>]*? r=["\'](\d+)["\']')
# A cell that holds something: those of a format alone do not make the table begin further left.
_ANY_COLUMN = re.compile(rb'<c r="([A-Z]{1,2})\d+"[^>/]*>(?:<f[^>]*(?:/>|>[^<]*</f>))?<(?:v>[^<]|is>)')
# A number cell of 16 digits or more: a spreadsheet keeps fifteen, what follows is lost unless the file still has it.
_LONG = rb"(\d{16,}(?:\.0+)?|\d(?:\.\d+)?[eE]\+?1[5-9])"
_LONG_NUMBER = re.compile(rb"<v>" + _LONG + rb"</v>")
_LONG_CELL = re.compile(rb'<c r="([A-Z]{1,2})(\d+)"(?![^>]*\bt="(?!n))[^>]*>(?:<f>[^<]*</f>)?<v>' + _LONG + rb"</v>")
_NO_RESULT = re.compile(rb"</f>(?:<v></v>|<v/>)?</c>")
_PIECE = 4 << 20


@dataclass
class Sheet:
    """What is known of a sheet before it is parsed.

    `long_numbers`: (row from 0, letters of the column) → the number as the file writes it. `columns`: letters of
    cells that hold something. `no_result`: formulas whose result is not in the file. `merged`: areas of merged cells.
    """

    cells: int = 0
    rows: int = 0
    columns: set[bytes] = field(default_factory=set)
    long_numbers: dict[tuple[int, bytes], str] = field(default_factory=dict)
    unplaced_long: int = 0
    no_result: int = 0
    merged: list[Area] = field(default_factory=list)


def unpack_zip(path: Path, target: Path, limits: Limits) -> None:
    """Write the one table in the archive to `target`. Names of members are never used as paths."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [
                one for one in archive.infolist() if not one.is_dir() and not one.filename.startswith("__MACOSX/")
            ]
            _judge_members(members, limits, limits.unpacked)
            tables = [one for one in members if one.filename.lower().endswith(_TABLES)]
            if not tables and any(one.filename.lower().endswith(_NESTED) for one in members):
                raise NestedArchive
            if len(tables) != 1:
                raise SeveralTables
            with disk_full_is_told(), archive.open(tables[0]) as incoming, target.open("wb") as outgoing:
                _copy(incoming, outgoing, tables[0].file_size, limits.unpacked)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise Damaged from error


def unpack_gzip(path: Path, target: Path, limits: Limits) -> None:
    """Raises `Damaged`, `TooMuchUnpacked`, `DiskFull`."""
    packed = max(path.stat().st_size, 1)
    try:
        with disk_full_is_told(), gzip.open(path) as incoming, target.open("wb") as outgoing:
            written = 0
            while chunk := incoming.read(_CHUNK):
                written += len(chunk)
                too_dense = written > limits.small and written > packed * limits.ratio
                if written > limits.unpacked or too_dense:
                    raise TooMuchUnpacked
                outgoing.write(chunk)
    except (OSError, EOFError, zlib.error) as error:
        if isinstance(error, gzip.BadGzipFile | EOFError | zlib.error):
            raise Damaged from error
        raise


def _judge_members(members: list[zipfile.ZipInfo], limits: Limits, total: int) -> None:
    if any(one.flag_bits & 0x1 for one in members):
        raise PasswordProtected
    if len(members) > limits.members or sum(one.file_size for one in members) > total:
        raise TooMuchUnpacked
    for one in members:
        if one.file_size > limits.small and one.file_size > max(one.compress_size, 1) * limits.ratio:
            raise TooMuchUnpacked


def _copy(incoming: IO[bytes], outgoing: IO[bytes], declared: int, limit: int) -> None:
    """Stop where the archive holds more than it declared."""
    written = 0
    while chunk := incoming.read(_CHUNK):
        written += len(chunk)
        if written > declared or written > limit:
            raise TooMuchUnpacked
        outgoing.write(chunk)


def judge_workbook(path: Path, limits: Limits) -> dict[str, Sheet]:
    """Look at every sheet piece by piece before anything parses it; returns member name → what it holds.

    Raises `Damaged`, `PasswordProtected`, `TooMuchUnpacked`, `EntityBomb`, `TooManyColumns`, `SparseSheet`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _judge_members(members, limits, limits.workbook)
            sheets: dict[str, Sheet] = {}
            for one in members:
                name = one.filename
                if not name.lower().endswith((".xml", ".rels", ".vml")):
                    continue
                with archive.open(one) as handle:
                    if _DOCTYPE.search(handle.read(65_536)):
                        raise EntityBomb
                if name.startswith("xl/worksheets/") and "/_rels/" not in name:
                    with archive.open(one) as handle:
                        sheets[name] = _judge_sheet(handle, one.file_size, limits)
            if not sheets:
                raise Damaged
            return sheets
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise Damaged from error


def _judge_sheet(handle: IO[bytes], declared: int, limits: Limits) -> Sheet:
    """A reader keeps the whole used area in memory, so its size is found before: rows times columns against cells."""
    sheet, read, rest = Sheet(), 0, b""
    while piece := handle.read(_PIECE):
        read += len(piece)
        if read > declared:
            raise TooMuchUnpacked
        piece = rest + piece
        cut = piece.rfind(b"</c>") + 4 if read < declared else len(piece)
        if cut < 4:  # no end of a cell in a whole piece: blank cells `<c …/>`, merged areas, or one endless text
            cut = max(piece.rfind(b"<c "), piece.rfind(b"<mergeCell "), 0)
            if len(piece) > limits.line + _PIECE:
                raise Damaged
        _look_at(piece[:cut], sheet)
        rest = piece[cut:]
    _look_at(rest, sheet)
    width = max((column_number(letters) for letters in sheet.columns), default=26)
    area = sheet.rows * width
    if sheet.cells > limits.cells or (area > limits.cells and area > sheet.cells * 20):
        raise SparseSheet if area > sheet.cells * 20 else SheetTooLarge
    return sheet


def _look_at(xml: bytes, sheet: Sheet) -> None:
    sheet.cells += xml.count(b"<c ")
    last = xml.rfind(b"<row")
    if last >= 0:
        numbered = _LAST_ROW.match(xml, last)
        sheet.rows = max(sheet.rows, int(numbered[1])) if numbered else sheet.rows + xml.count(b"<row")
    for letters, row, row_alone in set(_FAR.findall(xml)):
        if len(letters) > 2:
            raise TooManyColumns
        if letters:
            sheet.columns.add(letters)
        sheet.rows = max(sheet.rows, int(row or row_alone))
    if b"A" not in sheet.columns:  # the first column is asked for by those who place cells
        sheet.columns |= set(_ANY_COLUMN.findall(xml))
    if b"</f>" in xml:
        sheet.no_result += len(_NO_RESULT.findall(xml))
    if b"ergeCell" in xml:
        sheet.merged += areas_in(xml)
    if _LONG_NUMBER.search(xml):
        placed = _LONG_CELL.findall(xml)
        sheet.long_numbers |= {(int(row) - 1, letters): number.decode() for letters, row, number in placed}
        sheet.unplaced_long += len(_LONG_NUMBER.findall(xml)) - len(placed)
