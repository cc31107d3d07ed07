"""What `yici check` says about `guided/*.yaml`: entries exist, what the hall offers is not called offline, and every way
through ends in something that can be done.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from yici.base.cityfolder import Finding
from yici.base.errors import Misconfigured
from yici.systems.hall import folder
from yici.systems.hall.definitions import ItemDefinition
from yici.systems.hall.generating import entries as generating
from yici.systems.hall.generating.entries import Entry
from yici.systems.hall.generating.shorthand import chinese
from yici.systems.hall.guided import flows
from yici.systems.hall.guided.flows import Flow, Offline
from yici.systems.hall.joint.linting import unjoinable
from yici.systems.hall.joint.themes import supplies_of_folder

MOST_PATHS = 5000
# Shorter words stand in the names of too many things to say that they are the same.
SHORTEST_NAME, SHORTEST_KEYWORD = 5, 4


def lint(city: Path) -> Iterator[Finding]:
    """Findings of every flow and topic. Reads files only."""
    flows.forget()
    topics = flows.topics_of(city)
    found, findings = folder.read_all(city, flows.flow_files(city), flows.read_flow, "guided")
    yield from findings
    catalogue = _catalogue(city)
    for name, flow in found:
        if flow.topic not in topics:
            yield Finding(name, 0, "guided.topic-known", f"没有专题 {flow.topic}", "改成 guided/topics.yaml 里的专题")
        yield from _flow(flow, name, city, catalogue)
    for slug in sorted(set(topics) - {flow.topic for _name, flow in found}):
        yield Finding(
            f"{flows.FOLDER}/{flows.TOPICS}",
            0,
            "guided.topic-empty",
            f"专题 {slug} 下没有流程",
            "写一个流程，或删去专题",
            "warning",
        )


def _catalogue(city: Path) -> dict[str, Entry]:
    """Base items by code. A file that cannot be read is the catalogue linter's to name."""
    try:
        return {entry.code: entry for entry in generating.entries(city) if not entry.handling}
    except Misconfigured:
        return {}


def _flow(flow: Flow, name: str, city: Path, catalogue: Mapping[str, Entry]) -> Iterator[Finding]:
    items: dict[str, ItemDefinition] = {}
    elsewhere = {*flow.offline, *flow.later}
    wanted = {entry for _path, entry in flow.named()}
    for entry in sorted(wanted - elsewhere):
        if entry in catalogue:
            items[entry] = folder.read_entry(catalogue[entry], city)
        else:
            yield Finding(
                name,
                0,
                "guided.entry-known",
                f"{entry} 既不是事项，也不在 offline、later 里",
                "改正编码，或写进 offline",
            )
    for key, later in flow.later.items():
        if later.item not in catalogue:
            yield Finding(name, 0, "guided.entry-known", f"later 里的 {key} 指向的 {later.item} 不是事项", "改正编码")
    for key in sorted(elsewhere - wanted):
        yield Finding(
            name,
            0,
            "guided.offline-used",
            f"offline 或 later 里的 {key} 没有回答会用到",
            "删去，或接到一个回答上",
            "warning",
        )
    for key, offline in flow.offline.items():
        yield from _online_after_all(key, offline, name, catalogue)
    yield from _paths(flow, name, city, items)


def _online_after_all(key: str, offline: Offline, name: str, catalogue: Mapping[str, Entry]) -> Iterator[Finding]:
    """Nothing may be called offline that is in the catalogue, by its code, its name, its result or a keyword."""
    for code, entry in catalogue.items():
        if code in offline.unlike or not (code == key or _is_alike(offline.name.zh, entry)):
            continue
        item = chinese(entry.raw.get("name"))
        yield Finding(
            name,
            0,
            "guided.online-after-all",
            f"“{offline.name.zh}”写成线下办理，可是事项清单里有“{item}”（{code}）",
            f"把回答接到 {code}；确实不是一回事的，在 unlike 里写上 {code}",
        )


def _is_alike(name: str, entry: Entry) -> bool:
    called, item = _plain(name), _plain(chinese(entry.raw.get("name")))
    result = (entry.raw.get("result") or {}).get("name")
    keywords = (entry.raw.get("listing") or {}).get("keywords") or ()
    return (
        (min(len(called), len(item)) >= SHORTEST_NAME and (_runs_through(called, item) or _runs_through(item, called)))
        or (result is not None and _plain(chinese(result)) == called)
        or any(len(word) >= SHORTEST_KEYWORD and word in called for word in map(str, keywords))
    )


def _plain(name: str) -> str:
    """Without what stands in brackets and without punctuation."""
    return re.sub(r"（[^）]*）|[^\w]", "", name)


def _runs_through(short: str, long: str) -> bool:
    """Whether every character of one stands in the other, in its order."""
    rest = iter(long)
    return all(character in rest for character in short)


def _paths(flow: Flow, name: str, city: Path, items: dict[str, ItemDefinition]) -> Iterator[Finding]:
    """Every list that some answers give can be joined, and none is empty."""
    supplies = supplies_of_folder(city)
    seen: set[frozenset[str]] = set()
    for answers in flow.paths(MOST_PATHS):
        known = {*items, *flow.offline, *flow.later}
        entries = frozenset(entry for entry in flow.entries(answers) if entry in known)
        if entries in seen:
            continue
        seen.add(entries)
        told = "、".join(f"{key}={value}" for key, value in answers.items())
        if not entries:
            yield Finding(
                name, 0, "guided.path-empty", f"回答 {told} 得到空清单", "至少给一个事项，或在 offline 里说明"
            )
        chosen = [items[entry] for entry in sorted(entries) if entry in items]
        for rule, fault, mend in unjoinable(chosen, supplies):
            yield Finding(name, 0, f"guided.path-{rule}", f"回答 {told}：{fault}", mend)
