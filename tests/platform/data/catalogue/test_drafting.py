"""A class that is only registered gets a description from a file of its department, which the linter then takes."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from yici.base.cityfolder import city_folder
from yici.core.vocabulary.rules import check_digit_of_id
from yici.platform.data.catalogue import drafting, linting
from yici.platform.data.catalogue.definition import ClassDefinition
from yici.platform.data.errors import Refused
from yici.platform.data.models import DataClass

SLUG = "development.project_approval"
HEADERS = ["项目代码", "项目名称", "申报人", "证件", "联系电话", "批复日期", "总投资（万元）", "备注"]


def _file(headers: list[str] = HEADERS) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerows([["政府投资项目审批情况表"], headers])
    for number in range(40):
        body = f"34160219800101{number:03d}"
        writer.writerow(
            [f"2017-341600-{number:04d}", "城南道路改造", "王秀英", body + check_digit_of_id(body), f"1385670{number:04d}",
             f"2017-06-{number % 28 + 1:02d}", f"{number * 1000 + 500}.50", "同意"][: len(headers)]
        )  # fmt: skip
    return out.getvalue().encode("gb18030")


@pytest.fixture
def data_class(demo: Any, tmp_path: Path, settings: Any) -> DataClass:
    settings.DATA_HOME = tmp_path / "data"
    return DataClass.objects.get(pk=SLUG)


def test_headers_are_matched_with_what_the_city_knows(data_class: DataClass) -> None:
    draft = drafting.file_of(data_class, [_file()], "项目.csv")
    assert draft.path == "classes/development/project_approval.yaml"
    found = {one.header: one for one in draft.columns}
    elements = {header: one.known.element for header, one in found.items() if one.known is not None}
    assert elements["证件"] == "person.id_number" and elements["联系电话"] == "organisation.contact_phone"
    assert (found["批复日期"].type, found["总投资（万元）"].type, found["备注"].type) == ("date", "money", "text")
    assert [one.header for one in draft.columns if one.is_key] == ["项目代码"]
    assert any("GB18030" in one for one in draft.warnings)


def test_no_value_of_the_file_stands_in_the_draft(data_class: DataClass) -> None:
    text = drafting.file_of(data_class, [_file()], "项目.csv").text
    assert "王秀英" not in text and "1385670" not in text and "3416021980" not in text


def test_the_draft_is_a_description_that_the_linter_reads(data_class: DataClass, tmp_path: Path) -> None:
    draft = drafting.file_of(data_class, [_file()], "项目.csv")
    definition = ClassDefinition.model_validate(yaml.safe_load(draft.text))
    assert definition.id == SLUG and definition.code == data_class.code and len(definition.columns) == len(HEADERS)
    assert definition.by_name["zong_tou_zi"].unit_in_source == "ten_thousand_yuan"
    city = tmp_path / "city"
    shutil.copytree(city_folder(), city)
    target = city / draft.path
    target.parent.mkdir(exist_ok=True)
    target.write_text(draft.text, "utf-8")
    findings = [one for one in linting.lint(city) if one.path == draft.path]
    # Identity numbers make it more sensitive than the register says: that is for a person to decide.
    assert [one.message.split(" ")[0] for one in findings] == ["sensitivity"]


@pytest.mark.parametrize("headers", [["编号", "名称"], ["第一", "第一"], ["a b", "1,2"], ["#", "'"]])
def test_strange_headers_make_a_sound_file_all_the_same(data_class: DataClass, headers: list[str]) -> None:
    definition = ClassDefinition.model_validate(
        yaml.safe_load(drafting.file_of(data_class, [_file(headers)], "a.csv").text)
    )
    assert len(definition.columns) == 2 and len(definition.by_name) == 2
    assert all(column.element == "" for column in definition.columns), "a common word says nothing of what it is"


def test_a_file_that_cannot_be_read_is_refused(data_class: DataClass) -> None:
    with pytest.raises(Refused):
        drafting.file_of(data_class, [b"%PDF-1.7"], "a.csv")
