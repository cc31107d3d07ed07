"""What trust needs from services beside it, plugged in by `web/wiring.py`: the lake that certificates are made from,
the desk that papers are delivered to, and who listens to the end of an envelope.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from yici.base.errors import Misconfigured
from yici.core.people.models import Account
from yici.platform.trust.models import Envelope

__all__ = [
    "LakeClass",
    "PaperDesk",
    "ReadSeries",
    "SeriesColumn",
    "envelope_ended",
    "lake_class",
    "paper_desk",
    "register_envelope_listener",
    "register_lake",
    "register_paper_desk",
]


@dataclass(frozen=True)
class LakeClass:
    """A class as it stands: `label` names class and version; `columns` are lake column → data element (or empty)."""

    label: str
    files: Sequence[Path]
    columns: Mapping[str, str]
    row_count: int


_lake: Callable[[str], LakeClass] | None = None


def register_lake(find: Callable[[str], LakeClass]) -> None:
    """`find(class id)` raises `NotFound` for a class that is not in the lake."""
    global _lake
    _lake = find


def lake_class(class_id: str) -> LakeClass:
    """The current version of a class. Raises `Misconfigured` while no lake is plugged in."""
    if _lake is None:
        raise Misconfigured("数据湖没有接入，无法从数据制证。")
    return _lake(class_id)


_listeners: list[Callable[[Envelope], None]] = []


def register_envelope_listener(listener: Callable[[Envelope], None]) -> None:
    """Called in the transaction that ends an envelope, whichever way; it may refuse by raising."""
    if listener not in _listeners:
        _listeners.append(listener)


def envelope_ended(envelope: Envelope) -> None:
    for listener in _listeners:
        listener(envelope)


@dataclass(frozen=True)
class SeriesColumn:
    """A column of the class a paper series becomes. `is_moment`: it asks when the row was last changed."""

    name: str
    label: str
    element: str
    required: bool
    is_moment: bool = False


@dataclass(frozen=True)
class ReadSeries:
    """A paper series with the layout of its pages and the class its rows go to. `waiting`: citizens whose papers are
    not in the database yet."""

    slug: str
    label: str
    department: str
    class_id: str
    class_label: str
    layout: str
    columns: tuple[SeriesColumn, ...]
    key: tuple[str, ...]
    waiting: int
    left: int


class PaperDesk(Protocol):
    """What the data service does for batches of papers."""

    def series_for(self, account: Account) -> list[ReadSeries]:
        """Series the account may upload for, most waiting citizens first."""

    def deliver(self, account: Account, slug: str, rows: Sequence[Mapping[str, str]], name: str) -> int:
        """Hand rows (column → value) over to the series' class; the number of the run. Raises `NotFound`, `NotAllowed`."""

    def may_see_clear(self, account: Account, slug: str) -> bool: ...


_desk: PaperDesk | None = None


def register_paper_desk(desk: PaperDesk) -> None:
    global _desk
    _desk = desk


def paper_desk() -> PaperDesk:
    """Raises `Misconfigured` while no data service is plugged in."""
    if _desk is None:
        raise Misconfigured("数据服务没有接入，不能成批录入纸质档案。")
    return _desk
