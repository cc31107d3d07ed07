"""Fees of a case: an order when the application is accepted, no approval before it is paid, the money back where the rule says so."""

from __future__ import annotations

from yici.core.cases import services as cases
from yici.core.cases.errors import ActionNotAllowed
from yici.core.cases.models import Case, CaseEvent
from yici.core.messages import services as messages
from yici.core.people.models import Account
from yici.platform.pay import queries as pay_queries
from yici.platform.pay import services as pay
from yici.platform.pay.errors import NothingToRefund
from yici.platform.pay.models import PayOrder
from yici.platform.pay.providers.money import local, yuan
from yici.systems.hall.errors import NotPaid
from yici.systems.hall.models import Application, JointApplication
from yici.systems.hall.queries.catalogue import definition_of

HOURS = 15 * 24  # to pay, from the moment of acceptance


def charges_of(application: Application) -> list[pay.Charge]:
    """What the item's fees come to for these answers: the fee list decides amounts and reductions."""
    facts = {key: str(value) for key, value in {**application.answers, **application.situation}.items()}
    facts["poverty.registered"] = str(application.answers.get("poverty.registered", ""))
    fees = definition_of(application.version).fees
    return [
        pay.Charge(fee.code, facts=facts)
        for fee in fees.items
        if fee.code and all(application.situation.get(question) == value for question, value in fee.when.items())
    ]


def request_payment(case: Case, event: CaseEvent, actor: Account | None) -> None:
    """Effect of an acceptance: one order for everything the item charges; nothing where nothing is left to pay.

    A part of a joint case is paid with the others in one order of the whole.
    """
    if whole_of(case) is not None:
        return
    application = Application.objects.select_related("version__item", "applicant").get(case=case)
    charges = charges_of(application)
    if not charges:
        return
    order = pay.order_for(
        f"case:{case.number}",
        charges,
        title=case.title,
        payer=application.applicant,
        account=case.opened_by,
        case_number=case.number,
        division=str(case.division_id),
        hours=HOURS,
    )
    if order is None:
        return
    context = {
        "title": case.title,
        "case_number": case.number,
        "yuan": yuan(order.fen),
        "due": local(order.expires_at, "%Y-%m-%d"),
    }
    messages.tell(
        case.opened_by, "pay.requested", context, link=f"/my/payments/{order.number}/", case_number=case.number
    )


def require_payment(case: Case, event: CaseEvent, actor: Account | None) -> None:
    """Effect of an approval: refuses it while the order of the case is not paid. Raises `NotPaid`."""
    whole = whole_of(case)
    order = pay_queries.order_of_case(whole.case.number if whole else case.number)
    is_due = whole is not None and order is None and any(one["item"] == case.data.get("item") for one in whole.charges)
    if is_due or (order is not None and order.state != PayOrder.State.PAID):
        raise NotPaid()


def whole_of(case: Case) -> JointApplication | None:
    """The joint application a case is a part of."""
    return (
        JointApplication.objects.select_related("case").filter(case_id=case.parent_id).first()
        if case.parent_id
        else None
    )


def return_payment(case: Case, event: CaseEvent, actor: Account | None) -> None:
    """Effect of a withdrawal or refusal: a job closes the order or gives the money back."""
    from yici.systems.hall.jobs import return_payment as job

    job.defer(case_number=case.number)


def settle_return(case_number: str) -> None:
    """Close an open order; of a paid one every line goes back whose fee's rule allows it. Safe to repeat."""
    order = pay_queries.order_of_case(case_number)
    if order is None:
        return
    if order.state == PayOrder.State.OPEN:
        pay.close(order.number, why="withdrawn")
        order.refresh_from_db()
    if order.state == PayOrder.State.PAID:
        try:
            pay.refund_allowed(order, reason="办件未办成，按规定退费", account=None, key=f"case-return:{case_number}")
        except NothingToRefund:
            return


def payment_changed(order: PayOrder, what: str) -> None:
    """What became of a case's order: once paid, the case says so and the desk is told."""
    if what != "paid" or not order.case_number:
        return
    case = Case.objects.filter(number=order.case_number).first()
    if case is None:
        return
    if case.closed_at is not None:  # withdrawn or refused while the money was on its way
        from yici.systems.hall.jobs import return_payment as job

        job.defer(case_number=case.number)
        return
    if not CaseEvent.objects.filter(case=case, action="note_paid").exists():
        try:
            cases.act_as_system(case.number, "note_paid", data={"order": order.number, "fen": order.fen})
        except ActionNotAllowed:
            return
