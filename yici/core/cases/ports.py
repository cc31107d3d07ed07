"""What other floors plug into cases: effects of actions, panels on the case page, further ways of telling.

`web/wiring.py` fills these once at start; nothing here knows who is behind a name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from yici.base.errors import Misconfigured
from yici.core.cases.models import Case, CaseEvent
from yici.core.people.models import Account

__all__ = [
    "Panel",
    "effect",
    "effect_names",
    "gathering_systems",
    "joiner",
    "panels",
    "register_effect",
    "register_joiner",
    "register_panel",
    "register_teller",
    "tellers",
]

Effect = Callable[[Case, CaseEvent, Account | None], Any]
Teller = Callable[[Case, CaseEvent, str, dict[str, str]], Any]
Joiner = Callable[[Case, Case], Any]


@dataclass(frozen=True)
class Panel:
    """A part of the case page that the owning system draws: `template` is included with `context`.

    `elements` are the data elements of the subject that it shows: the access log names each of them.
    """

    title: str
    template: str
    context: dict[str, Any] = field(default_factory=dict)
    elements: tuple[str, ...] = ()


_effects: dict[str, Effect] = {}
_panels: dict[str, list[Callable[[Case, Account], list[Panel]]]] = {}
_tellers: list[Teller] = []
_joiners: dict[str, Joiner] = {}


def register_effect(name: str, run: Effect) -> None:
    """`run(case, event, actor)` is called in the transaction of the action that names it; it may refuse by raising.

    Raises `Misconfigured` for a name that another function already has.
    """
    if _effects.get(name, run) is not run:
        raise Misconfigured(f"办件效果 {name} 重复登记。")
    _effects[name] = run


def effect(name: str) -> Effect:
    """Raises `Misconfigured` where nobody registered the name: better than an approval without its result."""
    if name not in _effects:
        raise Misconfigured(f"办件效果 {name} 没有登记，请联系管理员检查系统接线。")
    return _effects[name]


def effect_names() -> frozenset[str]:
    return frozenset(_effects)


def register_panel(system: str, panels_of: Callable[[Case, Account], list[Panel]]) -> None:
    """Panels for the cases of one system (`CaseType.system`), in the order of registration."""
    known = _panels.setdefault(system, [])
    if panels_of not in known:
        known.append(panels_of)


def panels(case: Case, account: Account) -> list[Panel]:
    return [panel for panels_of in _panels.get(case.type.system, []) for panel in panels_of(case, account)]


def register_joiner(system: str, joiner: Joiner) -> None:
    """`joiner(parent, child)` is called when a sub-case of a parent of that system moved, both locked, in the transaction.

    The parent's cases only gather: statistics leave cases of such a system out, because their parts are counted.
    Raises `Misconfigured` for a second joiner.
    """
    if _joiners.get(system, joiner) is not joiner:
        raise Misconfigured(f"系统 {system} 的并联办件重复登记。")
    _joiners[system] = joiner


def joiner(system: str) -> Joiner | None:
    return _joiners.get(system)


def gathering_systems() -> list[str]:
    return sorted(_joiners)


def register_teller(teller: Teller) -> None:
    """Called beside the message to the applicant, with (case, event, template key, context)."""
    if teller not in _tellers:
        _tellers.append(teller)


def tellers() -> tuple[Teller, ...]:
    return tuple(_tellers)
