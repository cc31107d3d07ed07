"""Sealed columns of real tables: unreadable in a dump, found by their blind index, brought under a new key."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import FieldError
from django.db import IntegrityError, connection, transaction

from yici.base import rewrapping, sealing
from yici.base.encrypted import index_of
from yici.core.people import services
from yici.core.people.models import Account, Person, SignInCode
from yici.platform.trust.models import PaperReading

pytestmark = pytest.mark.django_db

NUMBER, PHONE = "341602199001011234", "13900001234"


@pytest.fixture
def number() -> str:
    from yici.core.vocabulary.rules import check_digit_of_id

    return NUMBER[:17] + check_digit_of_id(NUMBER[:17])


@pytest.fixture
def person(number: str) -> Person:
    return services.ensure_person("王一", number, phone=PHONE)


@pytest.fixture
def own_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> sealing.Keyring:
    """A copy of the keys that a test may add to."""
    folder = tmp_path / "keys"
    shutil.copytree(sealing.keyring()._folder, folder)
    monkeypatch.setenv("YICI_KEYS", str(folder))
    return sealing.keyring()


def raw(sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments)
        return cursor.fetchall()


def test_a_dump_of_the_table_shows_nothing(person: Person, number: str) -> None:
    services.ensure_account(person, phone=PHONE)
    for table in ("people_person", "people_account", "people_signincode"):
        dump = repr(raw(f"SELECT * FROM {table}"))
        assert number not in dump and PHONE not in dump
    assert Person.objects.get(pk=person.pk).id_number == number
    assert Account.objects.get(person=person).phone == PHONE


def test_a_person_is_found_by_number_through_the_index(person: Person, number: str) -> None:
    assert Person.objects.get(id_number=number) == person
    assert list(Person.objects.filter(id_number__in=[number, "341602199001010000"])) == [person]
    assert Person.objects.exclude(id_number=number).filter(pk=person.pk).count() == 0
    account = services.ensure_account(person)
    assert Account.objects.get(person__id_number=number) == account
    assert list(Account.objects.filter(pk=account.pk).values_list("person__id_number", flat=True)) == [number]
    plan = raw(
        "EXPLAIN " + "SELECT 1 FROM people_person WHERE id_number_index = %s", index_of(number, "person.id_number")
    )
    assert "Index" in repr(plan), plan


def test_a_number_belongs_to_one_person(person: Person, number: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Person.objects.create(name="王二", id_number=number, birth_date=person.birth_date, sex="1")


def test_sealed_columns_cannot_be_searched_by_parts_or_without_an_index(person: Person) -> None:
    with pytest.raises(FieldError):
        Person.objects.filter(id_number__startswith="34").exists()
    with pytest.raises(FieldError):
        Person.objects.filter(phone=PHONE).exists()


def test_limits_of_sign_in_count_sealed_codes(number: str) -> None:
    for _ in range(2):
        SignInCode.objects.create(
            token=str(_), name="王一", id_number=number, phone=PHONE, code_hash="", expires_at="2030-01-01T00:00:00Z"
        )
    assert SignInCode.objects.filter(phone=PHONE).count() == 2
    assert SignInCode.objects.filter(id_number=number).count() == 2


def test_a_new_key_is_read_by_a_process_that_was_there_before(own_keys: sealing.Keyring, tmp_path: Path) -> None:
    older = sealing.Keyring(own_keys._folder)
    own_keys.add_key()
    assert older.unseal(own_keys.seal("王一", "t.c"), "t.c") == "王一".encode()


def test_every_value_comes_under_the_newest_key(person: Person, number: str, own_keys: sealing.Keyring) -> None:
    columns = {column.name: column for column in rewrapping.sealed_columns()}
    column = columns["people_person.id_number"]
    before = rewrapping.count_by_version(column)
    total = sum(before.values())
    assert total > 1 and set(before) == {own_keys.mark}
    version = own_keys.add_key()
    assert sum(rewrapping.rewrap(column)) == total
    assert rewrapping.count_by_version(column) == {version: total}
    assert sum(rewrapping.rewrap(column)) == 0, "done twice, nothing is left"
    found = Person.objects.get(id_number=number)  # the index stays with the first key
    assert found == person and found.id_number == number


def test_every_sealed_field_of_every_app_is_known_to_the_command() -> None:
    names = {column.name for column in rewrapping.sealed_columns()}
    assert {
        "people_person.id_number",
        "people_person.phone",
        "people_account.phone",
        "trust_paperreading.fields",
        "forms_draft.answers",
        "forms_draft.prefill",
        "forms_draft.context",
        "hall_application.answers",
        "hall_application.provenance",
        "hall_materialinstance.proof",
        "hall_jointapplication.answers",
        "hall_jointpart.materials",
        "trust_certificate.face",
        "trust_certificate.holder_name",
    } <= names


def test_json_of_any_length_comes_back_and_is_brought_under_a_new_key(own_keys: sealing.Keyring) -> None:
    field = PaperReading._meta.get_field("fields")
    for value in ({}, [], "", {"地址": "亳州" * 2000}, {"x": [1, None, True]}):
        sealed = field.get_prep_value(value)
        assert field.from_db_value(sealed, None, None) == value
        old = own_keys.mark
        own_keys.add_key()
        again = own_keys.rewrap(sealed, field.place)
        assert again[0] != old and field.from_db_value(again, None, None) == value
