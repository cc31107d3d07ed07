"""Remarks about `classes/register.csv`: each line by itself, and the figures it must come to."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, get_args

from yici.base.cityfolder import Finding
from yici.core.vocabulary.definitions import Sensitivity
from yici.platform.data.catalogue.definition import Share
from yici.platform.data.catalogue.reading import FOLDER, Figures, RegisterEntry
from yici.platform.data.models import Channel, Cycle

if TYPE_CHECKING:
    from yici.platform.data.catalogue.class_findings import Known

NAME = f"{FOLDER}/register.csv"
SLUG = re.compile(r"[a-z_]+\.[a-z][a-z0-9_]*")
# 分类码 (类 1, 项 2, 目 3, 细目 of any length) and 顺序码, parted by a slash.
CODE = re.compile(r"[1-9][0-9]{5,}/[0-9]{6}")
ROWS_TOLERANCE = 0.001
_ALLOWED = {
    "cycle": set(Cycle.values),
    "share_type": set(get_args(Share.model_fields["type"].annotation)),
    "sensitivity": set(get_args(Sensitivity)),
}


def code_fault(code: str, category: str, categories: dict[str, str]) -> str:
    """What is wrong with a 信息资源代码, or empty."""
    if not CODE.fullmatch(code):
        return f"信息资源代码 {code} 应为分类码（至少 6 位）/顺序码（6 位），如 101005/000001。"
    prefix = categories.get(category, "")
    return "" if code.startswith(prefix) else f"代码 {code} 与分类 {category} 不符，应以 {prefix} 开头。"


def lines_of_register(register: Sequence[RegisterEntry], known: Known) -> Iterator[Finding]:
    """Findings line by line."""
    seen: dict[str, int] = {}
    codes: dict[str, int] = {}
    for entry in register:
        for rule, message, remedy in [*_naming(entry, seen, codes), *_values(entry, known), *_links(entry, known)]:
            yield Finding(NAME, entry.line, f"classes.{rule}", message, remedy)
        seen.setdefault(entry.slug, entry.line)
        codes.setdefault(entry.code, entry.line)


def _naming(entry: RegisterEntry, seen: dict[str, int], codes: dict[str, int]) -> Iterator[tuple[str, str, str]]:
    if not SLUG.fullmatch(entry.slug) or entry.slug.partition(".")[0] != entry.department:
        yield "slug", f"标识 {entry.slug} 应为 {entry.department}.英文名。", "用部门的 function 加点加小写英文名。"
    if entry.slug in seen:
        yield "slug", f"标识 {entry.slug} 与第 {seen[entry.slug]} 行重复。", "一个数据类只登记一行。"
    if entry.code in codes:
        yield "code", f"信息资源代码 {entry.code} 与第 {codes[entry.code]} 行重复。", "顺序码往后取一个没有用过的。"
    if not entry.name or not entry.english:
        yield "languages", f"{entry.slug} 缺少中文或英文名称。", "补上 name 和 english。"


def _values(entry: RegisterEntry, known: Known) -> Iterator[tuple[str, str, str]]:
    if entry.category not in known.categories:
        yield "category", f"{entry.slug} 的分类 {entry.category} 不存在。", "改成 catalogue.yaml 中的一类。"
    elif fault := code_fault(entry.code, entry.category, known.categories):
        yield "code", fault, "改正代码或分类。"
    for field, allowed in _ALLOWED.items():
        if getattr(entry, field) not in allowed:
            choices = "、".join(sorted(allowed))
            yield field, f"{entry.slug} 的 {field} 不能是 {getattr(entry, field)}。", f"从这些中选：{choices}。"
    if entry.is_open and entry.share_type == "none":
        yield "open", f"{entry.slug} 不予共享，却向社会开放。", "把 is_open 改成 no，或改共享类型。"
    if entry.declared_rows < 0:
        yield "rows", f"{entry.slug} 的 declared_rows 是负数。", "写部门申报的条数。"


def _links(entry: RegisterEntry, known: Known) -> Iterator[tuple[str, str, str]]:
    if entry.department not in known.holders:
        yield "department", f"{entry.slug} 的部门 {entry.department} 不是数据持有单位。", _HOLDERS
    for link in entry.links:
        if link.kind not in Channel.values:
            yield "channel", f"{entry.slug} 的通道 {link.kind} 不存在。", f"从这些中选：{'、'.join(Channel.values)}。"
        if link.unit not in known.holders:
            yield "unit", f"{entry.slug} 的提供单位 {link.unit} 不是数据持有单位。", _HOLDERS
    kinds = [link.kind for link in entry.links]
    if len(set(kinds)) < len(kinds):
        yield "channel", f"{entry.slug} 的同一通道写了两次。", "第二通道要与第一通道不同，否则留空。"


_HOLDERS = "改成 organisations/city.csv 中 holds_data 为 yes 的 function。"


def figures_of_register(register: Sequence[RegisterEntry], expected: Figures | None, source: str) -> Iterator[Finding]:
    """The register against the figures of the source document (`expected` of `source`)."""
    if expected is None or not register:
        return
    units: dict[str, set[str]] = defaultdict(set)
    classes: Counter[str] = Counter()
    for entry in register:
        for link in entry.links:
            units[link.kind].add(link.unit)
            classes[link.kind] += 1
    found = {
        "holders": (len(set().union(*units.values())), expected.holders),
        "classes": (len(register), expected.classes),
        "links": (classes.total(), expected.links),
    }
    for kind, figures in expected.channels.items():
        found[f"channels.{kind}.units"] = (len(units[kind]), figures.units)
        found[f"channels.{kind}.classes"] = (classes[kind], figures.classes)
    for name, (actual, wanted) in found.items():
        if actual != wanted:
            message = f"{name} 应为 {wanted}，登记表实有 {actual}。"
            yield Finding(NAME, 0, "classes.figures", message, f"改正登记表；数字确有变化时改 {source} 的 expected。")
    rows = sum(entry.declared_rows for entry in register)
    if abs(rows - expected.rows) > expected.rows * ROWS_TOLERANCE:
        message = f"各类申报条数合计 {rows:,}，与 {expected.rows:,} 相差超过千分之一。"
        yield Finding(NAME, 0, "classes.figures", message, f"改正登记表；数字确有变化时改 {source} 的 expected。")
