"""What the catalogue pages need from the kernel above: who counts as staff."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from yici.base.errors import NotAllowed

View = Callable[..., Any]
Gate = Callable[[View], View]

_gate: Gate | None = None


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
