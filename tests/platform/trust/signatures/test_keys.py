"""Signing keys of people: certified, replaced, suspended, revoked; openssl judges certificates and list."""

from __future__ import annotations

import datetime as dt
import subprocess
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import crl
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.platform.trust.signatures.conftest import root_pem
from yici.base import clock
from yici.base.errors import Conflict, Invalid
from yici.core.audit import services as audit
from yici.core.audit.models import Entry
from yici.platform.trust.models import SigningKey
from yici.platform.trust.signatures import keys, keystore, revocation, sm2_certificates
from yici.platform.trust.signatures.errors import KeyNotUsable
from yici.platform.trust.signatures.keystore import SM2, KeyGone

DIGEST = bytes(32)


def openssl_verify(key: SigningKey, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "root.crt").write_bytes(root_pem())
    (folder / "own.crt").write_text(key.certificate)
    (folder / "people.crl").write_bytes(
        x509.load_der_x509_crl(revocation.revocation_list()).public_bytes(serialization.Encoding.PEM)
    )
    command = ["openssl", "verify", "-CAfile", "root.crt", "-crl_check", "-CRLfile", "people.crl", "own.crt"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_person_has_one_key_with_a_certificate_that_openssl_accepts(
    key: SigningKey, signer: Any, tmp_path: Path
) -> None:
    assert keys.ensure_key(signer.person, audit.SYSTEM) == key
    assert key.keystore == "pkcs11"
    judged = openssl_verify(key, tmp_path)
    assert judged.returncode == 0, judged.stderr
    certificate = x509.load_pem_x509_certificate(key.certificate.encode())
    subject = certificate.subject.rfc4514_string()
    assert signer.person.name in subject
    assert signer.person.id_number not in key.certificate and signer.person.id_number not in subject
    assert abs(certificate.not_valid_after_utc - key.valid_to) < dt.timedelta(minutes=1)


def test_a_revoked_key_is_on_the_list_and_signs_no_more(
    key: SigningKey, tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    with pytest.raises(Invalid):
        keys.revoke(key, " ", audit.SYSTEM)
    with django_capture_on_commit_callbacks(execute=True):
        keys.revoke(key, "手机丢失", audit.SYSTEM)
    judged = openssl_verify(key, tmp_path)
    assert judged.returncode != 0 and "certificate revoked" in judged.stderr
    with pytest.raises(KeyGone):
        keystore.named("pkcs11").sign(key.label, DIGEST)
    with pytest.raises(Conflict):
        keys.revoke(key, "再来一次", audit.SYSTEM)
    assert Entry.objects.filter(purpose__contains="手机丢失").exists()
    listed = crl.CertificateList.load(revocation.revocation_list())["tbs_cert_list"]
    assert len(listed["revoked_certificates"]) == 1


def test_a_replaced_key_is_destroyed_but_not_revoked(
    key: SigningKey, signer: Any, tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        new = keys.rotate(key, "换手机", audit.SYSTEM)
    assert new.pk != key.pk and keys.active_key(signer.person) == new
    key.refresh_from_db()
    assert key.state == SigningKey.State.ROTATED
    assert openssl_verify(key, tmp_path).returncode == 0
    with pytest.raises(KeyGone):
        keys.sign_digest(key, DIGEST)
    assert keys.sign_digest(new, DIGEST)


def test_a_key_about_to_expire_is_replaced_before_it_signs_again(key: SigningKey, signer: Any) -> None:
    SigningKey.objects.filter(pk=key.pk).update(valid_to=clock.physical() + dt.timedelta(days=keys.RENEW_DAYS - 1))
    new = keys.ensure_key(signer.person, audit.SYSTEM)
    key.refresh_from_db()
    assert new.pk != key.pk and key.state == SigningKey.State.ROTATED


def test_a_suspended_key_waits_for_a_decision(key: SigningKey, signer: Any) -> None:
    keys.suspend(key, "本人要求", audit.SYSTEM)
    with pytest.raises(KeyNotUsable):
        keys.ensure_key(signer.person, audit.SYSTEM)
    keys.resume(key, "本人要求", audit.SYSTEM)
    assert keys.ensure_key(signer.person, audit.SYSTEM) == key


def test_an_sm2_certificate_is_signed_by_the_sm2_authority_and_openssl_agrees(signer: Any, tmp_path: Path) -> None:
    key = keys.ensure_key(signer.person, audit.SYSTEM, SM2)
    own, authority = keys.certificates_der(key)
    assert sm2_certificates.is_signed_by(own, authority) and sm2_certificates.is_signed_by(authority, authority)
    changed = bytearray(own)
    changed[-1] ^= 1
    assert not sm2_certificates.is_signed_by(bytes(changed), authority)
    pem = key.certificate.partition("-----END CERTIFICATE-----\n")
    (tmp_path / "own.crt").write_text(pem[0] + pem[1])
    (tmp_path / "authority.crt").write_text(pem[2])
    command = ["openssl", "verify", "-vfyopt", "distid:1234567812345678", "-CAfile", "authority.crt", "own.crt"]
    judged = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert judged.returncode == 0, judged.stdout + judged.stderr


def test_a_key_whose_module_is_gone_is_replaced_and_signs_again(
    key: SigningKey, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    monkeypatch.setattr("yici.platform.trust.signatures.keystore.pkcs11.SOFTHSM", ())
    with pytest.raises(KeyGone):
        keys.sign_digest(key, DIGEST)
    with django_capture_on_commit_callbacks(execute=True):
        new = keys.rotate(key, "密码机更换", audit.SYSTEM)
    assert new.keystore == "software" and keys.sign_digest(new, DIGEST)
