"""The channels there are. Adding one is a folder of its own and a line here; an id can be taken only once."""

from __future__ import annotations

from functools import cache

from django.utils.translation import gettext as _

from yici.base.errors import NotFound
from yici.platform.data.sources.base import Source

__all__ = ["Registry", "registry", "source"]


class Registry:
    """Channels by kind."""

    def __init__(self) -> None:
        self._sources: dict[str, Source] = {}

    def register(self, one: Source) -> None:
        """Raises `ValueError` where the kind is taken: two channels of one name would hide each other."""
        if one.kind in self._sources:
            raise ValueError(f"a source of kind {one.kind!r} is registered already: {self._sources[one.kind]!r}")
        self._sources[one.kind] = one

    def get(self, kind: str) -> Source:
        if kind not in self._sources:
            raise NotFound(_("没有“%(kind)s”这种对接方式。") % {"kind": kind})
        return self._sources[kind]

    def kinds(self) -> tuple[str, ...]:
        return tuple(self._sources)


@cache
def registry() -> Registry:
    """The channels of the platform, each imported when first asked for."""
    from yici.platform.data.sources.exchange.source import Exchange
    from yici.platform.data.sources.file_drop.source import FileDrop
    from yici.platform.data.sources.interface.source import Interface
    from yici.platform.data.sources.static.source import Static

    found = Registry()
    for one in (FileDrop(), Exchange(), Interface(), Static()):
        found.register(one)
    return found


def source(kind: str) -> Source:
    """The channel of that kind. Raises `NotFound`."""
    return registry().get(kind)
