"""What a rule is. Templates compile it for an engine; `reference` says in plain Python what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from yici.base.text import Text

Severity = Literal["quarantine", "note"]


@dataclass(frozen=True)
class Rule:
    """One rule of one class. A row passes, fails, or the rule does not apply to it: there is no fourth outcome.

    `column` is the one a failure is blamed on (empty: the row as a whole). A failing row is held back where
    `severity` is quarantine; with note it is accepted and counted.
    """

    id: str
    primitive: str
    column: str
    dimension: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    severity: Severity = "quarantine"
    message: Text = field(default_factory=lambda: Text(zh=""))


@dataclass(frozen=True)
class Outcome:
    """What a rule found in one run: `checked` rows it applied to, `failed` of them."""

    rule: Rule
    checked: int
    failed: int
