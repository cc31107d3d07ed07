"""A described class with its own data home, and loads that run here and now."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.platform.data.factories import make_class, make_definition
from yici.platform.data.models import DataClass, Run
from yici.platform.data.runs import starting
from yici.platform.data.runs.carrying_out import load

HEADER = "公民身份号码,姓名,出生日期,住址,金额"


def valid_id(number: int) -> str:
    """An identity number of the demo city with its check digit, born 1980-01-01."""
    from yici.core.vocabulary.rules import check_digit_of_id

    body = f"34160219800101{number:03d}"
    return body + check_digit_of_id(body)


def line(number: int, **changes: str) -> str:
    cells = {"id": valid_id(number), "name": f"王{'甲乙丙丁戊己庚辛'[number % 8]}", "born": "1980-01-01",
             "address": f"涡阳县某村{number}号", "amount": f"{number}.50"}  # fmt: skip
    return ",".join({**cells, **changes}.values())


def content(*lines: str, header: str = HEADER) -> bytes:
    return ("\n".join([header, *lines]) + "\n").encode()


@pytest.fixture
def data_class(db: None, tmp_path: Path, settings: Any) -> DataClass:
    settings.DATA_HOME = tmp_path / "data"
    return make_class(make_definition("public_security.loaded"))


@pytest.fixture
def upload(data_class: DataClass, tmp_path: Path) -> Callable[..., Run]:
    """`upload(bytes)`: upload, confirm what is certain, load; gives the run as it ended."""

    def _upload(file: bytes, name: str = "人员.csv", columns: dict[str, str] | None = None) -> Run:
        path = tmp_path / "upload"
        path.write_bytes(file)
        run = starting.upload(data_class, path, name, None)
        starting.decide(run, columns or {}, None)
        load(run.pk)
        run.refresh_from_db()
        data_class.refresh_from_db()
        return run

    return _upload
