"""A role holds in its organisation subtree and division subtree, from its first day to its last."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.test import Client

from yici.base import clock
from yici.base.errors import Conflict, Invalid, NotAllowed, NotFound
from yici.core.audit import queries as audit
from yici.core.people import permissions, queries, services
from yici.core.people.models import Account, Organisation, RoleGrant
from yici.core.places.models import Division

pytestmark = pytest.mark.django_db

GUOYANG, MENGCHENG = "341621000000", "341622000000"


def body(slug: str) -> Organisation:
    return Organisation.objects.get(slug=slug)


def give(account: Account, role: str = "clerk", **more: Any) -> RoleGrant:
    terms: dict[str, Any] = {"organisation": account.organisation, "reason": "岗位需要", "granted_by": None}
    return services.grant_role(account, role, **{**terms, **more})


def test_a_county_clerk_sees_the_own_county_only(demo: Any) -> None:
    scope = queries.scope_of(demo.clerk, "case.accept")
    seen = Organisation.objects.filter(scope.q("pk", None))
    assert {each.slug.split(".")[0] for each in seen} == {"guoyang"}
    assert seen.filter(slug="guoyang.ageing").exists(), "second-level bodies belong to the subtree"
    assert not seen.filter(slug="guoyang.health").exists()
    assert not scope.everything


def test_the_outsider_may_nothing_in_the_other_county(demo: Any) -> None:
    own, other = body("mengcheng.civil_affairs"), body("guoyang.civil_affairs")
    assert queries.may(demo.outsider, "case.accept", organisation=own)
    assert not queries.may(demo.outsider, "case.accept", organisation=other)
    with pytest.raises(NotAllowed):
        services.require(demo.outsider, "case.accept", organisation=other)


def test_the_root_does_not_narrow(demo: Any) -> None:
    scope = queries.scope_of(demo.supervisor, "case.view")
    assert scope.everything and scope.q() == Q()


def test_no_role_means_nothing(demo: Any) -> None:
    scope = queries.scope_of(demo.farmer, "case.view")
    assert scope.is_empty and not Account.objects.filter(scope.q()).exists()
    assert queries.permissions_of(demo.farmer) == frozenset()


def test_a_division_narrows_within_an_organisation(demo: Any) -> None:
    agent = demo.auditor
    give(agent, "agent", organisation=body("bz"), division=Division.objects.get(pk=GUOYANG))
    scope = queries.scope_of(agent, "case.view")
    found = Division.objects.filter(scope.q(None, "pk"))
    assert found.filter(pk="341621108201").exists() and not found.filter(pk__startswith="341622").exists()
    assert queries.may(agent, "case.view", division="341621108201")
    assert not queries.may(agent, "case.view", division=MENGCHENG)


def test_two_grants_add_up(demo: Any) -> None:
    give(demo.clerk, organisation=body("mengcheng.civil_affairs"))
    scope = queries.scope_of(demo.clerk, "case.accept")
    assert scope.covers(body("mengcheng.civil_affairs")) and scope.covers(body("guoyang.civil_affairs"))


def test_a_grant_holds_from_its_first_to_its_last_day(demo: Any) -> None:
    RoleGrant.objects.filter(account=demo.clerk).update(valid_from=dt.date(2026, 11, 2), valid_to=dt.date(2026, 11, 4))
    for day, holds in ((1, False), (2, True), (4, True), (5, False)):
        with clock.at(dt.datetime(2026, 11, day, 4, tzinfo=dt.UTC)):
            assert queries.may(demo.clerk, "case.accept") is holds, day


def test_a_kept_account_notices_that_the_last_day_is_over(demo: Any) -> None:
    clerk = demo.clerk
    RoleGrant.objects.filter(account=clerk).update(valid_from=dt.date(2026, 11, 2), valid_to=dt.date(2026, 11, 4))
    with clock.at(dt.datetime(2026, 11, 4, 4, tzinfo=dt.UTC)):
        assert queries.may(clerk, "case.accept")
    with clock.at(dt.datetime(2026, 11, 5, 4, tzinfo=dt.UTC)):
        assert not queries.may(clerk, "case.accept")


def test_permissions_are_read_once_per_request(demo: Any, django_assert_num_queries: Any) -> None:
    clerk = demo.clerk
    own = body("guoyang.civil_affairs")
    with django_assert_num_queries(1):
        queries.permissions_of(clerk)
        queries.scope_of(clerk, "case.view")
        queries.may(clerk, "case.accept", organisation=own)


def test_a_grant_and_its_end_are_logged_with_the_reason(demo: Any) -> None:
    admin, target = demo.security, demo.outsider
    grant = services.grant_role(
        target, "reviewer", organisation=target.organisation, reason="借调审查岗", granted_by=admin
    )
    assert queries.may(demo.outsider, "case.review")
    services.revoke_grant(grant.pk, by=admin, reason="借调结束")
    assert not queries.may(demo.outsider, "case.review")
    purposes = [entry.purpose for entry in audit.entries_about("account", target.pk, 2)]
    assert "借调结束" in purposes[0] and "借调审查岗" in purposes[1]
    with pytest.raises(NotFound):
        services.revoke_grant(grant.pk, by=admin, reason="再收一次")


def test_nobody_grants_to_themselves_or_beyond_their_scope(demo: Any) -> None:
    chief = Account.objects.get(username="minzheng.kezhang")
    give(chief, "security_administrator")
    with pytest.raises(NotAllowed):
        services.grant_role(chief, "approver", organisation=chief.organisation, reason="自己", granted_by=chief)
    with pytest.raises(NotAllowed):
        services.grant_role(demo.clerk, "clerk", organisation=body("bz"), reason="全市", granted_by=chief)
    with pytest.raises(NotAllowed):
        services.grant_role(
            demo.outsider, "reviewer", organisation=chief.organisation, reason="外县人员", granted_by=chief
        )
    with pytest.raises(NotAllowed):
        services.grant_role(
            demo.clerk, "security_administrator", organisation=chief.organisation, reason="再设管理员", granted_by=chief
        )
    services.grant_role(demo.clerk, "reviewer", organisation=chief.organisation, reason="轮岗", granted_by=chief)


@pytest.mark.parametrize(
    ("terms", "field"),
    [({"role": "king"}, "role"), ({"reason": " "}, "reason"), ({"valid_to": dt.date(2000, 1, 1)}, "valid_to")],
)
def test_a_grant_with_bad_terms_is_refused(demo: Any, terms: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        give(demo.clerk, **{"role": "reviewer", **terms})
    assert list(caught.value.fields) == [field]


def test_the_same_grant_twice_is_a_conflict(demo: Any) -> None:
    with pytest.raises(Conflict):
        give(demo.clerk)


def test_the_responsible_organisation_follows_function_level_and_place(
    django_assert_num_queries: Any, db: None
) -> None:
    queries.forget_organisations()
    village = "341621108201"
    assert queries.responsible_organisation("civil_affairs", "county", village).slug == "guoyang.civil_affairs"
    assert queries.responsible_organisation("public_security", "city", village).slug == "bz.public_security"
    with django_assert_num_queries(0):
        queries.responsible_organisation("civil_affairs", "county", "341621004200")
    with pytest.raises(queries.NoResponsibleOrganisation):
        queries.responsible_organisation("space_travel", "county", village)


def test_the_account_list_makes_a_constant_number_of_queries(demo: Any, django_assert_num_queries: Any) -> None:
    admin = demo.security
    with django_assert_num_queries(3):
        page = queries.accounts_in_scope(admin)
        assert len(page.accounts) > 20 and [each.current_grants for each in page.accounts]  # type: ignore[attr-defined]
    with django_assert_num_queries(2):
        assert len(queries.accounts_in_scope(admin, size=5).accounts) == 5


def test_loading_the_demo_again_changes_nothing(demo: Any, city: Any) -> None:
    before = (Account.objects.count(), RoleGrant.objects.count())
    services.load_demo(city)
    assert (Account.objects.count(), RoleGrant.objects.count()) == before


def test_demo_accounts_are_not_made_where_there_is_no_demo(city: Any, db: None, monkeypatch: Any) -> None:
    monkeypatch.setenv("YICI_DEMO", "0")
    Account.objects.filter(username="shenji").update(username="taken-away")
    services.load_demo(city)
    assert not Account.objects.filter(username="shenji").exists()


# 三员分立 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("username", "role"), [
    ("guanliyuan", "security_administrator"), ("guanliyuan", "auditor"), ("anquan", "city_administrator"),
    ("anquan", "auditor"), ("shenji", "city_administrator"), ("shenji", "security_administrator"),
])  # fmt: skip
def test_nobody_becomes_two_of_the_three_administrators(db: None, username: str, role: str) -> None:
    account = Account.objects.get(username=username)
    with pytest.raises(Conflict, match="三员分立"):
        services.grant_role(account, role, organisation=body("bz"), reason="兼任", granted_by=None)
    with pytest.raises(IntegrityError), transaction.atomic():  # whoever writes, service or not
        RoleGrant.objects.bulk_create([
            RoleGrant(account=account, role=role, organisation=body("bz"), valid_from=clock.today(), reason="直接写入",
                      duty=permissions.duty_of_role(role))
        ])  # fmt: skip
    services.grant_role(account, "clerk", organisation=body("bz"), reason="不属三员", granted_by=None)


def test_a_duty_may_follow_another_that_has_ended(demo: Any) -> None:
    account = demo.auditor
    RoleGrant.objects.filter(account=account).update(valid_to=clock.today() - dt.timedelta(days=1))
    services.grant_role(account, "security_administrator", organisation=body("bz"), reason="转岗", granted_by=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        RoleGrant.objects.filter(account=account, duty="audit").update(valid_to=None)


# The pages ------------------------------------------------------------------------------------------


def test_the_administrator_grants_and_revokes_on_the_page(client: Client, demo: Any, sign_in: Any) -> None:
    sign_in(client, demo.security)
    target = demo.outsider
    assert "郑秀兰" in client.get("/desk/people/", {"words": "郑秀兰 蒙城"}).content.decode()
    page = f"/desk/people/{target.pk}/"
    assert client.get(page).status_code == 200
    assert client.post(page, {"role": "reviewer", "reason": ""}).status_code == 422
    assert client.post(page, {"role": "reviewer", "reason": "轮岗", "division": "999"}).status_code == 422
    assert client.post(page, {"role": "reviewer", "reason": "轮岗"}).status_code == 302
    grant = RoleGrant.objects.get(account=target, role="reviewer")
    assert client.post(f"{page}revoke/{grant.pk}/", {"reason": ""}).status_code == 422
    assert client.post(f"{page}revoke/{grant.pk}/", {"reason": "结束"}).status_code == 302
    assert client.post(f"{page}reset/", {"reason": "手机丢失"}).status_code == 302


def test_accounts_out_of_scope_are_not_there(client: Client, demo: Any, sign_in: Any) -> None:
    chief = Account.objects.get(username="minzheng.kezhang")
    give(chief, "security_administrator")
    sign_in(client, chief)
    text = client.get("/desk/people/").content.decode()
    assert "张晓雨" in text and "郑秀兰" not in text
    assert client.get(f"/desk/people/{demo.outsider.pk}/").status_code == 404
    assert client.post(f"/desk/people/{demo.outsider.pk}/reset/", {"reason": "越权"}).status_code == 404


def test_a_clerk_may_not_open_administration_or_the_log(client: Client, demo: Any, sign_in: Any) -> None:
    sign_in(client, demo.clerk)
    for page in ("/desk/people/", "/desk/audit/"):
        assert client.get(page).status_code == 403


def test_the_auditor_filters_and_verifies_the_log(client: Client, demo: Any, sign_in: Any) -> None:
    sign_in(client, demo.auditor)
    give(demo.clerk, "reviewer")
    page = client.get("/desk/audit/", {"subject_kind": "account", "subject_id": demo.clerk.pk, "action": "grant"})
    assert page.status_code == 200 and "审查人员" in page.content.decode()
    assert client.get("/desk/audit/", {"actor": "没有这个人"}).status_code == 200
    assert client.get("/desk/audit/", {"before": "rubbish", "first_day": "x", "actor": "y"}).status_code == 200
    answer = client.post("/desk/audit/verify/", follow=True)
    assert "全部记录校验通过" in answer.content.decode()
