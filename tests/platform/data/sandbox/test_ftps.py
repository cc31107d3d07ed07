"""The FTPS server of the demo's departments: what a client needs, and nothing beyond the account's own folder."""

from __future__ import annotations

import ftplib
import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.platform.data.sandbox.fixtures import Departments
from yici.platform.data.sources.connections import secret
from yici.platform.data.sources.file_drop.source import FileDrop

OPTIONS: dict[str, Any] = {"connection": "grid_files", "folder": "customer", "settle_seconds": 0.01}


@pytest.fixture
def drop(ftps_server: Path, at_departments: Departments) -> Path:
    folder = ftps_server / "customer"
    folder.mkdir(exist_ok=True)
    for one in folder.iterdir():
        one.unlink() if one.is_file() else [inner.unlink() for inner in one.iterdir()]
    return folder


@pytest.fixture
def client(drop: Path, at_departments: Departments) -> Iterator[ftplib.FTP_TLS]:
    at = at_departments.address("ftps")
    found = ftplib.FTP_TLS(context=ssl.create_default_context(cafile=at["ca"]))  # noqa: S321 - encrypted
    found.connect(at["host"], at["port"], timeout=10)
    yield found
    found.close()


def test_a_department_delivers_by_ftps_with_its_certificate_checked(drop: Path, tmp_path: Path) -> None:
    content = os.urandom(300_000)
    (drop / "客户.csv").write_bytes(content)
    assert FileDrop().check_config(OPTIONS) == []
    first = FileDrop().pull({**OPTIONS, "done": "done"}, {}, tmp_path)
    assert [one.path.read_bytes() for one in first.objects] == [content]
    FileDrop().pull({**OPTIONS, "done": "done"}, first.cursor, tmp_path)
    assert (drop / "done" / "客户.csv").exists() and not (drop / "客户.csv").exists()


def test_a_download_goes_on_where_it_was_cut(drop: Path, client: ftplib.FTP_TLS) -> None:
    (drop / "a.csv").write_bytes(b"0123456789")
    client.login("grid", secret("GRID_FILES"))
    client.prot_p()
    client.cwd("customer")
    got: list[bytes] = []
    client.retrbinary("RETR a.csv", got.append, rest=6)
    assert b"".join(got) == b"6789" and client.size("a.csv") == 10 and client.pwd() == "/customer"


def test_nobody_gets_in_or_out_in_the_open(drop: Path, client: ftplib.FTP_TLS) -> None:
    with pytest.raises(ftplib.error_perm, match="530"):
        client.login("grid", secret("GRID_FILES"), secure=False)
    client.login("grid", secret("GRID_FILES"))
    with pytest.raises(ftplib.error_perm, match="521"):
        list(client.mlsd())
    with pytest.raises(ftplib.error_perm, match="530"):
        client.login("grid", "wrong")
    with pytest.raises(ftplib.error_perm, match="530"):
        client.cwd("customer")


@pytest.mark.parametrize("path", ["..", "../../sftp", "/../..", "customer/../../police", "/etc"])
def test_no_path_leaves_the_folder(drop: Path, client: ftplib.FTP_TLS, path: str) -> None:
    client.login("grid", secret("GRID_FILES"))
    with pytest.raises(ftplib.error_perm, match="550"):
        client.sendcmd(f"CWD {path}")
    (drop.parent / "out").unlink(missing_ok=True)
    (drop.parent / "out").symlink_to("/etc")
    with pytest.raises(ftplib.error_perm, match="550"):
        client.cwd("out")
    (drop.parent / "out").unlink()
