"""Answers, proofs and issued certificates of before are sealed by the migrations: nothing is lost, nothing stays in the clear."""

from __future__ import annotations

import json
import zlib
from typing import Any

import psycopg

from tests.old_city import migrate
from tests.old_city import old_city as old_city
from yici.base.sealing import keyring

ROWS = 1203  # more than one batch
ANSWERS = {"person.name": "王秀英", "person.id_number": "342124194503121221", "rows": [{"a": 1}], "nothing": None}
LONG = {f"field.{place}": {"value": "安徽省亳州市涡阳县", "source": "公安"} for place in range(60)}

# Rows whose neighbours are of no interest: written while the database does not look at foreign keys.
_OLD = """
SET session_replication_role = replica;
INSERT INTO forms_draft (token, owner_id, form, title, answers, prefill, situation, silent_sources, context, revision,
        created_at, updated_at, expires_at, submitted_as)
    SELECT 'd' || n, 1, 'hall:x@1', '', %(answers)s, %(long)s, '{}', '[]', '{}', 0, now(), now(), now(), ''
    FROM generate_series(1, %(rows)s) n;
INSERT INTO hall_application (case_id, version_id, applicant_id, answers, provenance, situation, draft_token, submitted_at)
    SELECT n, 1, 1, %(answers)s, %(long)s, '{"q": "yes"}', 'd' || n, now() FROM generate_series(1, %(rows)s) n;
INSERT INTO hall_materialinstance (application_id, requirement, name, source, proof, trust, added_at)
    VALUES (1, 'id', 'x', 'data', %(answers)s, 'A', now());
INSERT INTO trust_certificate (identifier, check_code, type, name, number, holder_name, issuer_id, issued_on, valid_from,
        face, state, state_reason, case_number, version, created_at)
    VALUES ('i', 'c', 'senior_allowance', '', '1', '王秀英', 1, now(), now(), %(answers)s, 'valid', '', '', 1, now());
"""


def opened(value: Any, place: str) -> Any:
    text = keyring().unseal(value, place)
    return json.loads(zlib.decompress(text) if text[:1] == b"x" else text)


def test_what_was_answered_before_is_sealed_and_reads_the_same(old_city: str) -> None:
    for app, target in (("trust", "0014_further_holders"), ("hall", "0006_joint"), ("forms", "0001_initial")):
        migrate(old_city, app, target)
    given = {"answers": json.dumps(ANSWERS), "long": json.dumps(LONG), "rows": ROWS}
    with psycopg.connect(old_city, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(_OLD, given)
    migrate(old_city)
    with psycopg.connect(old_city) as connection:
        drafts = connection.execute("SELECT answers, prefill, situation FROM forms_draft ORDER BY id").fetchall()
        applied = connection.execute("SELECT answers, provenance, situation FROM hall_application").fetchall()
        (proof,) = connection.execute("SELECT proof FROM hall_materialinstance").fetchone() or (b"",)
        face, name = connection.execute("SELECT face, holder_name FROM trust_certificate").fetchone() or (b"", b"")
        sizes = connection.execute("SELECT max(length(prefill)) FROM forms_draft").fetchone()
    assert len(drafts) == len(applied) == ROWS
    for answers, prefill, situation in drafts:
        assert opened(answers, "forms_draft.answers") == ANSWERS and opened(prefill, "forms_draft.prefill") == LONG
        assert opened(situation, "forms_draft.situation") == {}
    for answers, provenance, situation in applied:
        assert opened(answers, "hall_application.answers") == ANSWERS
        assert opened(provenance, "hall_application.provenance") == LONG
        assert opened(situation, "hall_application.situation") == {"q": "yes"}
    assert opened(proof, "hall_materialinstance.proof") == opened(face, "trust_certificate.face") == ANSWERS
    assert keyring().unseal(name, "trust_certificate.holder_name").decode() == "王秀英"
    assert sizes and sizes[0] < len(json.dumps(LONG)) / 4, "what is long is deflated first"
