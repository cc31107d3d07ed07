"""City folder → divisions, historic codes and zones. Idempotent; rows no longer in the folder stay,
because cases and people point at them."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from django.db import transaction

from yici.base.cityfolder import read_yaml
from yici.base.errors import Misconfigured
from yici.base.text import Text
from yici.core.places.models import Division, HistoricCode, Zone

_DIVISION_FIELDS = ["name", "full_name", "english", "level", "kind", "parent", "pinyin"]


def load(city: Path) -> str:
    """Load `places/` of the city folder; one line of report. Raises `Misconfigured` for a missing file."""
    folder = city / "places"
    with transaction.atomic():
        divisions = _load_divisions(folder / "divisions.csv")
        codes = _load_historic_codes(folder / "historic_codes.csv")
        zones = _load_zones(folder / "zones.yaml")
    return f"区划：{divisions} 个行政区划，{codes} 个历史代码，{zones} 个功能区和园区"


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a CSV file with a header. Raises `Misconfigured` where there is none."""
    if not path.exists():
        raise Misconfigured(f"缺少文件 {path}")
    with path.open(encoding="utf-8", newline="") as handle:
        yield from csv.DictReader(handle)


def divisions_of(path: Path) -> list[Division]:
    """The divisions of `divisions.csv` as unsaved rows, parents first; needs no database. Raises `Misconfigured`."""
    rows = {row["code"]: row for row in rows_of(path)}
    return [
        Division(
            code=code,
            name=row["name"],
            full_name=_full_name(row, rows),
            english=row["english"],
            level=row["level"],
            kind=row["kind"],
            parent_id=row["parent"] or None,
            pinyin=row["pinyin"],
        )
        for code, row in sorted(rows.items())  # parents have the smaller code, so they come first
    ]


def _load_divisions(path: Path) -> int:
    divisions = divisions_of(path)
    Division.objects.bulk_create(
        divisions, batch_size=2000, update_conflicts=True, unique_fields=["code"], update_fields=_DIVISION_FIELDS
    )
    return len(divisions)


def _full_name(row: dict[str, str], rows: dict[str, dict[str, str]]) -> str:
    """Names from the county down; the city's own name for the city."""
    parts = [row["name"]]
    parent = rows.get(row["parent"])
    while parent is not None and parent["level"] != "city":
        parts.append(parent["name"])
        parent = rows.get(parent["parent"])
    return "".join(reversed(parts))


def _load_historic_codes(path: Path) -> int:
    codes = [
        HistoricCode(
            code=row["code"],
            division_id=row["division"],
            name_then=row["name_then"],
            valid_from=_date(row["valid_from"]),
            valid_to=_date(row["valid_to"]),
        )
        for row in rows_of(path)
    ]
    HistoricCode.objects.bulk_create(
        codes,
        update_conflicts=True,
        unique_fields=["code", "division"],
        update_fields=["name_then", "valid_from", "valid_to"],
    )
    return len(codes)


def _date(text: str) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


def _load_zones(path: Path) -> int:
    entries = read_yaml(path)["zones"]
    for slug, entry in entries.items():
        name = Text.model_validate(entry["name"])
        zone, _created = Zone.objects.update_or_create(
            slug=slug,
            defaults={"name": name.zh, "english": name.en, "kind": entry["kind"], "also": entry.get("also", [])},
        )
        zone.divisions.set(entry["divisions"])
    return len(entries)
