"""One table out of a ZIP or GZIP, within limits; workbooks judged before they are parsed."""

from __future__ import annotations

import gzip
import re
import zipfile
import zlib
from pathlib import Path

from yici.platform.data.landing.errors import (
    Damaged,
    EntityBomb,
    PasswordProtected,
    SparseSheet,
    TooManyColumns,
    TooMuchUnpacked,
    Unknown,
)

__all__ = ["Limits", "judge_workbook", "unpack_gzip", "unpack_zip"]

_CHUNK = 1 << 20
_TABLES = (".csv", ".txt", ".tsv", ".xlsx", ".json", ".jsonl", ".parquet")
_DOCTYPE = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
_WIDE = re.compile(rb'<c r="[A-Z]{3}')
_TWO_LETTERS = re.compile(rb'<c r="([A-Z]{2})\d')
_ROW = re.compile(rb'<row[^>]*? r="(\d+)"')


class Limits:
    """What is read at most. Bytes, but for `ratio`, unpacked : packed, and `cells`, the area of a sheet."""

    unpacked = 8 * 1024**3
    workbook = 1024**3
    ratio = 200
    small = 10 * 1024**2  # below this a high ratio is harmless
    members = 5_000
    cells = 60_000_000
    line = 8 * 1024**2


def unpack_zip(path: Path, target: Path) -> str:
    """Write the one table in the archive to `target`; returns its name. Names of members are never used as paths."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [
                one for one in archive.infolist() if not one.is_dir() and not one.filename.startswith("__MACOSX/")
            ]
            _judge_members(members, Limits.unpacked)
            tables = [one for one in members if one.filename.lower().endswith(_TABLES)]
            if len(tables) != 1:
                raise Unknown
            with archive.open(tables[0]) as incoming, target.open("wb") as outgoing:
                _copy(incoming, outgoing, tables[0].file_size, Limits.unpacked)
            return Path(_decoded(tables[0])).name
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise Damaged from error


def unpack_gzip(path: Path, target: Path) -> None:
    packed = max(path.stat().st_size, 1)
    try:
        with gzip.open(path) as incoming, target.open("wb") as outgoing:
            written = 0
            while chunk := incoming.read(_CHUNK):
                written += len(chunk)
                too_dense = written > Limits.small and written > packed * Limits.ratio
                if written > Limits.unpacked or too_dense:
                    raise TooMuchUnpacked
                outgoing.write(chunk)
    except (OSError, EOFError, zlib.error) as error:
        if isinstance(error, gzip.BadGzipFile | EOFError | zlib.error):
            raise Damaged from error
        raise


def _judge_members(members: list[zipfile.ZipInfo], limit: int) -> None:
    if any(one.flag_bits & 0x1 for one in members):
        raise PasswordProtected
    if len(members) > Limits.members or sum(one.file_size for one in members) > limit:
        raise TooMuchUnpacked
    for one in members:
        if one.file_size > Limits.small and one.file_size > max(one.compress_size, 1) * Limits.ratio:
            raise TooMuchUnpacked


def _copy(incoming: object, outgoing: object, declared: int, limit: int) -> None:
    """Stop where the archive holds more than it declared."""
    written = 0
    while chunk := incoming.read(_CHUNK):  # type: ignore[attr-defined]
        written += len(chunk)
        if written > declared or written > limit:
            raise TooMuchUnpacked
        outgoing.write(chunk)  # type: ignore[attr-defined]


def _decoded(member: zipfile.ZipInfo) -> str:
    """Chinese names in archives made on Windows are GBK without saying so."""
    if member.flag_bits & 0x800:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("gb18030")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return member.filename


def judge_workbook(path: Path) -> dict[str, bytes]:
    """Look at every sheet as bytes before anything parses it; returns name → sheet XML for the sheets.

    Raises `Damaged`, `PasswordProtected`, `TooMuchUnpacked`, `EntityBomb`, `TooManyColumns`, `SparseSheet`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _judge_members(members, Limits.workbook)
            sheets: dict[str, bytes] = {}
            for one in members:
                if not one.filename.lower().endswith((".xml", ".rels", ".vml")):
                    continue
                is_sheet = one.filename.startswith("xl/worksheets/") and one.filename.endswith(".xml")
                with archive.open(one) as handle:
                    content = handle.read(one.file_size + 1) if is_sheet else handle.read(65_536)
                if len(content) > one.file_size:
                    raise TooMuchUnpacked
                if _DOCTYPE.search(content[:65_536]):
                    raise EntityBomb
                if is_sheet:
                    _judge_sheet(content)
                    sheets[one.filename] = content
            if not sheets:
                raise Damaged
            return sheets
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise Damaged from error


def _judge_sheet(content: bytes) -> None:
    """A reader keeps the whole used area in memory, so its size is found before: rows times columns against cells."""
    if _WIDE.search(content):
        raise TooManyColumns
    last = content.rfind(b"<row")
    found = _ROW.search(content, last) if last >= 0 else None
    rows = int(found[1]) if found else content.count(b"<row")
    letters = max(set(_TWO_LETTERS.findall(content)), default=b"")
    columns = (letters[0] - 64) * 26 + letters[1] - 64 if letters else 26
    cells = content.count(b"<c ")
    if rows * columns > Limits.cells and rows * columns > cells * 20:
        raise SparseSheet
