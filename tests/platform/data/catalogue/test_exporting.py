"""What another platform gets: DCAT-AP as JSON-LD, and the national guide's table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils.translation import override

from yici.base.cityfolder import city_folder
from yici.base.errors import Invalid
from yici.platform.data.catalogue import exporting, loading, reading
from yici.platform.data.models import DataClass

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _catalogue() -> None:
    loading.load(city_folder())


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(child)


def test_a_class_is_a_dcat_dataset() -> None:
    document = exporting.dcat_of(DataClass.objects.get(pk="civil_affairs.marriage"))
    assert document["@type"] == "dcat:Dataset"
    assert document["dct:title"][0] == {"@value": "婚姻登记信息", "@language": "zh"}
    assert document["dct:description"]
    assert document["dct:publisher"]["@id"] == "urn:yici:organisation:bz.civil_affairs"
    assert document["dct:accessRights"]["@id"].endswith("/access-right/RESTRICTED")
    assert document["dct:accrualPeriodicity"]["@id"].endswith("/frequency/DAILY")
    assert all(one["dcat:accessURL"]["@id"].startswith("http") for one in document["dcat:distribution"])
    assert document["yici:share"]["yici:shareCondition"][0]["@value"].startswith("户籍、生育")
    columns = {column["yici:name"]: column for column in document["yici:column"]}
    assert columns["registration_number"]["yici:isKey"]
    assert columns["man_id_number"]["yici:element"] == "marriage.man_id_number"


def test_every_prefix_used_is_in_the_context() -> None:
    classes = DataClass.objects.select_related("department")[:80]
    root = classes[0].department.parent
    assert root is not None
    document = exporting.catalogue_document(classes, exporting.Text(zh="目录", en="Catalogue"), root)
    for node in nodes({key: value for key, value in document.items() if key != "@context"}):
        used = [*node, *([node["@type"]] if isinstance(node.get("@type"), str) else [])]
        for term in used:
            if not term.startswith("@"):
                assert term.partition(":")[0] in exporting.CONTEXT, term
    assert {"dct:title", "dct:description", "dct:publisher", "dcat:dataset"} <= document.keys()
    assert len(document["dcat:dataset"]) == 80


def test_a_class_that_is_only_registered_is_exported_too() -> None:
    document = exporting.dcat_of(DataClass.objects.get(pk="petition.joint_meeting"))
    assert document["dct:accessRights"]["@id"].endswith("/access-right/NON_PUBLIC")
    assert "yici:column" not in document and "dcat:distribution" not in document


def test_the_catalogue_is_written_as_jsonld(tmp_path: Path) -> None:
    exporting.write(tmp_path / "catalogue.jsonld")
    document = json.loads((tmp_path / "catalogue.jsonld").read_text("utf-8"))
    assert document["@type"] == "dcat:Catalog"
    assert len(document["dcat:dataset"]) == 867
    assert len({dataset["@id"] for dataset in document["dcat:dataset"]}) == 867
    assert [path.name for path in tmp_path.iterdir()] == ["catalogue.jsonld"]


def test_the_table_has_the_guides_thirteen_fields_in_chinese_whoever_reads(tmp_path: Path) -> None:
    with override("en"):
        exporting.write(tmp_path / "catalogue.csv")
    text = (tmp_path / "catalogue.csv").read_text("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 867
    assert len(rows[0]) == 13
    row = next(row for row in rows if row["信息资源名称"] == "遗体火化信息")
    assert row["信息资源代码"] == reading.definition("civil_affairs.cremation").code
    assert row["信息资源提供方"] == "亳州市民政局"
    assert row["信息资源格式"] == "数据库"
    assert row["更新周期"] == "每日"
    assert row["发布日期"] == "2016-09-30"
    assert row["共享属性"].startswith("有条件共享｜共享平台｜")
    assert "死亡日期（日期型D）" in row["信息项信息"]
    related = reading.definition("civil_affairs.cremation").related
    assert row["关联资源代码"] == "；".join(reading.definition(slug).code for slug in related)


def test_a_cell_that_looks_like_a_formula_is_made_harmless() -> None:
    DataClass.objects.filter(pk="water.well").update(name='=HYPERLINK("http://x")')
    table = exporting.guide_table(DataClass.objects.filter(pk="water.well").select_related("department"))
    cells = next(iter(csv.reader(io.StringIO(table.splitlines()[1]))))
    assert cells[1].startswith("'=")


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        exporting.write(tmp_path / "catalogue.xml")
    assert list(tmp_path.iterdir()) == []
