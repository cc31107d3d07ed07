"""Classes, runs and deliveries for tests: made as rows, without the city folder."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from yici.base import clock
from yici.core.people.models import Organisation
from yici.platform.data.catalogue.definition import ClassDefinition
from yici.platform.data.models import ClassChannel, DataClass, Run, Snapshot
from yici.platform.data.rules.language import Outcome, Rule

_COLUMNS: list[dict[str, Any]] = [
    {"name": "id_number", "headers": ["公民身份号码", "身份证号"], "element": "person.id_number", "required": True},
    {"name": "name", "headers": ["姓名"], "element": "person.name", "required": True},
    {"name": "birth_date", "headers": ["出生日期"], "element": "person.birth_date"},
    {"name": "address", "headers": ["住址"], "type": "text", "sensitivity": "personal"},
    {"name": "amount", "headers": ["金额"], "type": "money", "unit_in_source": "yuan"},
]
_ARROW = {"VARCHAR": pa.string(), "DATE": pa.date32(), "BIGINT": pa.int64()}


def make_definition(slug: str = "public_security.test", **changes: Any) -> ClassDefinition:
    """A class of five columns, keyed by ID number, loaded in full each time."""
    return ClassDefinition.model_validate(
        {
            "id": slug,
            "name": {"zh": "测试人口", "en": "Test residents"},
            "department": "public_security",
            "category": "base.population",
            "code": f"3416/{slug}",
            "summary": {"zh": "测试用", "en": "For tests"},
            "share": {"type": "conditional"},
            "cycle": "daily",
            "published": "2017-06-01",
            "key": ["id_number"],
            "channels": [{"kind": "static", "unit": "public_security"}],
            "columns": _COLUMNS,
            **changes,
        }
    )


def make_class(definition: ClassDefinition | None = None, organisation: str = "bz.public_security") -> DataClass:
    """The class as a row, with its channels; the organisation is one of the demo city's."""
    definition = definition or make_definition()
    department = Organisation.objects.get(slug=organisation)
    data_class = DataClass.objects.create(
        slug=definition.id,
        code=definition.code,
        name=definition.name.zh,
        english=definition.name.en,
        department=department,
        category=definition.category,
        cycle=definition.cycle,
        share_type=definition.share.type,
        sensitivity=definition.sensitivity,
        is_described=True,
        definition=definition.model_dump(mode="json", by_alias=True),
    )
    for entry in definition.channels:
        ClassChannel.objects.create(data_class=data_class, kind=entry.kind, unit=department, options=entry.options)
    return data_class


def make_run(data_class: DataClass, **changes: Any) -> Run:
    return Run.objects.create(
        **{
            "data_class": data_class,
            "channel": data_class.channels.first(),
            "trigger": Run.Trigger.MANUAL,
            "state": Run.State.RUNNING,
            "queued_at": clock.now(),
            **changes,
        }
    )


def make_snapshot(data_class: DataClass, run: Run | None = None, **changes: Any) -> Snapshot:
    """The next version of the class, without files; the class shows it from now on."""
    newest = data_class.snapshots.order_by("-number").first()
    fields: dict[str, Any] = {
        "data_class": data_class,
        "number": newest.number + 1 if newest else 1,
        "mode": Snapshot.Mode.FULL,
        "parent": newest,
        "run": run,
        "data_date": clock.today(),
        "row_count": 0,
        "byte_count": 0,
        "files": [],
        "columns": [],
        "digest": "",
        "published_at": clock.now(),
    }
    snapshot = Snapshot.objects.create(**{**fields, **changes})
    data_class.current = snapshot
    data_class.save(update_fields=["current"])
    return snapshot


def outcome(
    rule: str = "id_number.cn_id", checked: int = 100, failed: int = 0, dimension: str = "validity", **changes: Any
) -> Outcome:
    """What a rule of `<column>.<primitive>` found."""
    column, _, primitive = rule.partition(".")
    return Outcome(
        Rule(**{"id": rule, "primitive": primitive, "column": column, "dimension": dimension, **changes}),
        checked,
        failed,
    )


def person(number: int, **changes: Any) -> dict[str, Any]:
    """One accepted row in lake types."""
    return {
        "id_number": f"34160219800101{number:04d}",
        "name": f"王{number}",
        "birth_date": dt.date(1980, 1, 1),
        "address": f"某村{number}号",
        "amount": number * 100,
        **changes,
    }


def write_accepted(path: Path, definition: ClassDefinition, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Accepted rows as an engine leaves them: lake types and `_row`."""
    columns = {
        column.name: pa.array([row.get(column.name) for row in rows], _ARROW[column.lake_type])
        for column in definition.columns
    }
    pq.write_table(pa.table({**columns, "_row": pa.array(range(2, len(rows) + 2), pa.int64())}), path)
    return path
