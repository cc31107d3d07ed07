"""Reads of the library made in bulk: by identifier, by holder, and the proof that stands beside a record."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from yici.base.encrypted import index_of
from yici.base.errors import NotFound
from yici.base.sealing import keyring
from yici.platform.trust import rules
from yici.platform.trust.making import keys, tree
from yici.platform.trust.making.canonical import read
from yici.platform.trust.making.running import HOLDER_PLACE, RECORD_PLACE
from yici.platform.trust.models import MadeBatch, MadeCertificate

__all__ = ["Opened", "evidence_of", "find", "held_by", "holdings_of", "judge_evidence", "open_record"]

_HELD = (
    "SELECT identifier FROM trust_madecertificate WHERE holder = ANY(%s) "
    "UNION ALL SELECT identifier FROM trust_furtherholder WHERE holder = ANY(%s)"
)


@dataclass(frozen=True)
class Opened:
    """A certificate with its record in clear: `face` is element id → value; `record` the bytes that are signed."""

    certificate: MadeCertificate
    record: bytes
    parts: Mapping[str, Any]

    @property
    def face(self) -> Mapping[str, str]:
        return dict(self.parts["face"])


def find(identifier: str) -> Opened:
    """By identifier. Raises `Invalid` for a wrong check character, `NotFound` for one not in the library."""
    rules.parse_identifier(identifier)
    found = MadeCertificate.objects.filter(pk=identifier.strip()).first()
    if found is None:
        raise NotFound
    return open_record(found)


def held_by(numbers: Iterable[str]) -> list[str]:
    """Identifiers of what one of these (ID numbers or USCCs) holds, alone, with others, or for an organisation."""
    wanted = [index_of(number, HOLDER_PLACE) for number in numbers]
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [wanted, wanted])
        return [row[0] for row in cursor.fetchall()]


def holdings_of(holder: str, types: list[str] | None = None, current_only: bool = True) -> list[Opened]:
    """What a person (ID number) or an organisation (USCC) holds; without versions that were replaced."""
    held = MadeCertificate.objects.filter(identifier__in=held_by([holder]))
    if types is not None:
        held = held.filter(type__in=types)
    if current_only:
        held = held.exclude(state__in=["changed", "cancelled"])
    return [open_record(one) for one in held.order_by("type", "identifier")]


def open_record(certificate: MadeCertificate) -> Opened:
    record = keyring().unseal(certificate.record, RECORD_PLACE)
    return Opened(certificate, record, read(record))


def evidence_of(opened: Opened) -> dict[str, Any]:
    """Everything a stranger needs to check the record offline with the city's certificate: record, proof, signature."""
    batch = MadeBatch.objects.get(pk=opened.certificate.batch_id)
    proof = tree.prove(tree.split(batch.leaves), opened.certificate.leaf)
    return {
        "record": opened.record.decode(),
        "proof": [{"hash": step.hash.hex(), "left": step.is_left} for step in proof],
        "root": bytes(batch.root).hex(),
        "signature": base64.b64encode(bytes(batch.signature)).decode(),
        "algorithm": batch.algorithm,
        "key": batch.key_id,
        "hash": "SM3",
        "signed_at": batch.signed_at.isoformat(),
    }


def _of_hex(text: str) -> bytes:
    """Bytes as `evidence_of` writes them: there is one spelling, so that no edited letter goes unnoticed."""
    value = bytes.fromhex(text)
    if value.hex() != text:
        raise ValueError(text)
    return value


def judge_evidence(evidence: Mapping[str, Any]) -> str:
    """`authentic`, `altered` (record or proof do not lead to the root), `foreign` (another key), or `unreadable`."""
    try:
        record = str(evidence["record"]).encode()
        json.loads(record)
        steps = tuple(tree.Step(_of_hex(step["hash"]), bool(step["left"])) for step in evidence["proof"])
        root, signature = _of_hex(evidence["root"]), base64.b64decode(evidence["signature"], validate=True)
        signer = str(evidence["key"])
    except (KeyError, TypeError, ValueError):
        return "unreadable"
    if not tree.verify(record, steps, root):
        return "altered"
    if keys.verify(root, signature, signer):
        return "authentic"
    return "altered" if signer in keys.public_keys() else "foreign"
