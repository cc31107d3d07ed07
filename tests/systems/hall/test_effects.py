"""The life of a paper after its first issue, end to end: applied for, decided, and the library says what became of it."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest

from tests.systems.hall.joint.conftest import fill
from tests.systems.hall.joint.test_cases import close
from yici.base import clock
from yici.core.people.models import Organisation, Person
from yici.platform.trust import services as trust
from yici.platform.trust.models import Certificate
from yici.systems.hall import services
from yici.systems.hall.models import Application

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("story_day")]

USCC = "92341602MA2NKT5X12"  # as every organisation of these applications answers
COMPANY = "youxian-gongsi-sheli"
SHOP = "shipin-xiaoshou"
NUMBERS = itertools.count()


def held(holder: Person, type: str, slug: str = "qiaocheng.market_supervision", **face: str) -> Certificate:
    """A paper of the library, given by an earlier decision."""
    told = {element.replace("__", "."): value for element, value in face.items()}
    issuer = Organisation.objects.get(slug=slug)
    return trust.issue(
        type,
        holder=holder,
        face={"person.name": holder.name, **told},
        case_number=f"earlier {next(NUMBERS)}",
        issuer=issuer,
    )


def granted(account: Any, code: str, run_jobs: Any, **answers: Any) -> Application:
    """Applied for, decided, and everything done that follows."""
    from yici.core.forms import services as forms

    draft = services.start(account, code, assurance=3)
    application = fill(account, draft.token)
    told = {name.replace("__", "."): value for name, value in answers.items()}
    if told:
        errors = forms.save_answers(application.draft, application.definition.form, told, application.draft.revision)
        assert not errors, errors
    sent = services.submit(draft.token, account)
    assert isinstance(sent, Application)
    close(sent.case)
    run_jobs()
    return sent


def given(application: Application) -> Certificate:
    return Certificate.objects.get(case_number=application.case.number)


def test_a_company_that_changes_its_name_holds_a_new_version_of_its_licence(demo: Any, run_jobs: Any) -> None:
    first = held(demo.trader.person, "company_licence", organisation__name="旧名", organisation__uscc=USCC,
                 organisation__business_scope="餐饮")  # fmt: skip
    new = given(granted(demo.trader, f"{COMPANY}-bgmc", run_jobs, new_name="亳州市新名餐饮有限公司"))
    first.refresh_from_db()
    assert (first.state, new.state) == ("changed", "valid")
    assert (new.number, new.version, new.valid_to) == (first.number, first.version + 1, first.valid_to)
    assert new.face["organisation.name"] == "亳州市新名餐饮有限公司" and new.holder_name == "亳州市新名餐饮有限公司"
    assert new.face["organisation.business_scope"] == "餐饮", "what did not change stays"


def test_whoever_acts_for_the_organisation_now_may_change_what_another_applied_for(demo: Any, run_jobs: Any) -> None:
    answers = services.start(demo.trader, f"{COMPANY}-bgfr", assurance=3).answers
    uscc = answers.get("organisation.uscc", USCC)  # of the organisation that the records know she acts for
    first = held(demo.restaurateur.person, "company_licence", organisation__name="旧名", organisation__uscc=uscc)
    new = given(granted(demo.trader, f"{COMPANY}-bgfr", run_jobs, new_head="吴刚"))
    assert new.face["organisation.legal_representative"] == "吴刚"
    assert (new.number, new.version) == (first.number, 2) and new.holder_id == first.holder_id


def test_a_company_that_closes_has_no_licence_but_a_decision(demo: Any, run_jobs: Any) -> None:
    licence = held(demo.trader.person, "company_licence", organisation__name="旧名", organisation__uscc=USCC)
    decision = given(granted(demo.trader, f"{COMPANY}-zx", run_jobs))
    licence.refresh_from_db()
    assert licence.state == "cancelled" and "注销" in licence.state_reason
    assert decision.type == "general_document" and decision.face["certificate.name"].startswith("准予注销决定书")


def test_a_renewed_licence_begins_a_new_term(demo: Any, run_jobs: Any) -> None:
    with clock.at(clock.now() - dt.timedelta(days=365 * 4)):
        first = held(demo.trader.person, "food_business_licence", organisation__name="店", organisation__uscc=USCC)
    new = given(granted(demo.trader, f"{SHOP}-yx", run_jobs))
    assert first.valid_to and new.valid_to and (new.valid_to - first.valid_to).days > 365 * 3
    assert new.number == first.number and new.state == "valid"


def test_a_licence_given_back_is_cancelled_and_the_other_stays(demo: Any, run_jobs: Any) -> None:
    food = held(demo.trader.person, "food_business_licence", organisation__name="店", organisation__uscc=USCC)
    company = held(demo.trader.person, "company_licence", organisation__name="店", organisation__uscc=USCC)
    granted(demo.trader, f"{SHOP}-zx", run_jobs)
    food.refresh_from_db(), company.refresh_from_db()
    assert (food.state, company.state) == ("cancelled", "valid")


def test_of_papers_of_a_general_type_the_one_so_called_ends(demo: Any, run_jobs: Any) -> None:
    tobacco = held(demo.trader.person, "general_licence", certificate__name="烟草专卖零售许可证")
    books = held(demo.trader.person, "general_licence", certificate__name="出版物经营许可证")
    granted(demo.trader, "chubanwu-zx", run_jobs)
    tobacco.refresh_from_db(), books.refresh_from_db()
    assert (tobacco.state, books.state) == ("valid", "cancelled")


def test_a_home_that_is_sold_leaves_the_sellers_title_for_the_buyers(demo: Any, run_jobs: Any) -> None:
    seller = demo.restaurateur.person
    sold = held(seller, "real_estate_certificate", "qiaocheng.real_estate", house__owner_name=seller.name)
    kept = held(
        seller, "real_estate_certificate", "qiaocheng.real_estate", house__owner_name=seller.name, house__use="10"
    )
    assert sold.number != kept.number
    sale = {"house.certificate_number": sold.number, "seller": seller.name, "seller_id": seller.id_number}
    sent = granted_paid(demo.trader, "budongchan-zhuanyi", run_jobs, sale)
    title = given(sent)
    sold.refresh_from_db(), kept.refresh_from_db()
    assert (sold.state, kept.state) == ("cancelled", "valid")
    assert title.type == "real_estate_certificate" and "不动产权" in title.number
    assert title.face["house.owner_name"] == demo.trader.person.name
    assert title.face["house.address"] == sent.answers["house.address"]


def granted_paid(account: Any, code: str, run_jobs: Any, answers: dict[str, Any]) -> Application:
    """The same for an item that costs something; the money came at the counter."""
    from yici.core.forms import services as forms
    from yici.systems.hall.services import issue

    draft = services.start(account, code, assurance=3)
    application = fill(account, draft.token)
    assert not forms.save_answers(application.draft, application.definition.form, answers, application.draft.revision)
    sent = services.submit(draft.token, account)
    assert isinstance(sent, Application)
    issue(sent.case.number)
    issue(sent.case.number)  # the job may run twice
    return sent


def test_a_revoked_decision_revokes_the_version_it_gave(demo: Any, run_jobs: Any) -> None:
    held(demo.trader.person, "company_licence", organisation__name="旧名", organisation__uscc=USCC)
    sent = granted(demo.trader, f"{COMPANY}-bgmc", run_jobs)
    from yici.core.cases.models import CaseEvent
    from yici.systems.hall.services import revoke_result

    revoke_result(sent.case, CaseEvent.objects.filter(case=sent.case).latest("id"), None)
    assert given(sent).state == "revoked"
