"""The city's own signing key is renewed: what older keys signed stays checkable, in processes of before and after."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.platform.trust.conftest import issue_to
from tests.platform.trust.lake import TYPE
from yici.base import clock
from yici.base.errors import Misconfigured
from yici.platform.trust import authority, queries, signing
from yici.platform.trust.credentials import issuing
from yici.platform.trust.library import printing
from yici.platform.trust.library.checking import verify_file
from yici.platform.trust.library.held import from_issued
from yici.platform.trust.making import keys, running

pytestmark = pytest.mark.django_db


@pytest.fixture
def own_trust(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """The trust folder of this test alone."""
    authority.key_files()
    shutil.copytree(Path(settings.HOME) / "trust", tmp_path / "trust")
    settings.HOME = tmp_path
    yield tmp_path / "trust"
    restarted()


def restarted() -> None:
    """As a process that has just begun: nothing is remembered of key files."""
    for remembered in (keys._key, keys._certificate, signing._certificates, signing._roots):
        remembered.cache_clear()


def signed_now(demo: Any, lake: Callable[..., None], version: int) -> dict[str, bytes]:
    """A PDF, a credential and evidence, signed with the key that is in force."""
    issued = from_issued(issue_to(demo, f"34160020261123000001{version}"))
    lake(version, 3, owner=demo.farmer.person.id_number, moved=version - 1)
    running.make(TYPE)
    register = queries.valid_certificate(demo.farmer.person, TYPE)
    assert register is not None
    return {
        "pdf": printing.file_of(issued, "pdf")[1],
        "json": printing.file_of(register, "json")[1],
        "credential": issuing.credential_of(issued, ["person.name"], clock.now()).encode(),
    }


def test_what_an_older_key_signed_stays_genuine(demo: Any, lake: Callable[..., None], own_trust: Path) -> None:
    before, old = signed_now(demo, lake, 1), keys.key_id()
    new = authority.renew_signer()
    assert keys.key_id() == old, "a process that runs goes on with what it has read"
    assert new in keys.public_keys(), "and knows the new one already"
    restarted()
    assert keys.key_id() == new != old
    assert verify_file(before["pdf"]).genuine and verify_file(before["credential"]).genuine
    assert verify_file(before["json"]).genuine
    altered = json.loads(before["json"])
    altered["root"] = "0" * 64
    assert not verify_file(json.dumps(altered).encode()).genuine
    after = signed_now(demo, lake, 2)
    assert json.loads(after["json"])["key"] == new
    for kind, content in after.items():
        assert verify_file(content).genuine, kind
    published = {key["kid"] for key in issuing.issuer_metadata()["jwks"]["keys"]}
    assert published == {old, new}


def test_a_key_file_is_readable_by_its_owner_only_and_the_root_is_needed(own_trust: Path) -> None:
    authority.renew_signer()
    assert (own_trust / "signer.key").stat().st_mode & 0o077 == 0
    (own_trust / "root.key").unlink()
    with pytest.raises(Misconfigured, match="根密钥"):
        authority.renew_signer()
