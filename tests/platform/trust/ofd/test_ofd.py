"""OFD files: a foreign checker agrees, and every byte that changes is noticed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import subprocess
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import gmalg
import pytest
from asn1crypto import parser, x509

from tests.environment import ROOT
from yici.platform.trust.library import printing
from yici.platform.trust.library.held import from_issued
from yici.platform.trust.models import Certificate
from yici.platform.trust.ofd import judging, packing, sealing
from yici.platform.trust.rendering import Sheet
from yici.platform.trust.signatures import sm2, sm2_certificates

pytestmark = pytest.mark.django_db
CHECKER = ROOT / ".tools" / "ofd-cli"
MOMENT = dt.datetime(2026, 11, 26, 4, 0, tzinfo=dt.UTC)
needs_checker = pytest.mark.skipif(not CHECKER.exists(), reason="ofd-cli is not here: sh scripts/ensure-checkers.sh")


@pytest.fixture
def sheet(certificate: Certificate) -> Sheet:
    return printing.sheet_of(from_issued(certificate))


@pytest.fixture
def ofd(sheet: Sheet) -> bytes:
    return packing.pack(sheet, sealing.sealer(), MOMENT)


def repacked(content: bytes, **changes: bytes | None) -> bytes:
    """The same archive with these parts replaced, added or (None) left out; names with `__` for `/`."""
    named = {name.replace("__", "/").replace("_xml", ".xml"): part for name, part in changes.items()}
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(out, "w") as new:
        for name in archive.namelist():
            part = named.pop(name, archive.read(name))
            if part is not None:
                new.writestr(name, part)
        for name, part in named.items():
            assert part is not None
            new.writestr(name, part)
    return out.getvalue()


def part_of(content: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read(name)


def parsed(content: bytes, name: str) -> ElementTree.Element:
    return ElementTree.fromstring(part_of(content, name))  # noqa: S314 - our own file


PAGE = "Doc_0/Pages/Page_0/Content.xml"


def check(content: bytes, folder: Path) -> subprocess.CompletedProcess[str]:
    path = folder / "certificate.ofd"
    path.write_bytes(content)
    return subprocess.run([CHECKER, "check", path], capture_output=True, text=True, check=False)


@needs_checker
def test_a_foreign_checker_finds_the_file_good(ofd: bytes, tmp_path: Path) -> None:
    told = check(ofd, tmp_path)
    assert told.returncode == 0 and "完整性校验通过，4 个文件" in told.stdout, told.stdout


@needs_checker
def test_a_foreign_checker_reports_an_edited_page(ofd: bytes, tmp_path: Path) -> None:
    page = part_of(ofd, PAGE)
    assert b"50.00" in page
    told = check(repacked(ofd, **{"Doc_0__Pages__Page_0__Content_xml": page.replace(b"50.00", b"80.00")}), tmp_path)
    assert told.returncode != 0 and PAGE in told.stdout + told.stderr, told


def children(contents: bytes) -> list[tuple[bytes, bytes]]:
    """(header, contents) of each DER element that stands in these bytes, one after another."""
    found = []
    while contents:
        _class, _method, _tag, header, inner, trailer = parser.parse(contents)
        found.append((header, inner))
        contents = contents[len(header) + len(inner) + len(trailer) :]
    return found


def test_the_seal_is_good_for_another_implementation_of_sm2(ofd: bytes) -> None:
    ((_head, envelope),) = children(part_of(ofd, packing.VALUE))
    ((_head, data),) = children(children(envelope)[1][1])
    _version, _digests, _content, (head, inner), (_set, signers) = children(data)
    certificate = x509.Certificate.load(b"\x30" + head[1:] + inner)
    ((_head, signer),) = children(signers)
    ((_head, pair),) = children(children(signer)[4][1])
    r, s = (int.from_bytes(value, "big").to_bytes(32, "big") for _head, value in children(pair))
    oracle = gmalg.SM2(sk=None, uid=sm2.DEFAULT_ID, pk=bytes(certificate.public_key["public_key"].native))
    assert oracle.verify(part_of(ofd, packing.SIGNATURE), r, s)
    assert not oracle.verify(part_of(ofd, packing.SIGNATURE) + b" ", r, s)


def test_the_page_says_what_the_certificate_says(ofd: bytes, certificate: Certificate) -> None:
    page = parsed(ofd, PAGE)
    words = [node.text for node in page.iter("{http://www.ofdspec.org/2016}TextCode")]
    for wanted in ("高龄津贴领取证", "王秀英", "342124194503121221", "50.00 元", certificate.number):
        assert wanted in words, wanted
    for node in page.iter("{http://www.ofdspec.org/2016}TextCode"):
        moves = node.get("DeltaX", "").split()
        assert len(moves) == len(node.text or "") - 1, node.text  # one advance between every two characters


def test_every_id_of_a_file_is_used_once(ofd: bytes) -> None:
    ids = [node.get("ID") for name in (PAGE, "Doc_0/PublicRes.xml") for node in parsed(ofd, name).iter()]
    ids = [one for one in ids if one]
    assert len(ids) == len(set(ids))


def test_text_that_looks_like_markup_is_text(sheet: Sheet) -> None:
    content = packing.pack(dataclasses.replace(sheet, number='<a&"b>', issuer="甲<乙"), sealing.sealer(), MOMENT)
    assert judging.judge(content, sealing.sealer()).outcome == "intact"
    assert parsed(content, "OFD.xml") is not None
    assert parsed(content, PAGE) is not None


def test_intact_file_names_its_certificate(ofd: bytes, certificate: Certificate) -> None:
    assert judging.judge(ofd, sealing.sealer()) == judging.Judgement("intact", certificate.identifier)


def test_one_changed_byte_anywhere_is_never_intact_with_other_content(ofd: bytes) -> None:
    """A byte of the archive's own book-keeping (a time, a flag) may change; then every part is still as it was sealed."""
    with zipfile.ZipFile(io.BytesIO(ofd)) as archive:
        whole = {name: archive.read(name) for name in archive.namelist()}
    for place in range(0, len(ofd), 7):
        edited = bytearray(ofd)
        edited[place] ^= 0x20
        if judging.judge(bytes(edited), sealing.sealer()).outcome == "intact":
            with zipfile.ZipFile(io.BytesIO(bytes(edited))) as archive:
                assert {name: archive.read(name) for name in archive.namelist()} == whole, place


@pytest.mark.parametrize(
    ("changes", "outcome", "part"),
    [
        ({"Doc_0__Pages__Page_0__Content_xml": b"<x/>"}, "altered", PAGE),
        ({"OFD_xml": b"<x/>"}, "altered", "OFD.xml"),
        ({"Doc_0__Document_xml": b"<x/>"}, "altered", "Doc_0/Document.xml"),
        ({"Doc_0__Document_xml": None}, "altered", "Doc_0/Document.xml"),
        ({"Doc_0__Annots__Page_0_xml": b"<x/>"}, "altered", "Doc_0/Annots/Page_0.xml"),
        ({"Doc_0__Signs__Sign_0__Signature_xml": None}, "unsigned", ""),
        ({"Doc_0__Signs__Sign_0__Signature_xml": b"<x/>"}, "altered", packing.SIGNATURE),
    ],
)
def test_changed_added_and_removed_parts_are_named(
    ofd: bytes, changes: dict[str, bytes | None], outcome: str, part: str
) -> None:
    judged = judging.judge(repacked(ofd, **changes), sealing.sealer())
    assert (judged.outcome, judged.part) == (outcome, part)


def test_another_citys_key_is_foreign(sheet: Sheet) -> None:
    key = sm2.PrivateKey.generate()
    pem = sm2_certificates.certificate_for(key.public_key_info(), sealing.NAME, "city-seal", 365)
    other = sealing.CitySealer(sm2.ReadyKey(key), sm2_certificates.pem_blocks(pem)[0])
    content = packing.pack(sheet, other, MOMENT)
    assert judging.judge(content, other).outcome == "intact"
    assert judging.judge(content, sealing.sealer()).outcome == "foreign"


def test_archives_that_unpack_without_end_are_not_unpacked(ofd: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("OFD.xml", bytes(64 << 20))
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_a, **_k: pytest.fail("unpacked"))
    assert judging.is_ofd(out.getvalue())
    assert judging.judge(out.getvalue(), sealing.sealer()).outcome == "altered"


def test_any_bytes_are_judged() -> None:
    for content in (b"PK\x03\x04", b"PK\x03\x04OFD.xml", b"PK\x03\x04" + bytes(99)):
        judging.is_ofd(content)
        assert judging.judge(content, sealing.sealer()).outcome == "altered"


def test_a_machine_without_sm2_says_what_else_there_is(
    monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    from yici.base.errors import Misconfigured

    settings.HOME = tmp_path
    monkeypatch.setattr(sm2, "is_available", lambda: False)
    with pytest.raises(Misconfigured, match="PDF"):
        sealing.sealer()
