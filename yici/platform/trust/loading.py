"""City folder → certificate types. They are read from the folder itself; loading proves that they can be."""

from __future__ import annotations

from pathlib import Path

from yici.platform.trust import definitions, registry


def load(city: Path) -> str:
    """One line of report. Raises `Misconfigured` for a file that cannot be read."""
    definitions.forget()
    registry.forget()
    kinds = definitions.certificate_types()
    own = sum(kind.is_issued_here for kind in kinds.values())
    listed = registry.registry().types
    return f"证照类型：{len(kinds)} 种，其中本市核发 {own} 种；目录 {len(listed)} 种，{sum(bool(row.type) for row in listed)} 种已编制"
