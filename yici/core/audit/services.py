"""Remembering who looked at or changed what, and proving that nobody altered the memory.

Every change is one call of the database function `audit_append` in the caller's transaction; rows are
never changed or removed. `verify` recomputes the chains.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection

from yici.base import clock
from yici.core.audit.models import Entry, ShardHead

__all__ = ["SYSTEM", "Actor", "Draft", "Fault", "FaultKind", "record", "record_many", "verify"]


@dataclass(frozen=True)
class Actor:
    """Who acts, as it shall be read years later: names are copied, not referred to."""

    account_id: int | None
    name: str
    organisation: str = ""
    address: str = ""


SYSTEM = Actor(None, "系统")


@dataclass(frozen=True)
class Draft:
    """One entry to be recorded. `subject` is (kind, id): ("person", 7), ("case", "3416…")."""

    action: str
    subject: tuple[str, str | int]
    purpose: str
    elements: Sequence[str] = ()
    case_number: str = ""


class FaultKind(enum.StrEnum):
    CHANGED = "changed"
    REMOVED = "removed"
    REORDERED = "reordered"
    TRUNCATED = "truncated"


@dataclass(frozen=True)
class Fault:
    """Evidence of tampering: where in which shard, and what it looks like."""

    shard: int
    seq: int
    kind: FaultKind
    message: str


def record(
    actor: Actor,
    action: str,
    *,
    subject: tuple[str, str | int],
    elements: Sequence[str] = (),
    purpose: str,
    case_number: str = "",
) -> Entry:
    """Append one entry within the caller's transaction, in one round trip."""
    return record_many(actor, [Draft(action, subject, purpose, elements, case_number)])[0]


def record_many(actor: Actor, drafts: Iterable[Draft]) -> list[Entry]:
    """Append several entries of one actor, in order, in one round trip."""
    rows = [_row(actor, draft) for draft in drafts]
    if not rows:
        return []
    payload = json.dumps(rows, ensure_ascii=False)
    return list(
        Entry.objects.raw(
            f"SELECT {_COLUMNS} FROM audit_append(%s, %s::jsonb)",  # noqa: S608 - constant column names
            [clock.now(), payload],
        )
    )


def _row(actor: Actor, draft: Draft) -> dict[str, object]:
    kind, identifier = draft.subject
    return {
        "actor_id": actor.account_id,
        "actor_name": _storable(actor.name),
        "actor_organisation": _storable(actor.organisation),
        "action": _storable(draft.action),
        "subject_kind": _storable(kind),
        "subject_id": _storable(str(identifier)),
        "elements": [_storable(element) for element in draft.elements],
        "purpose": _storable(str(draft.purpose)),
        "case_number": _storable(draft.case_number),
        "address": _storable(actor.address),
    }


def _storable(text: str) -> str:
    """Without NUL and lone surrogates, which PostgreSQL has not: hostile input must not prevent its record."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


_COLUMNS = ", ".join(str(field.column) for field in Entry._meta.concrete_fields)

# One statement, so one snapshot: writers may go on while it runs. Rows come from the index in chain order
# and only the faulty ones leave the database, so memory does not grow with the log.
_VERIFY = """
WITH chain AS (
  SELECT e.seq, e.hash,
         coalesce(lag(e.seq) OVER w, 0) AS seq_before,
         e.previous_hash IS DISTINCT FROM coalesce(lag(e.hash) OVER w, decode(repeat('00', 32), 'hex')) AS unlinked,
         e.hash IS DISTINCT FROM audit_digest(e) AS altered
  FROM audit_entry e WHERE e.shard = %(shard)s
  WINDOW w AS (ORDER BY e.seq)
), last AS (
  SELECT seq, hash FROM audit_entry WHERE shard = %(shard)s ORDER BY seq DESC LIMIT 1
)
SELECT seq, seq_before, unlinked, altered FROM chain WHERE unlinked OR altered OR seq <> seq_before + 1
UNION ALL
SELECT NULL, coalesce(last.seq, 0), coalesce(last.hash, decode(repeat('00', 32), 'hex')) <> head.hash, head.seq IS NULL
FROM (SELECT 1) AS one
LEFT JOIN audit_shardhead head ON head.shard = %(shard)s
LEFT JOIN last ON true
WHERE head.seq IS DISTINCT FROM coalesce(last.seq, 0)
   OR head.hash IS DISTINCT FROM coalesce(last.hash, decode(repeat('00', 32), 'hex'))
"""


def verify(shard: int | None = None) -> list[Fault]:
    """Recompute the chains of one shard or of all; an empty list means nobody tampered with them."""
    shards = (
        [shard]
        if shard is not None
        else sorted(set(range(16)) | set(ShardHead.objects.values_list("shard", flat=True)))
    )
    faults: list[Fault] = []
    for number in shards:
        with connection.cursor() as cursor:
            cursor.execute(_VERIFY, {"shard": number})
            for row in cursor.fetchall():
                faults.extend(_faults_of(number, *row))
    return faults


def _faults_of(shard: int, seq: int | None, before: int, unlinked: bool | None, altered: bool) -> Iterable[Fault]:
    if seq is None:
        yield Fault(shard, before + 1, FaultKind.TRUNCATED, f"第 {shard} 链的末尾与链头不符：末条序号为 {before}。")
        return
    if seq != before + 1:
        missing = f"{before + 1}" if seq == before + 2 else f"{before + 1}–{seq - 1}"
        yield Fault(shard, before + 1, FaultKind.REMOVED, f"第 {shard} 链缺少序号 {missing} 的记录。")
        if altered:
            yield Fault(shard, seq, FaultKind.CHANGED, f"第 {shard} 链序号 {seq} 的内容与其摘要不符。")
    elif altered and unlinked:
        yield Fault(shard, seq, FaultKind.REORDERED, f"第 {shard} 链序号 {seq} 的记录不在原来的位置。")
    elif altered:
        yield Fault(shard, seq, FaultKind.CHANGED, f"第 {shard} 链序号 {seq} 的内容与其摘要不符。")
    elif unlinked:
        yield Fault(shard, before, FaultKind.CHANGED, f"第 {shard} 链序号 {before} 的记录被替换，后一条不承接它。")
