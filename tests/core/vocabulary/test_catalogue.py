"""The city's vocabulary: complete, linted, quick to read, and open through the API."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from yici.core.vocabulary import queries, registry
from yici.core.vocabulary.errors import UnknownCodeList, UnknownElement
from yici.core.vocabulary.linting import lint

AGREED = [
    "person.name",
    "person.id_number",
    "person.sex",
    "person.birth_date",
    "person.ethnicity",
    "person.phone",
    "person.registered_address",
    "person.registered_division",
    "person.residential_address",
    "person.residential_division",
    "person.marital_status",
    "person.education_level",
    "household.number",
    "household.relation_to_head",
    "household.size",
    "bank.account_number",
    "bank.name",
    "bank.account_holder",
    "social_insurance.card_number",
    "medical_insurance.kind",
    "vehicle.plate_number",
    "organisation.name",
    "organisation.uscc",
    "organisation.address",
    "organisation.legal_representative",
    "disability.level",
    "disability.kind",
    "education.school_name",
    "subsidy.monthly_amount",
    "certificate.number",
]


def test_the_elements_everybody_uses_are_there() -> None:
    assert all(queries.has_element(element) for element in AGREED)
    assert len(queries.elements()) >= 270


def test_national_code_lists_are_complete() -> None:
    ethnicity = queries.code_list("ethnicity")
    assert len(ethnicity.codes) == 58 and ethnicity.label("01") == "汉族" and ethnicity.label("56") == "基诺族"
    assert [code.code for code in queries.code_list("sex").codes] == ["0", "1", "2", "9"]
    assert len(queries.code_list("disability_kind").codes) == 7
    assert len(queries.code_list("province").codes) == 34


def test_the_city_has_no_errors(city: Path) -> None:
    assert [finding for finding in lint(city) if finding.level == "error"] == []


def test_reading_the_vocabulary_is_quick() -> None:
    spent = []
    for _ in range(3):
        registry.forget()
        started = time.process_time()
        queries.elements()
        spent.append(time.process_time() - started)
    assert min(spent) < 0.15


def test_unknown_ids_are_not_found() -> None:
    with pytest.raises(UnknownElement, match=r"person\.nope"):
        queries.element("person.nope")
    for hostile in ("nope", "../elements/person", "/etc/passwd", ""):
        with pytest.raises(UnknownCodeList):
            queries.code_list(hostile)


def test_search_needs_every_word_and_reads_both_languages() -> None:
    assert [item.id for item in queries.search_elements("身份 配偶")] == ["person.spouse_id_number"]
    assert "person.birth_date" in [item.id for item in queries.search_elements("DATE of birth")]
    assert all(item.source == "court" for item in queries.search_elements("", source="court"))


def _linted(tmp_path: Path, city: Path, name: str, text: str) -> list[Any]:
    shutil.copytree(city / "vocabulary", tmp_path / "vocabulary")
    (tmp_path / "vocabulary" / name).write_text(text, "utf-8")
    return [finding for finding in lint(tmp_path) if finding.path == f"vocabulary/{name}"]


@pytest.mark.parametrize(
    ("fields", "rule", "line"),
    [
        ("  Person.Name:\n    label: {zh: 甲, en: A}\n    type: text\n    sensitivity: public\n", "id", 2),
        ("  person.name:\n    label: {zh: 甲, en: A}\n    type: text\n    sensitivity: public\n", "duplicate", 2),
        ("  x.y:\n    label: 只有中文\n    type: text\n    sensitivity: public\n", "languages", 2),
        (
            "  x.y:\n    label: {zh: 甲, en: A}\n    type: code\n    code_list: nope\n    sensitivity: public\n",
            "code-list",
            2,
        ),
        ("  x.y:\n    label: {zh: 甲, en: A}\n    type: code\n    sensitivity: public\n", "code-list", 2),
        ("  x.y:\n    label: {zh: 甲, en: A}\n    type: text\n", "shape", 2),
        ("  x.y:\n    label: {zh: 甲, en: A}\n    type: text\n    check: nope\n    sensitivity: public\n", "check", 2),
        ("  x.y:\n    label: {zh: 姓名, en: A}\n    type: text\n    sensitivity: public\n", "label", 2),
        (
            "  x.y:\n    label: {zh: 甲, en: A}\n    type: date\n    example: nope\n    sensitivity: public\n",
            "example",
            2,
        ),
        ("  x.y: nonsense\n", "shape", 2),
        ("  x.y: [\n", "yaml", 0),
    ],
)
def test_linter_names_file_and_line(tmp_path: Path, city: Path, fields: str, rule: str, line: int) -> None:
    findings = _linted(tmp_path, city, "elements/zz.yaml", f"elements:\n{fields}")
    assert (f"vocabulary.{rule}", line) in [(finding.rule, finding.line) for finding in findings]
    assert all(finding.remedy for finding in findings)


def test_linter_knows_the_functions_of_organisations(tmp_path: Path, city: Path) -> None:
    (tmp_path / "organisations").mkdir()
    (tmp_path / "organisations" / "all.yaml").write_text("organisations:\n  - {slug: a, function: health}\n", "utf-8")
    text = "elements:\n  x.y: {label: {zh: 甲, en: A}, type: text, sensitivity: public, source: astrology}\n"
    assert [finding.rule for finding in _linted(tmp_path, city, "elements/zz.yaml", text)] == ["vocabulary.source"]


def test_linter_finds_a_repeated_code(tmp_path: Path, city: Path) -> None:
    text = "id: zz\nlabel: {zh: 甲, en: A}\ncodes:\n  - {code: '1', label: {zh: 甲, en: A}}\n  - {code: '1', label: {zh: 乙, en: B}}\n"
    findings = _linted(tmp_path, city, "code_lists/zz.yaml", text)
    assert [(finding.rule, finding.line) for finding in findings] == [("vocabulary.duplicate", 5)]


@pytest.mark.django_db
def test_api_lists_elements_and_codes(client: Client) -> None:
    found = client.get("/api/v1/elements", {"q": "手机", "group": "person"}).json()
    assert found["elements"][0]["id"] == "person.phone"
    assert found["elements"][0]["label"] == {"zh": "手机号码", "en": "Mobile phone number"}
    codes = client.get("/api/v1/code-lists/sex").json()
    assert codes["codes"][1] == {"code": "1", "label": {"zh": "男", "en": "Male"}}
    missing = client.get("/api/v1/code-lists/nope")
    assert missing.status_code == 404 and missing["content-type"] == "application/problem+json"


@pytest.mark.django_db
def test_staff_find_elements_and_citizens_do_not_see_the_catalogue(client: Client, demo: Any, sign_in: Any) -> None:
    sign_in(client, demo.farmer)
    assert client.get("/desk/elements/").status_code in (302, 403)
    sign_in(client, demo.clerk, 2)
    page = client.get("/desk/elements/", {"q": "残疾等级"})
    assert page.status_code == 200
    assert "disability.level" in page.content.decode() and "person.name" not in page.content.decode()
    assert "Visual" in client.get("/desk/elements/code-lists/disability_kind/").content.decode()
    assert "没有符合条件" in client.get("/desk/elements/", {"q": "qqqq"}).content.decode()
    assert client.get("/desk/elements/code-lists/nope/").status_code == 404
