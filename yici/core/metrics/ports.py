"""Who counts: the floors above register one function per metric; nothing here knows a case."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar, cast

from yici.base.errors import Misconfigured
from yici.core.metrics.rules import Period, Row
from yici.core.people.scopes import Scope

__all__ = ["Provider", "is_provided", "one_reading", "provider_of", "register", "shared"]

Provider = Callable[[Period, str | None, Scope | None], list[Row]]

_providers: dict[str, Provider] = {}
_read: ContextVar[dict[Hashable, Any] | None] = ContextVar("metrics_read", default=None)
_T = TypeVar("_T")


def register(metric_id: str, provider: Provider) -> None:
    """`provider(period, breakdown, scope)` gives one row with an empty key for `breakdown=None`, else one per part.

    `scope=None` counts everything. The provider leaves out mystery-shopping cases and narrows by the scope inside
    its query. Raises `Misconfigured` for a metric that another function already counts.
    """
    if _providers.get(metric_id, provider) is not provider:
        raise Misconfigured(f"指标 {metric_id} 的统计来源重复登记。")
    _providers[metric_id] = provider


def provider_of(metric_id: str) -> Provider | None:
    """`None` while no floor counts this metric."""
    return _providers.get(metric_id)


def is_provided(metric_id: str) -> bool:
    return metric_id in _providers


def forget(metric_id: str) -> Any:
    """Take a provider out again; gives it back."""
    return _providers.pop(metric_id, None)


@contextmanager
def one_reading() -> Iterator[None]:
    """Within it, what several providers count from the same rows is counted once: a page of many metrics."""
    token = _read.set({})
    try:
        yield
    finally:
        _read.reset(token)


def shared(key: Hashable, count: Callable[[], _T]) -> _T:
    """What `count()` gives, from this reading if it was counted in it already; afresh outside of one."""
    kept = _read.get()
    if kept is None:
        return count()
    if key not in kept:
        kept[key] = count()
    return cast(_T, kept[key])
