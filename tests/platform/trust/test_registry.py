"""The register of 218 types, and the forty and more that are described."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from django.test import Client

from yici.base.cityfolder import city_folder, read_yaml
from yici.core.vocabulary import queries as vocabulary
from yici.platform.trust import linting, registry
from yici.platform.trust.definitions import certificate_types

pytestmark = pytest.mark.django_db


def test_the_register_lists_218_types_and_forty_are_described() -> None:
    listed = registry.registry().types
    assert len(listed) == 218 == len({row.name for row in listed})
    described = [row for row in listed if row.type]
    assert len(described) >= 40
    kinds = certificate_types()
    for row in described:
        assert kinds[row.type].name.zh == row.name


def test_every_described_type_is_complete() -> None:
    for kind in certificate_types().values():
        assert kind.name.en and kind.face, kind.slug
        assert kind.issuer or kind.authority.zh, kind.slug
        assert all(vocabulary.has_element(element) for element in kind.face), kind.slug


def test_types_made_from_data_name_columns_that_the_class_has() -> None:
    for kind in certificate_types().values():
        if kind.made_from is None:
            continue
        folder, name = kind.made_from.data_class.split(".")
        columns = {
            one["name"]: one.get("element", "")
            for one in read_yaml(city_folder() / "classes" / folder / f"{name}.yaml")["columns"]
        }
        for column in (
            kind.made_from.number,
            kind.made_from.holder,
            kind.made_from.valid_from,
            kind.made_from.valid_to,
        ):
            assert not column or column in columns, (kind.slug, column)
        assert set(kind.face) & set(columns.values()), kind.slug


def test_public_page_searches_by_name_issuer_and_what_is_proven(client: Client) -> None:
    page = client.get("/certificates/").content.decode()
    assert "共 218 种" in page and "居民身份证" in page and "粮食收购许可证" in page
    assert "采矿许可证" in client.get("/certificates/?q=采矿").content.decode()
    found = client.get("/certificates/?q=建筑面积").content.decode()
    assert "不动产权证书" in found and "采矿许可证" not in found
    only = client.get("/certificates/?category=identity").content.decode()
    assert "社会保障卡" in only and "采矿许可证" not in only
    assert "没有找到" in client.get("/certificates/?q=没有这种证").content.decode()


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("total: 218", "total: 219", "registry-total"),
        ("name: 采矿许可证,", "name: 林权证,", "registry-twice"),
        ("type: resident_id_card", "type: nothing", "registry-type"),
        ("category: right", "category: left", "registry-shape"),
    ],
)
def test_faults_of_the_register_are_found(city: Path, tmp_path: Path, old: str, new: str, rule: str) -> None:
    copy = tmp_path / "city"
    shutil.copytree(city / "certificates", copy / "certificates")
    text = (city / registry.FILE).read_text("utf-8")
    assert old in text
    (copy / registry.FILE).write_text(text.replace(old, new, 1), "utf-8")
    assert rule in {finding.rule for finding in linting.lint(copy)}
