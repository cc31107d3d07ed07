"""What `yici check` says about `guided/*.yaml`: entries exist, every way through ends in something that can be done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from yici.base.cityfolder import Finding
from yici.base.errors import Misconfigured, YiciError
from yici.systems.hall.definitions import ItemDefinition
from yici.systems.hall.guided import flows
from yici.systems.hall.guided.flows import Flow
from yici.systems.hall.joint.merging import merge
from yici.systems.hall.joint.themes import items_of_folder, supplies_of_folder

MOST_PATHS = 5000


def lint(city: Path) -> Iterator[Finding]:
    """Findings of every flow and topic. Reads files only."""
    flows.forget()
    topics = flows.topics_of(city)
    used: set[str] = set()
    for path in flows.flow_files(city):
        name = path.relative_to(city).as_posix()
        try:
            flow = flows.read_flow(path)
        except Misconfigured as error:
            yield Finding(name, 0, "guided.schema", str(error.message), "按提示的行改正")
            continue
        used.add(flow.topic)
        if path.stem != flow.code:
            yield Finding(name, 1, "guided.file-name", f"文件名应与编码一致：{flow.code}.yaml", "改文件名或编码")
        if flow.topic not in topics:
            yield Finding(name, 0, "guided.topic-known", f"没有专题 {flow.topic}", "改成 guided/topics.yaml 里的专题")
        yield from _flow(flow, name, city)
    for slug in sorted(set(topics) - used):
        yield Finding(
            f"{flows.FOLDER}/{flows.TOPICS}",
            0,
            "guided.topic-empty",
            f"专题 {slug} 下没有流程",
            "写一个流程，或删去专题",
            "warning",
        )


def _flow(flow: Flow, name: str, city: Path) -> Iterator[Finding]:
    items: dict[str, ItemDefinition] = {}
    for _path, entry in flow.named():
        if entry in flow.offline or entry in items:
            continue
        try:
            (items[entry],) = items_of_folder([entry], city)
        except YiciError:
            yield Finding(
                name, 0, "guided.entry-known", f"{entry} 既不是事项，也不在 offline 里", "改正编码，或写进 offline"
            )
    unused = set(flow.offline) - {entry for _path, entry in flow.named()}
    for key in sorted(unused):
        yield Finding(
            name, 0, "guided.offline-used", f"offline 里的 {key} 没有回答会用到", "删去，或接到一个回答上", "warning"
        )
    yield from _paths(flow, name, city, items)


def _paths(flow: Flow, name: str, city: Path, items: dict[str, ItemDefinition]) -> Iterator[Finding]:
    """Every list that some answers give can be joined, and none is empty."""
    supplies = supplies_of_folder(city)
    seen: set[frozenset[str]] = set()
    for answers in flow.paths(MOST_PATHS):
        entries = frozenset(entry for entry in flow.entries(answers) if entry in items or entry in flow.offline)
        if entries in seen:
            continue
        seen.add(entries)
        told = "、".join(f"{key}={value}" for key, value in answers.items())
        if not entries:
            yield Finding(
                name, 0, "guided.path-empty", f"回答 {told} 得到空清单", "至少给一个事项，或在 offline 里说明"
            )
        chosen = [items[entry] for entry in entries if entry in items]
        try:
            contradictions = merge(chosen, supplies=supplies).contradictions if chosen else ()
        except YiciError as error:
            yield Finding(name, 0, "guided.path-circular", f"回答 {told}：{error.message}", "去掉互相等待的一边")
            continue
        for one in contradictions:
            yield Finding(
                name, 0, "guided.path-contradiction", f"回答 {told}：{one.message}", "改问题，让这两项不会同时出现"
            )
