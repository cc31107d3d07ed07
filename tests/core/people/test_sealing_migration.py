"""A city that was there before its persons were sealed: nothing is lost, nothing stays in the clear."""

from __future__ import annotations

import psycopg

from tests.old_city import migrate
from tests.old_city import old_city as old_city
from yici.base.encrypted import index_of
from yici.base.sealing import keyring

ROWS = 1203  # more than one batch


def test_persons_of_before_are_sealed_in_batches_and_found(old_city: str) -> None:
    migrate(old_city, "people", "0002_one_duty")
    with psycopg.connect(old_city, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO people_person (name, id_number, birth_date, sex, phone, created_at) "
            "SELECT '王' || n, '34160219900101' || lpad(n::text, 4, '0'), '1990-01-01', '1', "
            f"CASE WHEN n % 7 = 0 THEN '' ELSE '1390000' || lpad(n::text, 4, '0') END, now() FROM generate_series(1, {ROWS}) n"
        )
    migrate(old_city, "people")
    with psycopg.connect(old_city) as connection:
        rows = connection.execute(
            "SELECT name, id_number, id_number_index, phone FROM people_person ORDER BY id"
        ).fetchall()
    assert len(rows) == ROWS
    for position, (name, number, index, phone) in enumerate(rows, 1):
        plain = f"34160219900101{position:04d}"
        assert name == f"王{position}"
        assert keyring().unseal(number, "people_person.id_number").decode() == plain
        assert bytes(index) == index_of(plain, "person.id_number")
        assert keyring().unseal(phone, "people_person.phone").decode() == (
            "" if position % 7 == 0 else f"1390000{position:04d}"
        )
