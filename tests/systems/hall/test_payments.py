"""Fees of a case: asked for on acceptance, waited for by the decision, given back after a withdrawal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.core.files.samples import png
from tests.platform.pay.conftest import Live, books_agree, pay_keys, sandbox  # noqa: F401 - fixtures
from yici.core.cases import services as cases
from yici.core.cases.models import Case
from yici.core.forms import services as forms
from yici.platform.pay import queries as pay_queries
from yici.platform.pay import services as pay
from yici.platform.pay.models import PayOrder, Receipt
from yici.systems.hall import services
from yici.systems.hall.errors import NotPaid

pytestmark = pytest.mark.django_db


def permit_case(demo: Any, occasion: str) -> Case:
    """An application of the newcomer for a residence permit, submitted."""
    from yici.core.vocabulary import queries as vocabulary

    account = demo.newcomer
    draft = services.start(account, "juzhuzheng", assurance=1)
    application = services.opened(account, draft.token)
    form = application.definition.form
    forms.save_situation(application.draft, form, {"occasion": occasion, "ground": "home"}, application.draft.revision)
    given = {
        "person.phone": "18856701991",
        "person.residential_division": "341602003003",
        "person.residential_address": "安徽省亳州市谯城区风华园3栋2单元501室",
        "person.registered_address": "河南省商丘市永城市城关镇东大街5号",
        "residence_permit.residence_since": "2025-03-01",
        "house.tenure": next(iter(vocabulary.code_list(str(vocabulary.element("house.tenure").code_list)).codes)).code,
    }
    application = services.opened(account, draft.token)
    assert not forms.save_answers(application.draft, form, given, application.draft.revision)
    application = services.opened(account, draft.token)
    for line in services.materials_of(application):
        if not line.is_settled:
            services.attach(application, line.material.id, png(), "a.png", account)
            application = services.opened(account, draft.token)
    return services.submit(draft.token, account).case


def staff(demo: Any, key: str) -> Any:
    return demo.staff(key)


def second_approver(demo: Any) -> Any:
    """Whoever reviewed may not decide: a colleague of the chief with the same roles."""
    from yici.core.people.models import Account, RoleGrant

    chief = demo.staff("qiaocheng_public_security_chief")
    colleague = Account.objects.create(username="second", kind="staff", name="二审", organisation=chief.organisation)
    for grant in RoleGrant.objects.filter(account=chief):
        grant.pk, grant.account = None, colleague
        grant.save()
    return colleague


def accepted(demo: Any, occasion: str) -> Case:
    case = permit_case(demo, occasion)
    cases.act(case.number, "accept", staff(demo, "qiaocheng_public_security_clerk"))
    return Case.objects.get(pk=case.pk)


def pay_for(case: Case, demo: Any, live: Live) -> PayOrder:
    order = pay_queries.order_of_case(case.number)
    assert order is not None
    attempt = pay.begin(order.number, "wechat", demo.newcomer)
    live.pay(attempt.number)
    assert live.deliver(Client(), "wechat", attempt.number).status_code == 200
    pay.follow_up()
    order.refresh_from_db()
    return order


def test_first_permit_is_free_and_nothing_waits(demo: Any, sandbox: Live) -> None:  # noqa: F811
    case = accepted(demo, "first")
    assert pay_queries.order_of_case(case.number) is None


def test_decision_waits_for_the_fee_and_the_case_says_that_it_was_paid(
    demo: Any,
    sandbox: Live,  # noqa: F811
    client: Client,
    sign_in: Callable[..., Client],
) -> None:
    case = accepted(demo, "again")
    order = pay_queries.order_of_case(case.number)
    assert order is not None and (order.fen, order.state) == (2000, "open")
    assert "去缴费" in sign_in(client, demo.newcomer).get(f"/my/cases/{case.number}/").content.decode()
    reviewer, approver = staff(demo, "qiaocheng_public_security_chief"), second_approver(demo)
    cases.act(case.number, "review", reviewer, opinion="符合条件")
    page = sign_in(Client(), approver).get(f"/desk/cases/{case.number}/").content.decode()
    assert order.number in page and "待支付" in page
    with pytest.raises(NotPaid):
        cases.act(case.number, "approve", approver)
    case.refresh_from_db()
    assert case.state == "accepted"
    pay_for(case, demo, sandbox)
    assert case.events.filter(action="note_paid").count() == 1
    cases.act(case.number, "approve", approver)
    case.refresh_from_db()
    assert case.state == "approved" and books_agree(sandbox)


def test_withdrawal_brings_the_money_back(demo: Any, sandbox: Live) -> None:  # noqa: F811
    case = accepted(demo, "again")
    order = pay_for(case, demo, sandbox)
    cases.withdraw(case.number, demo.newcomer, reason="不办了")
    cases.act(case.number, "confirm_withdrawal", staff(demo, "qiaocheng_public_security_clerk"))
    services.settle_return(case.number)
    services.settle_return(case.number)
    refund = order.payments.get().refunds.get()
    pay.send_refund(refund.number)
    refund.refresh_from_db()
    assert (refund.state, refund.fen) == ("done", 2000)
    assert Receipt.objects.get(order=order).state == "reversed"
    assert sandbox.taken("wechat") == 0 and books_agree(sandbox)


def test_withdrawal_before_paying_closes_the_order(demo: Any, sandbox: Live) -> None:  # noqa: F811
    case = accepted(demo, "again")
    cases.withdraw(case.number, demo.newcomer, reason="不办了")
    cases.act(case.number, "confirm_withdrawal", staff(demo, "qiaocheng_public_security_clerk"))
    services.settle_return(case.number)
    order = pay_queries.order_of_case(case.number)
    assert order is not None and (order.state, order.closed_why) == ("closed", "withdrawn")
    assert case.events.filter(action="note_paid").count() == 0
