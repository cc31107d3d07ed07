"""A data home of each test's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _data_home(settings: Any, tmp_path: Path) -> None:
    settings.DATA_HOME = tmp_path / "home"
    settings.DATA_MEMORY = "1GB"
    settings.DATA_THREADS = 2
