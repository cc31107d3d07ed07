"""A description of a class that is only registered, drafted from a file of its department: columns, elements, types, key.

What sixty described classes call a header is known, and what elements there are; the rest is taken for a column of its own. A
person reads the draft, puts it into the city folder and has it checked. No value of the file stands in it.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from pypinyin import lazy_pinyin

from yici.base import clock
from yici.base.text import Text
from yici.core.vocabulary import queries as vocabulary
from yici.platform.data.catalogue import reading
from yici.platform.data.catalogue.definition import ChannelEntry, ClassDefinition, Column, ColumnType, Share
from yici.platform.data.landing.headers import normal
from yici.platform.data.landing.landing import Landed
from yici.platform.data.landing.mapping import propose, unit_in, without_brackets
from yici.platform.data.landing.profiling import Profile
from yici.platform.data.models import DataClass

__all__ = ["Draft", "DraftColumn", "draft_of", "file_of"]

SURE = 0.8  # from here on a column that another class has, or an element, is taken over
# What values of a look are checked for: a look that is no accident tells the element whatever the header says.
_CHECKS = {"id_number": ("cn_id", "id_number"), "uscc": ("uscc",), "phone": ("phone",), "plate": ("plate",)}
_TYPES: dict[str, ColumnType] = {"date": "date", "money": "money", "number": "number"}
_NAMES_A_ROW = re.compile(r"(编号|号码|证号|代码|编码|序列号|流水号|号)$")
_NO_NAME = re.compile(r"[^a-z0-9]+")
_LONGEST_NAME = 40
_PLAIN, _WORDS = re.compile(r"[a-z][a-z0-9_.]*"), {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
_COMMON = 2  # characters of a header that any class may have


@dataclass(frozen=True)
class DraftColumn:
    """`known`: as other classes or an element have it; `why`, in words. Else `type` is what the values look like."""

    name: str
    header: str
    known: Column | None
    type: ColumnType
    is_key: bool
    why: str


@dataclass(frozen=True)
class Draft:
    """`text`: the YAML, to be put at `path` of the city folder."""

    path: str
    text: str
    columns: Sequence[DraftColumn]
    warnings: Sequence[str]


def draft_of(data_class: DataClass, landed: Landed) -> Draft:
    """The draft of a class from what landed. Asks for the class's channels, otherwise not the database."""
    columns = _with_key(list(_columns(data_class, landed)), landed)
    department, name = data_class.slug.split(".", 1)
    channels = list(data_class.channels.filter(withdrawn_at=None).select_related("unit").order_by("id"))
    links = [(channel.kind, channel.unit.function) for channel in channels]
    text = "\n".join([*_head(data_class, columns), *_delivery(links, columns, name), *_lines(data_class, columns), ""])
    return Draft(f"{reading.FOLDER}/{department}/{name}.yaml", text, columns, landed.warnings)


def file_of(data_class: DataClass, chunks: Iterable[bytes], name: str) -> Draft:
    """The same of a file that a person hands over; it is kept nowhere. Raises landing's `Refused`."""
    from yici.platform.data.lake.layout import work_root
    from yici.platform.data.landing.landing import land

    with tempfile.TemporaryDirectory(dir=work_root(), prefix="draft-") as folder:
        raw = Path(folder) / "sample"
        with raw.open("wb") as out:
            out.writelines(chunks)
        return draft_of(data_class, land(raw, Path(folder) / "landed.parquet", name=name))


# Columns ----------------------------------------------------------------------------------------------


def _columns(data_class: DataClass, landed: Landed) -> Iterator[DraftColumn]:
    known = _known()
    by_header = {one.header: one for one in propose(landed, _candidates(tuple(known)), {})}
    taken: set[str] = set()
    for place, header in enumerate(landed.headers, start=1):
        profile = landed.profiles.get(header)
        proposal = by_header[header]
        column, why = None, ""
        if proposal.column and proposal.confidence >= SURE:
            column, why = known[proposal.column], str(proposal.why)
        elif profile is not None and (column := _by_content(profile, known.values())):
            why = _("内容是{kind}").format(kind=column.label.zh)
        name = _free(column.name if column else _spelt(header, place), taken)
        taken.add(name)
        kind = column.type if column else _TYPES.get(profile.looks if profile else "", "text")
        yield DraftColumn(name, header, column, kind, False, why)


def _by_content(profile: Profile, known: Iterable[Column]) -> Column | None:
    if profile.looks in ("id_number", "uscc") and profile.valid_ids * 2 <= min(profile.filled, 200):
        return None
    wanted = _CHECKS.get(profile.looks, ())
    return next((column for column in known if column.check in wanted), None)


def _known() -> Mapping[str, Column]:
    """Columns that may be taken over, by a key of our own: those of described classes, the most used first, then
    elements nobody uses yet.
    """
    return _columns_of_city(tuple(sorted(reading.definitions())))


@lru_cache(maxsize=4)
def _columns_of_city(_class_ids: tuple[str, ...]) -> Mapping[str, Column]:
    uses: dict[str, list[Column]] = defaultdict(list)
    for definition in reading.definitions().values():
        for column in definition.columns:
            uses[column.element or f"{column.label.zh}/{column.type}/{column.code_list}"].append(column)
    owners: dict[str, Counter[str]] = defaultdict(Counter)
    for use, columns in uses.items():
        owners |= {header: owners[header] + Counter({use: 1}) for one in columns for header in map(normal, one.headers)}
    found: dict[str, Column] = {}
    for columns in sorted(uses.values(), key=len, reverse=True):
        usual = Counter(column.name for column in columns).most_common(1)[0][0]
        first = next(column for column in columns if column.name == usual)
        spoken = dict.fromkeys(header for column in columns for header in column.headers)
        # 编号 or 名称 says nothing of what it is: only a header that one of them has, or that is no common word.
        headers = [one for one in spoken if len(owners[normal(one)]) == 1 and (first.element or len(one) > _COMMON)]
        found[f"k{len(found)}"] = first.model_copy(update={"headers": (first.label.zh, *headers), "required": False})
    for element in vocabulary.elements():
        if element.id not in uses and element.type not in ("file", "group"):
            name = element.id.rpartition(".")[2]
            found[f"k{len(found)}"] = Column(name=name, headers=(element.label.zh,), element=element.id)
    return found


@lru_cache(maxsize=4)
def _candidates(keys: tuple[str, ...]) -> ClassDefinition:
    """A class of all of them, so that a file's headers are held against it as against any class."""
    known = _known()
    columns = [known[key].model_copy(update={"name": key}) for key in keys]
    nothing = Text(zh="—", en="—")
    return ClassDefinition(
        id="draft.columns", name=nothing, department="draft", category="draft", code="draft", summary=nothing,
        share=Share(type="none"), cycle="irregular", published=clock.today(), key=(columns[0].name,),
        channels=(ChannelEntry(kind="static", unit="draft"),), columns=tuple(columns),
    )  # fmt: skip


def _spelt(header: str, place: int) -> str:
    """A name that a file may have until somebody gives it an English one."""
    name = (
        _NO_NAME.sub("_", "_".join(lazy_pinyin(normal(without_brackets(header))))).strip("_")[:_LONGEST_NAME].strip("_")
    )
    return name if name[:1].isalpha() else f"column_{place}"


def _free(name: str, taken: set[str]) -> str:
    found, count = name, 2
    while found in taken:
        found, count = f"{name}_{count}", count + 1
    return found


def _with_key(columns: list[DraftColumn], landed: Landed) -> list[DraftColumn]:
    """The first column that names its row and never repeats in the sample, else the first that never repeats."""

    def once(profile: Profile | None) -> bool:
        return profile is not None and not profile.blank and profile.distinct == profile.filled > 0

    single = [
        one for one in columns if once(landed.profiles.get(one.header)) and one.type in ("text", "code", "number")
    ]
    named = [one for one in single if _NAMES_A_ROW.search(one.header)]
    key = next(iter([*named, *single, *columns]), None)
    return [replace(one, is_key=one is key) for one in columns]


# The file ---------------------------------------------------------------------------------------------


def _head(one: DataClass, columns: Sequence[DraftColumn]) -> Iterator[str]:
    held = "、".join(column.header for column in columns[:6])
    more = "等" if len(columns) > 6 else ""
    yield "# 由样本文件起草，未经核对。带“核对”的地方请逐处确认；是代码的列写 type: code 和 code_list。"
    yield "# 放入城市目录后执行 yici check，再执行 yici load。"
    yield f"id: {one.slug}"
    yield f"name: {_text(one.name, one.english)}"
    yield f"department: {one.slug.partition('.')[0]}"
    yield f"category: {one.category}"
    yield f"code: {one.code}"
    yield f"summary: {_text(f'{one.name}：{held}{more}。', f'{one.english}.')}  # 核对：写明范围和用途"
    condition = (
        f", condition: {_text('经提供单位同意。', 'With the consent of the unit.')}"
        if one.share_type == "conditional"
        else ""
    )
    way = "offline" if one.share_type == "none" else "platform"
    yield f"share: {{type: {one.share_type}{condition}, way: {way}}}{'  # 核对：写明共享条件' if condition else ''}"
    if one.is_open:
        yield "open: {is_open: true}"
    yield f"cycle: {one.cycle}"
    yield f"published: {clock.today():%Y-%m-%d}"
    yield f"declared_rows: {one.declared_rows}"
    yield f"key: [{', '.join(column.name for column in columns if column.is_key)}]  # 核对：样本里没有重复的值"
    yield "load: full  # 核对：每次给全量写 full，只给变化写 increment"


def _delivery(links: Sequence[tuple[str, str]], columns: Sequence[DraftColumn], name: str) -> Iterator[str]:
    yield "channels:"
    headers = [column.header for column in columns if column.is_key]
    options: dict[str, dict[str, Any]] = {
        "exchange": {"key": headers},
        "file_drop": {"pattern": f"{name}_*.csv", "settle": "marker"},
    }
    for kind, unit in links:
        given = f", options: {_flow(options[kind])}" if kind in options else ""
        yield f"  - {{kind: {kind}, unit: {unit}{given}}}"


def _lines(one: DataClass, columns: Sequence[DraftColumn]) -> Iterator[str]:
    yield "columns:"
    for column in columns:
        known = column.known
        parts: dict[str, Any] = {"name": column.name}
        if known is not None and known.element:
            parts["element"] = known.element
        else:
            parts["label"] = {
                "zh": known.label.zh if known else column.header,
                "en": known.label.en if known else column.name,
            }
            parts |= {"type": column.type}
            if known is not None and known.code_list:
                parts["code_list"] = known.code_list
            parts["sensitivity"] = known.sensitivity if known else one.sensitivity
        if known is not None and known.own_type and known.element:
            parts["type"] = known.own_type
        parts["headers"] = [column.header]
        if column.is_key:
            parts["required"] = True
        if column.type == "money":
            parts["unit_in_source"] = unit_in(column.header) or "yuan"
        remark = column.why if known else "核对：英文名、类型、敏感级别"
        yield f"  - {_flow(parts)}  # {remark}{'；核对金额单位' if column.type == 'money' else ''}"


def _text(zh: str, en: str) -> str:
    return _flow({"zh": zh, "en": en})


def _flow(value: Any) -> str:
    """A value as YAML on one line; JSON is YAML, and mappings read better without quotes around their names."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_flow(part)}" for name, part in value.items()) + "}"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)
