"""Publishes the catalogue of a city folder: a new version where the content changed, and who holds it.

The load is one transaction and refuses as a whole: an error in one of thousands of items leaves everything as it was.
An item whose files say what they said at the last load is not touched. A version is never changed afterwards; what
lists show (state, icon, topics, keywords) may change freely.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from yici.base import clock
from yici.base.errors import Misconfigured
from yici.core.cases import services as cases
from yici.core.cases.rules import Limit as CaseLimit
from yici.core.people.models import Organisation
from yici.core.people.queries import responsible_organisation
from yici.core.places.models import Division, Level
from yici.systems.hall import burden, folder, searching
from yici.systems.hall.definitions import ItemDefinition
from yici.systems.hall.generating.entries import Entry, entries, phone_of
from yici.systems.hall.generating.holders import Authorities, authorities, held
from yici.systems.hall.linting import faults_of_entry, surroundings_of
from yici.systems.hall.models import ItemHolding, ServiceItem, ServiceItemVersion

# Raised when what a load makes of the same files changes, so that every item is published afresh.
READING = "1"
_GROUND = ("synonyms.yaml", "topics.yaml", "hall.yaml")


def load(city: Path) -> str:
    """Idempotent. Items that left the folder are cancelled, not deleted. Raises `Misconfigured` naming file and line.

    `YICI_CATALOGUE=written` leaves the registers out: hand-written items only, for tests and a light demo.
    """
    folder.forget()
    found = _once(_entries(city))
    ground = _ground(city)
    stored = dict(ServiceItem.objects.values_list("code", "source"))
    sources = {code: _source(entry, ground) for code, entry in found.items()}
    changed = [entry for code, entry in found.items() if stored.get(code) != sources[code]]
    _refuse_faults(changed, city)
    published = 0
    with transaction.atomic():
        for entry in changed:
            published += publish(folder.read_entry(entry, city), city, entry, sources[entry.code])
        gone = ServiceItem.objects.exclude(code__in=found).exclude(state=ServiceItem.State.CANCELLED)
        cancelled = gone.update(state=ServiceItem.State.CANCELLED, source="")
        holdings = _hold(found.values(), city)
    return f"办事大厅：事项 {holdings} 项（{len(found)} 种），新发布 {published} 个版本" + (
        f"，取消 {cancelled} 项" if cancelled else ""
    )


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
    """Write the item's row and, where its content changed, a new version. True if there is a new version."""
    listing = item.listing
    row, _created = ServiceItem.objects.update_or_create(
        code=item.code,
        defaults={
            "base": entry.base if entry else item.code,
            "handling": entry.handling if entry else "",
            "source": source,
            "visits": item.visits.count,
            "promised_days": round(Decimal(item.limits.promised.hours) / Decimal("33.6"), 2),
            "materials": burden.of(item),
            "state": listing.state,
            "state_reason": listing.state_reason.model_dump() if listing.state_reason else None,
            "name": item.name.zh,
            "english": item.name.en,
            "short_name": (listing.short_name or item.name).zh,
            "short_english": (listing.short_name or item.name).en,
            "summary": item.summary.zh,
            "english_summary": item.summary.en,
            "icon": listing.icon,
            "is_featured": listing.featured,
            "popularity": listing.popularity,
            "spelling": searching.spelling_of(item.name.zh),
            "task_type": item.task_type,
            "kind": item.kind,
            "level": item.handler.level,
            "subjects": item.subjects,
            "topics": listing.topics,
            "organisation": responsible_organisation(item.handler.function, Level.CITY, _city_code()),
        },
    )
    _index(row, item, city)
    return _publish_version(row, item)


def _hold(found: Iterable[Entry], city: Path) -> int:
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
    kept = {row.code: row for row in ItemHolding.objects.all()}
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


def _publish_version(row: ServiceItem, item: ItemDefinition) -> bool:
    case_version = cases.publish_version(
        f"hall.{item.code}", item.name.zh, item.name.en, "hall", item.workflow, _limits(item)
    )
    newest = row.versions.order_by("-number").first()
    digest = item.digest()
    if newest and newest.digest == digest and newest.case_version_id == case_version.pk:
        if row.current_id != newest.pk:
            ServiceItem.objects.filter(pk=row.pk).update(current=newest)
        return False
    version = ServiceItemVersion.objects.create(
        item=row,
        number=newest.number + 1 if newest else 1,
        definition=item.published(),
        digest=digest,
        case_version=case_version,
        published_at=clock.now(),
    )
    ServiceItem.objects.filter(pk=row.pk).update(current=version)
    return True


def _limits(item: ItemDefinition) -> dict[str, CaseLimit]:
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
    if intake := cases.load_workflow(item.workflow).clock("intake"):
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


def _index(row: ServiceItem, item: ItemDefinition, city: Path) -> None:
    vector = searching.vector_of(_weighted(item, city))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE hall_serviceitem SET search = %s::tsvector WHERE id = %s", [vector, row.pk])


def _weighted(item: ItemDefinition, city: Path) -> Iterator[tuple[str, str]]:
    groups = folder.synonyms_of(city).groups
    short = item.listing.short_name or item.name
    for text in (item.name.zh, short.zh):
        yield from _with(searching.NAME, searching.lexemes_of(text, pinyin=True))
    words = dict.fromkeys([*item.listing.keywords, *(topic_label(slug, city) for slug in item.listing.topics)])
    for text in (item.name.zh, short.zh, *words):
        for variant in dict.fromkeys([text, *searching.variants_of(text, groups)]):
            yield from _with(searching.KEYWORD, searching.lexemes_of(variant, pinyin=True))
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
