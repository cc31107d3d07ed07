"""How much of a file is read at most, decided before it is read."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """Bytes, but for `ratio` (unpacked : packed), `cells` (area of a sheet), `columns`, `members` and `wrong_lines`.

    `ratio` and `members` are those of the files kernel for uploads (`core.files.inspection`); sizes are larger here,
    because a class of ten million rows is one file.
    """

    unpacked: int = 8 * 1024**3
    workbook: int = 1024**3
    ratio: int = 200
    small: int = 10 * 1024**2  # below this a high ratio is harmless
    members: int = 5_000
    cells: int = 30_000_000  # a workbook's reader holds all of them in memory, some 50 bytes each
    columns: int = 500
    line: int = 8 * 1024**2
    wrong_share: float = 0.05
    wrong_lines: int = 1_000_000  # kept at most
