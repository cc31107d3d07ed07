"""Each kind of mistake in the folder is found, with the line it stands on."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from yici.base.cityfolder import city_folder
from yici.platform.data.catalogue import linting

CREMATION = "classes/civil_affairs/cremation.yaml"
HOUSEHOLD = "classes/public_security/household.yaml"
REGISTER = "classes/register.csv"
CATALOGUE = "classes/catalogue.yaml"
PAPER = "paper_series.yaml"
KEPT = (CREMATION, HOUSEHOLD, "classes/public_security/resident.yaml", REGISTER, CATALOGUE, PAPER, "sources.yaml")


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """The organisations, the whole register and three classes: enough for every check, and quick."""
    source = city_folder()
    shutil.copytree(source / "organisations", tmp_path / "organisations")
    for name in KEPT:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / name, tmp_path / name)
    return tmp_path


def test_the_city_of_the_house_has_no_findings() -> None:
    assert list(linting.lint(city_folder())) == []


def test_a_city_without_classes_has_no_findings(tmp_path: Path) -> None:
    assert list(linting.lint(tmp_path)) == []


# file, what is there, what somebody wrote instead, the rule that notices.
MISTAKES = [
    (CREMATION, "id: civil_affairs.cremation", "id: civil_affairs.burial", "classes.id"),
    (CREMATION, "cycle: daily", "cycle: hourly", "classes.shape"),
    (CREMATION, "cycle: daily", "cycle: daily\ncycle: weekly", "classes.yaml"),
    (CREMATION, "department: civil_affairs", "department: funeral", "classes.department"),
    (CREMATION, "category: base.population", "category: base.people", "classes.category"),
    (CREMATION, "code: 101006/", "code: 103006/", "classes.code"),
    (CREMATION, "code: 101006/", "code: 1/", "classes.code"),
    (CREMATION, "en: Cremations", 'en: ""', "classes.languages"),
    (CREMATION, "share: {type: conditional, condition", "share: {type: none, condition", "classes.register"),
    (CREMATION, "condition: {zh: 社保停发待遇、户口注销核对使用。, en: For ending pensions and checking deregistrations.}, ", "", "classes.share"),
    (CREMATION, "related: [", "related: [health.nothing, ", "classes.related"),
    (CREMATION, "key: [certificate_number]", "key: [number]", "classes.key"),
    (CREMATION, "key: [certificate_number]", "key: [birth_date]", "classes.key"),
    (CREMATION, "unit: civil_affairs", "unit: sports", "classes.unit"),
    (CREMATION, "kind: exchange", "kind: telegram", "classes.shape"),
    (CREMATION, "watermark: 更新时间", "watermark: 更新 时间", "classes.options"),
    (CREMATION, "options: {", "options: {connection: mausoleum_exchange, ", "classes.options"),
    (CREMATION, "options: {", "options: {tabel: cremation, ", "classes.options"),
    (CREMATION, "element: person.name", "element: person.nmae", "classes.element"),
    (CREMATION, "element: person.sex", "element: person.photo", "classes.element"),
    (CREMATION, "headers: [家属姓名, 经办人姓名, 丧属姓名]", "headers: [家属姓名, 性 别]", "classes.header"),
    (CREMATION, "name: relative_name, label: {zh: 家属姓名, en: Relative in charge}, ", "name: relative_name, ", "classes.languages"),
    (CREMATION, "name: sex, element", "name: name, element", "classes.column"),
    (CREMATION, "element: cremation.ashes, ", "element: cremation.ashes, code_list: ashes, ", "classes.code-list"),
    (CREMATION, "type: datetime, ", "type: code, ", "classes.code-list"),
    (CREMATION, "type: datetime, ", "type: money, ", "classes.unit"),
    (CREMATION, "type: datetime, ", "type: datetime, unit_in_source: yuan, ", "classes.unit"),
    (CREMATION, "parameters: {other: death_date}", "parameters: {other: day_of_death}", "classes.rule"),
    (CREMATION, "class: public_security.resident, column: id_number", "class: public_security.person, column: id_number", "classes.rule"),
    (CREMATION, "class: public_security.resident, column: id_number", "class: public_security.resident, column: number", "classes.rule"),
    (CREMATION, "{primitive: not_in_future, column: cremated_date", "{primitive: not_in_past, column: cremated_date", "classes.rule"),
    (CREMATION, "{primitive: not_in_future, column: cremated_date", "{primitive: not_in_future, parameters: {days: 3}, column: cremated_date", "classes.rule"),
    (CREMATION, "declared_rows: 420000", "declared_rows: 420001", "classes.register"),
    (REGISTER, "social_insurance.alive_check,", "insurance.alive_check,", "classes.slug"),
    (REGISTER, "social_insurance.retiree,", "social_insurance.alive_check,", "classes.slug"),
    (REGISTER, "领取养老金资格认证信息", "", "classes.languages"),
    (REGISTER, "Proofs of life of pensioners,social_insurance", "Proofs of life of pensioners,sports", "classes.department"),
    (REGISTER, "Proofs of life of pensioners,social_insurance,theme.social_security", "Proofs of life of pensioners,social_insurance,theme.security", "classes.category"),
    (REGISTER, "3400000,exchange,social_insurance", "3400000,telegram,social_insurance", "classes.channel"),
    (REGISTER, "3400000,exchange,social_insurance", "3400000,exchange,sports", "classes.unit"),
    (REGISTER, "monthly,conditional,no,personal,3400000", "hourly,conditional,no,personal,3400000", "classes.cycle"),
    (REGISTER, "monthly,conditional,no,personal,3400000", "monthly,none,yes,personal,3400000", "classes.open"),
    (REGISTER, "exchange,civil_affairs,static,civil_affairs", "exchange,civil_affairs,exchange,civil_affairs", "classes.channel"),
    (PAPER, "department: civil_affairs, data_class: civil_affairs.adoption", "department: archives, data_class: civil_affairs.adoption", "paper.department"),
    (PAPER, "data_class: civil_affairs.adoption,", "data_class: civil_affairs.child,", "paper.class"),
    (PAPER, "papers: 7300, scanned: 7300", "papers: 7300, scanned: 7301", "paper.shape"),
    (PAPER, ", en: Adoption files", "", "paper.languages"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "right", "wrong", "rule"), MISTAKES)
def test_a_mistake_is_found_on_its_line(city: Path, name: str, right: str, wrong: str, rule: str) -> None:
    text = (city / name).read_text("utf-8")
    assert text.count(right) >= 1, "the mistake must really be made"
    (city / name).write_text(text.replace(right, wrong, 1), "utf-8")
    line = text[: text.index(right)].count("\n") + 1
    found = [finding for finding in linting.lint(city) if finding.rule == rule and finding.path == name]
    assert found, f"nobody noticed: {[(one.path, one.rule, one.message) for one in linting.lint(city)]}"
    assert all(finding.message and finding.remedy for finding in found)
    if rule not in ("classes.rule", "classes.register", "classes.yaml", "classes.column"):
        assert line in {finding.line for finding in found}


def test_a_code_used_twice_names_the_other_class(city: Path) -> None:
    text = (city / CREMATION).read_text("utf-8")
    code = re.search(r"^code: (\S+)$", (city / HOUSEHOLD).read_text("utf-8"), re.MULTILINE)
    assert code
    (city / CREMATION).write_text(re.sub(r"(?m)^code: \S+$", f"code: {code[1]}", text), "utf-8")
    said = [finding.message for finding in linting.lint(city) if finding.rule == "classes.code"]
    assert any("public_security.household" in message for message in said)


def test_a_class_that_is_not_registered_is_found(city: Path) -> None:
    lines = (city / REGISTER).read_text("utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith("civil_affairs.cremation,")]
    (city / REGISTER).write_text("".join(kept), "utf-8")
    rules = {(finding.rule, finding.path) for finding in linting.lint(city)}
    assert ("classes.register", CREMATION) in rules
    assert ("classes.figures", REGISTER) in rules


@pytest.mark.parametrize(
    ("right", "wrong", "figure"),
    [
        ("holders: 55", "holders: 54", "holders"),
        ("classes: 867", "classes: 868", "classes"),
        ("links: 869", "links: 870", "links"),
        ("rows: 2700000000", "rows: 2900000000", "2,900,000,000"),
        ("{units: 24, classes: 502}", "{units: 25, classes: 502}", "channels.exchange.units"),
    ],
)
def test_figures_that_do_not_agree_are_named(city: Path, right: str, wrong: str, figure: str) -> None:
    text = (city / CATALOGUE).read_text("utf-8")
    (city / CATALOGUE).write_text(text.replace(right, wrong), "utf-8")
    said = [finding.message for finding in linting.lint(city) if finding.rule == "classes.figures"]
    assert len(said) == 1
    assert figure in said[0]


def test_a_broken_catalogue_file_does_not_hide_the_rest(city: Path) -> None:
    (city / CATALOGUE).write_text("categories: {base.population: {prefix: abc, label: {zh: 人口}}}\n", "utf-8")
    rules = {finding.rule for finding in linting.lint(city)}
    assert {"classes.catalogue", "classes.category"} <= rules
