"""Showing and sharing: agreed fields, to the agreed reader, for a time; every use and every refusal is told."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from yici.base import clock
from yici.base.errors import Conflict, Invalid, NotFound
from yici.core.audit import services as audit
from yici.core.audit.models import Entry
from yici.core.people import services as people
from yici.core.people.errors import TooManyRequests
from yici.platform.trust import queries, services
from yici.platform.trust.library import sharing
from yici.platform.trust.models import Certificate, Share, ShareUse, WrongCode

pytestmark = pytest.mark.django_db
NUMBER = "342124194503121221"
BANK = sharing.Reader("亳州农商行 张经理", address="203.0.113.7")


def shared(demo: Any, certificate: Certificate, **changes: Any) -> tuple[Share, str]:
    terms: dict[str, Any] = {
        "elements": ["person.name", "subsidy.monthly_amount"],
        "purpose": "办理养老贷款",
        "recipient": "亳州农商行",
        "until": clock.today() + dt.timedelta(days=7),
    }
    held = queries.certificate_of(demo.farmer, certificate.identifier)
    return sharing.share(demo.farmer, held, **{**terms, **changes})


def test_reader_sees_the_agreed_fields_and_the_holder_sees_the_reader(demo: Any, certificate: Certificate) -> None:
    made, code = shared(demo, certificate)
    opened = sharing.open_share(f" {code[:4]}-{code[4:].lower()} ", BANK)
    assert [line.element for line in opened.lines] == ["person.name", "subsidy.monthly_amount"]
    use = ShareUse.objects.get(share=made)
    assert (use.by, use.address, use.refused) == (BANK.name, BANK.address, "")
    assert use.elements == ["person.name", "subsidy.monthly_amount"]
    assert Entry.objects.filter(actor_name=BANK.name, action="read", purpose__contains="办理养老贷款").exists()


def test_only_the_hash_of_a_code_is_kept(demo: Any, certificate: Certificate) -> None:
    made, code = shared(demo, certificate)
    assert code not in str(Share.objects.filter(pk=made.pk).values()[0])


def refusals(code: str, reader: sharing.Reader = BANK) -> tuple[str, str]:
    opened = sharing.open_share(code, reader)
    assert opened.held is None or not opened.refused
    return opened.refused, ShareUse.objects.latest("pk").refused


def test_expired_share_is_refused_and_the_attempt_recorded(demo: Any, certificate: Certificate) -> None:
    _made, code = shared(demo, certificate, until=clock.today())
    with clock.at(clock.now() + dt.timedelta(days=1)):
        assert refusals(code) == ("expired", "expired")


def test_last_day_counts_to_its_end(demo: Any, certificate: Certificate) -> None:
    made, code = shared(demo, certificate, until=clock.today())
    with clock.at(made.expires_at - dt.timedelta(seconds=1)):
        assert refusals(code) == ("", "")
    with clock.at(made.expires_at):
        assert refusals(code) == ("expired", "expired")


def test_ended_share_is_refused_and_cannot_be_ended_twice(demo: Any, certificate: Certificate) -> None:
    made, code = shared(demo, certificate)
    sharing.end(demo.farmer, made.pk)
    assert refusals(code) == ("revoked", "revoked")
    with pytest.raises(Conflict):
        sharing.end(demo.farmer, made.pk)


def test_single_use_is_granted_once(demo: Any, certificate: Certificate) -> None:
    _made, code = shared(demo, certificate, single_use=True)
    assert refusals(code) == ("", "")
    assert refusals(code) == ("used", "used")


def test_a_refused_attempt_does_not_use_up_a_single_use(demo: Any, certificate: Certificate) -> None:
    _made, code = shared(demo, certificate, single_use=True, recipient=demo.clerk.organisation.name)
    assert refusals(code) == ("recipient", "recipient")
    assert refusals(code, sharing.Reader("", demo.clerk)) == ("", "")


def test_certificate_revoked_since_is_refused(demo: Any, certificate: Certificate) -> None:
    _made, code = shared(demo, certificate)
    services.revoke(certificate.identifier, "材料不实", audit.SYSTEM)
    assert refusals(code) == ("state", "state")


def test_share_for_an_organisation_opens_for_its_staff_only(demo: Any, certificate: Certificate) -> None:
    _made, code = shared(demo, certificate, recipient=demo.clerk.organisation.name)
    assert refusals(code) == ("recipient", "recipient")
    assert refusals(code, sharing.Reader("", demo.outsider)) == ("recipient", "recipient")
    assert refusals(code, sharing.Reader("", demo.restaurateur)) == ("recipient", "recipient")
    assert refusals(code, sharing.Reader("", demo.clerk)) == ("", "")
    assert ShareUse.objects.latest("pk").by == f"{demo.clerk.organisation.name} {demo.clerk.name}"


def test_nobody_opens_a_share_without_a_name(demo: Any, certificate: Certificate) -> None:
    _made, code = shared(demo, certificate)
    with pytest.raises(Invalid):
        sharing.open_share(code, sharing.Reader("  "))
    assert not ShareUse.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"elements": []}, "elements"),
        ({"elements": ["person.phone"]}, "elements"),
        ({"purpose": " "}, "purpose"),
        ({"recipient": ""}, "recipient"),
        ({"until": None}, "until"),
        ({"until": dt.date(2020, 1, 1)}, "until"),
        ({"until": dt.date(2099, 1, 1)}, "until"),
    ],
)
def test_terms_are_checked_field_by_field(
    demo: Any, certificate: Certificate, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        shared(demo, certificate, **changes)
    assert set(caught.value.fields) == {field}


def test_showing_lasts_two_minutes_and_the_next_one_ends_it(demo: Any, certificate: Certificate) -> None:
    held = queries.certificate_of(demo.farmer, certificate.identifier)
    first, code = sharing.show(demo.farmer, held)
    assert re.fullmatch("[0-9]{8}", code) and first.expires_at - first.created_at == sharing.SHOWN_FOR
    assert refusals(code, sharing.Reader("")) == ("", "")
    _second, newer = sharing.show(demo.farmer, held)
    assert refusals(code) == ("revoked", "revoked")
    with clock.at(clock.now() + sharing.SHOWN_FOR):
        assert refusals(newer) == ("expired", "expired")


def test_certificate_that_is_not_in_force_is_not_shown(demo: Any, certificate: Certificate) -> None:
    services.suspend(certificate.identifier, "复核", audit.SYSTEM)
    with pytest.raises(Conflict):
        sharing.show(demo.farmer, queries.certificate_of(demo.farmer, certificate.identifier))


def test_guessing_codes_is_stopped(demo: Any, certificate: Certificate) -> None:
    for guess in range(sharing.WRONG_CODES):
        with pytest.raises(NotFound):
            sharing.terms_of(f"{guess:08d}", "203.0.113.9")
    cache.clear()  # another process knows of them too
    with pytest.raises(TooManyRequests):
        sharing.terms_of("99999999", "203.0.113.9")
    with pytest.raises(TooManyRequests):
        sharing.open_share("99999999", sharing.Reader("某某", None, "203.0.113.9"))
    _made, code = shared(demo, certificate)
    assert sharing.terms_of(code, "203.0.113.10").purpose == "办理养老贷款"
    assert sharing.forget_wrong_codes() == 0
    with clock.at(clock.now() + sharing.WRONG_FOR):
        assert sharing.terms_of(code, "203.0.113.9").purpose == "办理养老贷款"
        assert sharing.forget_wrong_codes() == sharing.WRONG_CODES


def test_a_wrong_code_that_is_opened_at_once_counts_too(demo: Any) -> None:
    with pytest.raises(NotFound):
        sharing.open_share("12345678", sharing.Reader("某某", None, "203.0.113.9"))
    assert WrongCode.objects.count() == 1


def test_pages_from_the_wallet_to_the_readers_screen(
    client: Client, demo: Any, sign_in: Any, certificate: Certificate
) -> None:
    sign_in(client, demo.farmer)
    base = f"/my/certificates/{certificate.identifier}"
    assert "亮证" in client.get(f"{base}/").content.decode()
    terms = {
        "elements": ["person.name"],
        "purpose": "租房",
        "recipient": "房东李四",
        "until": clock.today().isoformat(),
    }
    page = client.post(f"{base}/share/", terms).content.decode()
    found = re.search(r"/shares/([A-Z2-7]{12})/", page)
    assert found is not None
    reader = Client()
    told = reader.get(f"/shares/{found[1]}/").content.decode()
    assert "租房" in told and "王秀英" not in told and not ShareUse.objects.exists()
    assert reader.post(f"/shares/{found[1]}/", {"reader": ""}).status_code == 422
    seen = reader.post(f"/shares/{found[1]}/", {"reader": "房东李四"}).content.decode()
    assert "王秀英" in seen and NUMBER not in seen and "仅限：租房" in seen and "watermark" in seen
    listed = client.get("/my/shares/").content.decode()
    assert "房东李四" in listed and "看了：姓名" in listed
    share = Share.objects.get()
    assert client.post(f"/my/shares/{share.pk}/end/").status_code == 302
    gone = reader.post(f"/shares/{found[1]}/", {"reader": "房东李四"})
    assert gone.status_code == 410 and "收回" in gone.content.decode() and "王秀英" not in gone.content.decode()
    assert "被拒绝：授权已收回" in client.get("/my/shares/").content.decode()


def test_showing_page_tells_a_code_that_opens(
    client: Client, demo: Any, sign_in: Any, certificate: Certificate
) -> None:
    sign_in(client, demo.farmer)
    assert client.get(f"/my/certificates/{certificate.identifier}/show/").status_code == 405
    page = client.post(f"/my/certificates/{certificate.identifier}/show/").content.decode()
    found = re.search(r"(\d{4}) (\d{4})</p>", page)
    assert found is not None
    reader = Client()
    answer = reader.post("/shares/", {"code": f"{found[1]} {found[2]}"})
    assert answer.status_code == 302
    assert NUMBER in reader.post(answer["Location"], {}).content.decode()
    assert reader.post("/shares/", {"code": "00000000"}).status_code == 404


def test_others_neither_share_nor_end(client: Client, demo: Any, sign_in: Any, certificate: Certificate) -> None:
    made, _code = shared(demo, certificate)
    sign_in(client, demo.restaurateur)
    base = f"/my/certificates/{certificate.identifier}"
    assert client.post(f"{base}/show/").status_code == 404
    assert client.get(f"{base}/share/").status_code == 404
    assert client.post(f"/my/shares/{made.pk}/end/").status_code == 404
    assert "还没有授权过" in client.get("/my/shares/").content.decode()


def test_list_of_shares_makes_a_constant_number_of_queries(
    client: Client, demo: Any, sign_in: Any, certificate: Certificate, django_assert_max_num_queries: Any
) -> None:
    for _each in range(8):
        _made, code = shared(demo, certificate)
        sharing.open_share(code, BANK)
    sign_in(client, demo.farmer)
    client.get("/my/shares/")
    with django_assert_max_num_queries(9):
        client.get("/my/shares/")


def test_api_makes_opens_lists_and_ends(client: Client, demo: Any, certificate: Certificate) -> None:
    mine = {"HTTP_AUTHORIZATION": f"Bearer {people.issue_token(demo.farmer, 1)}"}
    base = f"/api/v1/my/certificates/{certificate.identifier}"
    body = {
        "elements": ["person.name"], "purpose": "租房", "recipient": "房东", "until": clock.today().isoformat(),
    }  # fmt: skip
    made = client.post(f"{base}/shares", body, content_type="application/json", **mine).json()
    opened = client.post(
        "/api/v1/shares/open", {"code": made["code"], "reader": "房东"}, content_type="application/json"
    )
    assert [one["element"] for one in opened.json()["face"]] == ["person.name"]
    shown = client.post(f"{base}/show", {}, content_type="application/json", **mine).json()
    assert len(shown["code"]) == 8
    listed = client.get("/api/v1/my/shares", **mine).json()
    assert [one["uses"][0]["by"] for one in listed] == ["房东"]
    assert client.delete(f"/api/v1/my/shares/{made['id']}", **mine).status_code == 204
    again = client.post(
        "/api/v1/shares/open", {"code": made["code"], "reader": "房东"}, content_type="application/json"
    )
    assert again.json()["refused"] == "revoked" and again.json()["face"] == []
    other = {"HTTP_AUTHORIZATION": f"Bearer {people.issue_token(demo.restaurateur, 1)}"}
    assert client.post(f"{base}/show", {}, content_type="application/json", **other).status_code == 404
    unknown = client.post("/api/v1/shares/open", {"code": "00000000"}, content_type="application/json")
    assert unknown.status_code == 404
