"""What `yici check` says about `joint/*.yaml`: every item is there, papers and fees exist, the set can be joined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from yici.base.cityfolder import Finding, read_yaml, yaml_files
from yici.base.errors import YiciError
from yici.core.forms import rules as forms
from yici.systems.hall import folder
from yici.systems.hall.definitions import ItemDefinition
from yici.systems.hall.joint import themes
from yici.systems.hall.joint.merging import Supply, merge
from yici.systems.hall.joint.themes import Theme


def lint(city: Path) -> Iterator[Finding]:
    """Findings of every theme. Reads files only."""
    themes.forget()
    fees = set(_fee_codes(city))
    found, findings = folder.read_all(city, themes.theme_files(city), themes.read_theme, "joint")
    yield from findings
    for name, theme in found:
        yield from _theme(theme, name, city, fees)


def unjoinable(items: Sequence[ItemDefinition], supplies: Sequence[Supply]) -> Iterator[tuple[str, str, str]]:
    """(rule, what is wrong, what to do) of a set that cannot be applied for as one."""
    try:
        contradictions = merge(items, supplies=supplies).contradictions if items else ()
    except YiciError as error:
        yield "circular", str(error.message), "去掉互相等待的一边"
        return
    for one in contradictions:
        yield "contradiction", one.message, "去掉一项，或者让这两项不会同时出现"


def _theme(theme: Theme, name: str, city: Path, fees: set[str]) -> Iterator[Finding]:
    try:
        items = themes.items_of_folder(theme.items, city)
    except YiciError as error:
        yield Finding(name, 0, "joint.item-known", str(error.message), "改正 items 里的编码，或先写这个事项")
        return
    by_code = {item.code: item for item in items}
    yield from _supplies(theme, name, by_code)
    for charge in theme.charges:
        if charge.fee not in fees:
            yield Finding(name, 0, "joint.fee-known", f"收费清单里没有 {charge.fee}", "改成 fees/ 里的编码")
        if charge.item not in by_code:
            yield Finding(
                name, 0, "joint.charge-item", f"收费 {charge.fee} 的 item {charge.item} 不在 items 里", "改正 item"
            )
    for row in theme.before:
        if row.item not in by_code:
            yield Finding(name, 0, "joint.before-item", f"before 里的事项 {row.item} 不在 items 里", "改正 item")
    supplies = [Supply(one.giver, one.taker, one.material) for one in theme.supplies]
    for rule, fault, mend in unjoinable(items, supplies):
        yield Finding(name, 0, f"joint.{rule}", fault, mend)
    keys = set(forms.union([item.form for item in items]).by_key)
    for charge in theme.charges:
        for key in (charge.quantity, charge.of):
            if key and key not in keys:
                yield Finding(
                    name, 0, "joint.charge-field", f"收费 {charge.fee} 用到的 {key} 没有事项会问", "改成表单里的内容"
                )


def _supplies(theme: Theme, name: str, by_code: dict[str, ItemDefinition]) -> Iterator[Finding]:
    for one in theme.supplies:
        for code in (one.giver, one.taker):
            if code not in by_code:
                yield Finding(name, 0, "joint.supply-item", f"supplies 里的 {code} 不在 items 里", "改正编码")
        taker = by_code.get(one.taker)
        if taker and one.material not in {material.id for material in taker.materials}:
            yield Finding(name, 0, "joint.supply-material", f"{one.taker} 没有材料 {one.material}", "改成它的材料编号")


def _fee_codes(city: Path) -> Iterator[str]:
    for path in yaml_files(city / "fees"):
        raw = read_yaml(path)
        yield from (str(fee.get("code", "")) for fee in raw if isinstance(fee, dict)) if isinstance(raw, list) else ()
