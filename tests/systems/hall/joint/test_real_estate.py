"""Buying an existing home as one thing: four departments, one payment for four payees, one title; and the proof of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.platform.pay.conftest import Live, books_agree, pay_keys, sandbox  # noqa: F401 - fixtures
from tests.systems.hall.joint.conftest import fill
from tests.systems.hall.joint.test_cases import close, part
from yici.platform.pay import queries as pay_queries
from yici.platform.pay import services as pay
from yici.platform.trust.models import Certificate
from yici.systems.hall import services
from yici.systems.hall.joint import applying, proving
from yici.systems.hall.joint.models import JointApplication
from yici.systems.hall.joint.themes import themes_of

pytestmark = [pytest.mark.django_db]

THEME = "budongchan-dengji"
CITY = "341600000000"


def bought(demo: Any, city: Path) -> JointApplication:
    draft = applying.start(demo.trader, themes_of(city)[THEME].items, assurance=3, place="341602000000", theme=THEME)
    fill(demo.trader, draft.token)
    sent = services.submit(draft.token, demo.trader)
    assert isinstance(sent, JointApplication)
    return sent


def test_the_proof_is_counted_from_the_definitions(city: Path, client: Client) -> None:
    theme = themes_of(city)[THEME]
    figures = {one.label: (one.before, one.after) for one in proving.proof_of(theme).figures}
    assert figures["办理窗口"] == (9, 1)
    assert figures["材料种类"][0] == 38
    assert figures["提交材料"] == (9, 1)
    assert figures["缴费"] == (4, 1)
    assert figures["填写内容"][0] > figures["填写内容"][1]
    fewer = theme.model_copy(update={"before": theme.before[1:]})
    changed = {one.label: (one.before, one.after) for one in proving.proof_of(fewer).figures}
    assert changed["办理窗口"] == (8, 1) and changed["缴费"] == (3, 1) and changed["材料种类"][0] == 34
    page = client.get(f"/together/{THEME}/").content.decode()
    assert "房产测绘窗口" in page and "38" in page


def test_four_departments_one_payment_to_four_payees_and_one_title(
    demo: Any,
    city: Path,
    sandbox: Live,  # noqa: F811
    run_jobs: Any,
) -> None:
    joint = bought(demo, city)
    parts = {one.code: one for one in joint.parts.select_related("case", "organisation")}
    assert len({one.organisation_id for one in parts.values()}) == 4
    first = [one for one in parts.values() if one.case is not None]
    assert len(first) == 3, "housing, tax and survey in parallel; the registry waits"
    assert pay_queries.order_of_case(joint.case.number) is None
    from tests.systems.hall.joint.test_cases import staff_of
    from yici.core.cases import services as cases

    for one in first:
        assert one.case is not None
        cases.act(one.case.number, "accept", staff_of(one.case)[0])
    run_jobs()
    order = pay_queries.order_of_case(joint.case.number)
    assert order is not None and order.lines.count() == 4
    assert len({line.payee_code for line in order.lines.all()}) == 4
    from yici.systems.hall.errors import NotPaid

    with pytest.raises(NotPaid):
        close(first[0].case)
    attempt = pay.begin(order.number, "wechat", demo.trader)
    sandbox.pay(attempt.number)
    assert sandbox.deliver(Client(), "wechat", attempt.number).status_code == 200
    pay.follow_up()
    assert books_agree(sandbox)
    for one in first:
        close(one.case)
    run_jobs()
    title = part(joint, "budongchan-zhuanyi")
    assert title.case is not None
    proofs = {one.requirement: one.proof for one in title.case.application.materials.all()}
    assert {proofs[name]["case"] for name in ("contract", "tax", "survey")} == {
        one.case.number for one in first if one.case
    }
    close(title.case)
    run_jobs()
    joint.case.refresh_from_db()
    assert joint.case.state == "approved"
    assert Certificate.objects.filter(case_number=title.case.number).count() == 1


def test_one_department_refuses_after_payment_and_the_rules_bring_the_money_back(
    demo: Any,
    city: Path,
    sandbox: Live,  # noqa: F811
    run_jobs: Any,
) -> None:
    """All but the survey, which is done and never goes back."""
    from tests.systems.hall.joint.test_cases import staff_of
    from yici.core.cases import services as cases
    from yici.core.ledger import queries as ledger

    joint = bought(demo, city)
    first = [one.case for one in joint.parts.select_related("case").exclude(case=None)]
    for one in first:
        cases.act(one.number, "accept", staff_of(one)[0])
    run_jobs()
    order = pay_queries.order_of_case(joint.case.number)
    assert order is not None
    attempt = pay.begin(order.number, "wechat", demo.trader)
    sandbox.pay(attempt.number)
    assert sandbox.deliver(Client(), "wechat", attempt.number).status_code == 200
    pay.follow_up()
    for one in first:
        close(one, "denied")
    assert "hall.joint_go_on" in run_jobs() and "hall.return_payment" in run_jobs()
    joint.case.refresh_from_db()
    assert joint.case.state == "denied"
    survey = order.lines.get(payee_code="payee:bz.surveying")
    refund = order.payments.get().refunds.get()
    assert refund.fen == order.fen - survey.fen
    pay.send_refund(refund.number)
    assert sandbox.taken("wechat") == survey.fen == -ledger.balance_of("payee:bz.surveying") and books_agree(sandbox)


def test_one_department_refuses_and_nothing_is_to_pay_any_more(
    demo: Any,
    city: Path,
    sandbox: Live,  # noqa: F811
    run_jobs: Any,
) -> None:
    joint = bought(demo, city)
    for one in joint.parts.select_related("case").exclude(case=None):
        close(one.case, "denied")
    run_jobs()
    joint.case.refresh_from_db()
    assert joint.case.state == "denied" and part(joint, "budongchan-zhuanyi").dropped_why
    assert pay_queries.order_of_case(joint.case.number) is None
