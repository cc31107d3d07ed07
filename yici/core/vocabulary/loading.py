"""Loading the city folder: the vocabulary has no tables, so loading only reads it afresh and counts."""

from __future__ import annotations

from pathlib import Path

from yici.core.vocabulary import queries, registry


def load(city: Path) -> str:
    """Read every element and code list once. Raises `Misconfigured` naming file and line."""
    registry.forget()
    return f"数据元 {len(queries.elements())} 个，代码表 {len(queries.code_lists())} 个"
