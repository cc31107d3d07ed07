"""Keystores: keys are made inside, sign inside, and do not come out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from django.conf import settings
from django.db import connection

from tests.environment import ROOT
from yici.base.errors import Misconfigured
from yici.platform.trust.signatures import keystore, sm2
from yici.platform.trust.signatures.keystore import P256, SM2, KeyGone
from yici.platform.trust.signatures.keystore import pkcs11 as pkcs11_keystore
from yici.platform.trust.signatures.keystore.pkcs11 import Pkcs11Keystore, token
from yici.platform.trust.signatures.keystore.software import SoftwareKeystore

DIGEST = bytes(range(32))


def module() -> Pkcs11Keystore:
    assert token() is not None, "softhsm2 is not installed: scripts/ensure-signing.sh"
    held = keystore.named("pkcs11")
    assert isinstance(held, Pkcs11Keystore)
    return held


@pytest.fixture(params=["pkcs11", "software"])
def store(request: pytest.FixtureRequest, db: None) -> Any:
    return module() if request.param == "pkcs11" else SoftwareKeystore()


def verify(public: bytes, signature: bytes, digest: bytes = DIGEST) -> None:
    loaded = serialization.load_der_public_key(public)
    assert isinstance(loaded, ec.EllipticCurvePublicKey)
    loaded.verify(signature, digest, ec.ECDSA(Prehashed(hashes.SHA256())))


def test_a_key_signs_until_it_is_destroyed(store: Any) -> None:
    public = store.create("test-signs", P256)
    other = store.create("test-other", P256)
    verify(public, store.sign("test-signs", DIGEST))
    with pytest.raises(InvalidSignature):
        verify(public, store.sign("test-other", DIGEST))
    with pytest.raises(InvalidSignature):
        verify(public, store.sign("test-signs", DIGEST), DIGEST[::-1])
    store.destroy("test-signs")
    store.destroy("test-signs")
    with pytest.raises(KeyGone):
        store.sign("test-signs", DIGEST)
    verify(other, store.sign("test-other", DIGEST))
    store.destroy("test-other")


def test_the_folders_of_the_module_are_its_owners_alone(tmp_path: Path) -> None:
    """Whichever key is the first to be made in a new data folder."""
    made = pkcs11_keystore.token()
    assert made is not None
    pkcs11_keystore._softhsm(made.module, tmp_path / "trust" / "softhsm")
    for folder in ("trust", "trust/softhsm", "trust/softhsm/tokens"):
        assert (tmp_path / folder).stat().st_mode & 0o077 == 0, folder


def test_the_module_does_not_give_a_private_key_away(db: None) -> None:
    store = module()
    store.create("test-inside", P256)
    assert store.attribute("test-inside", pkcs11.Attribute.SENSITIVE) is True
    assert store.attribute("test-inside", pkcs11.Attribute.EXTRACTABLE) is False
    with pytest.raises(pkcs11.AttributeSensitive):
        store.attribute("test-inside", pkcs11.Attribute.VALUE)
    store.destroy("test-inside")


def test_another_process_and_a_fork_use_the_same_key(db: None) -> None:
    store = module()
    public = store.create("test-shared", P256)
    child = os.fork()
    if child == 0:
        try:
            verify(public, store.sign("test-shared", DIGEST))
            os._exit(0)
        except BaseException:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    code = (
        "import django; django.setup()\n"
        "from yici.platform.trust.signatures import keystore\n"
        "print(keystore.named('pkcs11').sign('test-shared', bytes(range(32))).hex())"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "yici.web.settings", "YICI_HOME": str(settings.HOME)}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    verify(public, bytes.fromhex(ran.stdout.strip()))
    store.destroy("test-shared")


def test_the_software_keystore_says_so_and_keeps_no_key_in_the_clear(db: None) -> None:
    store = SoftwareKeystore()
    assert "没有安装密码模块" in store.description
    store.create("test-sealed", P256)
    with connection.cursor() as cursor:
        cursor.execute("SELECT material FROM trust_sealedkey WHERE label = 'test-sealed'")
        stored = bytes(cursor.fetchone()[0])
    assert b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07" not in stored  # the curve's name, in every PKCS#8 of P-256


def test_sm2_keys_are_made_where_the_module_cannot(db: None) -> None:
    store = keystore.for_new_key(SM2)
    assert store.name == "software"
    public = store.create("test-sm2", SM2)
    assert sm2.verify_digest(public, DIGEST, store.sign("test-sm2", DIGEST))
    with pytest.raises(Misconfigured):
        module().create("test-sm2", SM2)


def test_the_setting_decides_and_a_wrong_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert keystore.for_new_key().name == "pkcs11"
    monkeypatch.setenv("YICI_KEYSTORE", "software")
    assert keystore.for_new_key().name == "software"
    monkeypatch.setenv("YICI_KEYSTORE", "paper")
    with pytest.raises(Misconfigured):
        keystore.for_new_key()
    monkeypatch.setenv("YICI_KEYSTORE", "")
    monkeypatch.setenv("YICI_PKCS11_MODULE", "/nowhere/libpkcs11.so")
    with pytest.raises(Misconfigured, match="nowhere"):
        keystore.for_new_key()


def test_without_a_module_the_software_keystore_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yici.platform.trust.signatures.keystore.pkcs11.SOFTHSM", ())
    assert keystore.for_new_key().name == "software"
    with pytest.raises(KeyGone):
        keystore.named("pkcs11")
    monkeypatch.setenv("YICI_KEYSTORE", "pkcs11")
    with pytest.raises(Misconfigured, match="softhsm2"):
        keystore.for_new_key()
