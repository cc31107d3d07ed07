"""Issuing, checking and ending certificates."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import stat
import subprocess
import zlib
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.platform.trust.conftest import CASE, issue_to
from yici.base import clock
from yici.base.cityfolder import city_folder
from yici.base.errors import Conflict, Invalid, Misconfigured
from yici.core.audit import services as audit
from yici.core.people import queries as people
from yici.platform.trust import queries, rendering, rules, services, signing
from yici.platform.trust.models import Certificate, TimeStamp
from yici.platform.trust.queries import Outcome
from yici.platform.trust.signatures.errors import ClockWrong

pytestmark = pytest.mark.django_db


def test_issued_certificate_is_a_signed_pdf_with_a_valid_identifier(certificate: Certificate, pdf: bytes) -> None:
    assert rules.parse_identifier(certificate.identifier).version == 1
    assert certificate.file is not None and certificate.file.trust == "A"
    assert pdf.startswith(b"%PDF-1.7")
    assert b"pdfaid" in pdf
    assert signing.judge(pdf).identifier == certificate.identifier


def test_printed_words_and_numbers_can_be_read_from_the_file(
    certificate: Certificate, pdf: bytes, tmp_path: Path
) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed")
    path = tmp_path / "certificate.pdf"
    path.write_bytes(pdf)
    shown = subprocess.run(["pdftotext", "-layout", str(path), "-"], capture_output=True, text=True, check=True).stdout
    text = re.sub(r"\s", "", shown)
    for word in ("王秀英", "342124194503121221", "50.00元", "涡阳县民政局", CASE, certificate.identifier):
        assert word in text, word


def test_issuing_twice_for_a_case_gives_the_same_certificate(demo: Any, certificate: Certificate) -> None:
    assert issue_to(demo).pk == certificate.pk
    assert issue_to(demo, "341600202611230000018").pk != certificate.pk
    assert Certificate.objects.count() == 2


def test_genuine_file_is_found_genuine(certificate: Certificate, pdf: bytes) -> None:
    verdict = queries.verify_file(pdf)
    assert (verdict.genuine, verdict.outcome) == (True, Outcome.GENUINE)
    assert verdict.certificate is not None and verdict.certificate.identifier == certificate.identifier


def test_one_changed_bit_anywhere_is_found(certificate: Certificate, pdf: bytes) -> None:
    padding = pdf.rindex(b"0000>")  # the unsigned end of the signature's own envelope
    places = [*range(10, len(pdf), len(pdf) // 40), padding, len(pdf) - 2]
    for place in places:
        for bit in (0, 5):
            altered = bytearray(pdf)
            altered[place] ^= 1 << bit
            assert not queries.verify_file(bytes(altered)).genuine, (place, bit)


@pytest.mark.parametrize(
    ("content", "outcome"),
    [
        (b"", "unreadable"),
        (b"\x89PNG....", "unreadable"),
        (b"%PDF-1.7 nonsense", "unreadable"),
        (b"%PDF-" + b"\0" * 99, "unreadable"),
    ],
)
def test_any_bytes_get_a_verdict(content: bytes, outcome: str) -> None:
    verdict = queries.verify_file(content)
    assert (verdict.genuine, verdict.outcome) == (False, outcome)


def test_appended_and_cut_files_are_refused(certificate: Certificate, pdf: bytes) -> None:
    assert queries.verify_file(pdf + b"\n%%EOF").outcome == Outcome.ALTERED
    assert not queries.verify_file(pdf[:-200]).genuine


def unsigned_sheet() -> bytes:
    names = dict.fromkeys(rendering.Sheet.__annotations__, "x")
    sheet = rendering.Sheet(**{**names, "fields": [], "accent": "#000000"})  # type: ignore[arg-type]
    return rendering.render(sheet, city_folder() / "certificates" / "templates" / "certificate.typ")


def test_file_signed_by_somebody_else_is_refused(certificate: Certificate, tmp_path: Path, settings: Any) -> None:
    home, settings.HOME = settings.HOME, tmp_path
    elsewhere = signing.sign(unsigned_sheet(), identifier=certificate.identifier, issuer="某某")
    assert signing.judge(elsewhere).outcome == "intact"
    settings.HOME = home
    assert signing.judge(elsewhere).outcome == "foreign"
    assert queries.verify_file(elsewhere).outcome == Outcome.FOREIGN


def test_our_own_signature_on_something_never_issued_is_not_enough() -> None:
    never_issued = signing.sign(unsigned_sheet(), identifier="1.2.156.3005.2.X", issuer="某某")
    assert queries.verify_file(never_issued).outcome == Outcome.UNKNOWN


def test_unsigned_pdf_is_not_ours() -> None:
    assert queries.verify_file(unsigned_sheet()).outcome == Outcome.UNKNOWN


def test_a_file_that_unpacks_without_end_is_never_unpacked(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = zlib.compress(bytes(16 << 20), 9)  # 16 KB that once took 17 seconds and 700 MB of a web process
    start = b"%PDF-1.7\n"
    head = b"3 0 obj\n<</Type/XRef/Size 4194304/W[1 2 1]/Root 1 0 R/Filter/FlateDecode/Length %d>>\nstream\n" % len(
        entries
    )
    bomb = start + head + entries + b"\nendstream\nendobj\n%% %s\nstartxref\n%d\n%%%%EOF" % (
        certificate.identifier.encode(), len(start),
    )  # fmt: skip
    read: list[bytes] = []
    monkeypatch.setattr(signing, "judge", read.append)
    assert queries.verify_file(bomb).outcome == Outcome.UNKNOWN
    assert read == []


def test_revoked_certificate_is_no_longer_good_and_says_why(demo: Any, certificate: Certificate, pdf: bytes) -> None:
    services.revoke(certificate.identifier, "发现不符合发放条件", audit.SYSTEM)
    by_file, by_code = queries.verify_file(pdf), queries.verdict_on(certificate.check_code)
    for verdict in (by_file, by_code):
        assert (verdict.genuine, verdict.outcome) == (False, Outcome.NOT_IN_FORCE)
        assert verdict.certificate is not None and verdict.certificate.state_reason == "发现不符合发放条件"
    assert queries.valid_certificate(demo.farmer.person, "senior_allowance") is None
    with pytest.raises(Conflict):
        services.revoke(certificate.identifier, "再次撤销", audit.SYSTEM)


def test_suspended_certificate_comes_back(certificate: Certificate) -> None:
    services.suspend(certificate.identifier, "核查中", audit.SYSTEM)
    assert not queries.verdict_on(certificate.check_code).genuine
    services.resume(certificate.identifier, "核查无误", audit.SYSTEM)
    assert queries.verdict_on(certificate.check_code).genuine
    with pytest.raises(Invalid):
        services.suspend(certificate.identifier, "  ", audit.SYSTEM)


def test_certificate_expires_by_the_calendar(demo: Any) -> None:
    issuer = people.responsible_organisation("public_security", "city", "341600000000")
    person = demo.driver.person
    issued = services.issue(
        "vehicle_prereview", holder=person, face={"vehicle.plate_number": "皖S6K218"}, case_number=CASE, issuer=issuer
    )
    assert issued.valid_to == issued.valid_from + dt.timedelta(days=29)
    found = queries.valid_certificate(person, "vehicle_prereview")
    assert found is not None and found.identifier == issued.identifier
    with clock.at(clock.now() + dt.timedelta(days=31)):
        assert queries.verdict_on(issued.check_code).outcome == Outcome.NOT_IN_FORCE
        assert queries.valid_certificate(person, "vehicle_prereview") is None


def test_unknown_code_is_a_verdict_not_an_error() -> None:
    assert queries.verdict_on("AAAA-BBBB-CCCC").outcome == Outcome.UNKNOWN
    assert queries.verdict_on("?").outcome == Outcome.UNKNOWN


def test_certificate_of_other_bodies_is_held_once_without_a_file(demo: Any) -> None:
    issuer = people.responsible_organisation("public_security", "city", "341600000000")
    person = demo.farmer.person
    for _ in range(2):
        held = services.hold(
            "resident_id_card", holder=person, face={"person.name": person.name}, issuer=issuer,
            number=person.id_number, issued_on=dt.date(2016, 5, 1),
        )  # fmt: skip
    assert Certificate.objects.filter(type="resident_id_card").count() == 1
    assert held.file is None and held.valid_to == dt.date(2036, 4, 30)
    found = queries.valid_certificates(person, ["resident_id_card", "household_register"])
    assert {kind: one.identifier for kind, one in found.items()} == {"resident_id_card": held.identifier}


def test_every_type_of_the_city_can_be_printed(demo: Any) -> None:
    from yici.platform.trust.definitions import certificate_types

    issuer = people.responsible_organisation("civil_affairs", "county", "341621108201")
    for kind in certificate_types().values():
        if kind.is_issued_here:
            face = dict.fromkeys(kind.face, "1")
            assert services.issue(kind.slug, holder=demo.farmer.person, face=face, case_number=CASE, issuer=issuer).file


def test_unknown_type_and_empty_face_are_refused(demo: Any) -> None:
    issuer = people.responsible_organisation("civil_affairs", "county", "341621108201")
    with pytest.raises(Misconfigured, match="no_such_type"):
        services.issue("no_such_type", holder=demo.farmer.person, face={}, case_number=CASE, issuer=issuer)
    with pytest.raises(Invalid):
        services.issue("senior_allowance", holder=demo.farmer.person, face={}, case_number=CASE, issuer=issuer)


def test_keys_are_readable_by_their_owner_only(certificate: Certificate) -> None:
    folder = Path(settings.HOME) / "trust"
    for name in ("root.key", "signer.key"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_nothing_is_printed_while_the_clock_is_wrong(demo: Any) -> None:
    """What has no time stamp has no signature: the case keeps waiting for its certificate, and gets it later."""
    ahead = TimeStamp.objects.create(imprint=b"x" * 32, algorithm="sha256", at=clock.physical() + dt.timedelta(hours=1))
    with pytest.raises(ClockWrong):
        issue_to(demo)
    assert not Certificate.objects.exists()
    TimeStamp.objects.filter(pk=ahead.pk).delete()
    assert issue_to(demo).state == "valid"


def test_missing_font_is_said_plainly() -> None:
    with pytest.raises(Misconfigured, match="fonts-noto-cjk"):
        rendering.check_fonts(["DejaVu Sans"])


def test_certificates_of_the_city_have_no_findings(city: Path) -> None:
    from yici.platform.trust.linting import lint

    assert list(lint(city)) == []
