"""What one request costs with a million cases in the database: CPU of the web server and of PostgreSQL, through HTTP.

CPU and not waiting, so that a busy machine gives the same figure; the median of several batches. The waiting is
told apart, as the 95th percentile of the citizen's pages. `YICI_BENCH_CASES` makes the database smaller.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from bench import site
from bench.results import Result

if TYPE_CHECKING:
    from yici.core.people.models import Account

CASES = int(os.environ.get("YICI_BENCH_CASES", "1000000"))
BATCHES, SIZE = 5, 20
WAITS = 100  # requests whose waiting is measured, per page
CSRF = "b" * 32
ITEM, TYPE = "gaoling-jintie", "bench-allowance"

# Page → CPU allowed per request, in milliseconds; the first three are the issue's.
STAFF_PAGES = {
    "work list, 100 rows": ("/desk/cases/?size=100", 40.0),
    "staff case page": ("/desk/cases/{case}/", 25.0),
    "work list, one village, red": (f"/desk/cases/?size=100&division=341621&light=red&type={TYPE}", 40.0),
    "work list, a name": ("/desk/cases/?size=100&q=王", 40.0),
    "work list, closed": ("/desk/cases/?size=100&tab=done", 40.0),
    "desk home": ("/desk/", 60.0),
}
CITY_PAGES = {
    "desk home, whole city": ("/desk/", 60.0),
    "work list, whole city": ("/desk/cases/?size=100", 40.0),
    "work list, whole city, one state and type": (f"/desk/cases/?size=100&state=received&type={TYPE}", 40.0),
    "work list, whole city, closed": ("/desk/cases/?size=100&tab=done", 40.0),
    "metrics page, whole city": ("/desk/metrics/", 60.0),
}
CITIZEN_PAGES = {
    "home": "/",
    "search": "/search/?q=gljt",
    "guide": f"/items/{ITEM}/",
    "my home": "/my/",
    "my cases": "/my/cases/?show=all",
    "my case": "/my/cases/{case}/",
    "form page": "/apply/{draft}/form/living/",
}


@dataclass(frozen=True)
class Cost:
    """Milliseconds of CPU per request: the median of the batches, in all and in the database alone."""

    total: float
    database: float

    @property
    def note(self) -> str:
        return f"application {self.total - self.database:.1f}, database {self.database:.1f}"


@dataclass(frozen=True)
class Cast:
    """Who asks for the pages, and for which case and draft."""

    citizen: Account
    clerk: Account
    supervisor: Account
    case: str
    draft: str

    def address(self, pattern: str) -> str:
        return pattern.format(case=self.case, draft=self.draft)


def run() -> list[Result]:
    site.prepare()
    in_database = _ensure_cases()
    with site.serving() as running:
        cast, results = _cast(), [Result("cases in the database", in_database, "")]
        for account, pages in ((cast.clerk, STAFF_PAGES), (cast.supervisor, CITY_PAGES)):
            results += _costs(
                running, account, {name: (cast.address(at), limit) for name, (at, limit) in pages.items()}
            )
        citizens = {f"citizen: {name}": (cast.address(at), 25.0) for name, at in CITIZEN_PAGES.items()}
        results += _costs(running, cast.citizen, citizens)
        results.append(_submissions(running))
        results += [_waiting(running, cast.citizen, name, cast.address(at)) for name, at in CITIZEN_PAGES.items()]
    results += _query_counts(cast)
    _forget_what_waits()
    return results


# The surroundings ---------------------------------------------------------------------------------------


def _ensure_cases() -> int:
    from bench import seed_cases
    from yici.core.cases.models import Case

    missing = CASES - Case.objects.count()
    if missing > CASES // 100:
        seed_cases.seed(missing, seed_value=missing)
    return Case.objects.count()


def _cast() -> Cast:
    """The demo's farmer with a score of applications, a clerk with one county bureau, a supervisor of the city."""
    from yici.base.cityfolder import city_folder, read_yaml
    from yici.core.people.models import Account
    from yici.systems.hall.models import Application

    demo = read_yaml(city_folder() / "demo.yaml")
    citizen = Account.objects.get(person__id_number=demo["citizens"][0]["id_number"])
    users = {one["key"]: one["username"] for one in demo["staff"]}
    clerk, supervisor = (Account.objects.get(username=users[key]) for key in ("clerk", "supervisor"))
    alone = {"version__item__code": ITEM, "case__parent": None}  # a part of a joint case shows the others too
    mine = Application.objects.filter(applicant=citizen.person, **alone).order_by("-pk")
    for _ in range(20 - mine.count()):
        _submit_directly(citizen)
    case = mine.select_related("case")[0].case.number
    return Cast(citizen, clerk, supervisor, case, _prepared_draft(citizen))


def _submit_directly(account: Account) -> None:
    from yici.systems.hall import services

    services.submit(_prepared_draft(account), account)


def _prepared_draft(account: Account) -> str:
    """The token of a draft with everything answered, so that only the submission is left. Raises `Invalid`."""
    from yici.core.forms import services as forms
    from yici.core.vocabulary import queries as vocabulary
    from yici.systems.hall import services

    token = services.start(account, ITEM, assurance=1).token
    application = services.opened(account, token)
    draft, form = application.draft, application.definition.form
    forms.save_situation(draft, form, {"lives_elsewhere": "no", "collected_by_other": "no"}, draft.revision)
    given = {
        "person.living_arrangement": next(iter(vocabulary.code_list("living_arrangement").codes)).code,
        "account_kind": "social",
        "filed_by": "self",
    }
    if not draft.answers.get("person.phone"):  # another one than the record holds would open an objection as well
        given["person.phone"] = "13956731945"
    if wrong := forms.save_answers(draft, form, given, draft.revision):
        raise ValueError(wrong)
    forms.validate_draft(draft, form)
    if not all(line.is_settled for line in services.materials_of(application)):
        raise ValueError("a material would be missing")
    return token


def _elders(count: int) -> list[Account]:
    """Accounts of so many people of eighty and over of one county, whose records are complete enough to apply."""
    from yici.core.people import services as people
    from yici.core.people.models import Person
    from yici.platform.data.models import Resident

    old = Resident.objects.filter(
        birth_date__lt="1946-01-01", is_alive=True, is_local=True, division__code__startswith="341621"
    )
    known = Person.objects.filter(
        id_number__in=list(old.exclude(household=None).values_list("id_number", flat=True)[: count * 2])
    )
    return [people.ensure_account(person, "13956731945") for person in known.order_by("pk")[:count]]


# CPU ----------------------------------------------------------------------------------------------------


def _costs(running: site.Site, account: Account, pages: dict[str, tuple[str, float]]) -> list[Result]:
    results = []
    with closing(_client(running, account)) as client:
        for name, (address, limit) in pages.items():
            cost = measured(running, lambda _n, at=address: _get(client, at))  # type: ignore[misc]
            results.append(Result(f"CPU: {name}", cost.total, "ms", limit, note=cost.note).told())
    return results


def measured(running: site.Site, send: Callable[[int], object], batches: int = BATCHES, size: int = SIZE) -> Cost:
    """Send `size` requests a batch, the first batch unmeasured: that one fills caches."""
    totals, databases = [], []
    for batch in range(batches + 1):
        before = running.cpu_seconds()
        for number in range(batch * size, (batch + 1) * size):
            send(number)
        application, database = (after - start for after, start in zip(running.cpu_seconds(), before, strict=True))
        if batch:
            totals.append((application + database) * 1000 / size)
            databases.append(database * 1000 / size)
    return Cost(statistics.median(totals), statistics.median(databases))


def _submissions(running: site.Site) -> Result:
    """POST of prepared drafts, each by its own applicant."""
    from yici.base.errors import YiciError

    ready: list[tuple[Account, str]] = []
    for account in _elders((BATCHES + 1) * SIZE * 2):
        try:
            ready.append((account, _prepared_draft(account)))
        except (YiciError, ValueError):  # the register is dirty on purpose: take the next one
            continue
        if len(ready) == (BATCHES + 1) * SIZE:
            break
    size = len(ready) // (BATCHES + 1)
    cookies = [site.session_for(account) for account, _ in ready]
    with httpx.Client(base_url=running.url, timeout=60) as client:

        def send(number: int) -> None:
            headers = {"Cookie": f"{cookies[number]}; csrftoken={CSRF}", "X-CSRFToken": CSRF}
            answer = client.post(f"/apply/{ready[number][1]}/submit/", headers=headers)
            if answer.status_code != 302 or "/receipt/" not in answer.headers["Location"]:
                raise RuntimeError(f"not submitted: {answer.status_code} {answer.text[:300]}")

        cost = measured(running, send, size=size)
    return Result("CPU: one submission", cost.total, "ms", 25, note=cost.note).told()


# Waiting and queries ------------------------------------------------------------------------------------


def _waiting(running: site.Site, account: Account, name: str, address: str) -> Result:
    taken = []
    with closing(_client(running, account)) as client:
        for _ in range(WAITS):
            started = time.perf_counter()
            _get(client, address)
            taken.append((time.perf_counter() - started) * 1000)
    return Result(
        f"p95: citizen: {name}", _percentile(taken, 95), "ms", 50, note=f"median {_percentile(taken, 50):.1f}"
    )


def _percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


def _query_counts(cast: Cast) -> list[Result]:
    """Queries of a page with many rows less those with few: must be nothing."""
    few_cases = _elders(1)[0]
    pairs = {
        "work list, 100 rows against 20": (
            (cast.supervisor, "/desk/cases/?size=100"),
            (cast.supervisor, "/desk/cases/?size=20"),
        ),
        "my cases, 20 rows against 1": ((cast.citizen, "/my/cases/?show=all"), (few_cases, "/my/cases/?show=all")),
    }
    results = []
    for name, (many, few) in pairs.items():
        counts = [_queries(*page) for page in (many, few)]
        results.append(Result(f"more queries: {name}", counts[0] - counts[1], "", 0, note=f"{counts[0]} queries"))
    for name, account, address in (
        ("staff case page", cast.clerk, cast.address("/desk/cases/{case}/")),
        ("my case", cast.citizen, cast.address("/my/cases/{case}/")),
        ("desk home", cast.clerk, "/desk/"),
        ("metrics page", cast.supervisor, "/desk/metrics/"),
    ):
        results.append(Result(f"queries: {name}", _queries(account, address), ""))
    return results


def _queries(account: Account, address: str) -> int:
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    name, _, value = site.session_for(account).partition("=")
    client = Client(SERVER_NAME="127.0.0.1")
    client.cookies[name] = value
    client.get(address)  # what a process reads once and keeps is no query of the page
    with CaptureQueriesContext(connection) as captured:
        status = client.get(address).status_code
    assert status == 200, (address, status)
    return len(captured)


def _forget_what_waits() -> None:
    """No message of this run waits to be sent when the site is next started."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE status = 'todo'")


def _client(running: site.Site, account: Account) -> httpx.Client:
    headers = {"Accept-Encoding": "gzip", "Cookie": site.session_for(account)}
    return httpx.Client(base_url=running.url, headers=headers, timeout=60)


def _get(client: httpx.Client, address: str) -> Any:
    answer = client.get(address)
    if answer.status_code != 200:
        raise RuntimeError(f"{address}: {answer.status_code}")
    return answer
