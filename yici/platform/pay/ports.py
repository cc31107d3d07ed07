"""What floors above and beside plug into paying; `web/wiring.py` fills it once at start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from yici.base.errors import Misconfigured
from yici.platform.pay.models import PayOrder

__all__ = ["listeners", "press", "register_listener", "register_press"]

# (order, what: paid | closed | refunded) → None; called by a job, at least once, in a transaction of its own.
Listener = Callable[[PayOrder, str], Any]
# (data for the template, template, identifier, issuer) → a signed PDF
Press = Callable[[dict[str, Any], Path, str, str], bytes]

_listeners: dict[str, Listener] = {}
_press: list[Press] = []


def register_listener(purpose: str, listener: Listener) -> None:
    """Whoever asked for orders of a purpose is told what became of them. Raises `Misconfigured` for a second one."""
    if _listeners.get(purpose, listener) is not listener:
        raise Misconfigured(f"订单用途 {purpose} 重复登记。")
    _listeners[purpose] = listener


def listeners(purpose: str) -> Listener | None:
    return _listeners.get(purpose)


def register_press(press: Press) -> None:
    """Who prints and signs receipts: services do not know each other, so the signer is told from wiring."""
    _press[:] = [press]


def press() -> Press:
    if not _press:
        raise Misconfigured("没有登记票据的签名服务，请检查系统接线。")
    return _press[0]
