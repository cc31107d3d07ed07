"""Bringing a table in line with the city folder: what differs is written in bulk, what is gone is withdrawn."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import models


def store(
    model: type[models.Model],
    key: str,
    fields: Sequence[str],
    wanted: Mapping[str, Mapping[str, Any]],
    now: dt.datetime,
) -> int:
    """Insert and update what differs, set `withdrawn_at` on rows not wanted any more. Number of rows written."""
    table = model._default_manager
    stored: dict[str, dict[str, Any]] = {row[key]: row for row in table.values(key, *fields)}
    rows = [
        model(**{key: slug}, **values)
        for slug, values in wanted.items()
        if slug not in stored or any(stored[slug][name] != values[name] for name in fields)
    ]
    table.bulk_create(
        rows,
        batch_size=1000,
        update_conflicts=True,
        unique_fields=[key],
        update_fields=[name.removesuffix("_id") for name in fields],
    )
    gone = [slug for slug, row in stored.items() if slug not in wanted and row["withdrawn_at"] is None]
    return len(rows) + table.filter(**{f"{key}__in": gone}).update(withdrawn_at=now)
