"""Issues as people read them: the rule in words, beside the row that is kept."""

from __future__ import annotations

from collections.abc import Iterable

from yici.platform.data.catalogue import reading
from yici.platform.data.models import Issue
from yici.platform.data.rules.deriving import rules_by_id
from yici.platform.data.runs.quarantine import message_of

__all__ = ["in_words"]


def in_words(issues: Iterable[Issue]) -> list[Issue]:
    """The same issues, each with `words`. Definitions are kept in memory, so it asks the database nothing."""
    found = list(issues)
    classes = {one.data_class_id: one.data_class for one in found}
    rules = {slug: rules_by_id(reading.definition_of(one)) for slug, one in classes.items()}
    for one in found:
        one.words = message_of(one.rule, rules[one.data_class_id])  # type: ignore[attr-defined]
    return found
