"""What may be uploaded, decided from the bytes alone."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.files import samples
from yici.core.files import inspection, rules
from yici.core.files.rules import Damaged, FileRejected, TypeMismatch, TypeNotAllowed


def check(body: bytes, name: str) -> str:
    return inspection.check_type(io.BytesIO(body), len(body), name)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("a.pdf", samples.PDF),
        ("a.png", samples.png()),
        ("a.JPG", samples.jpeg()),
        ("a.jpeg", samples.jpeg()),
        ("a.webp", samples.webp()),
        ("a.docx", samples.docx()),
        ("a.xlsx", samples.xlsx()),
        ("a.ofd", samples.ofd()),
        ("a.txt", "您好，亳州".encode()),
        ("a.txt", "您好，亳州".encode("gb18030")),
        ("a.csv", "\ufeff姓名,金额\n王秀英,100\n".encode()),
    ],
)
def test_every_allowed_type_is_recognised(name: str, body: bytes) -> None:
    assert check(body, name) == rules.KINDS[rules.extension_of(name)].media_type


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("a.pdf", b"MZ\x90\0" + b"\0" * 60),
        ("a.png", b"<!DOCTYPE html><html><script>alert(1)</script></html>"),
        ("a.txt", b"\xef\xbb\xbf  <html><body>"),
        ("a.txt", b"\xff\xfe" + "<script>".encode("utf-16-le")),
        ("a.png", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
        ("a.txt", b"#!/bin/sh\nrm -rf /\n"),
        ("a.txt", b"hello\0world"),
        ("a.jpg", b"GIF89a" + b"\0" * 20),
        ("a.docx", b"\xd0\xcf\x11\xe0" + b"\0" * 600),
        ("a.zip", samples.archive({"a.txt": b"a"})),
        ("a.docx", samples.archive({"a.txt": b"a"})),
        ("a.docx", samples.docx(**{"word/vbaProject.bin": b"macro"})),
        ("a.docx", samples.docx(**{"../../etc/cron.d/x": b"x"})),
        ("a.exe", b"plain text"),
        ("a", b"plain text"),
        ("a.svg", samples.png()),
    ],
)
def test_programs_markup_and_unknown_types_are_refused(name: str, body: bytes) -> None:
    with pytest.raises(TypeNotAllowed):
        check(body, name)


@pytest.mark.parametrize(
    ("name", "body"), [("a.pdf", samples.png()), ("a.png", samples.PDF), ("a.xlsx", samples.docx())]
)
def test_extension_must_agree_with_the_bytes(name: str, body: bytes) -> None:
    with pytest.raises(TypeMismatch):
        check(body, name)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("a.docx", samples.docx() + b"<script>alert(1)</script>"),
        ("a.docx", b"PK\x03\x04" + b"x" * 50 + samples.docx()),
        ("a.png", samples.png() + samples.docx()),
        ("a.png", samples.png() + b"<?php ?>"),
        ("a.jpg", samples.jpeg() + samples.docx()),
        ("a.pdf", samples.PDF + samples.archive({"a.exe": b"MZ"}) + b"%%EOF"[:0]),
    ],
)
def test_polyglots_are_refused(name: str, body: bytes) -> None:
    with pytest.raises(FileRejected):
        check(body, name)


def test_zip_bomb_in_a_document_is_refused_without_unpacking_it() -> None:
    bomb = samples.docx(**{"word/media/image1.bin": b"\0" * (inspection.UNPACKED_LIMIT // 4)})
    assert len(bomb) < 1_000_000
    with pytest.raises(FileRejected, match="过大"):
        check(bomb, "a.docx")


def test_member_that_lies_about_its_size_is_refused() -> None:
    body = bytearray(samples.docx(**{"word/media/big.bin": b"A" * 900_000}))
    at = body.rfind(b"PK\x01\x02", 0, body.rfind(b"word/media/big.bin"))
    body[at + 24 : at + 28] = (100).to_bytes(4, "little")
    with pytest.raises(Damaged):
        check(bytes(body), "a.docx")


@pytest.mark.parametrize(
    ("name", "body"), [("a.png", samples.png(20_000, 20_000)), ("a.jpg", samples.jpeg(60_000, 60_000))]
)
def test_images_over_a_hundred_megapixels_are_refused(name: str, body: bytes) -> None:
    with pytest.raises(FileRejected, match="像素"):
        check(body, name)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("a.png", samples.png()[:40]),
        ("a.jpg", samples.jpeg()[:15]),
        ("a.webp", samples.webp()[:20]),
        ("a.pdf", b"%PDF-1.7 and nothing else"),
        ("a.docx", samples.docx()[:-30]),
        ("a.txt", b""),
    ],
)
def test_truncated_files_are_refused_as_damaged(name: str, body: bytes) -> None:
    with pytest.raises(Damaged):
        check(body, name)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\户口簿.pdf", "户口簿.pdf"),
        ("合同\u202efdp.exe", "合同fdp.exe"),
        ("a\x00b\r\nc.pdf", "ab c.pdf"),
        ("\u200b.pdf", "文件.pdf"),
        ("..", "文件"),
        ('a<b>"c".pdf', "a_b__c_.pdf"),
        ("长" * 300 + ".pdf", "长" * 116 + ".pdf"),
    ],
)
def test_names_lose_paths_control_characters_and_direction_overrides(raw: str, clean: str) -> None:
    assert rules.clean_name(raw) == clean


@given(st.text(max_size=400))
def test_any_name_becomes_a_short_harmless_one(raw: str) -> None:
    name = rules.clean_name(raw)
    assert 0 < len(name) <= rules.NAME_LIMIT
    assert not set(name) & set('/\\<>:"|?*\0\r\n')
    assert rules.clean_name(name) == name


@given(st.binary(max_size=300), st.sampled_from(sorted(rules.KINDS)), st.sampled_from([b"", samples.PDF, samples.png(), b"PK\x03\x04", b"\xff\xd8\xff\xe0", b"RIFF\0\0\0\0WEBP"]))  # fmt: skip
def test_arbitrary_bytes_are_accepted_or_refused_but_never_crash(tail: bytes, extension: str, head: bytes) -> None:
    try:
        assert check(head + tail, f"a.{extension}")
    except FileRejected as error:
        assert error.message


def test_trust_only_rises() -> None:
    assert rules.is_higher_trust("A", "B") and rules.is_higher_trust("C", "D")
    assert not rules.is_higher_trust("C", "B") and not rules.is_higher_trust("B", "B")
