"""Rows that were not accepted are put right by hand, discarded, and replayed. The quarantine file itself never changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from django.db import transaction
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Conflict, Invalid, NotFound
from yici.core.people.models import Account
from yici.platform.data.catalogue import reading
from yici.platform.data.catalogue.definition import ClassDefinition
from yici.platform.data.errors import LoadInProgress
from yici.platform.data.models import Mend, Run
from yici.platform.data.rules.deriving import rules_by_id
from yici.platform.data.rules.language import Rule
from yici.platform.data.rules.reference import failures
from yici.platform.data.runs.quarantine import held_row, held_rows, message_of, values_of
from yici.platform.data.runs.starting import enqueue, open_run_of, put_on_record

__all__ = ["Batch", "discard", "mend", "mend_many", "replay", "undo", "waiting_of", "write_mended"]

LONGEST_VALUE = 10_000  # characters


def waiting_of(run: Run) -> int:
    """Rows of the run that are neither loaded since nor discarded."""
    return int(run.rows_quarantined) - run.mends.filter(state__in=Mend.SETTLED).count()


@transaction.atomic
def mend(run: Run, row: int, values: Mapping[str, str], actor: Account | None, note: str = "") -> Mend:
    """Put one row right. `values`: lake column → text as a person writes it; columns not named keep what they held, those of
    a line that could not be read into columns what stands between its delimiters.

    What can be judged from the row alone is judged at once: raises `Invalid` with a message for each column that
    still fails. `NotFound` for a row that is not in quarantine, `Conflict` for one that is settled.
    """
    definition = reading.definition_of(run.data_class)
    held = held_row(run, row)
    known = _unsettled(run, row)
    if unknown := {name: _("没有这一列") for name in values if name not in definition.by_name}:
        raise Invalid(_("数据类没有这些列：{names}。").format(names="、".join(unknown)), fields=unknown)
    wanted = {name: str(value)[:LONGEST_VALUE] for name, value in values.items()}
    came = values_of(run, held)
    whole = {name: came.get(name) or "" for name in definition.by_name}
    whole |= known.values if known else {}
    whole |= {name: value.replace("\x00", "") for name, value in wanted.items()}
    rules = rules_by_id(definition)
    if blocking := _blocking(definition, rules, whole):
        fields = {rule.column or "": message_of(rule.id, rules) for rule in reversed(blocking)}
        raise Invalid(_("修正后仍有不合格的列，请按提示再改。"), fields=fields)
    changed = sorted(name for name in whole if whole[name] != (came.get(name) or ""))
    mended, _new = Mend.objects.update_or_create(
        run=run,
        row=row,
        defaults={
            "state": Mend.State.MENDED,
            "values": whole,
            "reasons": [],
            "actor": actor,
            "note": note,
            "mended_at": clock.now(),
            "replay": None,
        },
    )
    put_on_record(actor, run, f"修正隔离行 {row}", [definition.by_name[name].element for name in changed])
    return mended


@dataclass(frozen=True)
class Batch:
    """`mended` rows are right now, `unchanged` ones stand as they stood; `refused`: row → why, in words."""

    mended: int
    unchanged: int
    refused: Mapping[int, str]


@transaction.atomic
def mend_many(run: Run, rows: Mapping[int, Mapping[str, str]], actor: Account | None, note: str = "") -> Batch:
    """`mend` of many rows at once: those that are right are mended, the others told. `rows`: number → column → text."""
    definition = reading.definition_of(run.data_class)
    rules = rules_by_id(definition)
    held = {one.row: one for one in held_rows(run, rows=list(rows), limit=len(rows))}
    known = {one.row: one for one in Mend.objects.select_for_update().filter(run=run, row__in=list(rows))}
    made: list[Mend] = []
    refused: dict[int, str] = {}
    unchanged = 0
    for row, values in sorted(rows.items()):
        before = known.get(row)
        if row not in held:
            refused[row] = _("这一行不在隔离区，可能已经清理。")
            continue
        if before is not None and before.state == Mend.State.REPLAYED:
            refused[row] = _("这一行已经入库，不能再改。")
            continue
        came = values_of(run, held[row])
        stood = {name: came.get(name) or "" for name in definition.by_name}
        stood |= before.values if before else {}
        whole = stood | {name: text.replace("\x00", "")[:LONGEST_VALUE] for name, text in values.items()}
        if all(text.strip() == stood[name].strip() for name, text in whole.items()):
            unchanged += 1
        elif blocking := _blocking(definition, rules, whole):
            refused[row] = "；".join(message_of(rule.id, rules) for rule in blocking)
        else:
            made.append(
                Mend(
                    run=run,
                    row=row,
                    state=Mend.State.MENDED,
                    values=whole,
                    actor=actor,
                    note=note,
                    mended_at=clock.now(),
                )
            )
    Mend.objects.bulk_create(
        made,
        update_conflicts=True,
        unique_fields=["run", "row"],
        update_fields=["state", "values", "reasons", "actor", "note", "mended_at", "replay"],
    )
    if made:
        elements = [column.element for column in definition.columns if any(column.name in one for one in rows.values())]
        put_on_record(actor, run, f"用表格修正隔离行 {len(made)} 行", elements)
    return Batch(len(made), unchanged, refused)


def _blocking(definition: ClassDefinition, rules: Mapping[str, Rule], values: Mapping[str, str]) -> list[Rule]:
    """Rules that the row would be held back for again, as far as the row alone tells."""
    failing = failures(definition, tuple(rules.values()), _or_null(values))
    return [rules[one] for one in failing if one in rules and rules[one].severity == "quarantine"]


@transaction.atomic
def discard(run: Run, rows: Iterable[int], actor: Account | None, note: str) -> int:
    """These rows will not be loaded, and why. Returns how many. Raises `Invalid` without a reason."""
    if not note.strip():
        raise Invalid(_("请写明作废的原因。"), fields={"note": _("请写明作废的原因。")})
    count = 0
    for row in sorted(set(rows)):
        held = held_row(run, row)
        _unsettled(run, row)
        Mend.objects.update_or_create(
            run=run,
            row=row,
            defaults={
                "state": Mend.State.DISCARDED,
                "values": {},
                "reasons": list(held.reasons),
                "actor": actor,
                "note": note.strip(),
                "mended_at": clock.now(),
                "replay": None,
            },
        )
        count += 1
    put_on_record(actor, run, f"作废隔离行 {count} 行：{note.strip()}")
    return count


@transaction.atomic
def undo(run: Run, row: int, actor: Account | None) -> None:
    """Take back a mend or a discard that has not been replayed."""
    found = Mend.objects.select_for_update().filter(run=run, row=row).first()
    if found is None:
        raise NotFound
    if found.state == Mend.State.REPLAYED:
        raise Conflict(_("这一行已经入库，不能撤销。"))
    found.delete()
    put_on_record(actor, run, f"撤销对隔离行 {row} 的处理")


@transaction.atomic
def replay(run: Run, actor: Account | None) -> Run:
    """Queue a run over the rows that were mended. Raises `Invalid` where there are none."""
    if open_run_of(run.data_class):
        raise LoadInProgress
    count = run.mends.filter(state=Mend.State.MENDED).count()
    if not count:
        raise Invalid(_("还没有已修正、待重放的行。"))
    again = Run.objects.create(
        data_class=run.data_class,
        channel=run.channel,
        trigger=Run.Trigger.REPLAY,
        actor=actor,
        retry_of=run,
        queued_at=clock.now(),
    )
    put_on_record(actor, run, f"重放已修正的 {count} 行")
    return enqueue(again)


def write_mended(replayed: Run, target: Path) -> int:
    """The mended rows of `replayed` as landed rows (VARCHAR columns and `_row`). Returns how many."""
    columns = list(reading.definition_of(replayed.data_class).by_name)
    mended = list(replayed.mends.filter(state=Mend.State.MENDED).order_by("row"))
    table = pa.table(
        {
            **{name: pa.array([one.values.get(name) or None for one in mended], pa.string()) for name in columns},
            "_row": pa.array([one.row for one in mended], pa.int64()),
        }
    )
    pq.write_table(table, target)
    return len(mended)


def settle(replayed: Run, replay_run: Run, still_failing: Mapping[int, list[str]]) -> None:
    """After the replay: which rows are in the lake now, which fail still. Part of the publishing transaction."""
    for one in replayed.mends.filter(state=Mend.State.MENDED):
        reasons = still_failing.get(one.row)
        one.state = Mend.State.REFUSED if reasons else Mend.State.REPLAYED
        one.reasons, one.replay = reasons or [], replay_run
        one.save(update_fields=["state", "reasons", "replay"])


def _or_null(values: Mapping[str, str]) -> dict[str, str | None]:
    return {name: value or None for name, value in values.items()}


def _unsettled(run: Run, row: int) -> Mend | None:
    known = Mend.objects.select_for_update().filter(run=run, row=row).first()
    if known and known.state == Mend.State.REPLAYED:
        raise Conflict(_("这一行已经入库，不能再改。"))
    return known
