"""Lays approved changes of items over what the folder says. Pure: entries and changes in, entries out."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from yici.systems.hall.generating.entries import Entry
from yici.systems.hall.generating.shorthand import text

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
        put(raw, path, value)
        if path == PROMISE:
            # Limits of single steps were cut for the former promise; the steps stay, told without days.
            raw["steps"] = [{key: part for key, part in step.items() if key != "limit"} for step in raw["steps"]]
        if value is None and path.startswith("materials."):
            raw["form"] = _unasked(raw["form"], path.removeprefix("materials."))
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


def _unasked(form: Any, material: str) -> Any:
    """The form with no answer that asks for, or does without, a material which is gone."""
    if isinstance(form, list):
        return [_unasked(one, material) for one in form if one != material]
    if isinstance(form, dict):
        return {key: _unasked(value, material) if key != "id" else value for key, value in form.items()}
    return form


def put(node: Any, path: str, value: Any) -> None:
    """Set a value deep in an item; parts that are missing are made. A step into a list is the `id` of an entry, which None
    takes out and a mapping adds."""
    *way, last = path.split(".")
    for step in way:
        node = _entry(node, step) if isinstance(node, list) else _part(node, step, last)
    if not isinstance(node, list):
        node[last] = value
        return
    place = next((number for number, one in enumerate(node) if one.get("id") == last), None)
    if place is not None:
        node[place : place + 1] = [] if value is None else [value]
    elif value is not None:
        node.append(value)


def _part(node: Any, step: str, last: str) -> Any:
    held = node.get(step)
    if isinstance(held, str) and last in ("zh", "en"):  # a text in short form
        node[step] = text(held)
    elif not isinstance(held, dict | list):
        node[step] = {}
    return node[step]


def _entry(node: list[Any], ident: str) -> Any:
    return next(one for one in node if one.get("id") == ident)


def value_at(node: Any, path: str) -> Any:
    """What stands at a path of a definition; None where nothing does."""
    for step in path.split("."):
        if isinstance(node, list):
            node = next((one for one in node if one.get("id") == step), None)
        else:
            node = node.get(step) if isinstance(node, dict) else None
    return node
