"""City folder → the register of residents: demo households and a generated population, copied in one stroke.

Runs only on an empty register; its size is `YICI_RESIDENTS` (default 100,000).
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from yici.base.cityfolder import Located, read_yaml
from yici.base.errors import Invalid, Misconfigured
from yici.core.vocabulary import rules as vocabulary
from yici.platform.data.datasets import DATASETS
from yici.platform.data.models import Resident
from yici.platform.data.queries import forget_organisations
from yici.platform.data.region_file import area_codes, read_region, villages_of
from yici.platform.data.register import TAKEN_ON, Family, Person, generate

DEFAULT_SIZE = 100_000

_HOUSEHOLD_COLUMNS = "number, division_id, address, kind"
_RESIDENT_COLUMNS = (
    "id_number, name, sex, birth_date, ethnicity, household_id, relation_to_head, division_id, address, is_local, "
    "phone, is_alive, as_of, extra"
)


def load(city: Path) -> str:
    """Load the register if it is empty; one line of report. Raises `Misconfigured` for a wrong demo file."""
    forget_organisations()
    if Resident.objects.exists():
        return "人口库：已有数据，未改动"
    region, seed = read_region(city)
    families = list(demo_families(city / "demo.yaml"))
    size = int(os.environ.get("YICI_RESIDENTS") or DEFAULT_SIZE)
    taken = {person.id_number for family in families for person in family.members}
    families += generate(
        max(size - len(taken), 0),
        seed,
        region=region,
        villages=villages_of(region),
        area_codes=area_codes(),
        taken=taken,
    )
    with transaction.atomic():
        copy_in(families)
    people = sum(len(family.members) for family in families)
    return f"人口库：{people:,} 人，{len(families):,} 户（演示 {len(taken)} 人）"


def copy_in(families: Iterable[Family]) -> None:
    """Write households, then their members, with COPY. The caller's transaction."""
    kept = list(families)
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY data_household ({_HOUSEHOLD_COLUMNS}) FROM STDIN") as copy:
            for family in kept:
                copy.write_row((family.number, family.division, family.address, family.kind))
        with cursor.copy(f"COPY data_resident ({_RESIDENT_COLUMNS}) FROM STDIN") as copy:
            for family in kept:
                for person in family.members:
                    copy.write_row(_row(family, person))
        cursor.execute("ANALYZE data_household, data_resident")


def _row(family: Family, person: Person) -> tuple[Any, ...]:
    return (
        person.id_number, person.name, person.sex, person.birth_date, person.ethnicity, family.number, person.relation,
        family.division, person.address, person.is_local, person.phone, person.is_alive, person.as_of,
        json.dumps(person.extra, ensure_ascii=False),
    )  # fmt: skip


def demo_families(path: Path) -> Iterator[Family]:
    """The households under `residents:` of the demo file. Raises `Misconfigured` with the line."""
    if not path.exists():
        return
    for entry in read_yaml(path).get("residents") or []:
        try:
            yield _demo_family(entry)
        except (KeyError, TypeError, ValueError, Invalid) as error:
            reason = getattr(error, "message", None) or f"{type(error).__name__} {error}"
            raise Misconfigured(f"{path}:{getattr(entry, 'line', 0)} 演示居民写得不对：{reason}") from error


def _demo_family(entry: Located) -> Family:
    household = entry["household"]
    family = Family(household["number"], household["division"], household["address"], household["kind"], [])
    family.members.extend(_demo_person(family, member) for member in entry["members"])
    return family


def _demo_person(family: Family, member: Located) -> Person:
    identity = vocabulary.parse_id_number(member["id_number"])
    person = Person(
        member["name"], identity.sex, identity.birth_date, member["relation"],
        id_number=identity.number, ethnicity=member.get("ethnicity", "01"), address=member.get("address", family.address),
        phone=member.get("phone", ""), is_local=member.get("local", True), as_of=member.get("as_of", TAKEN_ON),
    )  # fmt: skip
    for dataset, known in (member.get("records") or {}).items():
        as_of: dt.date = known["as_of"]
        name = DATASETS[dataset].id
        for element, value in known.items():
            if element != "as_of":
                person.extra[element] = {"value": str(value), "dataset": name, "as_of": as_of.isoformat()}
    return person
