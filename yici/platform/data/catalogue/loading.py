"""City folder → the catalogue: classes, the channels they come by, and series still on paper.

Idempotent and in bulk. What a channel has learned while running (`cursor`, `next_run_at`, last success) stays; what
is no longer in the folder is withdrawn, never deleted, as the lake and the runs point at it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models.functions import MD5

from yici.base import clock
from yici.base.errors import Misconfigured
from yici.core.people.models import Organisation
from yici.platform.data.catalogue import paper, reading
from yici.platform.data.catalogue.definition import ClassDefinition
from yici.platform.data.catalogue.reading import RegisterEntry
from yici.platform.data.catalogue.storing import store
from yici.platform.data.models import Channel, ClassChannel, DataClass

_CLASS_FIELDS = (
    "code", "name", "english", "department_id", "category", "cycle", "share_type", "is_open", "sensitivity",
    "declared_rows", "is_described", "definition", "withdrawn_at",
)  # fmt: skip


@dataclass(frozen=True)
class _Channel:
    """A channel as the folder has it; `cycle` is its class's, where the class is described."""

    slug: str
    kind: str
    unit: int
    options: dict[str, Any] = field(default_factory=dict)
    cycle: str = ""

    @property
    def is_described(self) -> bool:
        return bool(self.cycle)


def load(city: Path) -> str:
    """Load the catalogue; one line of report. Raises `Misconfigured` for what cannot be loaded."""
    reading.forget()
    entries, described = reading.register(city), reading.definitions_in(city)
    organisations = _organisations()
    classes: dict[str, dict[str, Any]] = {entry.slug: _from_register(entry, organisations) for entry in entries}
    classes |= {slug: _from_definition(one, organisations) for slug, one in described.items()}
    channels = list(_channels(entries, described, organisations))
    now = clock.now()
    with transaction.atomic():
        _make_room_for_codes(classes)
        known = set(DataClass.objects.filter(is_described=True, withdrawn_at=None).values_list("slug", flat=True))
        changed = store(DataClass, "slug", _CLASS_FIELDS, classes, now)
        changed += _store_channels(channels, known, now)
        series, changed_series = paper.load_series(city, organisations, set(classes), now)
    return (
        f"数据目录：数据类 {len(classes)} 个（已写明各列 {len(described)} 个），对接通道 {len(channels)} 条，"
        f"纸质档案 {series} 种，本次变更 {changed + changed_series} 项"
    )


def _organisations() -> dict[str, int]:
    """Function → id of the city-level body that has it; the one that holds data first."""
    rows = Organisation.objects.filter(level="city").order_by("holds_data", "-order")
    return dict(rows.exclude(function="").values_list("function", "id"))


def _organisation(organisations: Mapping[str, int], function: str, slug: str) -> int:
    try:
        return organisations[function]
    except KeyError:
        raise Misconfigured(
            f"数据类 {slug} 的单位 {function} 不在机构名单里，请改成 organisations 中的 function。"
        ) from None


def _from_register(entry: RegisterEntry, organisations: Mapping[str, int]) -> dict[str, Any]:
    return {
        "code": entry.code,
        "name": entry.name,
        "english": entry.english,
        "department_id": _organisation(organisations, entry.department, entry.slug),
        "category": entry.category,
        "cycle": entry.cycle,
        "share_type": entry.share_type,
        "is_open": entry.is_open,
        "sensitivity": entry.sensitivity,
        "declared_rows": entry.declared_rows,
        "is_described": False,
        "definition": {},
        "withdrawn_at": None,
    }


def _from_definition(definition: ClassDefinition, organisations: Mapping[str, int]) -> dict[str, Any]:
    return {
        "code": definition.code,
        "name": definition.name.zh,
        "english": definition.name.en,
        "department_id": _organisation(organisations, definition.department, definition.id),
        "category": definition.category,
        "cycle": definition.cycle,
        "share_type": definition.share.type,
        "is_open": definition.open.is_open,
        "sensitivity": definition.sensitivity,
        "declared_rows": definition.declared_rows,
        "is_described": True,
        "definition": definition.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        "withdrawn_at": None,
    }


def _channels(
    entries: Iterable[RegisterEntry], described: Mapping[str, ClassDefinition], organisations: Mapping[str, int]
) -> Iterable[_Channel]:
    for entry in entries:
        for link in () if entry.slug in described else entry.links:
            yield _Channel(entry.slug, link.kind, _organisation(organisations, link.unit, entry.slug))
    for slug, definition in described.items():
        for channel in definition.channels:
            unit = _organisation(organisations, channel.unit, slug)
            yield _Channel(slug, channel.kind, unit, channel.options, definition.cycle)


def _make_room_for_codes(classes: Mapping[str, Mapping[str, Any]]) -> None:
    """Codes are unique, and may move from one class to another within one load: free those that will move."""
    owner = {values["code"]: slug for slug, values in classes.items()}
    stored = DataClass.objects.filter(code__in=owner).values_list("code", "slug")
    moving = [slug for code, slug in stored if owner[code] != slug]
    DataClass.objects.filter(slug__in=moving).update(code=MD5("slug"))


def _store_channels(wanted: list[_Channel], known: set[str], now: dt.datetime) -> int:
    """Write channels that differ; number of rows written. `known`: classes that were described before.

    Only a channel that begins gets its first time: where a person has stopped the clock, it stays stopped.
    """
    stored = {(one.data_class_id, one.kind): one for one in ClassChannel.objects.all()}
    new, changed = [], []
    for entry in wanted:
        channel = stored.pop((entry.slug, entry.kind), None)
        if channel is None:
            channel = ClassChannel(data_class_id=entry.slug, kind=entry.kind)
            new.append(channel)
        elif (
            channel.unit_id == entry.unit
            and channel.options == entry.options
            and channel.withdrawn_at is None
            and entry.is_described == (entry.slug in known)
        ):
            continue
        else:
            changed.append(channel)
        if not entry.is_described or entry.kind == Channel.STATIC:
            channel.next_run_at = None
        elif channel.pk is None or channel.withdrawn_at or entry.slug not in known:
            channel.next_run_at = channel.next_run_at or _first_run(entry, now)
        channel.unit_id, channel.options, channel.withdrawn_at = entry.unit, entry.options, None
    ClassChannel.objects.bulk_create(new, batch_size=1000)
    ClassChannel.objects.bulk_update(changed, ["unit", "options", "withdrawn_at", "next_run_at"], batch_size=500)
    gone = [one.id for one in stored.values() if one.withdrawn_at is None]
    withdrawn = ClassChannel.objects.filter(id__in=gone).update(withdrawn_at=now, next_run_at=None)
    return len(new) + len(changed) + withdrawn


def _first_run(entry: _Channel, now: dt.datetime) -> dt.datetime | None:
    """When the clock starts it for the first time: at the end of its update cycle."""
    from yici.platform.data.quality import freshness  # quality reads the catalogue

    moment: dt.datetime | None = freshness.next_run_at(entry.cycle, now, is_drop=entry.kind == Channel.FILE_DROP)
    return moment
