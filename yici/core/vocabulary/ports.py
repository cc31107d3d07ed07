"""What the catalogue pages need from the kernel above: who counts as staff."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from yici.base.errors import NotAllowed

View = Callable[..., Any]
Gate = Callable[[View], View]

_gate: Gate | None = None
_source_names: Callable[[], Mapping[str, str]] | None = None


def register_source_names(names: Callable[[], Mapping[str, str]]) -> None:
    """`names` gives the city-level department of each function, in the language of the page."""
    global _source_names
    _source_names = names


def source_names() -> Mapping[str, str]:
    """Function → department; empty while nobody registered any."""
    return _source_names() if _source_names else {}


def register_gate(gate: Gate) -> None:
    """`gate` wraps a page so that only staff see it; others are sent to sign in or refused."""
    global _gate
    _gate = gate


def staff_only(view: View) -> View:
    """The page behind the gate; refused to everybody while none is registered."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if _gate is None:
            raise NotAllowed
        return _gate(view)(*args, **kwargs)

    return guarded
