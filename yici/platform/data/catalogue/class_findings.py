"""Remarks about one class file: everything it refers to must be there and fit."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from yici.base.cityfolder import Finding, Located
from yici.base.errors import YiciError
from yici.base.text import Text
from yici.core.vocabulary import queries as vocabulary
from yici.platform.data.catalogue.definition import ChannelEntry, ClassDefinition, Column, RuleEntry
from yici.platform.data.catalogue.reading import RegisterEntry
from yici.platform.data.catalogue.register_findings import code_fault

# Parameters of rules that name other columns of the same row, and those that name several.
_OTHER_COLUMN = ("other", "id")
_OTHER_COLUMNS = ("columns",)
_DEFINED_BY = "改成 organisations/city.csv 中 holds_data 为 yes 的 function。"


@dataclass(frozen=True)
class Known:
    """What a class may refer to: functions that hold data, category → prefix of its codes, classes, connections."""

    holders: set[str]
    categories: dict[str, str]
    classes: Mapping[str, ClassDefinition]
    registered: Mapping[str, RegisterEntry]
    connections: set[str]


class ClassFindings:
    """One class file. `body` is the same as `definition`, with its lines."""

    def __init__(self, name: str, body: Located, definition: ClassDefinition, known: Known) -> None:
        self.name, self.body, self.definition, self.known = name, body, definition, known

    def findings(self) -> Iterator[Finding]:
        """In the order of the file; what rests on columns only where the columns are sound."""
        yield from self._catalogue()
        parts = [*self._columns(), *self._key()]
        rules = list(self._rules())
        yield from [*parts, *self._channels(), *rules]
        if not parts and not rules:
            yield from self._derived()
            yield from self._register()

    def _finding(
        self, place: tuple[str | int, ...], rule: str, message: str, remedy: str, level: Any = "error"
    ) -> Finding:
        return Finding(self.name, self.body.line_of(*place), f"classes.{rule}", message, remedy, level)

    def _catalogue(self) -> Iterator[Finding]:
        one, known = self.definition, self.known
        place = self.name.removeprefix("classes/").removesuffix(".yaml").replace("/", ".")
        if one.id != place:
            yield self._finding(("id",), "id", f"id 是 {one.id}，与文件位置 {place} 不同。", "两者改成一致。")
        if one.department != one.id.partition(".")[0]:
            yield self._finding(
                ("department",), "department", f"部门 {one.department} 与 id 不一致。", "两者改成一致。"
            )
        if one.department not in known.holders:
            yield self._finding(("department",), "department", f"{one.department} 不是数据持有单位。", _DEFINED_BY)
        if one.category not in known.categories:
            yield self._finding(
                ("category",), "category", f"分类 {one.category} 不存在。", "改成 catalogue.yaml 中的一类。"
            )
        elif fault := code_fault(one.code, one.category, known.categories):
            yield self._finding(("code",), "code", fault, "改正代码或分类。")
        for field, text in (("name", one.name), ("summary", one.summary)):
            yield from self._languages((field,), text)
        if one.share.type == "conditional" and one.share.condition is None:
            yield self._finding(("share",), "share", "有条件共享，却没有写共享条件。", "在 share 里写 condition。")
        if one.open.is_open and one.share.type == "none":
            yield self._finding(("open",), "open", "不予共享的数据不能向社会开放。", "改 share.type，或去掉 open。")
        for other in one.related:
            if other not in known.registered:
                yield self._finding(
                    ("related",), "related", f"关联的数据类 {other} 不存在。", "改正，或先在 register.csv 登记。"
                )

    def _languages(self, place: tuple[str | int, ...], text: Text | None) -> Iterator[Finding]:
        if text is not None and not (text.zh.strip() and text.en.strip()):
            yield self._finding(place, "languages", f"{'.'.join(map(str, place))} 缺少中文或英文。", "补上 zh 和 en。")

    def _columns(self) -> Iterator[Finding]:
        names: set[str] = set()
        headers: dict[str, str] = {}
        for number, column in enumerate(self.definition.columns):
            place: tuple[str | int, ...] = ("columns", number)
            if column.name in names:
                yield self._finding(place, "column", f"列 {column.name} 写了两次。", "删去一个或改名。")
            names.add(column.name)
            for header in column.headers:
                first = headers.setdefault(plain_header(header), column.name)
                if first != column.name:
                    message = f"列名“{header}”既是 {first} 又是 {column.name} 的。"
                    yield self._finding(place, "header", message, "一个列名只能指一列，删去一处。")
            yield from self._languages(place, column.own_label)
            yield from self._column(place, column)

    def _column(self, place: tuple[str | int, ...], column: Column) -> Iterator[Finding]:
        if column.element and not vocabulary.has_element(column.element):
            message = f"没有数据元 {column.element}。"
            yield self._finding(place, "element", message, "改成 vocabulary/elements 中的数据元，或先在那里定义。")
            return
        if column.element and vocabulary.element(column.element).type in ("file", "group"):
            yield self._finding(place, "element", f"数据元 {column.element} 不是一个值。", "改用有值的数据元。")
        if not column.element and column.own_label is None:
            yield self._finding(place, "languages", f"列 {column.name} 没有数据元也没有名称。", "写 label（zh、en）。")
        if column.type == "code" and not column.code_list:
            yield self._finding(place, "code-list", f"代码列 {column.name} 没有 code_list。", "写上代码表编号。")
        if column.code_list and column.code_list not in self._code_lists():
            yield self._finding(
                place, "code-list", f"代码表 {column.code_list} 不存在。", "在 code_lists 下新建或改正编号。"
            )
        if column.type == "money" and not column.unit_in_source:
            message = f"金额列 {column.name} 没有写来源单位。"
            yield self._finding(place, "unit", message, "写 unit_in_source：yuan、fen 或 ten_thousand_yuan。")
        if column.type != "money" and column.unit_in_source:
            yield self._finding(place, "unit", f"{column.name} 不是金额，不能有来源单位。", "删去 unit_in_source。")

    @staticmethod
    def _code_lists() -> set[str]:
        return {one.id for one in vocabulary.code_lists()}

    def _key(self) -> Iterator[Finding]:
        for name in self.definition.key:
            column = self.definition.by_name.get(name)
            if column is None:
                yield self._finding(("key",), "key", f"主键 {name} 不是这一类的列。", "改成 columns 中的 name。")
            elif not column.required:
                yield self._finding(("key",), "key", f"主键 {name} 不是必填。", "给该列写 required: true。")

    def _channels(self) -> Iterator[Finding]:
        kinds: set[str] = set()
        for number, channel in enumerate(self.definition.channels):
            place: tuple[str | int, ...] = ("channels", number)
            if channel.unit not in self.known.holders:
                yield self._finding(place, "unit", f"提供单位 {channel.unit} 不是数据持有单位。", _DEFINED_BY)
            if channel.kind in kinds:
                yield self._finding(place, "channel", f"通道 {channel.kind} 写了两次。", "一类数据一种通道只写一次。")
            kinds.add(channel.kind)
            for message in self._option_faults(channel):
                yield self._finding(place, "options", message, "对照 sources/README.md 的参数表和 sources.yaml 修改。")

    def _option_faults(self, channel: ChannelEntry) -> Iterator[str]:
        """The options as the channel's plug-in judges them. Imported here: channels read definitions themselves."""
        from yici.platform.data.sources.base import read_options
        from yici.platform.data.sources.defaults import completed
        from yici.platform.data.sources.registry import source

        options = completed(channel.kind, channel.options, self.definition)
        try:
            read_options(source(channel.kind).Options, options)
        except YiciError as error:
            yield str(error.message)
        connection = options.get("connection")
        if connection and connection not in self.known.connections:
            yield f"sources.yaml 里没有连接 {connection}。"

    def _rules(self) -> Iterator[Finding]:
        for number, rule in enumerate(self.definition.rules):
            place: tuple[str | int, ...] = ("rules", number)
            yield from self._languages(place, rule.message)
            yield from self._languages(place, rule.basis)
            for name in _columns_named(rule):
                if name not in self.definition.by_name:
                    yield self._finding(
                        place, "rule", f"规则 {rule.primitive} 提到的列 {name} 不存在。", "改成 columns 中的 name。"
                    )
            if rule.primitive == "exists_in":
                yield from self._reference(place, rule)
            listed = rule.parameters.get("list")
            if rule.primitive == "in_code_list" and listed not in self._code_lists():
                yield self._finding(place, "code-list", f"代码表 {listed} 不存在。", "在 code_lists 下新建或改正编号。")

    def _reference(self, place: tuple[str | int, ...], rule: RuleEntry) -> Iterator[Finding]:
        target = self.known.classes.get(str(rule.parameters.get("class", "")))
        column = str(rule.parameters.get("column", ""))
        if target is None:
            message = f"规则 exists_in 提到的数据类 {rule.parameters.get('class')} 没有写明。"
            yield self._finding(place, "rule", message, "改成写有 YAML 的数据类。")
        elif column not in target.by_name:
            yield self._finding(
                place, "rule", f"数据类 {target.id} 没有列 {column}。", "改成那一类 columns 中的 name。"
            )

    def _derived(self) -> Iterator[Finding]:
        """What the rule language itself says. Imported here: rules read definitions themselves."""
        from yici.platform.data.rules.deriving import rules_of

        try:
            rules_of(self.definition)
        except YiciError as error:
            yield self._finding(("rules",), "rule", f"规则写得不对：{error.message}", "对照 rules 的原语表修改。")

    def _register(self) -> Iterator[Finding]:
        entry = self.known.registered.get(self.definition.id)
        if entry is None:
            yield self._finding(("id",), "register", "register.csv 里没有这一类。", "在登记表加一行。")
            return
        one = self.definition
        both = {
            "name": (one.name.zh, entry.name),
            "english": (one.name.en, entry.english),
            "category": (one.category, entry.category),
            "code": (one.code, entry.code),
            "cycle": (one.cycle, entry.cycle),
            "share_type": (one.share.type, entry.share_type),
            "is_open": (one.open.is_open, entry.is_open),
            "sensitivity": (one.sensitivity, entry.sensitivity),
            "declared_rows": (one.declared_rows, entry.declared_rows),
            "channels": (
                [(channel.kind, channel.unit) for channel in one.channels],
                [(link.kind, link.unit) for link in entry.links],
            ),
        }
        for field, (here, there) in both.items():
            if here != there:
                message = f"{field} 是 {here}，登记表第 {entry.line} 行是 {there}。"
                yield self._finding((field,), "register", message, "两处改成一致。")


def plain_header(header: str) -> str:
    """A header as it is compared: full-width signs narrow, without blanks, lower case."""
    return "".join(unicodedata.normalize("NFKC", header).split()).casefold()


def _columns_named(rule: RuleEntry) -> Iterator[str]:
    if rule.column:
        yield rule.column
    for parameter in _OTHER_COLUMN:
        if rule.parameters.get(parameter):
            yield str(rule.parameters[parameter])
    for parameter in _OTHER_COLUMNS:
        yield from map(str, rule.parameters.get(parameter) or ())
