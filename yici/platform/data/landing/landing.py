"""`land`: one file that arrived → one Parquet of text, every column as it came, with all that is strange about it told.

Nothing is typed and nothing is guessed at here. Rows whose fields cannot be told apart are set aside with their line,
never dropped.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation import gettext as _

from yici.platform.data.landing import unpacking
from yici.platform.data.landing.errors import NestedArchive, StillGrowing
from yici.platform.data.landing.limits import Limits
from yici.platform.data.landing.profiling import Profile, profile_of
from yici.platform.data.landing.records import land_jsonl, land_parquet
from yici.platform.data.landing.sniffing import kind_of
from yici.platform.data.landing.tables import Table, land_text
from yici.platform.data.landing.transcoding import Progress
from yici.platform.data.landing.workbooks import land_workbook

__all__ = ["Landed", "Limits", "land"]

_NESTED = {"zip", "gzip"}
_EXTENSIONS = {
    ".csv": {"text"}, ".txt": {"text"}, ".tsv": {"text"}, ".xlsx": {"xlsx"}, ".xls": set(), ".zip": _NESTED,
    ".gz": _NESTED, ".parquet": {"parquet"}, ".jsonl": {"jsonl"}, ".json": {"jsonl"},
}  # fmt: skip


@dataclass(frozen=True)
class Landed:
    """What landing found.

    The Parquet has a VARCHAR column for each of `headers`, named by `columns` in that order, `_row` (BIGINT: the row's
    number as a spreadsheet shows it, a record of several lines being one) and `_hash` (UBIGINT). `first_row`: number of
    the first record below the header. `rejected`: Parquet of `_row`, `_line`, `_reason` (fields, quotes, encoding), or
    None. `profiles`: by header. `sheets`: of a workbook, hidden ones too. `byte_count`: of the file as it came.
    """

    kind: str
    encoding: str
    delimiter: str
    headers: tuple[str, ...]
    columns: tuple[str, ...]
    rows: int
    first_row: int
    warnings: tuple[str, ...] = ()
    rejected: Path | None = None
    rejected_rows: int = 0
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    sheets: tuple[str, ...] = ()
    byte_count: int = 0


def land(
    raw: Path, target: Path, *, name: str, limits: Limits | None = None, progress: Progress | None = None
) -> Landed:
    """Land a file whose name at the source was `name`. Raises one of `landing.errors`; `target` is then not there.

    `progress`: done and whole, in the reader's own unit.
    """
    limits = limits or Limits()
    before = raw.stat()
    rejected = target.with_suffix(".rejected.parquet")
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="landing-") as folder:
            kind, table, is_packed = _land(raw, target, rejected, Path(folder), limits, progress)
        after = raw.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise StillGrowing
        profiles = profile_of(table.sample, table.headers, table.columns, table.lost_digits)
    except BaseException:
        target.unlink(missing_ok=True)
        rejected.unlink(missing_ok=True)
        raise
    return Landed(
        kind=kind,
        encoding=table.encoding,
        delimiter=table.delimiter,
        headers=table.headers,
        columns=table.columns,
        rows=table.rows,
        first_row=table.first_row,
        warnings=(*_misnamed(name, kind, is_packed), *table.warnings),
        rejected=rejected if table.rejected_rows else None,
        rejected_rows=table.rejected_rows,
        profiles=profiles,
        sheets=table.sheets,
        byte_count=before.st_size,
    )


def _misnamed(name: str, kind: str, is_packed: bool) -> list[str]:
    wanted = _EXTENSIONS.get(Path(name).suffix.lower())
    if wanted is None or is_packed or kind in wanted:
        return []
    return [_("文件扩展名与内容不符，已按内容（{kind}）读取。").format(kind=kind.upper())]


def _land(
    raw: Path, target: Path, rejected: Path, scratch: Path, limits: Limits, progress: Progress | None
) -> tuple[str, Table, bool]:
    """The kind of table, what was read, and whether it was packed."""
    kind = outer = kind_of(raw)
    if kind in _NESTED:
        inner = scratch / "inner"
        unpack = unpacking.unpack_zip if kind == "zip" else unpacking.unpack_gzip
        unpack(raw, inner, limits)
        raw, kind = inner, kind_of(inner)
        if kind in _NESTED:
            raise NestedArchive
    return kind, _read(kind, raw, target, rejected, scratch, limits, progress), kind != outer


def _read(
    kind: str, raw: Path, target: Path, rejected: Path, scratch: Path, limits: Limits, progress: Progress | None
) -> Table:
    if kind == "xlsx":
        return land_workbook(raw, target, limits, progress)
    if kind == "parquet":
        return land_parquet(raw, target, limits, progress)
    if kind == "jsonl":
        return land_jsonl(raw, target, rejected, scratch, limits, progress)
    return land_text(raw, target, rejected, scratch, limits, progress)
