"""The truth of a city, written to Parquet in chunks: persons, households and what they have. No department's view.

Tables: persons, households, couples, children, houses, vehicles, businesses, schools, places, employers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from yici.platform.data.generating import composing, holdings, people, texts
from yici.platform.data.generating.chunk import Chunk, Maker
from yici.platform.data.generating.composing import SEATS, TODAY
from yici.platform.data.generating.draws import Draws
from yici.platform.data.generating.lives import Schools
from yici.platform.data.generating.people import dates
from yici.platform.data.generating.places import City, schools_of

CHUNK = 20_000  # households made at a time
_FIRST_SERIAL = 100_000
Progress = Callable[[int, int], None]


@dataclass
class Written:
    """How many rows each table of the truth has; `living` is how many people live on the day of the register."""

    living: int = 0
    rows: dict[str, int] = field(default_factory=dict)


def write(
    population: int, seed: int, city: City, folder: Path, *, chunk: int = CHUNK, progress: Progress | None = None
) -> Written:
    """Households until `population` people live in the city, the last one whole."""
    folder.mkdir(parents=True, exist_ok=True)
    schools = schools_of(city)
    maker = Maker(Draws(seed), city, Schools(schools, city))
    done, serials, first = Written(), holdings.Serials(), 0
    with _Tables(folder, done) as tables:
        while done.living < population:
            made, living = maker.make(first, chunk, population - done.living)
            for name, table in _tables_of(made, serials).items():
                tables.append(name, table)
            done.living += living
            first += len(made.ids)
            if progress:
                progress(min(done.living, population), population)
        tables.append("places", _places(city))
        tables.append("schools", _schools(city, schools))
    return done


class _Tables:
    """One Parquet writer for each table, all closed at the end."""

    def __init__(self, folder: Path, written: Written) -> None:
        self._folder, self._written = folder, written
        self._writers: dict[str, pq.ParquetWriter] = {}

    def __enter__(self) -> _Tables:
        return self

    def __exit__(self, *error: object) -> None:
        for writer in self._writers.values():
            writer.close()

    def append(self, name: str, table: pa.Table) -> None:
        if name not in self._writers:
            self._writers[name] = pq.ParquetWriter(self._folder / f"{name}.parquet", table.schema, compression="zstd")
        self._writers[name].write_table(table)
        self._written.rows[name] = self._written.rows.get(name, 0) + table.num_rows


def _tables_of(chunk: Chunk, serials: holdings.Serials) -> dict[str, pa.Table]:
    return {
        "persons": _persons(chunk),
        "households": _households(chunk),
        "couples": holdings.couples(chunk),
        "children": holdings.children(chunk),
        "houses": holdings.houses(chunk, serials),
        "vehicles": holdings.vehicles(chunk, serials),
        "businesses": holdings.businesses(chunk, serials),
    }


def _persons(chunk: Chunk) -> pa.Table:
    who, lives, draws = chunk.who, chunk.lives, chunk.draws
    bank, account = people.bank_accounts(draws, who.n)
    moves = _moves(chunk)
    row = pa.array(who.row)
    codes = texts.column(texts.digits(chunk.made.relation[who.row, who.seat], 2))
    poor = _poor(chunk)
    return pa.table(
        {
            "n": who.n, "household": who.n // SEATS, "seat": who.seat.astype(np.int8), "relation": codes,
            "name": who.name, "sex": texts.number_text(who.sex), "birth": dates(who.birth), "died": dates(who.died),
            "id_number": who.id_number, "ethnicity": lives.ethnicity, "phone": who.phone,
            "village_code": chunk.village_codes(who.row), "county": chunk.person_county.astype(np.int8),
            "is_urban": chunk.city.is_urban[chunk.village[who.row]],
            "address": chunk.person_address,
            **{name: column.take(row) for name, column in moves.items()},
            "hukou": lives.hukou, "level": lives.level, "marital": lives.marital, "married": dates(lives.married),
            "spouse": pa.array(lives.spouse, mask=lives.spouse < 0),
            "stage": lives.stage.astype(np.int8), "school": lives.school.astype(np.int32),
            "work": lives.work.astype(np.int8), "employer_draw": draws.uniform("employer", who.n).astype(np.float32),
            "wage": lives.wage, "pension": lives.pension, "formal": lives.formal, "medical": lives.medical,
            "disability": lives.disability.astype(np.int8), "disability_level": lives.disability_level.astype(np.int8),
            "bank": bank, "account": account,
            "poor": poor["poor"][who.row], "allowance": poor["allowance"][who.row], "extreme": poor["extreme"][who.row],
        }
    )  # fmt: skip


def _moves(chunk: Chunk) -> dict[str, pa.Array]:
    """By household: the day it moves within the city, the address it moves to; null for those that stay."""
    draws, ids, city = chunk.draws, chunk.ids, chunk.city
    moves = draws.chance("moves", ids, 0.05)
    to = draws.choice("moves to", ids, np.where(city.is_urban, 3.0, 1.0).tolist())
    day = draws.integers("moves on", ids, TODAY - 1095, composing.HORIZON)
    return {
        "moved_on": dates(np.where(moves, day, 0)),
        "new_address": texts.where(moves, people.addresses(draws, "new home", ids, city, to), None),
        "new_village_code": texts.where(moves, texts.taken([entry.code for entry in city.villages], to), None),
    }


def _poor(chunk: Chunk) -> dict[str, np.ndarray]:
    """By household: registered as poor, on the minimum allowance, in support for the extremely poor."""
    draws, ids, urban = chunk.draws, chunk.ids, chunk.city.is_urban[chunk.village]
    poor = draws.chance("poor", ids, np.where(urban, 0.015, 0.07))
    allowance = poor & draws.chance("allowance", ids, 0.55)
    lonely = (chunk.made.kind == composing.SINGLE) & (chunk.who.age[chunk.head] > 60) & ~allowance
    return {"poor": poor, "allowance": allowance, "extreme": lonely & draws.chance("extreme", ids, 0.5)}


def _households(chunk: Chunk) -> pa.Table:
    who, ids, draws = chunk.who, chunk.ids, chunk.draws
    head = pa.array(chunk.head)
    count = len(ids)
    alive = ((who.died == 0) | (who.died > TODAY)) & (who.birth <= TODAY)
    wages = np.bincount(who.row, weights=(chunk.lives.wage + chunk.lives.pension) * 12, minlength=count)
    land = draws.integers("farm income", ids, 300_000, 1_800_000)
    village = chunk.city.village_county[chunk.village]
    poor = _poor(chunk)
    income = np.where(poor["poor"], land + wages * 0.25, land + wages).astype(np.int64) // 100 * 100
    _bank, account = people.bank_accounts(draws, ids * SEATS + chunk.made.head)
    last = np.zeros(count, dtype=np.int64)
    np.maximum.at(last, who.row, np.where(who.died > 0, who.died, composing.HORIZON * 2))
    return pa.table(
        {
            "household": ids,
            "number": texts.joined(chunk.village_codes(np.arange(count)), texts.column(texts.digits(ids + _FIRST_SERIAL, 8))),
            "village_code": chunk.village_codes(np.arange(count)), "county": village.astype(np.int8),
            "is_urban": chunk.city.is_urban[chunk.village], "address": chunk.address,
            "head": who.n[chunk.head], "head_name": who.name.take(head), "head_id": who.id_number.take(head),
            "head_phone": who.phone.take(head), "head_birth": dates(who.birth[chunk.head]), "account": account,
            "size": np.bincount(who.row, weights=alive, minlength=count).astype(np.int32),
            "labour": np.bincount(who.row, weights=alive & (who.age >= 16) & (who.age < 60), minlength=count).astype(np.int32),
            "students": np.bincount(who.row, weights=chunk.lives.stage > 1, minlength=count).astype(np.int32),
            "settled": dates(np.maximum(who.birth[chunk.head] + 18 * 366, draws.integers("settled", ids, 3650, TODAY - 400)).clip(max=TODAY - 100)),
            **_moves(chunk),
            "ended": dates(np.where(last > composing.HORIZON, 0, last)),
            "income": income, "cause": texts.taken(("1", "2", "3", "8", "7", "9"), draws.choice("cause", ids, (48, 16, 12, 12, 8, 4))),
            "poor": poor["poor"], "allowance": poor["allowance"], "extreme": poor["extreme"],
        }
    )  # fmt: skip


def _places(city: City) -> pa.Table:
    """Villages with their names above them; `v` is the order."""
    township = [city.townships[at] for at in city.village_township]
    return pa.table(
        {
            "v": np.arange(len(city.villages)), "village_code": [village.code for village in city.villages],
            "place": [village.place for village in city.villages], "is_urban": city.is_urban,
            "township_code": [entry.code for entry in township], "township": [entry.name for entry in township],
            "county": city.village_county, "county_code": [city.counties[at] for at in city.village_county],
            "county_name": [city.county_names[at] for at in city.village_county],
        }
    )  # fmt: skip


def _schools(city: City, schools: list) -> pa.Table:  # type: ignore[type-arg]
    serial = np.arange(len(schools))
    county = np.array([school.county for school in schools])
    area = np.array([int(code[:6]) for code in city.counties])[county]
    kind = [school.kind for school in schools]
    code = np.hstack([texts.digits(12 * 10**6 + area, 8), texts.organisation_code(serial + 5000, b"486")])
    identifier = np.hstack([texts.digits(area, 6), texts.digits(serial, 4)])
    return pa.table(
        {
            "s": serial, "kind": kind, "stage": [school.stage for school in schools],
            "name": [school.name for school in schools], "county": county,
            "township_code": [city.townships[school.township].code for school in schools],
            "uscc": texts.column(texts.with_uscc_check(code)), "code": texts.column(identifier),
        }
    )  # fmt: skip
