"""Joint cases: CPU of one submission for four departments (PostgreSQL's share included), and of the merge itself.

Through the service, on one connection; the median of the batches. `YICI_BENCH_JOINT` sets how many submissions a batch.
"""

from __future__ import annotations

import os
import secrets
import statistics
import time
from typing import Any

from bench import site
from bench.results import Result

SIZE = int(os.environ.get("YICI_BENCH_JOINT", "20"))
BATCHES = 5
ITEMS = ["fangwu-wangqian-beian", "fangchan-cehui", "qishui", "budongchan-zhuanyi"]
PARALLEL = ["gaoling-jintie", "gongjiao-laonianka", "canjirenzheng", "pinkunhu-hezuoyiliao"]
ANSWERS = {
    "text": "按实际情况", "textarea": "按实际情况", "date": "2020-01-01", "number": 1, "money": 100_000, "yes_no": "no",
    "phone": "13956731945", "id_number": "342124194503121221", "division": "341621108201",
}  # fmt: skip


def run() -> list[Result]:
    site.prepare(2000)
    return [_merge().told(), _submission().told()]


def _merge() -> Result:
    """The whole merge of four items, nothing kept from before."""
    from yici.base.cityfolder import city_folder
    from yici.systems.hall.joint.merging import merge
    from yici.systems.hall.joint.themes import items_of_folder, supplies_of_folder

    items, supplies = items_of_folder(ITEMS, city_folder()), supplies_of_folder(city_folder())
    spent = []
    for _batch in range(BATCHES):
        started = time.process_time()
        for _one in range(SIZE):
            merge(items, supplies=supplies)
        spent.append((time.process_time() - started) / SIZE * 1000)
    return Result("merge of four items", statistics.median(spent), "ms CPU", 20)


def _submission() -> Result:
    from yici.core.forms.models import Draft
    from yici.core.people.models import Account
    from yici.systems.hall import services
    from yici.systems.hall.joint import applying

    account = Account.objects.get(person__id_number="342124194503121221")
    draft = applying.start(account, PARALLEL, assurance=3)
    _answer(account, draft.token)
    whole = Draft.objects.get(token=draft.token)
    postmaster = site.postmaster()
    spent = []
    for _batch in range(BATCHES + 1):
        tokens = []
        for _one in range(SIZE):
            whole.pk, whole.token = None, secrets.token_urlsafe(16)
            whole.save(force_insert=True)
            tokens.append(whole.token)
        before = time.process_time() + site.cpu_of(postmaster)
        for token in tokens:
            services.submit(token, account)
        spent.append(((time.process_time() + site.cpu_of(postmaster)) - before) / SIZE * 1000)
    return Result(
        "joint submission, four departments", statistics.median(spent[1:]), "ms CPU", 80, note="with PostgreSQL"
    )


def _answer(account: Any, token: str) -> None:
    """Some answer to everything that is required; what nothing proves is promised or follows later."""
    from yici.core.forms import rules
    from yici.core.forms import services as forms
    from yici.systems.hall import services

    application = services.opened(account, token)
    form = application.definition.form
    situation: dict[str, Any] = {}
    while open_now := [one for one in rules.open_questions(form, situation) if one.id not in situation]:
        first = open_now[0]
        situation[first.id] = [first.options[0].value] if first.kind == "multi" else first.options[0].value
    forms.save_situation(application.draft, form, situation, application.draft.revision)
    for _round in range(3):
        draft = services.opened(account, token).draft
        asked = [one for page in rules.visible_pages(form, draft.answers, situation) for one in page.fields]
        answers = {one.key: _value(one) for one in asked if not one.readonly and one.key not in draft.answers}
        forms.save_answers(draft, form, {key: value for key, value in answers.items() if value}, draft.revision)
    for line in services.materials_of(services.opened(account, token)):
        application = services.opened(account, token)
        if not line.is_settled and any(proof.promise for proof in line.material.proven_by):
            services.promise(application, line.material.id, given=True)
        elif not line.is_settled:
            services.attach(application, line.material.id, b"%PDF-1.4\n%%EOF\n", "a.pdf", account)


def _value(field: Any) -> Any:
    from yici.core.forms.rules import question

    asked = question(field)
    if asked.options:
        return [asked.options[0].value] if asked.type == "multi" else asked.options[0].value
    return "2027-01-04" if field.earliest else ANSWERS.get(str(asked.type))
