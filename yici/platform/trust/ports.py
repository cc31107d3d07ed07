"""What trust needs from services beside it, plugged in by `web/wiring.py`: the lake that certificates are made from,
and who listens to the end of an envelope."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from yici.base.errors import Misconfigured
from yici.platform.trust.models import Envelope

__all__ = ["LakeClass", "envelope_ended", "lake_class", "register_envelope_listener", "register_lake"]


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
