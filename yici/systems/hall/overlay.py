"""Lays approved changes of items over what the folder says. Pure: entries and changes in, entries out."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from yici.systems.hall.generating.entries import Entry

PROMISE = "limits.promised.amount"


@dataclass(frozen=True)
class Overlay:
    """One change in force, as the catalogue needs it. `code` is the item's; fields as in `models.ItemChange`."""

    code: str
    kind: str
    edits: dict[str, Any]
    holders: dict[str, Any]
    reason: str


def laid_over(entry: Entry, overlays: Iterable[Overlay]) -> Entry:
    """The entry as it stands after the changes, in their order. The entry given is not changed."""
    for one in overlays:
        entry = _after(entry, one)
    return entry


def _after(entry: Entry, change: Overlay) -> Entry:
    raw = copy.deepcopy(entry.raw)
    for path, value in change.edits.items():
        _put(raw, path.split("."), value)
        if path == PROMISE:
            # Limits of single steps were cut for the former promise; the steps stay, told without days.
            raw["steps"] = [{key: part for key, part in step.items() if key != "limit"} for step in raw["steps"]]
    held = list(entry.held_by)
    bodies = list(change.holders.get("bodies") or [])
    if change.kind == "stop" and bodies:
        held = [_without(rule, bodies) for rule in held]
    elif change.kind == "stop":
        listing = dict(raw.get("listing") or {})
        raw["listing"] = {**listing, "state": "suspended", "state_reason": {"zh": change.reason, "en": STOPPED}}
    elif change.kind in ("delegate", "take_over"):
        held = [rule for rule in held if _level(rule) != change.holders["from"]]
        if change.holders["to"] not in [_level(rule) for rule in held]:
            held.append(change.holders["to"])
        raw["handler"] = {**raw["handler"], "level": change.holders["to"]}
    elif change.kind == "add" and bodies:
        held.append({"level": change.holders["level"], "bodies": bodies})
    return replace(entry, raw=raw, held_by=held)


STOPPED = "This service has been stopped by a reviewed change; call 12345 and press 2 for where to turn."


def _level(rule: Any) -> str:
    return rule if isinstance(rule, str) else str(rule.get("level"))


def _without(rule: Any, bodies: list[str]) -> dict[str, Any]:
    written = {"level": rule} if isinstance(rule, str) else dict(rule)
    return {**written, "without": [*written.get("without", []), *bodies]}


def _put(node: Any, path: list[str], value: Any) -> None:
    """Set a value deep in the raw item; parts that are missing are made."""
    *way, last = path
    for step in way:
        if not isinstance(node.get(step), dict):
            node[step] = {}
        node = node[step]
    node[last] = value
