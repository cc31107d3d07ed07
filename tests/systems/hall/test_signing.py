"""Founding a company: articles from the answers, every shareholder signs, accepted by itself, the licence is issued."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from typing import Any

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from yici.base import clock
from yici.base.errors import Conflict, Invalid
from yici.core.cases import services as cases
from yici.core.cases.models import Case
from yici.core.files import services as files
from yici.core.forms import services as forms
from yici.core.messages.models import Delivery, Message
from yici.core.vocabulary.rules import check_uscc, make_uscc
from yici.platform.trust.identity import assertions
from yici.platform.trust.models import Assertion, Certificate, Envelope
from yici.platform.trust.signatures import envelopes
from yici.systems.hall import services
from yici.systems.hall.models import Application, MaterialInstance

ITEM = "youxian-gongsi-sheli"


def shareholder(account: Any, yuan: str) -> dict[str, str]:
    person = account.person
    return {
        "shareholder_name": person.name, "shareholder_id_number": person.id_number,
        "shareholder_phone": account.phone, "shareholder_amount": yuan,
    }  # fmt: skip


@pytest.fixture
def found(demo: Any, story_day: dt.datetime) -> Callable[..., Case]:
    """`found(**changed)`: two people found a company; the restaurateur applies."""

    def _found(**changed: Any) -> Case:
        account = demo.restaurateur
        draft = services.start(account, ITEM, assurance=1)
        application = services.opened(account, draft.token)
        given = {
            "person.phone": account.phone,
            "organisation.name": "亳州市伟刚餐饮管理有限公司",
            "organisation.address": "安徽省亳州市谯城区汤陵街道魏武大道188号",
            "organisation.business_scope": "餐饮服务；食品销售",
            "organisation.registered_capital": "500000",
            "capital_paid_by": "2031-11-01",
            "organisation.legal_representative": account.person.name,
            "shareholders": [shareholder(account, "300000"), shareholder(demo.trader, "200000")],
            **changed,
        }
        form = application.definition.form
        problems = forms.save_answers(application.draft, form, given, application.draft.revision)
        assert not problems, problems
        application = services.opened(account, draft.token)
        services.promise(application, "premises", given=True)
        return services.submit(draft.token, account).case

    return _found


def put(case: Case, account: Any) -> Envelope:
    envelope = Envelope.objects.get(case_number=case.number)
    token = assertions.record(account.person, assertions.FACE, Assertion.Method.FACE)
    return envelopes.sign(envelope.number, account, token, envelope.original.sha256)


def test_from_the_form_to_the_licence_without_paper(demo: Any, found: Any, run_jobs: Any) -> None:
    case = found()
    assert (case.state, case.stage, case.due_at) == ("received", "sign", None)
    asked = Message.objects.filter(template="envelope.asked")
    assert {message.recipient for message in asked} == {demo.restaurateur, demo.trader}
    assert Delivery.objects.filter(message__in=asked, channel="sms").count() == 2
    put(case, demo.trader)
    case.refresh_from_db()
    assert case.state == "received"
    put(case, demo.restaurateur)
    case.refresh_from_db()
    assert (case.state, case.stage) == ("accepted", "decide") and case.due_at is not None
    run_jobs()
    cases.act(case.number, "approve", demo.staff("qiaocheng_market_supervision_chief"))
    run_jobs()
    licence = Certificate.objects.get(case_number=case.number)
    assert (licence.type, licence.holder) == ("company_licence", demo.restaurateur.person)
    assert licence.face["organisation.name"] == "亳州市伟刚餐饮管理有限公司"
    assert licence.face["organisation.registered_capital"] == "50000000"
    assert check_uscc(licence.face["organisation.uscc"]).startswith("91341602MA")


def test_the_articles_say_what_was_answered_and_keep_id_numbers_masked(demo: Any, found: Any) -> None:
    case = found()
    envelope = Envelope.objects.get(case_number=case.number)
    with files.open_file(envelope.original) as stream:
        pdf = stream.read()
    assert pdf.startswith(b"%PDF-") and envelope.title == "公司章程"
    text = text_of(pdf)
    for words in ("亳州市伟刚餐饮管理有限公司", "魏武大道188号", "张伟", "吴刚", "60.00%", "40.00%", "第十条"):
        assert words in text, words
    assert demo.trader.person.id_number not in text
    assert int(PdfFileReader(io.BytesIO(pdf)).root["/Pages"]["/Count"]) >= 2


def text_of(pdf: bytes) -> str:
    import subprocess

    done = subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True)
    return "".join(done.stdout.decode().split())


def test_the_signed_articles_and_their_evidence_are_materials_that_the_registrar_reads(
    demo: Any, found: Any, client: Any, sign_in: Any
) -> None:
    case = found()
    for account in (demo.restaurateur, demo.trader):
        put(case, account)
    rows = MaterialInstance.objects.filter(application__case=case, source="signed").order_by("id")
    assert [(row.name, row.trust) for row in rows] == [("公司章程", "A"), ("公司章程（签署证据包）", "A")]
    registrar = sign_in(client, demo.staff("qiaocheng_market_supervision_chief"))
    page = registrar.get(f"/desk/cases/{case.number}/").content.decode()
    assert "在线签署" in page and f"/files/{rows[0].file_id}/" in page
    assert registrar.get(f"/files/{rows[0].file_id}/").status_code == 200
    elsewhere = sign_in(client, demo.staff("guoyang_market_supervision_chief"))
    assert elsewhere.get(f"/files/{rows[0].file_id}/").status_code == 404


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"organisation.registered_capital": "600000"}, "shareholders", "500000"),
        ({"organisation.legal_representative": "王秀英"}, "organisation.legal_representative", "名单"),
    ],
)
def test_shares_that_do_not_add_up_and_a_stranger_as_representative_are_refused(
    found: Any, changed: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(Invalid) as refused:
        found(**changed)
    assert words in refused.value.fields[field].replace(",", "").replace(".00", "")
    assert not Case.objects.filter(type__slug=f"hall.{ITEM}").exists() and not Envelope.objects.exists()


def test_shareholders_are_known_people_each_once_and_the_applicant_is_one(demo: Any, found: Any) -> None:
    applicant, other = shareholder(demo.restaurateur, "300000"), shareholder(demo.trader, "200000")
    for rows, field in (
        ([applicant, {**other, "shareholder_name": "别人"}], "shareholders.1.shareholder_id_number"),
        ([applicant, {**applicant, "shareholder_amount": "200000"}], "shareholders"),
        ([{**other, "shareholder_amount": "500000"}], "shareholders"),
    ):
        with pytest.raises(Invalid) as refused:
            found(shareholders=rows)
        assert field in refused.value.fields


def test_one_refusal_sends_the_application_back_with_the_reason(demo: Any, found: Any) -> None:
    case = found()
    envelope = Envelope.objects.get(case_number=case.number)
    envelopes.decline(envelope.number, demo.trader, "出资比例不对")
    case.refresh_from_db()
    assert case.state == "withdrawn" and case.closed_at is not None
    assert "出资比例不对" in case.events.get(action="signing_ended").opinion


def test_time_over_sends_it_back(demo: Any, found: Any, story_day: dt.datetime) -> None:
    case = found()
    with clock.at(story_day + dt.timedelta(days=7, minutes=1)):
        assert envelopes.expire_due() == 1
    case.refresh_from_db()
    assert case.state == "withdrawn"


def test_withdrawing_the_application_stops_the_signing(demo: Any, found: Any) -> None:
    case = found()
    cases.withdraw(case.number, demo.restaurateur, reason="先不办了")
    case.refresh_from_db()
    envelope = Envelope.objects.get(case_number=case.number)
    assert (case.state, envelope.state) == ("withdrawn", "cancelled")
    assert case.events.filter(action="signing_ended").count() == 0
    with pytest.raises(Conflict):
        put(case, demo.trader)


def test_nobody_registers_what_is_not_signed_by_all(demo: Any, found: Any) -> None:
    case = found()
    put(case, demo.restaurateur)
    with pytest.raises(Conflict):
        cases.act(case.number, "approve", demo.staff("qiaocheng_market_supervision_chief"))


def test_the_second_submit_finds_the_first_case_and_one_envelope(demo: Any, found: Any) -> None:
    case = found()
    application = Application.objects.get(case=case)
    assert services.submit(application.draft_token, demo.restaurateur).case == case
    assert Envelope.objects.filter(case_number=case.number).count() == 1


def test_credit_codes_are_sound_and_all_different() -> None:
    codes = {make_uscc("341602", serial) for serial in range(2000)}
    assert len(codes) == 2000 and all(check_uscc(code) == code for code in codes)
    with pytest.raises(ValueError, match="left"):
        make_uscc("341602", 31**6)
