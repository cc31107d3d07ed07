"""`land`: one file that arrived → one Parquet of text, every column as it came, with all that is strange about it told.

Nothing is typed and nothing is guessed at here. Rows whose fields cannot be told apart are set aside with their line,
never dropped.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from yici.platform.data.landing import unpacking
from yici.platform.data.landing.errors import Unknown
from yici.platform.data.landing.profiling import Profile, profile_of
from yici.platform.data.landing.records import land_jsonl, land_parquet
from yici.platform.data.landing.sniffing import kind_of
from yici.platform.data.landing.tables import Table, land_text
from yici.platform.data.landing.workbooks import land_workbook

__all__ = ["Landed", "land"]

Progress = Callable[..., None]
_NESTED = {"zip", "gzip"}


@dataclass(frozen=True)
class Landed:
    """What landing found. The Parquet has a VARCHAR column for each of `headers`, named by `columns` in that order.

    `first_row`: number of the first record in the source as a person counts, so that record n of the file is row
    `first_row + n` but for rows set aside. `rejected`: Parquet of `_row`, `_line`, or None. `profiles`: by header, of
    the first rows.
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


def land(raw: Path, target: Path, *, name: str, progress: Progress | None = None) -> Landed:
    """Land a file whose name at the source was `name`. Raises one of `landing.errors`; `target` is then not there."""
    work = target.parent
    with tempfile.TemporaryDirectory(dir=work, prefix="landing-") as folder:
        scratch = Path(folder)
        kind = kind_of(raw)
        warnings: tuple[str, ...] = ()
        if kind in _NESTED:
            inner = scratch / "inner"
            if kind == "zip":
                unpacking.unpack_zip(raw, inner)
            else:
                unpacking.unpack_gzip(raw, inner)
            raw, kind = inner, kind_of(inner)
            if kind in _NESTED:
                raise Unknown
        rejected = target.with_suffix(".rejected.parquet")
        try:
            table = _land(kind, raw, target, rejected, scratch, progress)
            profiles = profile_of(target, table.headers, table.columns)
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
        warnings=warnings + table.warnings,
        rejected=rejected if table.rejected_rows else None,
        rejected_rows=table.rejected_rows,
        profiles=profiles,
    )


def _land(kind: str, raw: Path, target: Path, rejected: Path, scratch: Path, progress: Progress | None) -> Table:
    if kind == "xlsx":
        return land_workbook(raw, target)
    if kind == "parquet":
        return land_parquet(raw, target)
    if kind == "jsonl":
        return land_jsonl(raw, target, rejected, scratch, progress)
    return land_text(raw, target, rejected, scratch, progress)
