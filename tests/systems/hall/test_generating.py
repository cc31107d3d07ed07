"""The catalogue made of bases, kinds of handling, registers and authorities."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from yici.base.cityfolder import read_yaml
from yici.base.errors import Misconfigured
from yici.systems.hall import folder
from yici.systems.hall.definitions import ItemDefinition
from yici.systems.hall.generating.entries import entries_of
from yici.systems.hall.generating.holders import Authorities, authorities, held

SHORT = """
code: zhensuo
name: 诊所登记 | Registration of a clinic
summary: 开诊所先登记。 | Register before opening a clinic.
task_type: 行政许可
subjects: [enterprise]
topics: [starting-a-business]
keywords: [诊所]
handler: {function: health, by: business}
held_by: [city, county]
handlings: [renew, cancel]
limits: {legal: 45, promised: 15}
legal_basis: [医疗机构管理条例 // 国务院令第149号 // 第十五条 // 执业须登记。 | Practice needs registration.]
conditions: [有执业医师 | Has a licensed doctor]
materials:
  - business_licence
  - plan: 平面图 | Plan // 标出各室 | Shows the rooms
  - doctor@health/certificate.number^: 医师执业证书 | Doctor's licence // 注册在本诊所 | Registered here
form:
  - business
  - rooms: [诊室 | Rooms, "rooms: number 诊室数 | Number of rooms", "night~: yes_no 夜间开诊吗 | Open at night"]
  - who
steps: [apply, accept, inspect, review, decide, deliver]
result: certificate 诊所备案证 | Clinic's certificate // 5 年 | Five years
faqs:
  - cost
  - agent
  - 要几名医师？ | How many doctors? // 至少一名。 | One at least.
"""


def made(city: Path, text: str = SHORT) -> list[ItemDefinition]:
    path = city / "items" / "zhensuo.yaml"
    raw = _read(text)
    return [folder.read_entry(entry, city) for entry in entries_of(raw, path.relative_to(city).as_posix(), city)]


def _read(text: str) -> object:
    import tempfile

    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as handle:
        handle.write(text)
        handle.flush()
        return read_yaml(Path(handle.name))


def test_shorthand_says_the_same_as_the_long_form(city: Path) -> None:
    item = made(city)[0]
    assert item.name.en == "Registration of a clinic"
    assert item.limits.legal.basis.startswith("中华人民共和国行政许可法")
    assert [one.id for one in item.materials] == ["business_licence", "plan", "doctor"]
    assert item.materials[1].must_upload
    assert [bool(proof.facts) for proof in item.materials[2].proven_by] == [True, False]
    rooms, night = item.form.pages[1].fields
    assert (rooms.type, rooms.required, night.required) == ("number", True, False)
    assert item.steps[3].limit is not None and item.steps[3].limit.amount == 14
    assert {"certificate.name", "organisation.name", "person.name"} <= {one.element for one in item.result.face}


def test_each_kind_of_handling_is_an_item_that_asks_for_the_paper_held(city: Path) -> None:
    _base, renewed, cancelled = made(city)
    assert (renewed.code, renewed.name.zh) == ("zhensuo-yx", "诊所登记（延续）")
    assert renewed.limits.promised.amount == 7
    assert renewed.materials[0].id == "held"
    assert not any(one.id == "plan" for one in renewed.materials)
    assert cancelled.result.kind == "document"
    assert "诊所备案证" in cancelled.result.name.zh


def test_an_unknown_fragment_is_refused_with_its_name(city: Path) -> None:
    with pytest.raises(Misconfigured, match=r"steps\.nothing"):
        made(city, SHORT.replace("steps: [apply,", "steps: [nothing,"))


def test_an_unknown_kind_of_handling_is_refused(city: Path) -> None:
    with pytest.raises(Misconfigured, match="没有业务办理项 enlarge"):
        made(city, SHORT.replace("[renew, cancel]", "[enlarge]"))


@pytest.fixture(scope="module")
def around(city: Path) -> Authorities:
    return authorities(city)


def test_rules_name_the_bodies_that_really_hold_it(around: Authorities) -> None:
    assert len(list(held(["city", "county"], "civil_affairs", around))) == 5
    assert [one.slug for one in held([{"level": "county", "only": ["lixin"]}], "health", around)] == ["lixin.health"]
    assert len(list(held(["township"], "civil_affairs", around))) == 96
    assert len(list(held([{"level": "village", "kinds": ["村"]}], "civil_affairs", around))) == 989
    assert len(list(held(["village"], "civil_affairs", around))) == 1360


def test_a_county_without_the_city_s_body_is_served_by_its_stand_in(around: Authorities) -> None:
    assert {one.function for one in held(["county"], "food_drug", around)} == {"market_supervision"}


def test_a_rule_that_finds_no_authority_is_refused(around: Authorities) -> None:
    with pytest.raises(Misconfigured, match="没有找到承担"):
        list(held(["county"], "meteorology", around))


def test_shorthand_is_plain_yaml() -> None:
    assert yaml.safe_load(SHORT)["code"] == "zhensuo"
