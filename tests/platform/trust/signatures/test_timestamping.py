"""Time stamps: openssl, which nobody here wrote, makes the requests and judges the answers."""

from __future__ import annotations

import datetime as dt
import subprocess
from pathlib import Path

import pytest
from asn1crypto import tsp
from cryptography.hazmat.primitives import serialization

from yici.base import clock
from yici.platform.trust.models import TimeStamp
from yici.platform.trust.signatures import issuing, timestamping


def openssl(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path, db: None) -> Path:
    (tmp_path / "document").write_bytes("公司章程\n".encode() * 1000)
    (tmp_path / "root.crt").write_bytes(issuing.issuer().certificate.public_bytes(serialization.Encoding.PEM))
    return tmp_path


def stamped(folder: Path, *options: str) -> Path:
    made = openssl("ts", "-query", "-data", "document", "-out", "request.tsq", *options, folder=folder)
    assert made.returncode == 0, made.stderr
    (folder / "reply.tsr").write_bytes(timestamping.respond((folder / "request.tsq").read_bytes()))
    return folder / "reply.tsr"


@pytest.mark.parametrize("options", [("-sha256", "-cert"), ("-sha512", "-cert"), ("-sha256", "-cert", "-no_nonce")])
def test_openssl_accepts_the_time_stamp(folder: Path, options: tuple[str, ...]) -> None:
    stamped(folder, *options)
    verify = ("ts", "-verify", "-in", "reply.tsr", "-CAfile", "root.crt")
    for against in (("-queryfile", "request.tsq"), ("-data", "document")):
        judged = openssl(*verify, *against, folder=folder)
        assert "Verification: OK" in judged.stdout, judged.stderr
    assert TimeStamp.objects.count() == 1


def test_openssl_refuses_it_for_a_changed_document(folder: Path) -> None:
    stamped(folder, "-sha256", "-cert")
    (folder / "document").write_bytes(b"other")
    judged = openssl("ts", "-verify", "-in", "reply.tsr", "-CAfile", "root.crt", "-data", "document", folder=folder)
    assert judged.returncode != 0


def test_openssl_refuses_an_altered_answer(folder: Path) -> None:
    reply = stamped(folder, "-sha256", "-cert")
    content = bytearray(reply.read_bytes())
    content[-10] ^= 1
    reply.write_bytes(bytes(content))
    judged = openssl(
        "ts", "-verify", "-in", "reply.tsr", "-CAfile", "root.crt", "-queryfile", "request.tsq", folder=folder
    )
    assert judged.returncode != 0


def failure(answer: bytes, folder: Path) -> str:
    """What openssl reads in a refusal."""
    (folder / "refusal.tsr").write_bytes(answer)
    read = openssl("ts", "-reply", "-in", "refusal.tsr", "-text", folder=folder)
    assert "Status: Rejected." in read.stdout, read.stderr
    return next(line.partition(":")[2].strip() for line in read.stdout.splitlines() if line.startswith("Failure info"))


def test_what_no_longer_protects_and_what_is_no_request_is_refused(folder: Path) -> None:
    malformed = "the data submitted has the wrong format"
    openssl("ts", "-query", "-data", "document", "-sha1", "-out", "request.tsq", folder=folder)
    assert failure(timestamping.respond((folder / "request.tsq").read_bytes()), folder).startswith(
        "unrecognized or unsupported algorithm"
    )
    assert failure(timestamping.respond(b""), folder) == malformed
    assert failure(timestamping.respond(b"\x30\x03\x02\x01\x01"), folder) == malformed
    openssl("ts", "-query", "-data", "document", "-sha256", "-tspolicy", "1.2.3.4", "-out", "p.tsq", folder=folder)
    assert failure(timestamping.respond((folder / "p.tsq").read_bytes()), folder).startswith(
        "the requested TSA policy is not supported"
    )
    short = tsp.TimeStampReq(
        {"version": "v1", "message_imprint": {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": b"short"}}
    )
    assert failure(timestamping.respond(short.dump()), folder) == malformed
    assert not TimeStamp.objects.exists()


def test_no_time_is_vouched_for_while_the_clock_is_behind_a_stamp_already_given(folder: Path) -> None:
    stamped(folder, "-sha256", "-cert")
    TimeStamp.objects.update(at=clock.physical() + dt.timedelta(minutes=1))
    reply = timestamping.respond((folder / "request.tsq").read_bytes())
    assert failure(reply, folder) == "the TSA's time source is not available"
    assert TimeStamp.objects.count() == 1
