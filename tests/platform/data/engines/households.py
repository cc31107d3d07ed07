"""Lake files of a small city of families with means, drawn with a seed: input of the joins."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

FAMILY_NAMES = "赵钱孙李周吴郑王冯陈"
GIVEN_NAMES = ("伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "秀英", "桂兰", "建国")


def write(folder: Path, families: int, seed: int = 20261126) -> dict[str, Path]:
    """Writes members, wages, vehicles, houses and school (another department's view of the members)."""
    draw = random.Random(seed)
    members = []
    for family in range(families):
        surname = draw.choice(FAMILY_NAMES)
        for _ in range(draw.choice((1, 2, 3, 3, 4, 5))):
            born = dt.date(1930, 1, 1) + dt.timedelta(days=draw.randrange(33000))
            members.append(
                {
                    "household_number": f"{family:08d}" if draw.random() < 0.99 else None,
                    "id_number": f"341602{born:%Y%m%d}{len(members) % 10000:04d}",
                    "name": surname + draw.choice(GIVEN_NAMES),
                    "sex": draw.choice("12"),
                    "birth_date": born,
                }
            )
    tables = {
        "members": members,
        "wages": [wage for member in members if draw.random() < 0.5 for wage in _wages(draw, member["id_number"])],
        "vehicles": [
            _vehicle(draw, member["id_number"], place) for place, member in enumerate(members) if draw.random() < 0.1
        ],
        "houses": [
            right
            for place, member in enumerate(members)
            if draw.random() < 0.3
            for right in _rights(draw, members, place)
        ],
        "school": [_other_view(draw, member, place) for place, member in enumerate(members) if draw.random() < 0.4],
    }
    return {name: _write(folder / f"{name}.parquet", rows) for name, rows in tables.items()}  # type: ignore[arg-type]


def _wages(draw: random.Random, id_number: object) -> list[dict[str, object]]:
    employer = draw.choice(("亳州市某某厂", "某某公司", None))
    return [
        {
            "id_number": id_number,
            "month": f"2026-{month:02d}",
            "employer": employer,
            "net": draw.randrange(50_000, 900_000) if draw.random() < 0.97 else None,
        }
        for month in range(1, 13)
        if draw.random() < 0.6
    ]


def _vehicle(draw: random.Random, id_number: object, place: int) -> dict[str, object]:
    price = draw.randrange(1_000_000, 30_000_000) if draw.random() < 0.8 else None
    return {
        "owner_id_number": id_number,
        "plate_number": f"皖S{place:05d}",
        "declared_price": price,
        "state": draw.choice(("A", "A", "A", "E", None)),
    }


def _rights(draw: random.Random, members: list[dict[str, object]], place: int) -> list[dict[str, object]]:
    """Now and then two of a family own one house."""
    area = Decimal(draw.randrange(200_000, 3_000_000)) / 10_000 if draw.random() < 0.95 else None
    owners = {place, max(place - 1, 0)} if draw.random() < 0.4 else {place}
    state = draw.choice(("1", "1", "2"))
    return [
        {
            "owner_id_number": members[owner]["id_number"],
            "certificate_number": f"皖({place})",
            "floor_area": area,
            "right_state": state,
        }
        for owner in sorted(owners)
    ]


def _other_view(draw: random.Random, member: dict[str, object], place: int) -> dict[str, object]:
    """The same person as a school knows him: number missing or mistyped, name with a blank or a homophone."""
    number, name, fate = str(member["id_number"]), str(member["name"]), draw.random()
    if fate < 0.1:
        number = ""
    elif fate < 0.15:
        number = number[:-1] + str((int(number[-1]) + 1) % 10)
    elif fate < 0.2:
        name = name[0] + "玮"
    elif fate < 0.3:
        name = f"{name[0]} {name[1:]}"
    seen = {key: member[key] for key in ("sex", "birth_date")}
    return {"id": place, "id_number": number or None, "name": name, **seen}


_TYPES: dict[str, pa.DataType] = {
    "birth_date": pa.date32(), "net": pa.int64(), "declared_price": pa.int64(), "floor_area": pa.decimal128(18, 6), "id": pa.int64(),
}  # fmt: skip


def _write(path: Path, rows: list[dict[str, object]]) -> Path:
    columns = {name: pa.array([row[name] for row in rows], _TYPES.get(name, pa.string())) for name in rows[0]}
    pq.write_table(pa.table(columns), path)
    return path
