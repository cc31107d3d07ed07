"""Publishes the catalogue of a city folder: a new version where the content changed, and who holds it.

The load is one transaction and refuses as a whole: an error in one of thousands of items leaves everything as it was.
An item whose files say what they said at the last load is not touched. A version is never changed afterwards; what
lists show (state, icon, topics, keywords) may change freely.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from yici.base import clock
from yici.base.errors import Misconfigured
from yici.core.cases import services as cases
from yici.core.cases.rules import Limit as CaseLimit
from yici.core.cases.rules import Workflow
from yici.core.people.models import Organisation
from yici.core.people.queries import responsible_organisation
from yici.core.places.models import Division, Level
from yici.systems.hall import burden, folder, overlay, searching
from yici.systems.hall.definitions import ItemDefinition
from yici.systems.hall.generating.entries import Entry, entries, phone_of
from yici.systems.hall.generating.holders import Authorities, authorities, held
from yici.systems.hall.linting import faults_of_entry, surroundings_of
from yici.systems.hall.models import ItemChange, ItemHolding, ServiceItem, ServiceItemVersion

# Raised when what a load makes of the same files changes, so that every item is published afresh.
READING = "2"
_GROUND = ("synonyms.yaml", "topics.yaml", "hall.yaml")


def load(city: Path, *, only: Collection[str] | None = None) -> str:
    """Idempotent. Items that left the folder are cancelled, not deleted. Raises `Misconfigured` naming file and line.

    Changes in force (`ItemChange`) are laid over the folder. `only`: codes of bases to look at, for a single change.

    `YICI_CATALOGUE=written` leaves the registers out: hand-written items only, for tests and a light demo.
    """
    folder.forget()
    overlays = _overlays()
    chosen = (entry for entry in _entries(city) if only is None or entry.base in only)
    found = _once(overlay.laid_over(entry, overlays.get(entry.code, ())) for entry in chosen)
    ground = _ground(city)
    stored = dict(ServiceItem.objects.values_list("code", "source"))
    sources = {code: _source(entry, ground) for code, entry in found.items()}
    changed = [entry for code, entry in found.items() if stored.get(code) != sources[code]]
    _refuse_faults(changed, city)
    with transaction.atomic():
        published = publish_all(
            [(folder.read_entry(entry, city), entry, sources[entry.code]) for entry in changed], city
        )
        gone = ServiceItem.objects.exclude(code__in=found).exclude(state=ServiceItem.State.CANCELLED)
        gone = gone.filter(base__in=only) if only is not None else gone
        cancelled = gone.update(state=ServiceItem.State.CANCELLED, source="")
        holdings = _hold(found.values(), city, only)
    return f"办事大厅：事项 {holdings} 项（{len(found)} 种），新发布 {published} 个版本" + (
        f"，取消 {cancelled} 项" if cancelled else ""
    )


def _overlays() -> dict[str, list[overlay.Overlay]]:
    """Changes in force by item, in the order in which they took effect."""
    found: dict[str, list[overlay.Overlay]] = {}
    rows = ItemChange.objects.filter(state=ItemChange.State.IN_FORCE).order_by("in_force_at", "pk")
    for code, kind, edits, holders, reason in rows.values_list("item__code", "kind", "edits", "holders", "reason"):
        found.setdefault(code, []).append(overlay.Overlay(code, kind, edits, holders, reason))
    return found


def _entries(city: Path) -> Iterator[Entry]:
    written_only = os.environ.get("YICI_CATALOGUE") == "written"
    return (entry for entry in entries(city) if entry.is_written or not written_only)


def _once(found: Iterable[Entry]) -> dict[str, Entry]:
    by_code: dict[str, Entry] = {}
    for entry in found:
        if entry.code in by_code:
            raise Misconfigured(f"{entry.path}：编码 {entry.code} 与 {by_code[entry.code].path} 重复，请另取编码")
        by_code[entry.code] = entry
    return by_code


def _ground(city: Path) -> str:
    """What every item rests on beside its own file."""
    digest = hashlib.sha256(READING.encode())
    for path in [*(city / name for name in _GROUND), *sorted((city / "workflows").glob("*.yaml"))]:
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()


def _source(entry: Entry, ground: str) -> str:
    text = json.dumps(entry.raw, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(f"{ground}{entry.base}{entry.handling}{text}".encode()).hexdigest()


def _refuse_faults(changed: Iterable[Entry], city: Path) -> None:
    """What the linter calls an error is not loaded: nothing of the load is kept."""
    around = surroundings_of(city)
    found = [one for entry in changed for one in faults_of_entry(entry, around) if one.level == "error"]
    if found:
        first = found[0]
        more = f"（另有 {len(found) - 1} 处错误）" if len(found) > 1 else ""
        raise Misconfigured(
            f"{city / first.path}:{first.line} {first.message}{more}。目录整体没有加载，请先运行 yici check 改正。"
        )


def publish(item: ItemDefinition, city: Path, entry: Entry | None = None, source: str = "") -> bool:
    """Write one item's row and, where its content changed, a new version. True if there is a new version."""
    return bool(publish_all([(item, entry, source)], city))


def publish_all(items: Sequence[tuple[ItemDefinition, Entry | None, str]], city: Path) -> int:
    """Write rows, search index and, where content changed, versions, in bulk; how many versions are new."""
    if not items:
        return 0
    owner = _owners(city)
    ServiceItem.objects.bulk_create(
        [_row(item, entry, source, owner(item.handler.function)) for item, entry, source in items],
        batch_size=500, update_conflicts=True, unique_fields=["code"], update_fields=_WRITTEN,
    )  # fmt: skip
    definitions = {item.code: item for item, _entry, _source_digest in items}
    rows = {row.code: row for row in ServiceItem.objects.filter(code__in=definitions).defer("search")}
    _index({rows[code].pk: item for code, item in definitions.items()}, city)
    return _publish_versions([(rows[code], item) for code, item in definitions.items()])


_WRITTEN = [
    "base", "handling", "source", "visits", "promised_days", "materials", "state", "state_reason", "name", "english",
    "short_name", "short_english", "summary", "english_summary", "icon", "is_featured", "popularity", "spelling",
    "task_type", "kind", "level", "subjects", "topics", "organisation",
]  # fmt: skip


def _owners(city: Path) -> Callable[[str], Organisation]:
    root = _city_code()
    return cache(lambda function: responsible_organisation(function, Level.CITY, root))


def _row(item: ItemDefinition, entry: Entry | None, source: str, owner: Organisation) -> ServiceItem:
    listing = item.listing
    short = listing.short_name or item.name
    return ServiceItem(
        code=item.code,
        base=entry.base if entry else item.code,
        handling=entry.handling if entry else "",
        source=source,
        visits=item.visits.count,
        promised_days=round(Decimal(item.limits.promised.hours) / Decimal("33.6"), 2),
        materials=burden.of(item),
        state=listing.state,
        state_reason=listing.state_reason.model_dump() if listing.state_reason else None,
        name=item.name.zh,
        english=item.name.en,
        short_name=short.zh,
        short_english=short.en,
        summary=item.summary.zh,
        english_summary=item.summary.en,
        icon=listing.icon,
        is_featured=listing.featured,
        popularity=listing.popularity,
        spelling=searching.spelling_of(item.name.zh),
        task_type=item.task_type,
        kind=item.kind,
        level=item.handler.level,
        subjects=item.subjects,
        topics=listing.topics,
        organisation=owner,
    )


def _publish_versions(items: Sequence[tuple[ServiceItem, ItemDefinition]]) -> int:
    workflow = cache(cases.load_workflow)
    wanted = [
        cases.Publication(
            f"hall.{item.code}", item.name.zh, item.name.en, "hall", workflow(item.workflow),
            _limits(item, workflow(item.workflow)),
        )
        for _row_of, item in items
    ]  # fmt: skip
    case_versions = cases.publish_versions(wanted)
    newest = ServiceItemVersion.objects.filter(item__in=[row.pk for row, _item in items]).defer("definition")
    known = {one.item_id: one for one in newest.order_by("item_id", "-number").distinct("item_id")}
    new: list[ServiceItemVersion] = []
    now = clock.now()
    for row, item in items:
        last, digest, case_version = known.get(row.pk), item.digest(), case_versions[f"hall.{item.code}"]
        if last is None or last.digest != digest or last.case_version_id != case_version.pk:
            number = last.number + 1 if last else 1
            new.append(
                ServiceItemVersion(
                    item=row, number=number, definition=item.published(), digest=digest, case_version=case_version,
                    published_at=now,
                )
            )  # fmt: skip
    known |= {one.item_id: one for one in ServiceItemVersion.objects.bulk_create(new, batch_size=200)}
    _set_columns("current_id", "bigint", {row.pk: known[row.pk].pk for row, _item in items})
    return len(new)


def _set_columns(column: str, kind: str, values: Mapping[int, Any]) -> None:
    """One column of many items in one statement. `column` and `kind` are ours, never a user's."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE hall_serviceitem AS item SET {column} = new.value::{kind}"  # noqa: S608 - see above
            " FROM unnest(%s::bigint[], %s::text[]) AS new (id, value) WHERE item.id = new.id",
            [list(values), [str(value) for value in values.values()]],
        )


def _hold(found: Iterable[Entry], city: Path, only: Collection[str] | None) -> int:
    """Make the holdings what the folder says, in bulk; how many there are. One that ended stays, not active."""
    around: Authorities = authorities(city)
    bodies = dict(Organisation.objects.values_list("slug", "pk"))
    items = dict(ServiceItem.objects.values_list("code", "pk"))
    wanted: dict[str, ItemHolding] = {}
    for entry in found:
        handler = entry.raw["handler"]
        for one in held(entry.held_by, handler["function"], around):
            code = f"{entry.code}.{one.slug}"
            wanted[code] = ItemHolding(
                code=code, item_id=items[entry.code], organisation_id=bodies[one.slug], level=one.level,
                division_id=one.division, phone=phone_of(handler, city, complaint=False, division=one.division),
            )  # fmt: skip
    stored = ItemHolding.objects.all() if only is None else ItemHolding.objects.filter(item__base__in=only)
    kept = {row.code: row for row in stored}
    new = [row for code, row in wanted.items() if code not in kept]
    ended = [row.pk for code, row in kept.items() if row.is_active and code not in wanted]
    again = [row for code, row in wanted.items() if code in kept and _differs(row, kept[code])]
    ItemHolding.objects.bulk_create(new, batch_size=2000)
    ItemHolding.objects.filter(pk__in=ended).update(is_active=False)
    for row in again:
        ItemHolding.objects.filter(code=row.code).update(
            organisation=row.organisation_id, division=row.division_id, phone=row.phone, level=row.level, is_active=True
        )
    return len(wanted)


def _differs(wanted: ItemHolding, kept: ItemHolding) -> bool:
    columns = ("organisation_id", "division_id", "phone", "level", "is_active")
    return any(getattr(wanted, name) != getattr(kept, name) for name in columns)


def _limits(item: ItemDefinition, workflow: Workflow) -> dict[str, CaseLimit]:
    """The item's limits laid over the workflow's clocks; a workflow without an intake clock has no intake limit."""
    limits = item.limits
    handling: dict[str, Any] = {
        "limit": limits.promised.amount,
        "unit": limits.promised.unit,
        "legal_limit": limits.legal.amount,
        "legal_unit": limits.legal.unit,
    }
    if limits.legal.basis:
        handling["basis"] = {"zh": limits.legal.basis}
    chosen = {"handling": CaseLimit.model_validate(handling)}
    if intake := workflow.clock("intake"):
        # The law's limit of the intake check stays the workflow's own, in the unit it was written in.
        chosen["intake"] = CaseLimit(
            limit=Decimal(limits.intake.amount),
            unit=limits.intake.unit,
            legal_limit=intake.legal_limit,
            legal_unit=intake.legal_unit or intake.unit,
        )
    return chosen


def _city_code() -> str:
    return Division.objects.values_list("code", flat=True).get(level=Level.CITY)


# Search index -----------------------------------------------------------------------------------------


def _index(items: Mapping[int, ItemDefinition], city: Path) -> None:
    _set_columns("search", "tsvector", {key: searching.vector_of(_weighted(item, city)) for key, item in items.items()})


def _weighted(item: ItemDefinition, city: Path) -> Iterator[tuple[str, str]]:
    groups = folder.synonyms_of(city).groups
    short = item.listing.short_name or item.name
    for text in (item.name.zh, short.zh):
        yield from _with(searching.NAME, searching.lexemes_of(text, pinyin=True))
    for word in dict.fromkeys(item.listing.keywords):
        yield from _with(searching.KEYWORD, searching.lexemes_of(word, pinyin=True))
    # What people might say instead weighs less than what the item says itself.
    for text in dict.fromkeys((item.name.zh, short.zh, *item.listing.keywords)):
        for variant in searching.variants_of(text, groups):
            yield from _with(searching.SUMMARY, searching.lexemes_of(variant, pinyin=True))
    for slug in item.listing.topics:
        yield from _with(searching.SUMMARY, searching.lexemes_of(topic_label(slug, city), pinyin=True))
    yield from _with(searching.SUMMARY, searching.lexemes_of(item.summary.zh, pinyin=False))
    for material in item.materials:
        yield from _with(searching.ENGLISH, searching.lexemes_of(material.name.zh, pinyin=False))
    for text in (item.name.en, short.en, item.summary.en):
        yield from _with(searching.ENGLISH, searching.lexemes_of(text, pinyin=False))


def _with(weight: str, lexemes: Iterator[str]) -> Iterator[tuple[str, str]]:
    for lexeme in lexemes:
        yield lexeme, weight


def topic_label(slug: str, city: Path) -> str:
    topic = folder.topics_of(city).get(slug)
    return topic.label.zh if topic else ""
