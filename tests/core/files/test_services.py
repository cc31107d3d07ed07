"""Storing, sharing, scanning and removing files, on a real disk and a real database."""

from __future__ import annotations

import datetime as dt
import hashlib
import socketserver
import struct
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage

from tests.core.files import samples
from yici.base import clock
from yici.base.errors import Invalid, NotFound, Unavailable
from yici.core.audit.models import Entry
from yici.core.audit.services import SYSTEM
from yici.core.files import antivirus, services
from yici.core.files.models import StoredFile

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_store(settings: Any, tmp_path: Path) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "files")},
        },
    }


class Endless:
    """A client that sends text until somebody stops it; counts what was read."""

    def __init__(self, size: int) -> None:
        self.left, self.read_bytes = size, 0

    def read(self, size: int = -1, /) -> bytes:
        assert size > 0, "the whole stream was asked for at once"
        piece = b"0123456789abcdef" * (min(size, self.left) // 16)
        self.left -= len(piece)
        self.read_bytes += len(piece)
        return piece


MB = 1024 * 1024


def test_a_hundred_megabyte_stream_is_stopped_at_the_limit_without_filling_memory(settings: Any) -> None:
    settings.FILE_SIZE_LIMIT = 20 * MB
    source = Endless(100 * MB)
    tracemalloc.start()
    try:
        with pytest.raises(services.TooLarge, match="20 MB"):
            services.store(source, "big.txt")
        assert tracemalloc.get_traced_memory()[1] < 8 * MB
    finally:
        tracemalloc.stop()
    assert source.read_bytes <= 21 * MB
    assert not StoredFile.objects.exists()


def test_a_hundred_megabytes_are_stored_in_little_memory_where_the_limit_allows_it(settings: Any) -> None:
    settings.FILE_SIZE_LIMIT = 120 * MB
    tracemalloc.start()
    try:
        stored = services.store(Endless(100 * MB), "big.txt")
        assert tracemalloc.get_traced_memory()[1] < 8 * MB
    finally:
        tracemalloc.stop()
    assert stored.size == 100 * MB
    services.release(stored)
    services.remove_expired()


def test_bytes_lie_under_their_hash() -> None:
    stored = services.store(samples.PDF, "../户口簿.pdf")
    digest = hashlib.sha256(samples.PDF).hexdigest()
    assert (stored.sha256, stored.name, stored.media_type) == (digest, "户口簿.pdf", "application/pdf")
    assert default_storage.exists(f"{digest[:2]}/{digest[2:4]}/{digest}")
    with services.open_file(stored) as stream:
        assert stream.read() == samples.PDF


def test_refused_file_leaves_neither_row_nor_bytes(tmp_path: Path) -> None:
    with pytest.raises(services.TypeNotAllowed):
        services.store(b"MZ\x90\0" + b"\0" * 60, "发票.pdf")
    assert not StoredFile.objects.exists()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_same_bytes_twice_share_the_bytes_but_not_the_row(tmp_path: Path) -> None:
    first = services.store(samples.png(), "a.png", retention_days=0)
    second = services.store(samples.png(), "b.png")
    assert first.pk != second.pk and first.sha256 == second.sha256
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1
    with clock.at(clock.now() + dt.timedelta(days=2)):
        assert services.remove_expired() == 1
    first.refresh_from_db()
    with pytest.raises(NotFound):
        services.open_file(first)
    with services.open_file(second) as stream:
        assert stream.read() == samples.png()
    services.release(second)
    assert services.remove_expired() == 1
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_file_attached_to_a_case_is_kept() -> None:
    stored = services.store(samples.PDF, "a.pdf", retention_days=1)
    services.attach(stored, "341600202611230000001")
    with clock.at(clock.now() + dt.timedelta(days=400)):
        assert services.remove_expired() == 0


def test_integrity_check_finds_changed_and_missing_bytes(tmp_path: Path) -> None:
    changed = services.store(samples.PDF, "a.pdf")
    missing = services.store(samples.png(), "a.png")
    services.store(samples.jpeg(), "a.jpg")
    assert services.verify_store() == []
    root = tmp_path / "files"
    next(root.rglob(changed.sha256)).write_bytes(b"forged")
    next(root.rglob(missing.sha256)).unlink()
    faults = {(fault.sha256, fault.kind) for fault in services.verify_store()}
    assert faults == {(changed.sha256, "changed"), (missing.sha256, "missing")}


def test_trust_rises_with_a_reason_and_is_recorded() -> None:
    stored = services.store(samples.PDF, "a.pdf")
    services.raise_trust(stored, "B", SYSTEM, "窗口核对原件")
    assert StoredFile.objects.get(pk=stored.pk).trust == "B"
    entry = Entry.objects.get(subject_kind="file", subject_id=str(stored.pk))
    assert "C → B" in entry.purpose and "窗口核对原件" in entry.purpose
    for trust, reason in [("C", "降级"), ("B", "重复"), ("A", " "), ("Z", "没有")]:
        with pytest.raises(Invalid):
            services.raise_trust(stored, trust, SYSTEM, reason)


class Scanner(socketserver.ThreadingTCPServer):
    """Speaks clamd's INSTREAM and knows one virus."""

    allow_reuse_address = True
    daemon_threads = True


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        assert self.rfile.read(10) == b"zINSTREAM\0"
        body = b""
        while size := struct.unpack(">L", self.rfile.read(4))[0]:
            body += self.rfile.read(size)
        answer = b"stream: Win.Test.EICAR_HDB-1 FOUND\0" if EICAR in body else b"stream: OK\0"
        self.wfile.write(answer)


@pytest.fixture
def scanner(settings: Any) -> Iterator[str]:
    server = Scanner(("127.0.0.1", 0), _Session)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    settings.ANTIVIRUS_SOCKET = f"127.0.0.1:{server.server_address[1]}"
    yield settings.ANTIVIRUS_SOCKET
    server.shutdown()
    server.server_close()
    thread.join()


def test_infected_file_is_found_and_blocked_with_every_copy(scanner: str) -> None:
    clean = services.store("清白".encode(), "clean.txt")
    infected = services.store(EICAR, "invoice.txt")
    copy = services.store(EICAR, "copy.txt")
    assert infected.scan == StoredFile.Scan.PENDING
    assert services.scan_pending() >= 2
    for stored in (clean, infected, copy):
        stored.refresh_from_db()
    assert (clean.scan, infected.scan, copy.scan) == ("clean", "infected", "infected")
    with pytest.raises(services.Infected):
        services.open_file(infected)
    assert Entry.objects.filter(subject_kind="file", subject_id=str(infected.pk), purpose__contains="EICAR").exists()


def test_scanner_that_is_down_leaves_files_waiting(settings: Any) -> None:
    settings.ANTIVIRUS_SOCKET = "/nonexistent/clamd.sock"
    stored = services.store(samples.PDF, "a.pdf")
    with pytest.raises(Unavailable):
        services.scan_pending()
    stored.refresh_from_db()
    assert stored.scan == StoredFile.Scan.PENDING


def test_scanner_is_reached_over_a_unix_socket(settings: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "clamd.sock")
    server = socketserver.ThreadingUnixStreamServer(path, _Session)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    settings.ANTIVIRUS_SOCKET = path
    try:
        stored = services.store(EICAR, "x.txt")
        with services.open_file(stored) as stream:
            assert antivirus.scan(stream) == "Win.Test.EICAR_HDB-1"  # type: ignore[arg-type]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_without_a_scanner_files_say_so() -> None:
    assert services.store(samples.PDF, "a.pdf").scan == StoredFile.Scan.SKIPPED
    assert services.scan_pending() == 0
