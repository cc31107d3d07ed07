"""A loaded class in the demo city, and staff who may look at it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.platform.data.factories import make_class, make_definition
from tests.platform.data.runs.conftest import content, line
from yici.platform.data.models import DataClass, Run
from yici.platform.data.runs import starting
from yici.platform.data.runs.carrying_out import load


@pytest.fixture
def data_class(db: None, tmp_path: Path, settings: Any) -> DataClass:
    settings.DATA_HOME = tmp_path / "data"
    return make_class(make_definition("public_security.shown"))


@pytest.fixture
def loaded(data_class: DataClass, tmp_path: Path) -> Run:
    """A run with thirty rows accepted and three held: a wrong number, a wrong date, a blank name."""
    path = tmp_path / "first.csv"
    lines = [line(number) for number in range(30)]
    held = [line(31, id="341602198001010999"), line(32, born="1990-02-30"), line(33, name="")]
    path.write_bytes(content(*lines, *held))
    run = starting.upload(data_class, path, "first.csv", None)
    starting.decide(run, {}, None)
    load(run.pk)
    run.refresh_from_db()
    data_class.refresh_from_db()
    return run


@pytest.fixture
def engineer(client: Client, demo: Any, sign_in: Callable[..., Client]) -> Client:
    return sign_in(client, demo.data_engineer)


@pytest.fixture
def officer(demo: Any, sign_in: Callable[..., Client]) -> Client:
    """Data officer of public security: sees its own classes, masked."""
    return sign_in(Client(), demo.data_officer)


@pytest.fixture
def stranger(demo: Any, sign_in: Callable[..., Client]) -> Client:
    """A clerk of civil affairs: no permission of the data desk."""
    return sign_in(Client(), demo.clerk)
