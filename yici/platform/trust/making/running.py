"""One run of making: lake rows in, sealed and signed records in the library, exact counts, resumable at any batch.

Every batch is one transaction: its records, its signature and where the run goes on stand or fall together. Killed at
any moment, the run goes on at the next batch; the same source made twice adds nothing.
"""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from yici.base import clock
from yici.base.errors import Conflict, Misconfigured, NotFound, YiciError
from yici.base.rewrapping import SealedColumn
from yici.base.sealing import keyring
from yici.core.audit import services as audit
from yici.core.people.models import Organisation
from yici.core.places import queries as places
from yici.platform.trust import definitions
from yici.platform.trust.definitions import CertificateType
from yici.platform.trust.making import keys, tree
from yici.platform.trust.making.canonical import IdentifierMaker, compose
from yici.platform.trust.making.counting import move
from yici.platform.trust.making.sources import Row, batches
from yici.platform.trust.models import CertificateEvent, MadeBatch, MadeCertificate, MakingRun
from yici.platform.trust.ports import lake_class

__all__ = ["HOLDER_PLACE", "RECORD_PLACE", "SEALED", "make", "make_all", "number_place"]

logger = logging.getLogger(__name__)

HOLDER_PLACE = "certificate.holder"
RECORD_PLACE = "trust_madecertificate.record"
SEALED = SealedColumn("trust_madecertificate", "identifier", "record", RECORD_PLACE)  # by hand, as COPY writes it
_COLUMNS = "identifier, type, holder, number, state, version, valid_to, batch_id, leaf, record, content"
_TYPES = ["text", "text", "bytea", "bytea", "text", "int2", "date", "int8", "int2", "bytea", "bytea"]
_HOLDERS = "COPY trust_furtherholder (holder, identifier) FROM STDIN (FORMAT binary)"
Progress = Callable[[int, int], None]


@dataclass
class _Made:
    """What one batch comes to."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    holders: list[tuple[bytes, str]] = field(default_factory=list)  # besides the first: blind index, identifier
    replaced: list[tuple[str, str]] = field(default_factory=list)  # old identifier, its successor
    unchanged: int = 0
    refusals: Counter[str] = field(default_factory=Counter)


def make(type: str, progress: Progress | None = None, actor: audit.Actor = audit.SYSTEM) -> MakingRun:
    """Make every certificate of a type from the current version of its class; goes on where a killed run stopped.

    Raises `Misconfigured` for a type that is not made from data, `NotFound` where its class is not in the lake,
    `Conflict` while another process makes the same type.
    """
    kind = definitions.certificate_type(type)
    if kind.made_from is None:
        raise Misconfigured(f"证照类型 {kind.slug} 没有写 made_from，不能从数据制证。")
    source = lake_class(kind.made_from.data_class)
    members = lake_class(kind.made_from.members.data_class) if kind.made_from.members else None
    label = f"{source.label} + {members.label}" if members and members.label != source.label else source.label
    run, _is_new = MakingRun.objects.get_or_create(
        type=type, source=label, defaults={"total": source.row_count, "started_at": clock.now()}
    )
    if run.state == MakingRun.State.DONE:
        return run
    maker = _Maker(kind)
    began, kept = time.process_time(), run.cpu_seconds
    for rows in batches(kind, source, run.next_batch, members):
        run = _one_batch(run, maker, rows, kept + time.process_time() - began)
        if progress:
            progress(min(run.next_batch * tree.BATCH, run.total), run.total)
    with transaction.atomic():
        run = MakingRun.objects.select_for_update().get(pk=run.pk)
        if run.state != MakingRun.State.DONE:
            run.state, run.ended_at = MakingRun.State.DONE, clock.now()
            run.save(update_fields=["state", "ended_at"])
            purpose = f"制证《{kind.name.zh}》：新制 {run.made}，变更 {run.changed}，未变 {run.unchanged}，不合格 {sum(run.refusals.values())}"
            audit.record(actor, "issue", subject=("certificate_type", type), purpose=purpose)
    return run


def make_all() -> int:
    """Make what is made from data, type by type; one that cannot be made now is told in the log and left.

    Returns for how many types the present version of their class is made. A finished version costs one query.
    """
    done = 0
    for kind in definitions.certificate_types().values():
        if kind.made_from is None:
            continue
        try:
            done += make(kind.slug).state == MakingRun.State.DONE
        except NotFound:  # its class is not in the lake yet
            continue
        except YiciError as error:
            logger.warning("certificates of type %s were not made: %s", kind.slug, error.message)
    return done


def number_place(type: str) -> str:
    """What the blind index of a number on the face of a type is bound to."""
    return f"certificate.number.{type}"


@transaction.atomic
def _one_batch(run: MakingRun, maker: _Maker, rows: list[Row], cpu_seconds: float) -> MakingRun:
    with connection.cursor() as cursor:
        # A crash may lose the last batches, never half of one; the run then goes on from where it really is.
        cursor.execute("SET LOCAL synchronous_commit = off")
    locked = MakingRun.objects.select_for_update(nowait=False).get(pk=run.pk)
    if locked.next_batch != run.next_batch or locked.state == MakingRun.State.DONE:
        raise Conflict("另一个进程正在制作这一类证照。")
    made = maker.made_of(rows)
    if made.rows:
        _write(locked, made)
    locked.next_batch += 1
    locked.made += len(made.rows) - len(made.replaced)
    locked.changed += len(made.replaced)
    locked.unchanged += made.unchanged
    locked.refused += made.refusals.total()
    locked.refusals = dict(Counter(locked.refusals) + made.refusals)
    locked.cpu_seconds = cpu_seconds
    locked.save(update_fields=["next_batch", "made", "changed", "unchanged", "refused", "refusals", "cpu_seconds"])
    return locked


def _write(run: MakingRun, made: _Made) -> None:
    root = tree.root_of(made.leaves)
    batch = MadeBatch.objects.create(
        run=run,
        number=run.next_batch,
        count=len(made.rows),
        leaves=b"".join(made.leaves),
        root=root,
        signature=keys.sign(root),
        algorithm=keys.ALGORITHM,
        key_id=keys.key_id(),
        signed_at=clock.now(),
    )
    statement = f"COPY trust_madecertificate ({_COLUMNS}) FROM STDIN (FORMAT binary)"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(_TYPES)
        for leaf, row in enumerate(made.rows):
            copy.write_row((*row[:7], batch.pk, leaf, *row[7:]))
    if made.holders:
        with connection.cursor() as cursor, cursor.copy(_HOLDERS) as copy:
            copy.set_types(["bytea", "text"])
            for held in made.holders:
                copy.write_row(held)
    move(run.type, {"valid": len(made.rows) - len(made.replaced), "changed": len(made.replaced)})
    if made.replaced:
        MadeCertificate.objects.filter(pk__in=[old for old, _new in made.replaced]).update(state="changed")
        CertificateEvent.objects.bulk_create(
            CertificateEvent(
                identifier=old,
                action="changed",
                state="changed",
                successor=new,
                reason="数据来源已更新",
                actor_name="系统",
            )
            for old, new in made.replaced
        )


class _Maker:
    """Makes the records of a batch; what the type and the issuer fix is worked out once."""

    def __init__(self, kind: CertificateType) -> None:
        self.kind = kind
        ring = keyring()
        self.seal, self.holder_index = ring.sealer(RECORD_PLACE), ring.indexer(HOLDER_PLACE)
        self.content_index = ring.indexer("certificate.content")
        self.number_index = ring.indexer(number_place(kind.slug))
        issuer = _issuer_of(kind)
        self.issuer_json = _json_text(issuer.name if issuer else kind.authority.zh)
        code = (issuer.uscc if issuer else "") or (places.root().pk)[:6]
        self.identifiers = IdentifierMaker(kind.type_code, code)
        self.year = clock.today().year

    def made_of(self, rows: list[Row]) -> _Made:
        made = _Made()
        wanted = list(self._acceptable(rows, made))
        known = self._known([number for number, _row in wanted])
        serials = _serials(len(wanted))
        seen: set[bytes] = set()
        for number, row in wanted:
            if number in seen:
                made.refusals["证照编号重复"] += 1
                continue
            seen.add(number)
            further = sorted({one for one in row.holders if one and one != row.holder}) if row.holders else []
            holders = _json_text(further) if further else ""
            representative = _json_text(row.representative) if row.representative else ""
            content = self.content_index(f"{row.face}{row.valid_from_json}{row.valid_to_json}{holders}{representative}")
            old = known.get(number)
            if old and bytes(old[1]) == content:
                made.unchanged += 1
                continue
            version = old[2] + 1 if old else 1
            identifier = self.identifiers.make(f"{self.year}{next(serials):09d}", version)
            record = compose(
                row.face, row.holder_json, identifier, self.issuer_json, row.number_json, self.kind.slug,
                row.valid_from_json, row.valid_to_json, version, holders, representative,
            )  # fmt: skip
            besides = {*further, row.representative} - {row.holder} if row.representative else further
            made.holders += [(self.holder_index(one), identifier) for one in besides]
            made.leaves.append(tree.leaf_hash(record))
            made.rows.append(
                (
                    identifier, self.kind.slug, self.holder_index(row.holder or ""), number, "valid",
                    version, row.valid_to, self.seal(record), content,
                )
            )  # fmt: skip
            if old:
                made.replaced.append((old[0], identifier))
        return made

    def _acceptable(self, rows: list[Row], made: _Made) -> Iterator[tuple[bytes, Row]]:
        for row in rows:
            if not row.number:
                made.refusals["缺证照编号"] += 1
            elif not row.holder:
                made.refusals["缺持证主体"] += 1
            elif row.face == "{}":
                made.refusals["没有照面信息"] += 1
            else:
                yield self.number_index(row.number), row

    def _known(self, numbers: list[bytes]) -> dict[bytes, tuple[str, bytes, int]]:
        """The newest version of each number that is in the library."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT ON (number) number, identifier, content, version FROM trust_madecertificate "
                "WHERE type = %s AND number IN (SELECT decode(one, 'hex') FROM unnest(string_to_array(%s, ',')) one) "
                "ORDER BY number, version DESC",
                [self.kind.slug, ",".join(number.hex() for number in numbers)],  # a list of bytes is slow to write out
            )
            return {bytes(number): (identifier, content, version) for number, identifier, content, version in cursor}


def _serials(count: int) -> Iterator[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('trust_certificate_serial') FROM generate_series(1, %s)", [count])
        return iter([row[0] for row in cursor.fetchall()])


def _issuer_of(kind: CertificateType) -> Organisation | None:
    return Organisation.objects.filter(function=kind.issuer, level="city").order_by("order", "id").first()


def _json_text(value: str | list[str]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
