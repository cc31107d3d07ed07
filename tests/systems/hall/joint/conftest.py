"""Small whole items for the merge, made from a real one so that nothing is left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from yici.systems.hall import folder
from yici.systems.hall.definitions import ItemDefinition

Make = Callable[..., ItemDefinition]


@pytest.fixture(scope="session")
def make(city: Path) -> Make:
    """`make("a", gives="x", takes=["y"], fields=[…], situations=[…], …)`: an item with these papers and this form."""
    base = folder.read_item(city / "items" / "shipin-jingying-xuke.yaml", city).model_dump(mode="json", by_alias=True)

    def _make(
        code: str,
        *,
        gives: str = "",
        takes: tuple[str, ...] = (),
        papers: list[dict[str, Any]] | None = None,
        fields: list[dict[str, Any]] | None = None,
        situations: list[dict[str, Any]] | None = None,
        checks: list[dict[str, Any]] | None = None,
        conditions: list[dict[str, Any]] | None = None,
        days: int = 5,
        **changes: Any,
    ) -> ItemDefinition:
        materials = papers or [
            {"id": f"paper_{kind}", "name": f"材料{kind}", "source": "applicant", "proven_by": [{"certificate": kind}]}
            for kind in takes
        ]
        form = {
            "situations": situations or [],
            "pages": [{"id": f"page_{code}", "title": f"页{code}", "fields": fields or [{"element": "person.phone"}]}],
            "checks": checks or [],
        }
        raw = base | {
            "code": code, "name": f"事项{code}", "materials": materials, "form": form, "conditions": conditions or [],
            "result": base["result"] | {"certificate": gives, "face": []},
            "limits": base["limits"] | {"promised": {"amount": days, "unit": "working_day"}},
        }  # fmt: skip
        return ItemDefinition.model_validate(raw | changes)

    return _make
