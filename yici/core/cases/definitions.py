"""Published workflows by version, kept in the process: a published version never changes."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from yici.core.cases.models import CaseTypeVersion
from yici.core.cases.rules import Workflow

_known: dict[tuple[str, int], Workflow] = {}


def workflow_of(version_id: int) -> Workflow:
    """The workflow a case is pinned to; one query the first time in a process."""
    known = _known.get(_key(version_id))
    if known is None:
        warm([version_id])
        known = _known[_key(version_id)]
    return known


def warm(version_ids: Iterable[int]) -> None:
    """Read every workflow not yet known in one query, so that a list costs the same whatever is on it."""
    missing = {version_id for version_id in version_ids if _key(version_id) not in _known}
    if not missing:
        return
    if len(_known) > 5000:
        _known.clear()
    for version in CaseTypeVersion.objects.filter(pk__in=missing):
        _known[_key(version.pk)] = Workflow.model_validate(version.definition)


def _key(version_id: int) -> tuple[str, int]:
    return (str(connection.settings_dict["NAME"]), version_id)
