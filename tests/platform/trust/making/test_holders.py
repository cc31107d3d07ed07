"""Certificates that several hold: both spouses, every member of a household, who acts for an organisation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.test import Client

from yici.base import clock
from yici.base.errors import Misconfigured
from yici.core.audit import queries as log
from yici.core.people import queries as people
from yici.core.people import services as people_services
from yici.platform.trust import definitions, ports, queries, services
from yici.platform.trust.library import desk, sharing
from yici.platform.trust.making import reading, running
from yici.platform.trust.models import FurtherHolder, MadeCertificate
from yici.platform.trust.ports import LakeClass

pytestmark = pytest.mark.django_db

Rows = list[dict[str, Any]]
SINCE = dt.date(2015, 1, 1)
USCC = "91341600MA2MTNKX0A"

_ELEMENTS = {
    "civil_affairs.marriage": {
        "registration_number": "marriage.registration_number", "kind": "marriage.registration_kind",
        "registered_date": "marriage.registered_date", "man_name": "marriage.man_name",
        "man_id_number": "marriage.man_id_number", "woman_name": "marriage.woman_name",
        "woman_id_number": "marriage.woman_id_number",
    },
    "public_security.household": {
        "household_number": "household.number", "head_name": "household.head_name",
        "head_id_number": "household.head_id_number", "address": "household.address", "move_in_date": "", "is_cancelled": "",
    },
    "public_security.resident": {"id_number": "person.id_number", "household_number": "household.number"},
    "market_supervision.company": {
        "uscc": "organisation.uscc", "name": "organisation.name",
        "legal_representative": "organisation.legal_representative",
        "legal_representative_id_number": "organisation.legal_representative_id_number",
        "founded_date": "organisation.founded_date", "term_until": "organisation.term_until",
    },
    "food_drug.food_licence": {
        "licence_number": "", "uscc": "organisation.uscc", "name": "organisation.name", "issued_date": "",
        "valid_until": "", "representative_id_number": "organisation.legal_representative_id_number",
    },
    "land.house_right": {
        "certificate_number": "house.certificate_number", "owner_name": "house.owner_name",
        "owner_id_number": "house.owner_id_number", "address": "house.address", "registered_date": "house.registered_date",
    },
}  # fmt: skip


@pytest.fixture
def city_lake(tmp_path: Path) -> Iterator[Callable[[dict[str, Rows]], None]]:
    """`city_lake({class: rows})`: these classes stand in a new version; the others stay as they were."""
    standing: dict[str, LakeClass] = {}
    kept = ports._lake

    def stand(classes: dict[str, Rows]) -> None:
        for name, rows in classes.items():
            columns = _ELEMENTS[name]
            number = int(standing[name].label.rsplit("v", 1)[1]) + 1 if name in standing else 1
            path = tmp_path / f"{name}-{number}.parquet"
            dates = [column for column in columns if column.endswith(("_date", "_until"))]
            kinds = pa.schema([(column, pa.date32() if column in dates else pa.string()) for column in columns])
            pq.write_table(
                pa.table({column: [row.get(column) for row in rows] for column in columns}, schema=kinds), path
            )
            standing[name] = LakeClass(f"{name} v{number}", [path], columns, len(rows))
        ports.register_lake(lambda class_id: standing[class_id])

    yield stand
    ports._lake = kept


def marriage(man: str, woman: str, number: str = "J341621-2015-000001", kind: str = "1") -> dict[str, Any]:
    return {
        "registration_number": number, "kind": kind, "registered_date": SINCE, "man_name": "李建国",
        "man_id_number": man, "woman_name": "王秀英", "woman_id_number": woman,
    }  # fmt: skip


@pytest.fixture
def spouses(demo: Any) -> tuple[Any, Any]:
    return demo.restaurateur, demo.farmer


def test_a_marriage_certificate_is_in_both_wallets_and_proves_for_both(
    spouses: tuple[Any, Any], city_lake: Callable[..., None]
) -> None:
    man, woman = spouses
    city_lake({"civil_affairs.marriage": [marriage(man.person.id_number, woman.person.id_number)]})
    assert running.make("marriage_certificate").made == 1
    for account in spouses:
        (held,) = [one for one in queries.certificates_for(account) if one.type == "marriage_certificate"]
        assert held.holder_id == account.person_id and not held.acts_for_holder
        assert held.holder_name == "李建国、王秀英"
        assert queries.certificate_of(account, held.identifier).holder_id == account.person_id
        assert queries.valid_certificate(account.person, "marriage_certificate") is not None
    made = reading.find(held.identifier)
    assert made.parts["holders"] == [woman.person.id_number]
    assert reading.judge_evidence(reading.evidence_of(made)) == "authentic"


def test_the_numbers_of_further_holders_stand_nowhere_in_clear(
    spouses: tuple[Any, Any], city_lake: Callable[..., None]
) -> None:
    man, woman = spouses
    city_lake({"civil_affairs.marriage": [marriage(man.person.id_number, woman.person.id_number)]})
    running.make("marriage_certificate")
    kept = FurtherHolder.objects.get()
    made = MadeCertificate.objects.get()
    assert woman.person.id_number.encode() not in bytes(kept.holder) + bytes(made.record)


def test_either_spouse_shares_it_and_both_read_who_looked(
    spouses: tuple[Any, Any], city_lake: Callable[..., None], client: Client, sign_in: Any, demo: Any
) -> None:
    man, woman = spouses
    city_lake({"civil_affairs.marriage": [marriage(man.person.id_number, woman.person.id_number)]})
    running.make("marriage_certificate")
    held = next(one for one in queries.certificates_for(woman) if one.type == "marriage_certificate")
    base = f"/my/certificates/{held.identifier}/"
    assert sign_in(client, woman).get(base).status_code == 200
    assert sign_in(client, demo.daughter).get(base).status_code == 404
    made, code = sharing.share(
        woman, queries.certificate_of(woman, held.identifier), elements=["marriage.registered_date"],
        purpose="办理贷款", recipient="某某农商行网点", until=clock.today(),
    )  # fmt: skip
    assert made.holder_id == woman.person_id
    assert [line.element for line in sharing.open_share(code, sharing.Reader("某某农商行")).lines] == [
        "marriage.registered_date"
    ]
    for account in spouses:
        assert "办理贷款" in log.entries_about("person", account.person_id, 1)[0].purpose
    assert not sharing.shared_by(man).exists(), "she gave it, so she alone ends it"


def test_a_look_of_an_official_is_in_the_record_of_every_holder(
    spouses: tuple[Any, Any], city_lake: Callable[..., None], monkeypatch: pytest.MonkeyPatch, demo: Any
) -> None:
    man, woman = spouses
    city_lake({"civil_affairs.marriage": [marriage(man.person.id_number, woman.person.id_number)]})
    running.make("marriage_certificate")
    held = queries.certificates_for(man)[0]
    monkeypatch.setattr(desk, "types_of", lambda account, permission=desk.VIEW: ["marriage_certificate"])
    (found,) = desk.find_for(demo.approver, woman.person.id_number, "核对婚姻状况")
    assert found.identifier == held.identifier
    desk.look(demo.approver, held.identifier, "核对婚姻状况")
    for account in spouses:
        assert "核对婚姻状况" in log.entries_about("person", account.person_id, 1)[0].purpose


def household(head: str, number: str = "341621108201000123", address: str = "高炉镇陆杨村") -> dict[str, Any]:
    return {
        "household_number": number, "head_name": "李建国", "head_id_number": head, "address": address,
        "move_in_date": SINCE, "is_cancelled": "no",
    }  # fmt: skip


def test_a_household_register_follows_its_members(demo: Any, city_lake: Callable[..., None]) -> None:
    head, wife, daughter = "342124194309080518", demo.farmer.person.id_number, demo.daughter.person.id_number
    number = "341621108201000123"

    def residents(*members: str) -> Rows:
        return [{"id_number": one, "household_number": number} for one in members] + [
            {"id_number": f"34160219800101{place:04d}", "household_number": f"9{place}"} for place in range(50)
        ]

    others = [household(f"34160219800101{place:04d}", f"9{place}") for place in range(50)]
    city_lake({
        "public_security.household": [*others, household(head)],
        "public_security.resident": residents(head, wife, daughter),
    })  # fmt: skip
    run = running.make("household_register")
    assert (run.made, run.refused) == (51, 0)
    assert run.source == "public_security.household v1 + public_security.resident v1"

    def of(account: Any) -> list[str]:
        return [one.number for one in queries.certificates_for(account) if one.is_made]

    assert of(demo.farmer) == of(demo.daughter) == [number]
    assert reading.holdings_of(head)[0].parts["holders"] == sorted([wife, daughter])

    city_lake({"public_security.resident": residents(head, wife)})  # the daughter moves out
    run = running.make("household_register")
    assert (run.made, run.changed, run.unchanged) == (0, 1, 50)
    assert of(demo.farmer) == [number] and of(demo.daughter) == []


def test_a_company_is_in_the_wallet_of_who_acts_for_it_and_leaves_with_her(
    demo: Any, city_lake: Callable[..., None], client: Client, sign_in: Any
) -> None:
    boss = demo.restaurateur

    def company(representative: str) -> Rows:
        return [{
            "uscc": USCC, "name": "亳州某某餐饮有限公司", "legal_representative": "某某", "founded_date": SINCE,
            "legal_representative_id_number": representative,
        }]  # fmt: skip

    city_lake({
        "market_supervision.company": company(boss.person.id_number),
        "food_drug.food_licence": [
            {"licence_number": "JY13416000000001", "uscc": USCC, "name": "亳州某某餐饮有限公司", "issued_date": SINCE}
        ],
    })  # fmt: skip
    assert running.make("company_licence").made == running.make("food_business_licence").made == 1
    wallet = {one.type: one for one in queries.certificates_for(boss)}
    assert wallet.keys() >= {"company_licence", "food_business_licence"}
    assert all(one.acts_for_holder and one.holder_key == USCC for one in wallet.values() if one.is_made)
    told = client.get(
        "/api/v1/my/certificates", headers={"authorization": f"Bearer {people_services.issue_token(boss, 1)}"}
    ).json()["items"]
    assert [one["acts_for_holder"] for one in told if one["type"] == "company_licence"] == [True]
    food = wallet["food_business_licence"].identifier
    page = sign_in(client, boss).get("/my/certificates/").content.decode()
    assert "您是 亳州某某餐饮有限公司 的负责人" in page
    assert client.post(f"/my/certificates/{food}/").status_code == 200
    _made, code = sharing.share(
        boss, queries.certificate_of(boss, food), elements=["organisation.name"], purpose="平台入驻核验",
        recipient="某平台", until=clock.today(),
    )  # fmt: skip
    assert sharing.open_share(code, sharing.Reader("某平台")).held is not None
    assert queries.valid_certificate(boss.person, "company_licence") is not None

    city_lake({"market_supervision.company": company(demo.farmer.person.id_number)})
    assert running.make("company_licence").changed == 1
    assert not [one for one in queries.certificates_for(boss) if one.is_made]
    assert client.get(f"/my/certificates/{food}/").status_code == 404
    assert {one.type for one in queries.certificates_for(demo.farmer) if one.is_made} == wallet.keys() & {
        "company_licence", "food_business_licence",
    }  # fmt: skip


def test_of_two_companies_nobody_guesses_which_is_meant(demo: Any, city_lake: Callable[..., None]) -> None:
    rows = [
        {"uscc": uscc, "name": "甲公司", "founded_date": SINCE,
         "legal_representative_id_number": demo.restaurateur.person.id_number}
        for uscc in (USCC, "91341600MA2MTNKX0B")
    ]  # fmt: skip
    city_lake({"market_supervision.company": rows})
    running.make("company_licence")
    assert queries.valid_certificate(demo.restaurateur.person, "company_licence") is None
    assert len([one for one in queries.certificates_for(demo.restaurateur) if one.is_made]) == 2


def test_co_owners_hold_one_certificate_of_their_house(demo: Any, city_lake: Callable[..., None]) -> None:
    numbers = sorted([demo.farmer.person.id_number, demo.restaurateur.person.id_number])
    rows = [
        {"certificate_number": "皖2016涡阳县不动产权第0000001号", "owner_name": name, "owner_id_number": number,
         "address": "某小区", "registered_date": SINCE}
        for name, number in zip("甲乙", reversed(numbers), strict=True)
    ]  # fmt: skip
    city_lake({"land.house_right": rows})
    run = running.make("real_estate_certificate")
    assert (run.made, run.changed, run.refused) == (1, 0, 0)
    for account in (demo.farmer, demo.restaurateur):
        assert len([one for one in queries.certificates_for(account) if one.is_made]) == 1


def test_a_type_whose_class_lacks_its_holders_is_refused(city_lake: Callable[..., None]) -> None:
    city_lake({"civil_affairs.marriage": [marriage("1", "2")]})
    found = ports.lake_class("civil_affairs.marriage")
    fewer = {column: element for column, element in found.columns.items() if column != "woman_id_number"}
    ports.register_lake(lambda class_id: LakeClass(found.label, found.files, fewer, 1))
    with pytest.raises(Misconfigured, match="holders"):
        running.make("marriage_certificate")


def test_a_certificate_issued_in_a_case_has_further_holders_too(spouses: tuple[Any, Any]) -> None:
    man, woman = spouses
    issued = services.issue(
        "marriage_certificate", holder=man.person, case_number="341600202611230000099",
        face={"person.name": "某某", "person.id_number": man.person.id_number, "person.spouse_name": "王秀英",
              "person.spouse_id_number": woman.person.id_number},
        issuer=people.responsible_organisation("civil_affairs", "county", "341621108201"),
    )  # fmt: skip
    for account in spouses:
        (held,) = [one for one in queries.certificates_for(account) if one.identifier == issued.identifier]
        assert held.holder_id == account.person_id
        assert queries.valid_certificate(account.person, "marriage_certificate") is not None
        assert queries.certificate_of(account, issued.identifier).holder_id == account.person_id
    assert issued.file is not None
    assert queries.reads_own_certificate(woman, issued.file)


def test_every_type_with_members_names_columns_that_are_there() -> None:
    """`by` and `holder` of the city's own types, against the classes of the city folder."""
    from yici.base.cityfolder import city_folder, read_yaml

    checked = 0
    for kind in definitions.certificate_types().values():
        if kind.made_from is None:
            continue
        wanted = {kind.made_from.data_class: {kind.made_from.number, kind.made_from.holder}}
        if kind.made_from.members:
            members = kind.made_from.members
            wanted[members.data_class] = wanted.get(members.data_class, set()) | {members.by, members.holder}
        for name, columns in wanted.items():
            department, _dot, slug = name.partition(".")
            described = read_yaml(city_folder() / "classes" / department / f"{slug}.yaml")["columns"]
            assert columns <= {column["name"] for column in described}, (kind.slug, name)
            if name == kind.made_from.data_class:
                elements = {column.get("element") for column in described}
                assert not kind.representative or kind.representative in elements, kind.slug
                assert not kind.holders or set(kind.holders) & elements, kind.slug
        checked += 1
    assert checked > 30
