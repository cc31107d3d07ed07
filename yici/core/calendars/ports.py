"""What the calendar needs from the kernels above it: who may change it, and whom a change concerns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from yici.base.errors import NotAllowed
from yici.core.audit.services import Actor

PERMISSION = "calendar.manage"

View = Callable[..., Any]
Gate = Callable[[View], View]
Authority = Callable[[Any], Actor]
Listener = Callable[[Sequence[int]], None]

_gate: Gate | None = None
_authority: Authority | None = None
_listeners: list[Listener] = []


def register_authority(gate: Gate, authority: Authority) -> None:
    """`gate` wraps a page so that only staff holding `calendar.manage` see it (others sign in or are refused);
    `authority(account)` gives the actor to be recorded, or raises `NotAllowed`."""
    global _gate, _authority
    _gate, _authority = gate, authority


def register_change_listener(listener: Listener) -> None:
    """`listener(years)` runs inside the transaction that changed the calendar of these years."""
    if listener not in _listeners:
        _listeners.append(listener)


def gated(view: View) -> View:
    """The page behind the gate; refused to everybody while no gate is registered."""
    if _gate is None:
        raise NotAllowed
    return _gate(view)


def actor_who_may(account: Any) -> Actor:
    """The actor an authorised account acts as. Raises `NotAllowed`, also while nothing is registered."""
    if _authority is None:
        raise NotAllowed
    return _authority(account)


def tell_listeners(years: Sequence[int]) -> None:
    """Tell everybody concerned that the calendar of these years is another one now."""
    for listener in _listeners:
        listener(years)
