"""Who may read a file is known by the kernels that use it; they say so here (see web/wiring.py)."""

from __future__ import annotations

from collections.abc import Callable

from yici.core.files.models import StoredFile
from yici.core.people.models import Account

Reader = Callable[[Account, StoredFile], bool]
_readers: list[Reader] = []


def register_reader(reader: Reader) -> None:
    """`reader(account, stored)` answers True where the account may read the file for its own reasons."""
    if reader not in _readers:
        _readers.append(reader)


def readers() -> tuple[Reader, ...]:
    return tuple(_readers)
