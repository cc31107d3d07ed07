"""City folder → the tree of organisations. Idempotent and in bulk; a body missing from the folder stays,
because accounts and cases point at it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from yici.base.errors import Misconfigured
from yici.core.people import permissions, queries
from yici.core.people.models import Organisation, RoleGrant
from yici.core.people.organisation_files import COMPLAINT_PHONE, Body, Place, bodies
from yici.core.places.models import Division

_FIELDS = [
    "name", "short_name", "english", "kind", "function", "level", "division_id", "parent_id", "path",
    "is_municipal_unit", "holds_data", "complaint_phone", "order",
]  # fmt: skip


def load(city: Path) -> str:
    """Load organisations and check that the roles can be read; one line of report."""
    places = [
        Place(*row) for row in Division.objects.values_list("code", "name", "full_name", "english", "level", "kind")
    ]
    wanted = list(bodies(city, places))
    with transaction.atomic():
        changed = _store(wanted)
        for slug, role in permissions.roles(city).items():
            RoleGrant.objects.filter(role=slug).exclude(duty=role.duty).update(duty=role.duty)
    queries.forget_organisations()
    return f"机构：{len(wanted)} 个，本次变更 {changed} 个；角色 {len(permissions.roles(city))} 个"


def _store(wanted: list[Body]) -> int:
    """Insert and update what differs; number of rows written."""
    stored = {row["slug"]: row for row in Organisation.objects.values("slug", "id", *_FIELDS)}
    ids = {slug: row["id"] for slug, row in stored.items()}
    new = [body.slug for body in wanted if body.slug not in ids]
    ids.update(zip(new, _reserve_ids(len(new)), strict=True))
    paths: dict[str, str] = {}
    rows: list[Organisation] = []
    for body in wanted:
        if body.parent and body.parent not in paths:
            raise Misconfigured(f"机构 {body.slug} 的上级 {body.parent} 不存在，或排在它的后面。")
        paths[body.slug] = f"{paths.get(body.parent, '/')}{ids[body.slug]}/"
        values = _values(body, ids, paths[body.slug])
        if any(stored.get(body.slug, {}).get(name, _values) != values[name] for name in _FIELDS):
            rows.append(Organisation(id=ids[body.slug], slug=body.slug, **values))
    Organisation.objects.bulk_create(
        rows,
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["slug"],
        update_fields=[name.removesuffix("_id") for name in _FIELDS],
    )
    return len(rows)


def _values(body: Body, ids: dict[str, int], path: str) -> dict[str, Any]:
    values = asdict(body)
    del values["slug"]
    values["division_id"] = values.pop("division")
    values["parent_id"] = ids[parent] if (parent := values.pop("parent")) else None
    return values | {"path": path, "complaint_phone": COMPLAINT_PHONE}


def _reserve_ids(count: int) -> list[int]:
    """Ids from the table's own sequence, taken in advance so that every path is known before the insert."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [Organisation._meta.db_table, count],
        )
        return [row[0] for row in cursor.fetchall()]
