"""The sixty described classes: whole, sound, and mapped to the vocabulary."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from yici.base.cityfolder import city_folder
from yici.base.errors import Misconfigured, NotFound
from yici.core.vocabulary import queries as vocabulary
from yici.platform.data.catalogue import reading
from yici.platform.data.catalogue.definition import LAKE_TYPES, ClassDefinition
from yici.platform.data.models import DataClass


def test_sixty_classes_are_described_over_many_departments() -> None:
    found = reading.definitions()
    assert len(found) == 60
    assert len({one.department for one in found.values()}) >= 25
    assert {channel.kind for one in found.values() for channel in one.channels} == {
        "file_drop",
        "exchange",
        "interface",
        "static",
    }


@pytest.mark.parametrize("class_id", sorted(reading.definitions()))
def test_every_column_of_a_class_resolves(class_id: str) -> None:
    one = reading.definition(class_id)
    assert 6 <= len(one.columns) <= 20
    for column in one.columns:
        assert column.lake_type == LAKE_TYPES[column.type]
        assert column.label.zh and column.label.en
        assert column.sensitivity in ("public", "internal", "personal", "sensitive")
        if column.code_list:
            assert vocabulary.code_list(column.code_list).codes
        if column.element and column.own_type is None:
            kind = vocabulary.element(column.element).type
            assert column.type == kind, "a file or a group is no column"
    assert all(one.by_name[name].required for name in one.key)
    assert sum(len(column.headers) > 1 for column in one.columns) >= len(one.columns) / 2
    assert len(one.rules) >= 2


def test_most_columns_are_mapped_to_elements() -> None:
    columns = [column for one in reading.definitions().values() for column in one.columns]
    assert sum(bool(column.element) for column in columns) / len(columns) > 0.6


def test_a_definition_survives_the_database_form() -> None:
    for one in reading.definitions().values():
        stored = json.loads(json.dumps(one.model_dump(mode="json", by_alias=True, exclude_defaults=True)))
        assert ClassDefinition.model_validate(stored) == one
        assert reading.definition_of(DataClass(slug=one.id, definition=stored)) == one


def test_a_class_that_is_not_described_is_not_found() -> None:
    with pytest.raises(NotFound):
        reading.definition("public_security.police_call")
    with pytest.raises(NotFound):
        reading.definition_of(DataClass(slug="public_security.police_call", name="110 接处警信息"))


def test_a_file_that_is_wrong_is_named_with_its_line(tmp_path: Path) -> None:
    source = city_folder() / "classes" / "civil_affairs" / "cremation.yaml"
    wrong = tmp_path / "cremation.yaml"
    wrong.write_text(source.read_text("utf-8").replace("cycle: daily", "cycle: hourly"), "utf-8")
    with pytest.raises(Misconfigured, match=r"cremation\.yaml:\d+ .*cycle"):
        reading.read_definition(wrong)
