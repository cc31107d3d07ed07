"""Sealed values: bound to their place, found by a blind index, re-wrapped under new keys."""

from __future__ import annotations

import hmac
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yici.base.sealing import OVERHEAD, Broken, Keyring, Profile

PROFILES: list[Profile] = ["aes", "sm"]


@pytest.mark.parametrize("profile", PROFILES)
def test_a_value_comes_back_and_is_unreadable_meanwhile(tmp_path: Path, profile: Profile) -> None:
    keys = Keyring(tmp_path, profile)
    sealed = keys.seal("342124194503121221", "people_person.id_number")
    assert b"342124" not in sealed
    assert len(sealed) == 18 + OVERHEAD
    assert keys.unseal(sealed, "people_person.id_number") == b"342124194503121221"


@pytest.mark.parametrize("profile", PROFILES)
def test_a_value_moved_to_another_column_cannot_be_opened(tmp_path: Path, profile: Profile) -> None:
    keys = Keyring(tmp_path, profile)
    sealed = keys.seal("secret", "a.b")
    with pytest.raises(Broken):
        keys.unseal(sealed, "a.c")


@pytest.mark.parametrize("profile", PROFILES)
def test_every_flipped_byte_is_noticed(tmp_path: Path, profile: Profile) -> None:
    keys = Keyring(tmp_path, profile)
    sealed = bytearray(keys.seal("a short value", "a.b"))
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(Broken):
            keys.unseal(bytes(changed), "a.b")


def test_what_is_too_short_or_of_an_unknown_key_is_broken(tmp_path: Path) -> None:
    keys = Keyring(tmp_path)
    for blob in (b"", b"\x01" * 5, b"\x63" + b"\x00" * 40):
        with pytest.raises(Broken):
            keys.unseal(blob, "a.b")


def test_a_new_key_seals_and_the_old_one_still_opens(tmp_path: Path) -> None:
    keys = Keyring(tmp_path)
    old = keys.seal("value", "a.b")
    index = keys.blind_index("value", "person.id_number")
    assert keys.add_key() == 2
    assert keys.needs_rewrap(old)
    again = keys.rewrap(old, "a.b")
    assert again[0] == 2 and not keys.needs_rewrap(again)
    reopened = Keyring(tmp_path)
    assert reopened.unseal(old, "a.b") == reopened.unseal(again, "a.b") == b"value"
    assert reopened.blind_index("value", "person.id_number") == index


def test_what_one_profile_sealed_the_other_can_open_and_rewrap(tmp_path: Path) -> None:
    sealed = Keyring(tmp_path, "aes").seal("value", "a.b")
    chinese = Keyring(tmp_path, "sm")
    assert chinese.unseal(sealed, "a.b") == b"value"
    assert chinese.needs_rewrap(sealed)
    assert Keyring(tmp_path, "aes").unseal(chinese.rewrap(sealed, "a.b"), "a.b") == b"value"


@pytest.mark.parametrize(("profile", "digest"), [("aes", "sha256"), ("sm", "sm3")])
def test_the_blind_index_is_an_hmac(tmp_path: Path, profile: Profile, digest: str) -> None:
    ring = Keyring(tmp_path, profile)
    key = ring._keys[1].indexing
    for value in ("", "342124194503121221", "亳州" * 200):
        assert ring.blind_index(value, "a.b") == hmac.new(key, f"a.b\0{value}".encode(), digest).digest()[:16]


def test_the_blind_index_tells_values_and_places_apart(tmp_path: Path) -> None:
    keys = Keyring(tmp_path)
    found = {keys.blind_index(value, place) for value in ("1", "2") for place in ("a", "b")}
    assert len(found) == 4 and all(len(one) == 16 for one in found)


def test_key_files_are_readable_by_their_owner_only_and_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    made: list[Keyring] = []
    threads = [threading.Thread(target=lambda: made.append(Keyring(folder))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sealed = made[0].seal("value", "a.b")
    assert all(keys.unseal(sealed, "a.b") == b"value" for keys in made)
    assert (folder / "field-1.key").stat().st_mode & 0o077 == 0


@given(value=st.text(max_size=200), place=st.text(min_size=1, max_size=30))
def test_any_text_survives(value: str, place: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    keys = Keyring(tmp_path_factory.getbasetemp() / "shared-keys")
    assert keys.unseal(keys.seal(value, place), place) == value.encode()
