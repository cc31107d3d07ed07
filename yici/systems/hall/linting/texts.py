"""Every bilingual text of an item, with the path that leads to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from yici.base.text import Text


def texts_of(node: Any, where: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Text]]:
    """Walks models, lists and mappings, depth first."""
    if isinstance(node, Text):
        yield where, node
    elif isinstance(node, BaseModel):
        for name in type(node).model_fields:
            yield from texts_of(getattr(node, name), (*where, name))
    elif isinstance(node, list | tuple):
        for index, value in enumerate(node):
            yield from texts_of(value, (*where, index))
    elif isinstance(node, dict):
        for name, value in node.items():
            yield from texts_of(value, (*where, name))
