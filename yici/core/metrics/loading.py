"""Loading the city folder: definitions stay in memory, so loading reads them afresh and counts."""

from __future__ import annotations

from pathlib import Path

from yici.core.metrics import queries, registry


def load(city: Path) -> str:
    """Read the definitions. Raises `Misconfigured` naming file and line."""
    registry.forget()
    return f"统计指标 {len(queries.metrics())} 个"
