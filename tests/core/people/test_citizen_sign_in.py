"""Citizens sign in by identity and SMS code; everything that goes wrong says what to do."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from tests.core.people.conftest import City
from yici.base import clock
from yici.base.errors import Conflict, Invalid, NotAllowed
from yici.core.audit import queries as audit
from yici.core.people import services
from yici.core.people.errors import CodeRejected, IdentityNotConfirmed, TooManyRequests
from yici.core.people.models import Account, Person, SignInCode

pytestmark = pytest.mark.django_db

FARMER = {"name": "王秀英", "id_number": "342124194503121221", "phone": "13956731972"}
NEW = {"name": "欧阳新来", "id_number": "110101199003070011", "phone": "13956730001"}
START = dt.datetime(2026, 11, 23, 2, 0, tzinfo=dt.UTC)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def test_a_right_code_signs_in_and_the_log_knows(sources: City, demo: Any) -> None:
    token = services.request_sign_in_code(**FARMER)
    account = services.redeem_sign_in_code(token, sources.codes[FARMER["phone"]])
    assert account == demo.farmer
    assert audit.entries_about("account", account.pk, 1)[0].action == "sign-in"


def test_the_first_sign_in_makes_person_and_account(sources: City) -> None:
    account = services.redeem_sign_in_code(services.request_sign_in_code(**NEW), sources.codes[NEW["phone"]])
    assert account.kind == "citizen" and NEW["id_number"] not in account.username
    assert account.person and account.person.birth_date == dt.date(1990, 3, 7) and account.phone == NEW["phone"]
    assert not account.has_usable_password()


def test_only_the_hash_of_a_code_is_kept(sources: City) -> None:
    services.request_sign_in_code(**FARMER)
    assert sources.codes[FARMER["phone"]] not in SignInCode.objects.get(phone=FARMER["phone"]).code_hash


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id_number", "342124194503121222"),
        ("id_number", "342124194502301220"),
        ("id_number", ""),
        ("id_number", "342124\x00"),
        ("phone", "123"),
        ("phone", "05585551234"),
        ("name", "<script>alert(1)</script>"),
        ("name", ""),
    ],
)
def test_bad_input_is_named_by_its_field(sources: City, field: str, value: str) -> None:
    with pytest.raises(Invalid) as caught:
        services.request_sign_in_code(**{**FARMER, field: value})
    assert list(caught.value.fields) == [field]
    assert not sources.codes


def test_an_unconfirmed_identity_does_not_tell_which_part_is_wrong(sources: City) -> None:
    with pytest.raises(IdentityNotConfirmed) as wrong_name:
        services.request_sign_in_code("王秀兰", FARMER["id_number"], "13956730002")
    with pytest.raises(IdentityNotConfirmed) as unknown_number:
        services.request_sign_in_code("王秀英", "342124194309080518", "13956730003")
    assert wrong_name.value.message == unknown_number.value.message
    assert not wrong_name.value.fields and not sources.codes


def test_guessing_names_is_limited_per_id_number(sources: City) -> None:
    with clock.at(START):
        for n in range(10):
            with pytest.raises(IdentityNotConfirmed):
                services.request_sign_in_code(f"王{chr(0x4E00 + n)}", FARMER["id_number"], f"1395673{n:04d}")
        with pytest.raises(TooManyRequests):
            services.request_sign_in_code("王秀英", FARMER["id_number"], "13956739999")


def test_a_phone_gets_one_code_a_minute_and_five_an_hour(sources: City) -> None:
    for minute in range(5):
        with clock.at(START + dt.timedelta(minutes=2 * minute)):
            services.request_sign_in_code(**FARMER)
            with pytest.raises(TooManyRequests) as caught:
                services.request_sign_in_code(**FARMER)
            assert "60 秒" in str(caught.value.message) if minute < 4 else True
    with clock.at(START + dt.timedelta(minutes=20)), pytest.raises(TooManyRequests) as hourly:
        services.request_sign_in_code(**FARMER)
    assert "分钟" in str(hourly.value.message)
    with clock.at(START + dt.timedelta(minutes=61)):
        services.request_sign_in_code(**FARMER)


def test_an_address_is_limited_too(sources: City) -> None:
    SignInCode.objects.bulk_create(
        SignInCode(
            token=f"t{n}", name="x", id_number=f"n{n}", phone=f"{n}", address="10.9.9.9", code_hash="",
            created_at=START, expires_at=START,
        )
        for n in range(60)
    )  # fmt: skip
    with clock.at(START + dt.timedelta(minutes=5)):
        with pytest.raises(TooManyRequests):
            services.request_sign_in_code(**FARMER, address="10.9.9.9")
        services.request_sign_in_code(**FARMER, address="10.9.9.8")


def test_a_code_works_once(sources: City) -> None:
    token = services.request_sign_in_code(**FARMER)
    services.redeem_sign_in_code(token, sources.codes[FARMER["phone"]])
    with pytest.raises(CodeRejected, match="已使用"):
        services.redeem_sign_in_code(token, sources.codes[FARMER["phone"]])


def test_a_code_expires_after_ten_minutes(sources: City) -> None:
    with clock.at(START):
        token = services.request_sign_in_code(**FARMER)
    with clock.at(START + dt.timedelta(minutes=10)), pytest.raises(CodeRejected, match="过期"):
        services.redeem_sign_in_code(token, sources.codes[FARMER["phone"]])


def test_after_five_wrong_tries_the_right_code_fails_too(sources: City) -> None:
    token = services.request_sign_in_code(**FARMER)
    code = sources.codes[FARMER["phone"]]
    for left in (4, 3, 2, 1):
        with pytest.raises(CodeRejected, match=f"{left} 次"):
            services.redeem_sign_in_code(token, wrong(code))
    for attempt in (wrong(code), code):
        with pytest.raises(CodeRejected, match="次数过多"):
            services.redeem_sign_in_code(token, attempt)


def test_an_unknown_token_is_refused() -> None:
    for token in ("nothing", "", "\x00", "x" * 500):
        with pytest.raises(CodeRejected):
            services.redeem_sign_in_code(token, "123456")


def test_a_code_belongs_to_its_token(sources: City) -> None:
    one = services.request_sign_in_code(**FARMER)
    services.request_sign_in_code(**NEW)
    if sources.codes[NEW["phone"]] != sources.codes[FARMER["phone"]]:
        with pytest.raises(CodeRejected):
            services.redeem_sign_in_code(one, sources.codes[NEW["phone"]])


def test_a_closed_account_cannot_sign_in(sources: City, demo: Any) -> None:
    Account.objects.filter(pk=demo.farmer.pk).update(is_active=False)
    token = services.request_sign_in_code(**FARMER)
    with pytest.raises(NotAllowed, match="停用"):
        services.redeem_sign_in_code(token, sources.codes[FARMER["phone"]])


def test_a_new_phone_signs_in_and_the_old_one_is_told(sources: City, demo: Any) -> None:
    old = demo.farmer.phone
    services.redeem_sign_in_code(services.request_sign_in_code(**FARMER), sources.codes[FARMER["phone"]])
    assert [(template, phone) for _account, template, _context, phone in sources.told] == [("sign_in.new_phone", old)]
    assert demo.farmer.phone == old


def test_a_number_known_under_another_name_is_a_conflict(sources: City, demo: Any) -> None:
    Person.objects.filter(pk=demo.farmer.person_id).update(name="王旧名")
    token = services.request_sign_in_code(**FARMER)
    with pytest.raises(Conflict):
        services.redeem_sign_in_code(token, sources.codes[FARMER["phone"]])


# The pages ------------------------------------------------------------------------------------------


def test_the_pages_lead_from_identity_to_where_one_wanted_to_go(client: Client, sources: City, demo: Any) -> None:
    client.get("/login/")
    before = client.session.session_key
    answer = client.post("/login/?next=/my/record/", {**FARMER, "next": "/my/record/"})
    assert answer.status_code == 302 and answer["Location"].startswith("/login/code/")
    page = client.get(answer["Location"])
    assert page.status_code == 200 and FARMER["phone"] not in page.content.decode()
    answer = client.post(
        answer["Location"].split("?")[0], {"code": sources.codes[FARMER["phone"]], "next": "/my/record/"}
    )
    assert (answer.status_code, answer["Location"]) == (302, "/my/record/")
    assert client.session.session_key != before
    assert client.session["assurance"] == 1
    assert client.get("/my/record/").status_code == 200


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"]
)
def test_nobody_is_sent_to_another_site(client: Client, sources: City, target: str) -> None:
    answer = client.post("/login/", {**FARMER, "next": target})
    assert "evil" not in answer["Location"] and "javascript" not in answer["Location"]
    answer = client.post(answer["Location"], {"code": sources.codes[FARMER["phone"]], "next": target})
    assert answer["Location"] == "/my/"


def test_the_form_comes_back_with_an_error_summary(client: Client, sources: City) -> None:
    answer = client.post("/login/", {**FARMER, "id_number": "342124194503121222"})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "error-summary" in text and 'href="#id_number"' in text and "错误：" in text and "342124194503121222" in text


def test_hostile_names_are_shown_harmless(client: Client, sources: City) -> None:
    answer = client.post("/login/", {**FARMER, "name": "<script>alert(1)</script>"})
    assert "<script>alert" not in answer.content.decode()


def test_haste_is_a_429_page_in_chinese(client: Client, sources: City) -> None:
    client.post("/login/", FARMER)
    answer = client.post("/login/", FARMER)
    assert answer.status_code == 429 and "过于频繁" in answer.content.decode()


def test_a_wrong_code_page_counts_down(client: Client, sources: City) -> None:
    place = client.post("/login/", FARMER)["Location"]
    answer = client.post(place, {"code": wrong(sources.codes[FARMER["phone"]])})
    assert answer.status_code == 422 and "4 次" in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_signing_out_needs_a_post(client: Client, demo: Any, sign_in: Any) -> None:
    sign_in(client, demo.farmer)
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/"
    assert client.get("/my/record/")["Location"].startswith("/login/?next=")


def test_staff_are_not_citizens_and_citizens_not_staff(client: Client, demo: Any, sign_in: Any) -> None:
    sign_in(client, demo.clerk)
    assert client.get("/my/record/").status_code == 403
    client.logout()
    sign_in(client, demo.farmer)
    assert client.get("/desk/people/").status_code == 403


def test_the_phone_of_this_sign_in_can_become_the_contact_phone(client: Client, sources: City, demo: Any) -> None:
    old = demo.farmer.phone
    place = client.post("/login/", FARMER)["Location"]
    client.post(place, {"code": sources.codes[FARMER["phone"]]})
    client.post("/my/settings/", {"action": "phone", "phone": "13800000000"})
    assert demo.farmer.phone == FARMER["phone"]
    assert sources.told[-1][1:4:2] == ("account.phone_changed", old)


def test_settings_keep_language_and_elder_mode(client: Client, demo: Any, sign_in: Any) -> None:
    sign_in(client, demo.farmer)
    answer = client.post("/my/settings/", {"language": "en", "elder_mode": "1"})
    assert answer.status_code == 302 and answer.cookies["elder"].value == "1"
    assert (demo.farmer.language, demo.farmer.elder_mode) == ("en", True)
    assert client.post("/my/settings/", {"language": "xx"}).status_code == 422


def test_signing_in_keeps_a_language_chosen_before_and_otherwise_brings_the_accounts(
    client: Client, sources: City, demo: Any
) -> None:
    client.cookies["language"] = "en"
    place = client.post("/login/", FARMER)["Location"]
    client.post(place, {"code": sources.codes[FARMER["phone"]]})
    assert client.cookies["language"].value == "en"
    services.set_preferences(demo.daughter, language="en")
    other = Client()
    second = {"name": "李梅", "id_number": "342124197205161640", "phone": "13956731999"}
    other.post(other.post("/login/", second)["Location"], {"code": sources.codes[second["phone"]]})
    assert other.cookies["language"].value == "en"
