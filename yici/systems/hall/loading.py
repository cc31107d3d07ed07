"""Publishes the items of a city folder: a new version where the content changed, and the search index always.

A version is never changed afterwards; what lists show (state, icon, topics, keywords) may change freely.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from yici.base import clock
from yici.core.cases import services as cases
from yici.core.cases.rules import Limit as CaseLimit
from yici.core.people.queries import responsible_organisation
from yici.core.places.models import Division, Level
from yici.systems.hall import folder, searching
from yici.systems.hall.definitions import ItemDefinition
from yici.systems.hall.models import ServiceItem, ServiceItemVersion


def load(city: Path) -> str:
    """Idempotent. Items whose file is gone are cancelled, not deleted. Raises `Misconfigured` naming file and line."""
    folder.forget()
    codes: set[str] = set()
    published = 0
    for path in folder.item_files(city):
        item = folder.read_item(path, city)
        codes.add(item.code)
        with transaction.atomic():
            published += publish(item, city)
    gone = ServiceItem.objects.exclude(code__in=codes).exclude(state=ServiceItem.State.CANCELLED)
    cancelled = gone.update(state=ServiceItem.State.CANCELLED)
    return f"办事大厅：事项 {len(codes)} 项，新发布 {published} 个版本" + (
        f"，取消 {cancelled} 项" if cancelled else ""
    )


def publish(item: ItemDefinition, city: Path) -> bool:
    """Write the item's row and, where its content changed, a new version. True if there is a new version."""
    listing = item.listing
    row, _created = ServiceItem.objects.update_or_create(
        code=item.code,
        defaults={
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
