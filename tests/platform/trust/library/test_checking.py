"""The public check of every kind of file, and of codes: authentic, altered, out of force, not ours, not together."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from tests.platform.trust.conftest import issue_to
from yici.base import clock
from yici.core.audit import services as audit
from yici.platform.trust import queries, services
from yici.platform.trust.authority import key_files
from yici.platform.trust.credentials import issuing
from yici.platform.trust.library import checking, printing
from yici.platform.trust.library.held import from_issued
from yici.platform.trust.models import Certificate, MadeCertificate
from yici.platform.trust.queries import Held, Outcome, verify_file
from yici.platform.trust.signatures import issuing as stamps

pytestmark = pytest.mark.django_db


def files_of(held: Held) -> dict[str, bytes]:
    """Every kind of file there is of a certificate."""
    token = issuing.credential_of(held, list(held.face)[:1], clock.now())
    kinds = {format: printing.file_of(held, format)[1] for format in ("pdf", "ofd")}
    if held.is_made:
        kinds["json"] = printing.file_of(held, "json")[1]
    return {**kinds, "sd-jwt": token.encode()}


@pytest.fixture(params=["issued", "made"])
def held(request: pytest.FixtureRequest) -> Held:
    if request.param == "made":
        made: Held = request.getfixturevalue("register")
        return made
    return from_issued(request.getfixturevalue("certificate"))


def put(held: Held, state: str) -> None:
    MadeCertificate.objects.filter(pk=held.identifier).update(state=state)
    Certificate.objects.filter(identifier=held.identifier).update(state=state)


def test_every_kind_of_file_is_genuine_then_out_of_force(held: Held) -> None:
    for kind, content in files_of(held).items():
        verdict = verify_file(content)
        assert (verdict.outcome, verdict.genuine) == (Outcome.GENUINE, True), kind
        assert verdict.certificate is not None and verdict.certificate.identifier == held.identifier
    contents = files_of(held)
    for state, words in (("suspended", "暂停"), ("revoked", "撤销"), ("cancelled", "注销"), ("expired", "过有效期")):
        put(held, state)
        for kind, content in contents.items():
            verdict = verify_file(content)
            assert verdict.outcome == Outcome.NOT_IN_FORCE and words in verdict.reason, (kind, state)


def test_one_edited_byte_of_every_kind_of_file_is_refused(held: Held) -> None:
    for kind, content in files_of(held).items():
        for share in (0.3, 0.5, 0.7):
            edited = bytearray(content)
            place = int(len(content) * share)
            edited[place] = edited[place] ^ 1 if kind in ("pdf", "ofd") else ord("A" if edited[place] != 65 else "B")
            verdict = verify_file(bytes(edited))
            assert not verdict.genuine and verdict.certificate is None, (kind, share)


def test_another_citys_files_are_foreign(certificate: Certificate, settings: Any, tmp_path: Path) -> None:
    held = from_issued(certificate)
    home, settings.HOME = settings.HOME, tmp_path
    sheet = printing.sheet_of(held)
    pdf = printing.pdf_of_sheet(sheet, held.type)
    elsewhere = {**files_of(held), "pdf": pdf}
    settings.HOME = home
    for kind, content in elsewhere.items():
        assert verify_file(content).outcome == Outcome.FOREIGN, kind


def test_evidence_has_one_spelling_and_what_stands_beside_the_signed_parts_counts(register: Held) -> None:
    evidence = json.loads(printing.file_of(register, "json")[1])
    for edited in ({"root": evidence["root"].upper()}, {"signed_at": "2017-01-01T00:00:00+00:00"}, {"hash": "MD5"}):
        verdict = verify_file(json.dumps({**evidence, **edited}).encode())
        assert not verdict.genuine and verdict.certificate is None, edited


def test_evidence_under_another_key_is_foreign(register: Held) -> None:
    evidence = json.loads(printing.file_of(register, "json")[1])
    assert verify_file(json.dumps({**evidence, "key": "0" * 64}).encode()).outcome == Outcome.FOREIGN
    assert verify_file(json.dumps({**evidence, "root": "0" * 64}).encode()).outcome == Outcome.ALTERED


def test_credential_tells_only_what_was_disclosed(client: Client, certificate: Certificate) -> None:
    token = issuing.credential_of(from_issued(certificate), ["person.name"], clock.now())
    page = client.post("/verify/", {"by": "file", "file": SimpleUploadedFile("a.txt", token.encode())}).content.decode()
    assert "真实有效" in page and "王*英" in page and "50.00" not in page and certificate.number not in page


def test_code_of_a_different_certificate_beside_a_file_is_found(
    client: Client, demo: Any, certificate: Certificate, pdf: bytes
) -> None:
    other = issue_to(demo, "341600202611230000018")
    assert verify_file(pdf, certificate.check_code).outcome == Outcome.GENUINE
    assert verify_file(pdf, f"http://127.0.0.1:8000/verify/{certificate.check_code}/").outcome == Outcome.GENUINE
    verdict = verify_file(pdf, other.check_code)
    assert verdict.outcome == Outcome.DIFFERENT and "另一份证照" in verdict.reason and verdict.certificate is None
    assert verify_file(pdf, "AAAA-BBBB-CCCC").outcome == Outcome.DIFFERENT
    upload = SimpleUploadedFile("a.pdf", pdf)
    page = client.post("/verify/", {"by": "file", "file": upload, "beside": other.check_code}).content.decode()
    assert "查验未通过" in page and "另一份证照" in page
    answer = client.post("/api/v1/verify", {"file": SimpleUploadedFile("a.pdf", pdf), "code": other.check_code})
    assert answer.json()["outcome"] == "different"


def test_qr_code_that_leads_elsewhere_is_named(client: Client) -> None:
    answer = client.post("/verify/", {"code": "https://bozhou-gov.example.com/verify/AAAABBBBCCCC/"})
    assert answer.status_code == 422 and "bozhou-gov.example.com" in answer.content.decode()


def test_altered_ofd_says_which_part(certificate: Certificate) -> None:
    from tests.platform.trust.ofd.test_ofd import PAGE, part_of, repacked

    content = printing.file_of(from_issued(certificate), "ofd")[1]
    page = part_of(content, PAGE).replace(b"50.00", b"80.00")
    verdict = verify_file(repacked(content, **{"Doc_0__Pages__Page_0__Content_xml": page}))
    assert verdict.outcome == Outcome.ALTERED and PAGE in verdict.reason


@pytest.mark.parametrize(
    "content", [b"", b"\x89PNG", b"{", b"{}", b'{"record": 1}', b"eyJ~", b"ey.~.~", b"PK\x03\x04", b"[" * 9000]
)
def test_other_bytes_are_unreadable(content: bytes) -> None:
    assert verify_file(content).outcome in (Outcome.UNREADABLE, Outcome.ALTERED)
    assert not verify_file(content).genuine


def validates(content: bytes) -> bool:
    import io

    root = load_cert_from_pemder(str(key_files().root_certificate))
    (signature,) = PdfFileReader(io.BytesIO(content)).embedded_signatures
    stamper = x509.Certificate.load(stamps.stamper().issuer.public_bytes(Encoding.DER))
    status = validate_pdf_signature(
        signature, ValidationContext(trust_roots=[root], allow_fetching=False),
        ts_validation_context=ValidationContext(trust_roots=[stamper], allow_fetching=False),
    )  # fmt: skip
    stamp = status.timestamp_validity
    assert stamp is not None and stamp.valid and stamp.trusted and abs(stamp.timestamp - clock.physical()).seconds < 600
    return bool(status.bottom_line)


def test_pdf_of_both_kinds_passes_foreign_checkers(held: Held, tmp_path: Path) -> None:
    content = printing.file_of(held, "pdf")[1]
    assert validates(content)
    path = tmp_path / "certificate.pdf"
    path.write_bytes(content)
    ran = 0
    for command, words in (
        (["qpdf", "--check"], "No syntax or stream encoding errors found"),
        (["pdfsig", "-nocert"], "Signature is Valid"),
    ):
        if shutil.which(command[0]) is None:
            continue
        told = subprocess.run([*command, path], capture_output=True, text=True, check=False)
        assert words in told.stdout, told
        ran += 1
    if not ran:
        pytest.skip("neither qpdf nor pdfsig is here: sh scripts/ensure-checkers.sh")


def test_pdfsig_reports_an_edited_file(held: Held, tmp_path: Path) -> None:
    if shutil.which("pdfsig") is None:
        pytest.skip("pdfsig is not here: sh scripts/ensure-checkers.sh")
    content = bytearray(printing.file_of(held, "pdf")[1])
    content[len(content) // 2] ^= 1
    path = tmp_path / "certificate.pdf"
    path.write_bytes(bytes(content))
    told = subprocess.run(["pdfsig", "-nocert", path], capture_output=True, text=True, check=False)
    assert "Digest Mismatch" in told.stdout, told


def test_wallet_gives_every_file(client: Client, demo: Any, sign_in: Any, register: Held) -> None:
    sign_in(client, demo.farmer)
    base = f"/my/certificates/{register.identifier}/file"
    for format, start in (("pdf", b"%PDF"), ("ofd", b"PK"), ("json", b"{")):
        answer = client.get(f"{base}/{format}/")
        assert answer.status_code == 200 and answer.content.startswith(start)
        assert answer["Content-Disposition"].startswith("attachment")
        assert verify_file(answer.content).genuine
    assert client.get(f"{base}/exe/").status_code == 404
    sign_in(client, demo.restaurateur)
    assert client.get(f"{base}/pdf/").status_code == 404


def test_issued_certificate_has_no_evidence_of_the_lake(certificate: Certificate) -> None:
    from yici.base.errors import NotFound

    with pytest.raises(NotFound):
        printing.file_of(from_issued(certificate), "json")


def test_revoked_since_is_told_of_a_file_kept_at_home(certificate: Certificate) -> None:
    content = printing.file_of(from_issued(certificate), "ofd")[1]
    services.revoke(certificate.identifier, "材料不实", audit.SYSTEM)
    verdict = verify_file(content)
    assert verdict.outcome == Outcome.NOT_IN_FORCE and verdict.certificate is not None
    assert verdict.certificate.state_reason == "材料不实"


def test_code_reading_refuses_what_is_neither() -> None:
    from yici.base.errors import Invalid

    for text in ("", "1.2.3", "ABC", "https://", "http://127.0.0.1:8000/other/AAAABBBBCCCC/"):
        with pytest.raises(Invalid):
            checking.read_code(text)
    assert queries.read_code("abcd-efgh-ijkl") == "ABCDEFGHIJKL"
