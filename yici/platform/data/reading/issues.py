"""Issues as people read them: the rule in words, beside the row that is kept."""

from __future__ import annotations

from collections.abc import Iterable

from yici.platform.data.catalogue import reading
from yici.platform.data.models import Issue
from yici.platform.data.rules.deriving import rules_of
from yici.platform.data.runs.quarantine import message_of

__all__ = ["in_words"]


def in_words(issues: Iterable[Issue]) -> list[Issue]:
    """The same issues, each with `words`. Definitions are kept in memory, so it asks the database nothing."""
    found = list(issues)
    rules = {
        one.data_class_id: {rule.id: rule for rule in rules_of(reading.definition_of(one.data_class))} for one in found
    }
    for one in found:
        one.words = message_of(one.rule, rules[one.data_class_id])  # type: ignore[attr-defined]
    return found
