"""What the rest of the city folder offers to an item: elements, workflows, bodies, certificate types, topics."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yici.base.cityfolder import Located, read_yaml, yaml_files
from yici.core.vocabulary import queries as vocabulary
from yici.systems.hall import folder


@dataclass(frozen=True)
class Surroundings:
    """Everything is by id. An empty set means that the folder does not have that part at all."""

    city: Path
    elements: frozenset[str]
    functions: frozenset[str]
    workflows: dict[str, frozenset[str]]
    certificates: dict[str, frozenset[str]]
    """Type → the elements that it prints."""
    topics: dict[str, folder.Topic]
    centres: frozenset[str]
    fees: frozenset[str] = frozenset()
    paid_workflows: frozenset[str] = frozenset()
    signing_workflows: frozenset[str] = frozenset()
    topic_lines: dict[str, int] = field(default_factory=dict)
    used_topics: set[str] = field(default_factory=set)


def surroundings_of(city: Path) -> Surroundings:
    topics = read_yaml(city / folder.TOPICS) if (city / folder.TOPICS).is_file() else Located()
    named = topics.get("topics")
    return Surroundings(
        city=city,
        elements=frozenset(element.id for element in vocabulary.elements()),
        functions=frozenset(_functions(city)),
        workflows=dict(_workflows(city)),
        certificates=dict(_certificates(city)),
        topics=folder.topics_of(city),
        centres=frozenset(folder.centres(city)),
        fees=frozenset(_fees(city)),
        paid_workflows=frozenset(_paid_workflows(city)),
        signing_workflows=frozenset(_signing_workflows(city)),
        topic_lines=dict(named.lines) if isinstance(named, Located) else {},
    )


def _functions(city: Path) -> Iterator[str]:
    for path in sorted((city / "organisations").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as handle:
            yield from (row["function"] for row in csv.DictReader(handle) if row.get("function"))
    for path in yaml_files(city / "organisations"):
        yield from _values_of("function", read_yaml(path))


def _values_of(key: str, node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get(key), str):
            yield node[key]
        for value in node.values():
            yield from _values_of(key, value)
    elif isinstance(node, list):
        for value in node:
            yield from _values_of(key, value)


def _workflows(city: Path) -> Iterator[tuple[str, frozenset[str]]]:
    """Slug and clock ids; whether a workflow is sound in itself, the linter of cases says."""
    for path in yaml_files(city / "workflows"):
        body = read_yaml(path) or {}
        clocks = frozenset(str(one.get("id")) for one in body.get("clocks") or [] if isinstance(one, dict))
        yield str(body.get("slug", path.stem)), clocks


def _fees(city: Path) -> Iterator[str]:
    for path in yaml_files(city / "fees"):
        yield from _values_of("code", read_yaml(path))


def _paid_workflows(city: Path) -> Iterator[str]:
    """Those with an action that asks for payment."""
    for path in yaml_files(city / "workflows"):
        if "hall.request_payment" in path.read_text("utf-8"):
            yield path.stem


def _signing_workflows(city: Path) -> Iterator[str]:
    """Those that wait until everybody has signed."""
    for path in yaml_files(city / "workflows"):
        if any(isinstance(one, dict) and one.get("id") == "all_signed" for one in read_yaml(path).get("actions") or []):
            yield path.stem


def _certificates(city: Path) -> Iterator[tuple[str, frozenset[str]]]:
    for path in yaml_files(city / "certificates"):
        body = read_yaml(path) or {}
        yield str(body.get("slug", path.stem)), frozenset(map(str, body.get("face") or ()))
