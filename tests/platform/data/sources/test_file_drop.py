"""The file drop channel against a real SFTP server."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.platform.data.sandbox.fixtures import Departments, password_of
from tests.platform.data.sources.proxy import Relay
from yici.platform.data.errors import DiskFull, Refused, SourceUnavailable
from yici.platform.data.sources.base import Pull, PullStopped, SourceAccessDenied, SourceMisconfigured
from yici.platform.data.sources.connections import secret
from yici.platform.data.sources.file_drop.source import FileDrop

OPTIONS: dict[str, Any] = {
    "connection": "police_files", "folder": "resident", "pattern": "resident_*.csv", "settle_seconds": 0.02,
}  # fmt: skip
CONTENT = "公民身份号码,姓名\n341602199001011234,张三\n".encode("gb18030")


@pytest.fixture
def drop(sftp_server: Path, at_departments: Departments) -> Iterator[Path]:
    folder = sftp_server / "resident"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def put(folder: Path, name: str, content: bytes = CONTENT, mtime: int = 1_700_000_000) -> Path:
    path = folder / name
    path.write_bytes(content)
    os.utime(path, (mtime, mtime))
    return path


def pull(into: Path, cursor: dict[str, Any] | None = None, **options: Any) -> Pull:
    return FileDrop().pull({**OPTIONS, **options}, cursor or {}, into)


def names(found: Pull) -> list[str]:
    return [one.name for one in found.objects]


def test_a_file_is_fetched_byte_for_byte_and_only_once(drop: Path, tmp_path: Path) -> None:
    put(drop, "resident_20261126.csv")
    put(drop, "other.csv")
    first = pull(tmp_path / "a")
    assert names(first) == ["resident_20261126.csv"]
    assert first.objects[0].path.read_bytes() == CONTENT
    assert first.objects[0].sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert first.complete
    again = pull(tmp_path / "b", first.cursor)
    assert again.objects == []
    assert list((tmp_path / "b").iterdir()) == []


def test_the_same_cursor_brings_the_same_objects(drop: Path, tmp_path: Path) -> None:
    put(drop, "resident_20261126.csv")
    assert [one.sha256 for one in pull(tmp_path / "a").objects] == [one.sha256 for one in pull(tmp_path / "a").objects]


def test_of_full_copies_only_the_newest_is_fetched_and_the_others_are_mentioned(drop: Path, tmp_path: Path) -> None:
    put(drop, "resident_20261101.csv", b"old", 1_700_000_500)
    put(drop, "resident_20261201.csv", b"new", 1_700_000_000)
    found = pull(tmp_path)
    assert names(found) == ["resident_20261201.csv"]
    assert "resident_20261101.csv" in found.notes[0]
    assert pull(tmp_path, found.cursor).objects == []


def test_of_increments_every_one_is_fetched_oldest_first(drop: Path, tmp_path: Path) -> None:
    put(drop, "resident_20261201.csv", b"b")
    put(drop, "resident_20261101.csv", b"a")
    found = pull(tmp_path, take="all")
    assert names(found) == ["resident_20261101.csv", "resident_20261201.csv"]
    assert not found.complete


def test_the_same_bytes_under_a_new_name_add_nothing(drop: Path, tmp_path: Path) -> None:
    put(drop, "resident_20261101.csv")
    first = pull(tmp_path)
    put(drop, "resident_20261201.csv", mtime=1_700_000_900)
    again = pull(tmp_path, first.cursor)
    assert again.objects == []
    assert "内容相同" in again.notes[0]


def test_a_full_copy_that_goes_back_to_an_older_content_is_news(drop: Path, tmp_path: Path) -> None:
    cursor: dict[str, Any] = {}
    for day, content in (("20261101", b"a"), ("20261102", b"b"), ("20261103", b"a")):
        put(drop, f"resident_{day}.csv", content)
        found = pull(tmp_path, cursor)
        cursor = found.cursor
        assert names(found) == [f"resident_{day}.csv"]


def test_a_file_uploaded_again_under_its_name_is_fetched_again(drop: Path, tmp_path: Path) -> None:
    put(drop, "resident_1.csv", b"first")
    first = pull(tmp_path)
    put(drop, "resident_1.csv", b"second", 1_700_000_900)
    assert pull(tmp_path, first.cursor).objects[0].path.read_bytes() == b"second"


def test_a_file_that_still_grows_is_left_for_the_next_time(drop: Path, tmp_path: Path) -> None:
    path = put(drop, "resident_1.csv")
    growing = threading.Event()

    def grow(done: int, total: int | None = None, /) -> None:
        if not growing.is_set():
            growing.set()
            path.write_bytes(CONTENT * 2)

    found = FileDrop().pull({**OPTIONS, "settle_seconds": 0.1}, {}, tmp_path, progress=grow)
    assert growing.is_set()
    assert found.objects == []
    assert "没有传完" in found.notes[0]
    later = pull(tmp_path, found.cursor)
    assert later.objects[0].path.read_bytes() == CONTENT * 2


def test_a_file_seen_unchanged_by_an_earlier_pull_needs_no_second_look(drop: Path, tmp_path: Path) -> None:
    path = put(drop, "resident_1.csv")
    stat = path.stat()
    cursor = {"seen": {"resident_1.csv": [stat.st_size, int(stat.st_mtime)]}, "seen_at": 1.0}
    found = pull(tmp_path, cursor, settle_seconds=3600)
    assert names(found) == ["resident_1.csv"]


def test_unfinished_hidden_and_checksum_files_are_never_data(drop: Path, tmp_path: Path) -> None:
    for name in ("a.csv.filepart", ".b.csv", "c.tmp", "~$d.xlsx", "e.csv.part", "f.csv.md5", "g.csv.ok"):
        put(drop, name)
    assert pull(tmp_path, pattern="*", take="all").objects == []


def test_with_markers_only_a_marked_file_is_taken(drop: Path, tmp_path: Path) -> None:
    put(drop, "resident_1.csv")
    first = pull(tmp_path, settle="marker")
    assert first.objects == []
    put(drop, "resident_1.csv.ok", b"", 1_700_000_001)
    assert names(pull(tmp_path, first.cursor, settle="marker")) == ["resident_1.csv"]


def test_a_marker_of_an_earlier_upload_vouches_for_nothing(drop: Path, tmp_path: Path) -> None:
    put(drop, "resident_1.csv.ok", b"", 1_700_000_000)
    put(drop, "resident_1.csv", CONTENT[:20], 1_700_000_500)
    assert pull(tmp_path, settle="marker").objects == []


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_a_checksum_that_fits_lets_the_file_pass(drop: Path, tmp_path: Path, algorithm: str) -> None:
    put(drop, "resident_1.csv")
    digest = hashlib.new(algorithm, CONTENT).hexdigest()
    put(drop, f"resident_1.csv.{algorithm}", f"{digest.upper()} *resident_1.csv\r\n".encode())
    assert names(pull(tmp_path)) == ["resident_1.csv"]


def test_a_truncated_file_with_a_checksum_is_refused_and_nothing_is_left(drop: Path, tmp_path: Path) -> None:
    put(drop, "resident_1.csv", CONTENT[:-5])
    put(drop, "resident_1.csv.sha256", hashlib.sha256(CONTENT).hexdigest().encode())
    with pytest.raises(Refused, match="没有传完整"):
        pull(tmp_path)
    assert list(tmp_path.glob("*.csv*")) == []


def test_a_missing_checksum_is_refused_where_one_is_required(drop: Path, tmp_path: Path) -> None:
    put(drop, "resident_1.csv")
    with pytest.raises(Refused, match="缺少校验文件"):
        pull(tmp_path, checksum="required")


def test_one_wrong_checksum_among_increments_does_not_hold_up_the_others(drop: Path, tmp_path: Path) -> None:
    put(drop, "resident_1.csv", b"good")
    put(drop, "resident_2.csv", b"bad")
    put(drop, "resident_2.csv.md5", b"0" * 32)
    found = pull(tmp_path, take="all")
    assert names(found) == ["resident_1.csv"]
    assert "resident_2.csv" in found.notes[0]
    put(drop, "resident_2.csv.md5", hashlib.md5(b"bad", usedforsecurity=False).hexdigest().encode())
    assert names(pull(tmp_path, found.cursor, take="all")) == ["resident_2.csv"]


def test_taken_files_move_to_done_at_the_pull_after(drop: Path, tmp_path: Path) -> None:
    put(drop, "resident_1.csv")
    first = pull(tmp_path, done="done")
    assert (drop / "resident_1.csv").exists()
    assert pull(tmp_path, first.cursor, done="done").objects == []
    assert (drop / "done" / "resident_1.csv").read_bytes() == CONTENT
    assert not (drop / "resident_1.csv").exists()


def test_an_older_full_copy_that_comes_late_does_not_replace_the_newer(drop: Path, tmp_path: Path) -> None:
    put(drop, "resident_20261201.csv", b"december")
    first = pull(tmp_path)
    put(drop, "resident_20261101.csv", b"november", 1_700_009_000)
    late = pull(tmp_path, first.cursor)
    assert late.objects == []
    assert "resident_20261101.csv" in late.notes[0]
    put(drop, "resident_20270101.csv", b"january")
    assert names(pull(tmp_path, late.cursor)) == ["resident_20270101.csv"]


def test_a_full_disk_is_said_and_nothing_is_left(drop: Path, tmp_path: Path) -> None:
    put(drop, "resident_1.csv", os.urandom(1 << 20))
    with pytest.raises(PullStopped):
        FileDrop().pull(OPTIONS, {}, tmp_path, stop=lambda: bool(list(tmp_path.glob("*.part"))))
    (partial,) = tmp_path.glob("*.part")
    partial.unlink()
    partial.symlink_to("/dev/full")
    with pytest.raises(DiskFull):
        pull(tmp_path)
    assert list(tmp_path.iterdir()) == []


def through(connect: Callable[..., None], departments: Departments, at_port: int, **entry: Any) -> None:
    host_key = departments.address("sftp")["host_key"]
    usual = {"kind": "sftp", "port": at_port, "host_key": host_key, "user": "police", "secret": "POLICE_FILES"}
    connect("relay", **{**usual, "timeouts": {"connect": 5, "read": 1, "total": 60}, **entry})


def test_a_download_that_was_cut_goes_on_where_it_stopped(
    drop: Path, tmp_path: Path, connect: Callable[..., None], at_departments: Departments
) -> None:
    content = os.urandom(6 << 20)
    put(drop, "resident_1.csv", content)
    with Relay("127.0.0.1", at_departments.address("sftp")["port"], 3 << 20) as relay:
        through(connect, at_departments, relay.port)
        with pytest.raises(SourceUnavailable, match="中断"):
            pull(tmp_path, connection="relay")
        (partial,) = tmp_path.glob("*.part")
        assert 0 < partial.stat().st_size < len(content)
        before = partial.stat().st_size
        seen: list[int] = []
        found = FileDrop().pull(
            {**OPTIONS, "connection": "relay"}, {}, tmp_path, progress=lambda done, total=None, /: seen.append(done)
        )
    assert found.objects[0].path.read_bytes() == content
    assert before in seen
    assert list(tmp_path.glob("*.part")) == []


def test_a_server_that_falls_silent_is_given_up_in_time(
    drop: Path, tmp_path: Path, connect: Callable[..., None], at_departments: Departments
) -> None:
    put(drop, "resident_1.csv", os.urandom(4 << 20))
    with Relay("127.0.0.1", at_departments.address("sftp")["port"], 1 << 20, silent=True) as relay:
        through(connect, at_departments, relay.port)
        with pytest.raises(SourceUnavailable, match="没有应答"):
            pull(tmp_path, connection="relay")


def test_a_stop_ends_the_pull_and_keeps_what_came(drop: Path, tmp_path: Path) -> None:
    put(drop, "resident_1.csv", os.urandom(3 << 20))
    asked: list[int] = []

    def stop() -> bool:
        return bool(list(tmp_path.glob("*.part"))) and asked.append(1) is None and len(asked) > 2

    with pytest.raises(PullStopped):
        FileDrop().pull(OPTIONS, {}, tmp_path, stop=stop)
    assert list(tmp_path.glob("*.part"))


def test_a_wrong_password_is_told_apart(drop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YICI_SOURCE_POLICE_FILES", "wrong")
    with pytest.raises(SourceAccessDenied, match="POLICE_FILES"):
        pull(tmp_path)
    assert [one.code for one in FileDrop().check_config(OPTIONS)] == ["wrong-password"]


def test_another_host_key_is_not_talked_to(
    drop: Path, connect: Callable[..., None], at_departments: Departments
) -> None:
    import asyncssh

    stranger = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    through(connect, at_departments, at_departments.address("sftp")["port"], host_key=stranger)
    (problem,) = FileDrop().check_config({**OPTIONS, "connection": "relay"})
    assert problem.code == "host-key-changed"


def test_without_a_pinned_key_the_check_shows_the_one_to_pin(
    drop: Path, connect: Callable[..., None], at_departments: Departments
) -> None:
    through(connect, at_departments, at_departments.address("sftp")["port"], host_key="")
    (problem,) = FileDrop().check_config({**OPTIONS, "connection": "relay"})
    assert problem.code == "host-key-missing"
    assert at_departments.address("sftp")["host_key"] in problem.remedy


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"host": "no-such-host.invalid"}, "unknown-host"),
        ({"port": 1}, "connection-refused"),
        ({"secret": "NOT_THERE"}, "source-misconfigured"),
    ],
)
def test_the_check_names_what_is_wrong_with_the_connection(
    drop: Path, connect: Callable[..., None], at_departments: Departments, entry: dict[str, Any], code: str
) -> None:
    through(connect, at_departments, at_departments.address("sftp")["port"], **entry)
    (problem,) = FileDrop().check_config({**OPTIONS, "connection": "relay"})
    assert problem.code == code
    assert str(problem)


def test_the_check_finds_a_folder_that_is_not_there(drop: Path) -> None:
    assert [one.code for one in FileDrop().check_config({**OPTIONS, "folder": "nowhere"})] == ["unknown-folder"]
    assert FileDrop().check_config(OPTIONS) == []


@pytest.mark.parametrize(
    "options", [{"folder": "../other"}, {"pattern": "a/b"}, {"colour": "red"}, {"connection": "land_exchange"}]
)
def test_options_that_make_no_sense_are_named(drop: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(SourceMisconfigured):
        pull(tmp_path, **options)
    assert FileDrop().check_config({**OPTIONS, **options})


def test_an_account_sees_only_its_own_folder(drop: Path, at_departments: Departments) -> None:
    assert password_of(at_departments, "POLICE_FILES") == secret("POLICE_FILES")
    (problem,) = FileDrop().check_config({**OPTIONS, "folder": "/etc"})
    assert problem.code == "unknown-folder"
