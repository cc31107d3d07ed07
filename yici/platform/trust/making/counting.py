"""How many certificates made in bulk there are by type and state: kept with every change, so that nobody counts millions."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connection

__all__ = ["move"]


def move(type: str, changes: Mapping[str, int]) -> None:
    """State → by how many the number changes, in the caller's transaction. States in order, so that no two wait in a ring."""
    with connection.cursor() as cursor:
        for state in sorted(changes):
            if changes[state]:
                cursor.execute(
                    "INSERT INTO trust_madecount (type, state, count) VALUES (%s, %s, %s) "
                    "ON CONFLICT (type, state) DO UPDATE SET count = trust_madecount.count + excluded.count",
                    [type, state, changes[state]],
                )
