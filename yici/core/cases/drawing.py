"""The workflow as a picture: stages, the arrows between them, where side roads leave, where the case stands.

Two SVGs, tall for a phone and wide for a desk; the stylesheet shows one of them. Colours come from classes
and `currentColor`, so that dark and high-contrast modes need nothing of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from yici.core.cases.rules import CLOSED_STATES, STATES, Workflow, state_label

_ids = count(1)
_TALL_WIDTH, _TALL_STEP, _TALL_NODE = 328, 104, 64
_WIDE_GAP, _WIDE_NODE, _WIDE_HEIGHT = 46, 120, 160
_GOOD = frozenset({"approved", "approved_tolerant"})
_SHOWN_EXITS = 2


@dataclass(frozen=True)
class _Node:
    """A stage as drawn: `loop` names the stop that may happen here, `exits` the ways the case may end early."""

    label: str
    role: str
    state: str  # done, now or todo
    loop: str
    exits: tuple[str, ...]


def workflow_svg(workflow: Workflow, current_stage: str | None = None, done_stages: Sequence[str] = ()) -> SafeString:
    """Inline SVG with title and description in the active language; without a position, the bare course."""
    nodes = _nodes(workflow, current_stage, done_stages)
    title = str(workflow.label)
    description = _description(nodes)
    number = next(_ids)
    node_width = max(_WIDE_NODE, *(_width_of(node.label) + 24 for node in nodes))
    wide = len(nodes) * (node_width + _WIDE_GAP) - _WIDE_GAP + 4
    body = (
        '<div class="workflow">'
        + _svg("tall", number, title, description, _tall(nodes), _TALL_WIDTH, len(nodes) * _TALL_STEP - 28)
        + _svg("wide", number, title, description, _wide(nodes, node_width), wide, _WIDE_HEIGHT)
        + "</div>"
    )
    return mark_safe(body)  # noqa: S308 - every text is escaped where it is put in


def _nodes(workflow: Workflow, current: str | None, done: Sequence[str]) -> list[_Node]:
    nodes = []
    for stage in workflow.stages:
        position = "now" if stage.id == current else ("done" if stage.id in done else "todo")
        loop, exits = _side_roads(workflow, stage.id)
        nodes.append(_Node(str(stage.label), str(stage.role or ""), position, loop, exits))
    return nodes


def _side_roads(workflow: Workflow, stage: str) -> tuple[str, tuple[str, ...]]:
    """What stops the clock at a stage, and the bad ends that may be reached from it, in words."""
    loops: dict[str, None] = {}
    exits: dict[str, None] = {}
    for action in workflow.actions:
        if not action.from_ or set(action.from_) <= CLOSED_STATES or "applicant" in action.who:
            continue
        here = stage in action.at if action.at else stage in _stages_of(workflow, action.from_)
        if not here:
            continue
        for order in action.clock:
            if order == "stop:correction":
                loops[_("可补正一次")] = None
            elif order == "stop:special":
                label = str(action.kinds[0].label) if len(action.kinds) <= 2 and action.kinds else _("可入特别程序")
                loops[label] = None
        if action.closes and action.to not in _GOOD and action.guard is None:
            exits[state_label(str(action.to), workflow.state_labels)] = None
    return " · ".join(loops), tuple(exits)


def _stages_of(workflow: Workflow, states: Sequence[str]) -> set[str]:
    """Stages at which a case can be in one of the states: where the actions that lead to them put it."""
    found: set[str] = set()
    for action in workflow.actions:
        if action.to in states and action.to in STATES:
            found |= {action.stage} if action.stage else set(action.at)
    return {stage for stage in found if stage}


def _description(nodes: Sequence[_Node]) -> str:
    words = {"done": _("已完成"), "now": _("正在进行"), "todo": ""}
    parts = []
    for node in nodes:
        extra = [word for word in (words[node.state], node.loop, *(_("或%s") % exit_ for exit_ in node.exits)) if word]
        parts.append(node.label + (f"（{'，'.join(extra)}）" if extra else ""))
    return " → ".join(parts)


def _svg(form: str, number: int, title: str, description: str, body: str, width: int, height: int) -> str:
    name = f"workflow-{form}-{number}"
    size = "small" if width < 560 else ("medium" if width < 780 else "large")
    return (
        f'<svg class="workflow-{form} {size}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-labelledby="{name}-t {name}-d"><title id="{name}-t">{escape(title)}</title>'
        f'<desc id="{name}-d">{escape(description)}</desc>{body}</svg>'
    )


def _tall(nodes: Sequence[_Node]) -> str:
    parts = []
    for index, node in enumerate(nodes):
        top = index * _TALL_STEP + 6
        if index + 1 < len(nodes):
            parts.append(_arrow(30, top + _TALL_NODE, 30, top + _TALL_STEP - 2, node.state == "done"))
            parts.append(_exits_tall(node, top))
        parts.append(f'<g class="stage {node.state}">')
        parts.append(f'<rect x="4" y="{top}" width="{_TALL_WIDTH - 8}" height="{_TALL_NODE}" rx="12"/>')
        parts.append(_badge(30, top + _TALL_NODE // 2, index, node.state))
        label_y = top + (28 if node.role else 38)
        parts.append(_text(58, label_y, node.label, "name", "start"))
        if node.role:
            parts.append(_text(58, top + 49, node.role, "role", "start"))
        if node.loop:
            parts.append(_loop_mark(_TALL_WIDTH - 26, top + 20))
            parts.append(_text(_TALL_WIDTH - 14, top + 49, node.loop, "loop", "end"))
        parts.append("</g>")
    return "".join(parts)


def _exits_tall(node: _Node, top: int) -> str:
    if not node.exits:
        return ""
    y = top + _TALL_NODE + 19
    words = _("或 %s") % _shown(node.exits)
    return (
        f'<path class="exit" d="M50 {top + _TALL_NODE} V{y - 9} Q50 {y - 4} 55 {y - 4} H62"/>'
        f"{_text(68, y, words, 'exit-word', 'start')}"
    )


def _width_of(words: str) -> int:
    """Rough width in units of the drawing at the size of a name: a Han character is as wide as it is high."""
    return sum(15 if ord(letter) > 0x2E7F else 9 for letter in words)


def _wide(nodes: Sequence[_Node], node_width: int) -> str:
    parts = []
    for index, node in enumerate(nodes):
        left = index * (node_width + _WIDE_GAP) + 2
        right, middle = left + node_width, left + node_width // 2
        if index + 1 < len(nodes):
            parts.append(_arrow(right, 70, right + _WIDE_GAP - 3, 70, node.state == "done"))
        parts.append(f'<g class="stage {node.state}">')
        parts.append(f'<rect x="{left}" y="34" width="{node_width}" height="72" rx="12"/>')
        parts.append(_badge(middle, 34, index, node.state))
        parts.append(_text(middle, 76 if not node.role else 70, node.label, "name", "middle"))
        if node.role:
            parts.append(_text(middle, 92, node.role, "role", "middle"))
        parts.append("</g>")
        if node.loop:
            parts.append(_loop_over(middle, 34))
            parts.append(_text(middle, 10, node.loop, "loop", "middle"))
        if node.exits and index + 1 < len(nodes):
            parts.append(f'<path class="exit" d="M{middle} 106 V128"/>')
            parts.append(f'<circle class="exit-end" cx="{middle}" cy="131" r="3"/>')
            parts.append(_text(middle, 152, _shown(node.exits), "exit-word", "middle"))
    return "".join(parts)


def _shown(exits: Sequence[str]) -> str:
    words = _("、").join(exits[:_SHOWN_EXITS])
    return words + _("等") if len(exits) > _SHOWN_EXITS else words


def _badge(x: int, y: int, index: int, state: str) -> str:
    circle = f'<circle class="badge" cx="{x}" cy="{y}" r="13"/>'
    if state == "done":
        return circle + f'<path class="tick" d="M{x - 6} {y} l4 5 l8 -9"/>'
    return circle + f'<text class="number" x="{x}" y="{y + 5}" text-anchor="middle">{index + 1}</text>'


def _arrow(x1: int, y1: int, x2: int, y2: int, done: bool) -> str:
    head = (
        f"M{x2 - 5} {y2 - 6} L{x2} {y2} L{x2 + 5} {y2 - 6}"
        if x1 == x2
        else f"M{x2 - 6} {y2 - 5} L{x2} {y2} L{x2 - 6} {y2 + 5}"
    )
    return f'<path class="arrow{" done" if done else ""}" d="M{x1} {y1} L{x2} {y2} {head}"/>'


def _loop_mark(x: int, y: int) -> str:
    return f'<path class="loop-line" d="M{x - 6} {y - 2} a7 7 0 1 1 2 7 m-3 -5 l1 6 l6 -1"/>'


def _loop_over(x: int, y: int) -> str:
    """A small loop from the right shoulder of a node over its badge to the left one."""
    return f'<path class="loop-line" d="M{x + 46} {y} C{x + 46} {y - 26} {x - 46} {y - 26} {x - 46} {y - 3} m-5 -6 l5 7 l5 -7"/>'


def _text(x: int, y: int, words: str, name: str, anchor: str) -> str:
    return f'<text class="{name}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'
