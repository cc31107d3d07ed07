"""Evidence packages: checked by the script inside, alone in a folder; every edited package is refused."""

from __future__ import annotations

import datetime as dt
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs7
from typer.testing import CliRunner

from yici.base import clock
from yici.core.audit import services as audit
from yici.core.files import services as files
from yici.platform.trust.commands import app
from yici.platform.trust.signatures import envelopes, evidence, issuing, keys
from yici.platform.trust.signatures.envelopes import SignerDraft
from yici.platform.trust.signatures.evidence_check import MANIFEST, SEAL, Refused, check


@pytest.fixture
def package(demo: Any, document: bytes, prove: Callable[..., str], tmp_path: Path) -> Path:
    """The evidence of two shareholders' signatures, as it is downloaded."""
    stored = files.store(document, "章程.pdf", account=demo.restaurateur)
    drafts = [
        SignerDraft(account.person, "股东", turn) for turn, account in enumerate((demo.restaurateur, demo.trader))
    ]
    envelope = envelopes.create("公司章程", stored, drafts, demo.restaurateur)
    for account in (demo.restaurateur, demo.trader):
        envelope = envelopes.sign(envelope.number, account, prove(account.person), stored.sha256)
    assert envelope.evidence is not None
    path = tmp_path / "evidence.zip"
    with files.open_file(envelope.evidence) as stream:
        path.write_bytes(stream.read())
    return path


def members(package: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(package) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(content: dict[str, bytes], path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in content.items():
            archive.writestr(name, body)
    return path


def test_the_script_inside_accepts_it_with_nothing_but_python_and_openssl(package: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "verify.py").write_bytes(members(package)["verify.py"])
    for name, root in zip(("city.crt", "people.crt"), evidence.roots(), strict=True):
        (alone / name).write_bytes(root)
    command = [
        sys.executable,
        "-I",
        "verify.py",
        str(package),
        "--city-root",
        "city.crt",
        "--people-root",
        "people.crt",
    ]
    ran = subprocess.run(command, cwd=alone, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "通过：《公司章程》" in ran.stdout and "张伟（股东）" in ran.stdout and "吴刚（股东）" in ran.stdout
    assert "等级 2（人脸比对）" in ran.stdout


def test_it_says_who_how_well_when_over_what_and_everything_that_happened(package: Path, demo: Any) -> None:
    record = json.loads(members(package)["evidence.json"])
    first = record["signers"][0]
    assert (first["name"], first["assurance"], first["keystore"]) == ("张伟", 2, "pkcs11")
    assert first["proven_at"] <= first["authorised_at"] <= first["signed_at"]
    assert [event["kind"] for event in record["events"]][-1] == "completed"
    assert demo.restaurateur.person.id_number.encode() not in package.read_bytes()
    assert not any(demo.restaurateur.person.id_number.encode() in body for body in members(package).values())


def test_the_command_line_checks_it_against_the_citys_own_roots(package: Path) -> None:
    assert CliRunner().invoke(app, ["evidence-check", str(package)]).exit_code == 0
    broken = members(package)
    broken["evidence.json"] += b" "
    assert CliRunner().invoke(app, ["evidence-check", str(packed(broken, package))]).exit_code == 1


def places_that_count(name: str, body: bytes) -> set[int]:
    """Ends and inside. In the seal and the stamp: inside what is signed, and each third of the signature; the rest of them
    is copies of certificates, which the check does not use since it believes the package's roots alone."""
    if not name.endswith((".p7s", ".tst")):
        return {0, len(body) // 3, len(body) // 2, len(body) - 1}
    signed = cms.ContentInfo.load(body)["content"]
    (signer,) = signed["signer_infos"]
    parts = [signer["signature"].contents, signer["signed_attrs"].contents]
    if name.endswith(".tst"):
        parts.append(signed["encap_content_info"]["content"].parsed.contents)
    return {0, len(body) - 1} | {body.index(part) + len(part) * third // 3 for part in parts for third in range(3)}


def test_a_changed_byte_in_any_file_is_refused(package: Path, tmp_path: Path) -> None:
    whole = members(package)
    for name, body in whole.items():
        for place in places_that_count(name, body):
            changed = bytearray(body)
            changed[place] ^= 1
            with pytest.raises(Refused):
                check(packed({**whole, name: bytes(changed)}, tmp_path / "changed.zip"))


def test_a_missing_added_or_doubled_file_is_refused(package: Path, tmp_path: Path) -> None:
    whole = members(package)
    for name in whole:
        with pytest.raises(Refused):
            check(packed({key: body for key, body in whole.items() if key != name}, tmp_path / "less.zip"))
    with pytest.raises(Refused):
        check(packed({**whole, "extra.txt": b"x"}, tmp_path / "more.zip"))
    doubled = packed(whole, tmp_path / "doubled.zip")
    with pytest.warns(UserWarning), zipfile.ZipFile(doubled, "a") as archive:
        archive.writestr("evidence.json", b"{}")
    with pytest.raises(Refused):
        check(doubled)
    for nonsense in (b"", b"PK\x03\x04", package.read_bytes()[:-500]):
        (tmp_path / "cut.zip").write_bytes(nonsense)
        with pytest.raises(Refused):
            check(tmp_path / "cut.zip")


def resealed(whole: dict[str, bytes], key: Any, certificate: Any, path: Path) -> Path:
    """The package edited by somebody who can seal with a key of their own."""
    import hashlib

    listed = json.loads(whole[MANIFEST])
    listed["files"] = {name: hashlib.sha256(whole[name]).hexdigest() for name in listed["files"]}
    whole[MANIFEST] = json.dumps(listed, ensure_ascii=False, indent=1, sort_keys=True).encode()
    builder = pkcs7.PKCS7SignatureBuilder().set_data(whole[MANIFEST]).add_signer(certificate, key, hashes.SHA256())
    options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
    whole[SEAL] = builder.sign(serialization.Encoding.DER, options)
    from yici.platform.trust.signatures import timestamping
    from yici.platform.trust.signatures.evidence_check import STAMP

    whole[STAMP] = timestamping.token_for(hashlib.sha256(whole[MANIFEST]).digest()).dump()
    return packed(whole, path)


def test_a_person_of_the_city_cannot_seal_a_package(package: Path, tmp_path: Path, demo: Any) -> None:
    """Her certificate is good, but for her own signature only."""
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    certificate = issuing.certificate_for(private.public_key(), "冒充", "x", 10)
    whole = members(package)
    whole["evidence.json"] = whole["evidence.json"].replace("张伟".encode(), "李四".encode())
    with pytest.raises(Refused, match="清单的签章"):
        check(resealed(whole, private, certificate, tmp_path / "forged.zip"))


def test_a_document_changed_under_a_good_seal_is_still_refused(package: Path, tmp_path: Path) -> None:
    """As if the city itself had edited it: the signers' own signatures say no."""
    from yici.platform.trust.authority import key_files

    where = key_files()
    key = serialization.load_pem_private_key(where.signer_key.read_bytes(), None)
    certificate = x509.load_pem_x509_certificate(where.signer_certificate.read_bytes())
    whole = members(package)
    at = whole["document.pdf"].index(b"/Reason")
    for edit in (
        {"document.pdf": whole["document.pdf"] + b"\n% more"},
        {"document.pdf": whole["document.pdf"][: at + 1] + b"X" + whole["document.pdf"][at + 2 :]},
        {"original.pdf": whole["original.pdf"] + b" "},
        {"evidence.json": whole["evidence.json"].replace(b'"state": "signed"', b'"state": "removed"', 1)},
    ):
        with pytest.raises(Refused):
            check(resealed({**whole, **edit}, key, certificate, tmp_path / "edited.zip"))
    assert check(resealed(dict(whole), key, certificate, tmp_path / "same.zip"))["title"] == "公司章程"


def test_a_package_of_another_city_is_foreign(package: Path, tmp_path: Path) -> None:
    for name, root in zip(("city.crt", "people.crt"), evidence.roots()[::-1], strict=True):
        (tmp_path / name).write_bytes(root)
    with pytest.raises(Refused, match="所信任的机构"):
        check(package, tmp_path / "city.crt", tmp_path / "people.crt")


def test_a_key_revoked_before_it_signed_is_seen_and_one_revoked_later_is_not(
    package: Path, demo: Any, tmp_path: Path
) -> None:
    key = keys.active_key(demo.trader.person)
    assert key is not None
    keys.revoke(key, "手机丢失", audit.SYSTEM)
    from yici.platform.trust.authority import key_files
    from yici.platform.trust.models import SigningKey
    from yici.platform.trust.signatures import revocation

    # Lists know seconds: one within the second of the signature would count as before it.
    SigningKey.objects.filter(pk=key.pk).update(ended_at=clock.now() + dt.timedelta(minutes=1))
    where = key_files()
    sealing = serialization.load_pem_private_key(where.signer_key.read_bytes(), None)
    certificate = x509.load_pem_x509_certificate(where.signer_certificate.read_bytes())
    later = {**members(package), "people.crl": revocation.revocation_list()}
    assert check(resealed(later, sealing, certificate, tmp_path / "later.zip"))

    SigningKey.objects.filter(pk=key.pk).update(ended_at=key.created_at - dt.timedelta(days=1))
    before = {**members(package), "people.crl": revocation.revocation_list()}
    with pytest.raises(Refused, match="已吊销"):
        check(resealed(before, sealing, certificate, tmp_path / "before.zip"))


def test_the_archive_is_ordinary(package: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(package.read_bytes())) as archive:
        assert archive.testzip() is None
        assert {"README.txt", "verify.py", "document.pdf", "original.pdf", "evidence.json"} <= set(archive.namelist())
