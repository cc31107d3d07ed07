"""The catalogue for other platforms: DCAT-AP 3.0.1 as JSON-LD, and a table with the fields of the national guide.

Describes classes, never their rows. What DCAT-AP has no term for (共享条件, 共享方式, 信息项) stands in a namespace of
our own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import override

from yici.base.cityfolder import city_folder
from yici.base.errors import Invalid
from yici.base.spreadsheets import csv_lines
from yici.base.text import Text
from yici.core.people.models import Organisation
from yici.platform.data.catalogue import reading
from yici.platform.data.catalogue.definition import ClassDefinition, Column
from yici.platform.data.catalogue.reading import Category
from yici.platform.data.models import Cycle, DataClass

__all__ = ["GUIDE_FIELDS", "catalogue_document", "dcat_of", "guide_rows", "guide_table", "write"]

CONTEXT: dict[str, Any] = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "adms": "http://www.w3.org/ns/adms#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "yici": "urn:yici:catalogue#",
}
_AUTHORITY = "http://publications.europa.eu/resource/authority"
_FREQUENCIES = {
    "realtime": "UPDATE_CONT",
    "daily": "DAILY",
    "weekly": "WEEKLY",
    "monthly": "MONTHLY",
    "quarterly": "QUARTERLY",
    "half_yearly": "ANNUAL_2",
    "yearly": "ANNUAL",
    "irregular": "IRREG",
}
_RIGHTS = {"unconditional": "PUBLIC", "conditional": "RESTRICTED", "none": "NON_PUBLIC"}
# The thirteen core fields of 《政务信息资源目录编制指南（试行）》 (2017); Chinese whatever the language of the reader.
GUIDE_FIELDS = (
    "信息资源分类", "信息资源名称", "信息资源代码", "信息资源提供方", "信息资源提供方代码", "信息资源摘要",
    "信息资源格式", "信息项信息", "共享属性", "开放属性", "更新周期", "发布日期", "关联资源代码",
)  # fmt: skip
_FORMATS = {
    "database": "数据库", "spreadsheet": "电子表格", "file": "电子文件", "image": "图形图像", "stream": "流媒体",
    "self_described": "自描述格式",
}  # fmt: skip
_SHARES = {"unconditional": "无条件共享", "conditional": "有条件共享", "none": "不予共享"}
_WAYS = {"platform": "共享平台", "interface": "接口", "file": "文件", "offline": "线下"}
_TYPES = {
    "text": "字符型C", "code": "字符型C", "yes_no": "字符型C", "date": "日期型D", "datetime": "日期时间型T",
    "number": "数值型N", "money": "货币型Y",
}  # fmt: skip


def dcat_of(data_class: DataClass) -> dict[str, Any]:
    """One class as a DCAT-AP dataset, a JSON-LD document by itself. Two queries at most."""
    return {"@context": CONTEXT, **_dataset(data_class, reading.catalogue_file(city_folder()).categories)}


def catalogue_document(classes: Iterable[DataClass], title: Text, publisher: Organisation) -> dict[str, Any]:
    """The catalogue with its datasets. `classes` come with `department`; no further query then."""
    categories = reading.catalogue_file(city_folder()).categories
    return {
        "@context": CONTEXT,
        "@id": _address("/data/catalogue"),
        "@type": "dcat:Catalog",
        "dct:title": _text(title),
        "dct:description": _text(
            Text(zh="本市各部门掌握的数据类及其共享、开放条件。", en="The classes of data that departments of the city hold, and how they are shared.")
        ),
        "dct:publisher": _agent(publisher),
        "dct:language": [{"@id": f"{_AUTHORITY}/language/{code}"} for code in ("ZHO", "ENG")],
        "dcat:themeTaxonomy": {"@id": "urn:yici:category", "@type": "skos:ConceptScheme", "dct:title": "信息资源分类"},
        "dcat:dataset": [_dataset(one, categories) for one in classes],
    }  # fmt: skip


def guide_rows(classes: Iterable[DataClass]) -> Iterator[list[str]]:
    """The thirteen fields of each class, in the order of `GUIDE_FIELDS`. `classes` come with `department`."""
    categories = reading.catalogue_file(city_folder()).categories
    kept = list(classes)
    codes = dict(DataClass.objects.filter(withdrawn_at=None).values_list("slug", "code"))
    for one in kept:
        definition = reading.definition_of(one) if one.definition else None
        category = categories.get(one.category)
        yield [
            category.label.zh if category else one.category,
            one.name,
            one.code,
            one.department.name,
            one.department.uscc or one.department.function,
            definition.summary.zh if definition else "",
            _FORMATS[definition.format] if definition else "",
            "；".join(_item(column) for column in definition.columns) if definition else "",
            _sharing(one, definition),
            _opening(one, definition),
            _cycle(one.cycle),
            definition.published.isoformat() if definition else "",
            "；".join(codes.get(slug, slug) for slug in definition.related) if definition else "",
        ]


def guide_table(classes: Iterable[DataClass]) -> str:
    """The guide's table as CSV, with a BOM so that spreadsheet programs read it as UTF-8."""
    return "".join(csv_lines(GUIDE_FIELDS, guide_rows(classes)))


def write(target: Path) -> None:
    """The whole catalogue into a file: `.csv` as the guide has it, `.jsonld` as DCAT-AP. Whole or not at all.

    Raises `Invalid` for another ending.
    """
    classes = DataClass.objects.filter(withdrawn_at=None).select_related("department")
    if target.suffix == ".csv":
        content = guide_table(classes)
    elif target.suffix in (".jsonld", ".json"):
        root = Organisation.objects.filter(parent=None).order_by("order").first()
        if root is None:
            raise Invalid(_("还没有机构，无法写出目录；请先执行 yici load。"))
        title = Text(zh=f"{root.name}政务信息资源目录", en=f"Catalogue of government data: {root.english}")
        content = json.dumps(catalogue_document(classes, title, root), ensure_ascii=False, indent=1)
    else:
        raise Invalid(_("目录只能写成 .csv（编制指南的表格）或 .jsonld（DCAT-AP），请换一个文件名。"))
    draft = target.with_name(f".{target.name}.draft")
    try:
        draft.write_text(content, "utf-8", newline="")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _dataset(one: DataClass, categories: dict[str, Category]) -> dict[str, Any]:
    definition = reading.definition_of(one) if one.definition else None
    address = _address(f"/data/classes/{one.slug}")
    document: dict[str, Any] = {
        "@id": address,
        "@type": "dcat:Dataset",
        "dct:identifier": one.code,
        "dct:title": _text(Text(zh=one.name, en=one.english)),
        "dct:description": _text(definition.summary if definition else Text(zh=one.name, en=one.english)),
        "dct:publisher": _agent(one.department),
        "dct:accessRights": {"@id": f"{_AUTHORITY}/access-right/{_RIGHTS[one.share_type]}"},
        "dct:accrualPeriodicity": {"@id": f"{_AUTHORITY}/frequency/{_FREQUENCIES[one.cycle]}"},
        "yici:sensitivity": one.sensitivity,
        "yici:isOpen": one.is_open,
        "yici:share": _share(one, definition),
    }
    if category := categories.get(one.category):
        document["dcat:theme"] = [_concept(one.category, category)]
    if definition:  # of a class that is only registered there are no rows to be had
        document["dcat:distribution"] = [_distribution(one, definition, address)]
        document["dct:issued"] = {"@value": definition.published.isoformat(), "@type": "xsd:date"}
        document["dct:relation"] = [{"@id": _address(f"/data/classes/{slug}")} for slug in definition.related]
        document["yici:column"] = [_column(column, definition) for column in definition.columns]
    return document


def _distribution(one: DataClass, definition: ClassDefinition, address: str) -> dict[str, Any]:
    kind = "XLSX" if definition.format == "spreadsheet" else "CSV"
    return {
        "@id": f"{address}#rows",
        "@type": "dcat:Distribution",
        "dct:title": _text(Text(zh=one.name, en=one.english)),
        "dcat:accessURL": {"@id": address},
        "dct:format": {"@id": f"{_AUTHORITY}/file-type/{kind}"},
    }


def _share(one: DataClass, definition: ClassDefinition | None) -> dict[str, Any]:
    share: dict[str, Any] = {"@type": "yici:Share", "yici:shareType": one.share_type}
    if definition:
        share["yici:shareWay"] = definition.share.way
        if definition.share.condition:
            share["yici:shareCondition"] = _text(definition.share.condition)
        if definition.open.condition:
            share["yici:openCondition"] = _text(definition.open.condition)
    return share


def _column(column: Column, definition: ClassDefinition) -> dict[str, Any]:
    described: dict[str, Any] = {
        "@type": "yici:Column",
        "yici:name": column.name,
        "dct:title": _text(column.label),
        "yici:type": column.type,
        "yici:sensitivity": column.sensitivity,
        "yici:isRequired": column.required,
        "yici:isKey": column.name in definition.key,
    }
    if column.element:
        described["yici:element"] = column.element
    return described


def _concept(name: str, category: Category) -> dict[str, Any]:
    return {
        "@id": f"urn:yici:category:{name}",
        "@type": "skos:Concept",
        "skos:notation": category.prefix,
        "skos:prefLabel": _text(category.label),
    }


def _agent(organisation: Organisation) -> dict[str, Any]:
    return {
        "@id": f"urn:yici:organisation:{organisation.slug}",
        "@type": "foaf:Agent",
        "foaf:name": _text(Text(zh=organisation.name, en=organisation.english)),
    }


def _text(text: Text) -> list[dict[str, str]]:
    """Both languages, as JSON-LD has them."""
    values = [("zh", text.zh), ("en", text.en)]
    return [{"@value": value, "@language": language} for language, value in values if value]


def _address(path: str) -> str:
    return f"{settings.SITE_URL}/api/v1{path}"


def _item(column: Column) -> str:
    """信息项信息 of one column: name and type."""
    return f"{column.label.zh}（{_TYPES[column.type]}）"


def _sharing(one: DataClass, definition: ClassDefinition | None) -> str:
    if definition is None:
        return _SHARES[one.share_type]
    parts = [_SHARES[one.share_type], _WAYS[definition.share.way]]
    if definition.share.condition:
        parts.append(definition.share.condition.zh)
    return "｜".join(parts)


def _opening(one: DataClass, definition: ClassDefinition | None) -> str:
    if not one.is_open:
        return "不开放"
    condition = definition.open.condition if definition else None
    return f"开放｜{condition.zh}" if condition else "开放"


def _cycle(cycle: str) -> str:
    with override("zh-hans"):
        return str(Cycle(cycle).label)
