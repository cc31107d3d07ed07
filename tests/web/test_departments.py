"""The demo departments are filled step by step; a step that broke is done again, not passed over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from yici.platform.data.models import ClassChannel
from yici.web.demo import departments


@pytest.fixture
def delivered(db: None, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A city whose days are only written down, and what was delivered of it; "broken" comes first on the second day."""
    settings.DATA_HOME = tmp_path
    (tmp_path / "sandbox.json").touch()
    told: list[str] = []

    def note(folder: Path, days: list[str]) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "manifest.json").write_text(json.dumps({"days": days}), "utf-8")

    def deliver(folder: Path) -> None:
        day = departments.read_manifest(folder)["days"][-1]
        if day == "2026-01-08" and "broken" not in told:
            told.append("broken")
            raise RuntimeError
        told.append(day)

    monkeypatch.setattr(departments, "generate", lambda _people, _seed, folder: note(folder, ["2026-01-01"]))
    monkeypatch.setattr(departments, "next_day", lambda folder, day: note(folder, ["2026-01-01", str(day)]))
    monkeypatch.setattr(departments.delivering, "deliver", deliver)
    ClassChannel.objects.all().delete()
    return told


def test_a_day_whose_delivery_broke_is_delivered_by_the_next_step(delivered: list[str]) -> None:
    assert departments.is_due()
    assert not departments.step() and delivered == ["2026-01-01"] and departments.is_due()
    with pytest.raises(RuntimeError):
        departments.step()
    assert departments.is_due()
    assert departments.step() and delivered == ["2026-01-01", "broken", "2026-01-08"]
