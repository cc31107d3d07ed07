"""Fill a database with a million realistic cases for the benchmarks, by COPY.

`python -m bench.seed_cases --cases 1000000` with `DATABASE_URL` (or the embedded server) holding the loaded
demo city. Cases get events and clock segments that agree with their columns. Repeatable: a fixed seed, and
numbers of their own (serials from 500000 on), so that real numbers never collide. Needs a superuser, for
foreign keys are not checked again row by row.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yici.web.settings")

CHINA = ZoneInfo("Asia/Shanghai")
DAYS_BACK = 700
OPEN_SHARE = 0.06
OFFICIALS = 3_000
CHUNK = 50_000
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = "秀英桂兰建国志强晓雨淑珍海波文静立新玉梅春生"
TYPES = (
    ("bench-allowance", "高龄津贴", "promise-approval", 5),
    ("bench-residence", "居住证申领", "promise-approval", 15),
    ("bench-food", "食品经营许可", "promise-approval", 20),
    ("bench-disability", "残疾人证申办", "promise-approval", 15),
    ("bench-student", "贫困大学生资助", "promise-approval", 10),
    ("bench-card", "老年公交卡", "promise-approval", 3),
)
CASE_COLUMNS = (
    "id", "number", "title", "subject_name", "channel", "is_self_filed", "is_simulated", "data", "state", "stage",
    "outcome", "event_count", "opened_at", "accepted_at", "closed_at", "clock", "due_at", "legal_due_at", "yellow_at",
    "light", "closed_on_time", "used_days", "urged", "type_id", "version_id", "organisation_id", "division_id",
    "assignee_id", "subject_id",
)  # fmt: skip
EVENT_COLUMNS = (
    "case_id", "seq", "action", "label", "from_state", "to_state", "stage", "actor_name", "organisation_id", "opinion",
    "data", "is_public", "at",
)  # fmt: skip
SEGMENT_COLUMNS = ("case_id", "clock", "kind", "rule", "started_at", "ended_at")


@dataclass(frozen=True)
class Kind:
    """A case type to seed: ids of type and version, limit in working days."""

    type_id: int
    version_id: int
    name: str
    limit: int


@dataclass(frozen=True)
class Desk:
    """Who handles: an organisation, the villages it serves, its staff."""

    organisation_id: int
    divisions: tuple[str, ...]
    staff: tuple[int, ...]


class Deadlines:
    """End of the n-th working day after a day, looked up once per (day, n)."""

    def __init__(self, calendar: Any) -> None:
        self.calendar = calendar
        self.known: dict[tuple[dt.date, int], dt.datetime | None] = {}

    def after(self, day: dt.date, amount: int) -> dt.datetime | None:
        key = (day, amount)
        if key not in self.known:
            from yici.core.calendars.rules import DeadlineUnknown

            noon = dt.datetime.combine(day, dt.time(12), CHINA)
            try:
                self.known[key] = self.calendar.add_working_time(noon, amount, "working_day")
            except DeadlineUnknown:
                self.known[key] = None
        return self.known[key]


class Maker:
    """Makes one case after another, each with its events and segments."""

    def __init__(
        self,
        kinds: list[Kind],
        desks: list[Desk],
        persons: list[tuple[int, str]],
        deadlines: Deadlines,
        now: dt.datetime,
        seed: int,
    ):
        self.desks, self.persons, self.deadlines, self.now = desks, persons, deadlines, now
        self.random = random.Random(seed)
        # As in a real city: a few types are applied for all day long, most of them a few times a year.
        self.kinds = self.random.choices(kinds, [1 / rank for rank in range(3, len(kinds) + 3)], k=100_000)
        self.serials: dict[dt.date, int] = {}

    def plan(self, count: int) -> list[tuple[float, bool]]:
        """(age in days, whether still open) of so many cases, oldest first: a table grows in the order of time."""
        rnd, ages = self.random, []
        for _ in range(count):
            is_open = rnd.random() < OPEN_SHARE
            age = rnd.expovariate(1 / 6) if is_open else 20 + rnd.random() * (DAYS_BACK - 20)
            ages.append((min(age, DAYS_BACK), is_open))
        return sorted(ages, reverse=True)

    def case(
        self, case_id: int, age: float, is_open: bool
    ) -> tuple[tuple[Any, ...], list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        rnd = self.random
        kind, desk = rnd.choice(self.kinds), rnd.choice(self.desks)
        opened = self.now - dt.timedelta(days=age)
        serial = self.serials[opened.date()] = self.serials.get(opened.date(), 499_999) + 1
        number = f"341600{opened:%Y%m%d}{serial:06d}"
        made_up = rnd.choice(SURNAMES) + rnd.choice(GIVEN) + rnd.choice(GIVEN)
        person, name = rnd.choice(self.persons) if self.persons else (None, made_up)
        course = self._course(opened, is_open, kind, rnd)
        events, segments = self._records(case_id, desk, kind, name, course)
        state, stage, accepted, closed, clock_id = course["end"]
        started = accepted or opened
        limit = kind.limit if accepted else 5
        due = self.deadlines.after(started.date(), limit)
        yellow = self.deadlines.after(started.date(), max(limit - 2, 0))
        legal = self.deadlines.after(started.date(), 20 if accepted else 5)
        stopped = state == "correction_open"
        light = "none" if closed or due is None else "stopped" if stopped else _light(self.now, yellow, due)
        on_time = closed <= due if closed and due else None
        assignee = rnd.choice(desk.staff) if desk.staff and not closed and rnd.random() < 0.5 else None
        row = (
            case_id, number, kind.name, name, rnd.choice(("net", "net", "app", "window", "agent")), rnd.random() < 0.7,
            rnd.random() < 0.002, "{}", state, stage, state if closed else "", len(events), opened, accepted, closed,
            "" if closed else clock_id, None if stopped else due, None if stopped else legal,
            None if stopped else yellow, light, on_time, rnd.randrange(limit + 1) if on_time is not None else None,
            0, kind.type_id, kind.version_id, desk.organisation_id, rnd.choice(desk.divisions), assignee,
            person,
        )  # fmt: skip
        return row, events, segments

    def _course(self, opened: dt.datetime, is_open: bool, kind: Kind, rnd: random.Random) -> dict[str, Any]:
        """Steps (action, label, state after, stage after, moment) and where they end."""
        steps = [("submit", "提交申请", "received", "intake", opened)]
        hour = dt.timedelta(hours=1)
        reach = rnd.random()
        if is_open and reach < 0.35:
            return {"steps": steps, "end": ("received", "intake", None, None, "intake")}
        asked = opened + hour * rnd.uniform(2, 20)
        if is_open and reach < 0.45:
            steps.append(("request_correction", "一次性补正告知", "correction_open", "intake", min(asked, self.now)))
            return {"steps": steps, "end": ("correction_open", "intake", None, None, "intake")}
        if not is_open and reach < 0.06:
            steps.append(("refuse", "不予受理", "refused", "result", asked))
            return {"steps": steps, "end": ("refused", "result", None, asked, "")}
        accepted = min(asked, self.now)
        steps.append(("accept", "受理", "accepted", "review", accepted))
        if is_open and reach < 0.8:
            return {"steps": steps, "end": ("accepted", "review", accepted, None, "handling")}
        reviewed = min(accepted + hour * rnd.uniform(2, 60), self.now)
        steps.append(("review", "审核通过", "accepted", "decide", reviewed))
        if is_open:
            return {"steps": steps, "end": ("accepted", "decide", accepted, None, "handling")}
        closed = min(reviewed + hour * rnd.uniform(1, 24 * kind.limit), self.now)
        outcome = "denied" if rnd.random() < 0.07 else "approved"
        steps.append(
            (("deny", "不予准许") if outcome == "denied" else ("approve", "准予")) + (outcome, "result", closed)
        )
        return {"steps": steps, "end": (outcome, "result", accepted, closed, "")}

    def _records(
        self, case_id: int, desk: Desk, kind: Kind, name: str, course: dict[str, Any]
    ) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        events, before = [], ""
        for seq, (action, label, state, stage, at) in enumerate(course["steps"], 1):
            own = action == "submit"
            actor, organisation = (name, None) if own else ("张晓雨", desk.organisation_id)
            opinion = "" if own else "经核实，情况属实"
            events.append(
                (case_id, seq, action, label, before, state, stage, actor, organisation, opinion, "{}", True, at)
            )
            before = state
        opened = course["steps"][0][4]
        state, _stage, accepted, closed, _clock = course["end"]
        first_end = accepted or closed or (course["steps"][-1][4] if state == "correction_open" else None)
        segments = [(case_id, "intake", "run", "受理时限 5 个工作日", opened, first_end)]
        if state == "correction_open":
            segments.append((case_id, "intake", "correction", "一次性补正告知", first_end, None))
        if accepted:
            segments.append((case_id, "handling", "run", f"办理时限 {kind.limit} 个工作日", accepted, closed))
        return events, segments


def _light(now: dt.datetime, yellow: dt.datetime | None, due: dt.datetime) -> str:
    return "red" if now > due else "yellow" if yellow and now >= yellow else "green"


def seed(cases: int, seed_value: int = 1) -> dict[str, float]:
    """Add so many cases; returns seconds and rows per second. Progress goes to the terminal."""
    from django.db import connection

    from yici.core.cases import services

    kinds, maker_input = _surroundings()
    started = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM cases_case")
        first = cursor.fetchone()[0] + 1
        maker = Maker(kinds, *maker_input, seed_value)
        plan = list(enumerate(maker.plan(cases), first))
        raw = cursor.connection
        with raw.transaction():
            raw.execute("SET LOCAL session_replication_role = replica")
            raw.execute("SET LOCAL synchronous_commit = off")
            for low in range(0, cases, CHUNK):
                _copy_chunk(raw, maker, plan[low : low + CHUNK])
                done = min(low + CHUNK, cases)
                print(
                    f"\r{done:,} of {cases:,} cases, {done / (time.monotonic() - started):,.0f}/s", end="", flush=True
                )
            raw.execute("SELECT setval(pg_get_serial_sequence('cases_case', 'id'), (SELECT max(id) FROM cases_case))")
        print()
        services.rebuild_tallies()  # a copy without triggers leaves the counts behind
        for table in ("cases_case", "cases_caseevent", "cases_clocksegment", "cases_tally"):
            # As autovacuum would, before anything is measured; inside somebody's transaction there is no vacuum.
            cursor.execute(f"{'ANALYZE' if connection.in_atomic_block else 'VACUUM ANALYZE'} {table}")
    seconds = time.monotonic() - started
    return {"seconds": seconds, "cases_per_second": cases / seconds}


def _copy_chunk(raw: Any, maker: Maker, plan: list[tuple[int, tuple[float, bool]]]) -> None:
    made = [maker.case(case_id, age, is_open) for case_id, (age, is_open) in plan]
    _copy(raw, "cases_case", CASE_COLUMNS, (row for row, _events, _segments in made))
    _copy(raw, "cases_caseevent", EVENT_COLUMNS, (event for _row, events, _segments in made for event in events))
    _copy(raw, "cases_clocksegment", SEGMENT_COLUMNS, (part for _row, _events, parts in made for part in parts))


def _copy(raw: Any, table: str, columns: tuple[str, ...], rows: Iterator[tuple[Any, ...]]) -> None:
    with raw.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _surroundings() -> tuple[list[Kind], tuple[list[Desk], list[tuple[int, str]], Deadlines, dt.datetime]]:
    from yici.base import clock
    from yici.core.calendars.queries import calendar
    from yici.core.cases import services
    from yici.core.people.models import Account, Organisation
    from yici.core.places.models import Division

    kinds = []
    for slug, name, workflow, limit in TYPES:
        version = services.publish_version(
            slug, name, slug, "bench", workflow, {"handling": {"limit": limit, "legal_limit": 20}}
        )
        kinds.append(Kind(version.case_type_id, version.pk, name, limit))
    kinds += _kinds_of_the_catalogue({kind.type_id for kind in kinds})
    villages: dict[str, list[str]] = {}
    for code in Division.objects.filter(level="village").values_list("code", flat=True):
        villages.setdefault(code[:6], []).append(code)
    _appoint_officials()
    staff: dict[int, list[int]] = {}
    for organisation, account in Account.objects.filter(kind="staff").values_list("organisation_id", "pk"):
        staff.setdefault(organisation, []).append(account)
    desks = [
        Desk(organisation.pk, tuple(villages[organisation.division_id[:6]]), tuple(staff.get(organisation.pk, ())))
        for organisation in Organisation.objects.filter(level="county", kind="department", division__isnull=False)
        if organisation.division_id and organisation.division_id[:6] in villages
    ]
    return kinds, (desks, _persons(), Deadlines(calendar()), clock.now().astimezone(CHINA))


def _kinds_of_the_catalogue(known: set[int]) -> list[Kind]:
    """Every type of the city's catalogue that follows the workflow of the seeded cases."""
    from yici.core.cases.models import CaseTypeVersion

    versions = CaseTypeVersion.objects.filter(published_at__isnull=False, definition__slug="promise-approval")
    newest = versions.exclude(case_type__in=known).order_by("case_type", "-number").distinct("case_type")
    return [Kind(one.case_type_id, one.pk, one.case_type.name, 10) for one in newest.select_related("case_type")]


def _appoint_officials() -> None:
    """So many clerks over the counties' departments, each with the case list of the own body."""
    from yici.core.people.models import Account, Organisation, RoleGrant

    missing = OFFICIALS - Account.objects.filter(kind="staff").count()
    bodies = list(Organisation.objects.filter(level="county", kind="department").order_by("pk"))
    rnd = random.Random(OFFICIALS)
    accounts = [
        Account(
            username=f"bench.{number}", name=rnd.choice(SURNAMES) + rnd.choice(GIVEN), kind="staff", password="!",
            organisation=bodies[number % len(bodies)],
        )
        for number in range(missing)
    ]  # fmt: skip
    Account.objects.bulk_create(accounts, batch_size=500)
    RoleGrant.objects.bulk_create(
        RoleGrant(
            account=account, role="clerk", organisation=account.organisation, valid_from=dt.date(2017, 1, 1),
            reason="bench",
        )
        for account in accounts
    )  # fmt: skip


def _persons() -> list[tuple[int, str]]:
    """Everybody in the register as a person, (id, name), so that cases spread over a city and not over twelve people."""
    from yici.core.people.models import Person
    from yici.platform.data.models import Resident

    columns = ("name", "id_number", "birth_date", "sex", "phone", "division_id")
    residents = Resident.objects.exclude(name="").values(*columns)
    Person.objects.bulk_create([Person(**row) for row in residents], batch_size=5000, ignore_conflicts=True)
    return list(Person.objects.filter(account=None).values_list("pk", "name"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    from yici.web.database import ensure_running

    ensure_running()
    import django

    django.setup()
    print(json.dumps(seed(given.cases, given.seed)))


if __name__ == "__main__":
    main()
