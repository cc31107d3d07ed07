"""Connections and their secrets; the registry of channels; what the definition implies."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.platform.data.sandbox.fixtures import write_city
from yici.base.cityfolder import city_folder
from yici.base.errors import NotFound
from yici.platform.data.catalogue import reading
from yici.platform.data.catalogue.definition import ClassDefinition
from yici.platform.data.models import Channel
from yici.platform.data.sources.base import Pace, PullStopped, SourceMisconfigured, local_name, read_options
from yici.platform.data.sources.connections import connection, connections, keep_secrets, secret
from yici.platform.data.sources.defaults import completed
from yici.platform.data.sources.registry import Registry, registry, source


@pytest.fixture
def home(tmp_path: Path, settings: Any) -> Path:
    settings.DATA_HOME = tmp_path
    return tmp_path


def test_every_channel_of_the_catalogue_has_a_source() -> None:
    assert set(registry().kinds()) == set(Channel.values)
    assert source("exchange").label == Channel.EXCHANGE.label


def test_an_unknown_channel_is_not_found() -> None:
    with pytest.raises(NotFound):
        source("pigeon")


def test_a_kind_can_be_taken_only_once() -> None:
    found = Registry()
    found.register(source("static"))
    with pytest.raises(ValueError, match="static"):
        found.register(source("static"))


def test_the_connections_of_the_city_can_all_be_read_and_hold_no_secret() -> None:
    found = connections()
    assert {one.kind for one in found.values()} == {"sftp", "ftps", "postgresql", "mysql", "rest"}
    names = [one.secret for one in found.values()]
    assert len(set(names)) == len(names)
    assert all(name == name.upper() for name in names)
    assert "password" not in (city_folder() / "sources.yaml").read_text("utf-8")


def test_every_described_class_says_all_its_channels_need_and_has_its_connections() -> None:
    there = connections()
    checked = 0
    for definition in reading.definitions().values():
        for entry in definition.channels:
            options = completed(entry.kind, entry.options, definition)
            read_options(source(entry.kind).Options, options)
            assert entry.kind == "static" or there[options["connection"]].unit == entry.unit, definition.id
            checked += 1
    assert checked >= 60


def test_a_secret_comes_from_the_environment_before_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_secrets({"X": "from the file"}, home)
    assert secret("X") == "from the file"
    monkeypatch.setenv("YICI_SOURCE_X", "from the environment")
    assert secret("X") == "from the environment"
    assert secret("") == ""


def test_a_secret_once_kept_is_not_replaced_and_the_file_is_private(home: Path) -> None:
    keep_secrets({"X": "first"}, home)
    keep_secrets({"X": "second", "Y": "new"}, home)
    assert (secret("X"), secret("Y")) == ("first", "new")
    assert (home / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_a_file_of_secrets_that_others_can_read_is_refused(home: Path) -> None:
    (home / "secrets.json").write_text(json.dumps({"X": "open"}))
    (home / "secrets.json").chmod(0o644)
    with pytest.raises(SourceMisconfigured, match="chmod 600"):
        secret("X")


def test_a_missing_secret_is_named(home: Path) -> None:
    with pytest.raises(SourceMisconfigured, match="YICI_SOURCE_NOWHERE"):
        secret("NOWHERE")


@pytest.mark.parametrize(
    "entry", [{"kind": "telepathy"}, {"kind": "sftp", "colour": 1}, {"kind": "rest", "timeouts": {"read": -1}}]
)
def test_a_faulty_connection_is_named_with_its_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: dict[str, Any]
) -> None:
    monkeypatch.setenv("YICI_CITY", str(write_city(tmp_path / "city", {"faulty": entry})))
    with pytest.raises(SourceMisconfigured, match="faulty"):
        connections()


def test_a_demo_server_that_does_not_run_is_said(home: Path) -> None:
    with pytest.raises(SourceMisconfigured, match="yici run"):
        connection("taxation_files", ("sftp",))


def test_what_the_definition_implies_need_not_be_said() -> None:
    definition = _definition(
        [{"kind": "exchange", "unit": "land", "options": {"watermark": "t"}}, {"kind": "static", "unit": "land"}]
    )
    assert completed("exchange", {"watermark": "t"}, definition) == {
        "connection": "land_exchange", "table": "house", "watermark": "t",
    }  # fmt: skip
    assert completed("static", {}, definition) == {"folder": "land/house", "take": "newest"}
    assert completed("exchange", {"connection": "own", "query": "SELECT 1"}, definition) == {
        "connection": "own", "query": "SELECT 1",
    }  # fmt: skip
    assert completed("interface", {"path": "/x"}, definition) == {"path": "/x"}


def _definition(channels: list[dict[str, Any]]) -> ClassDefinition:
    return ClassDefinition.model_validate(
        {
            "id": "land.house", "name": "房屋", "department": "land", "category": "base", "code": "1", "summary": "房屋",
            "share": {"type": "none"}, "cycle": "daily", "published": "2026-01-01", "key": ["number"],
            "columns": [{"name": "number", "headers": ["证号"]}], "channels": channels,
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [("../../etc/passwd", "_.._etc_passwd"), ("居民 1.csv", "居民 1.csv"), ("a\x00b\n.csv", "a_b_.csv"), ("...", "_")],
)
def test_a_name_from_a_source_never_leaves_its_folder(name: str, expected: str) -> None:
    assert local_name(name) == expected


def test_a_very_long_name_keeps_its_suffix() -> None:
    assert len(local_name("x" * 500 + ".csv")) < 121
    assert local_name("x" * 500 + ".csv").endswith(".csv")


def test_a_pace_tells_progress_and_heeds_a_stop() -> None:
    told: list[tuple[int, int | None]] = []
    answers = iter([False, True])
    stop: Callable[[], bool] = lambda: next(answers)  # noqa: E731
    pace = Pace(lambda done, total=None, /: told.append((done, total)), stop, 60)
    pace.total = 10
    pace.advance(4)
    with pytest.raises(PullStopped):
        pace.advance(3)
    assert told == [(4, 10), (7, 10)]
