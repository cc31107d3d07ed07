"""One column for one header, so that the scores add up to the most. Pure."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["best_assignment"]

_NEVER = float("inf")


def best_assignment(scores: Sequence[Sequence[float]]) -> list[int]:
    """Place of the column for each row of `scores` (higher is better, none below 0), -1 for a row that gets none.

    The Hungarian method with potentials (Kuhn 1955, Munkres 1957): O(rows² · columns).
    """
    if not scores or not scores[0]:
        return [-1] * len(scores)
    if len(scores) > len(scores[0]):  # the method wants the longer side across
        turned = best_assignment(list(zip(*scores, strict=True)))
        rows = [-1] * len(scores)
        for column, row in enumerate(turned):
            rows[row] = column
        return rows
    height, width = len(scores), len(scores[0])
    of_row, of_column = [0.0] * (height + 1), [0.0] * (width + 1)
    owner = [0] * (width + 1)  # row that holds the column; column 0 stands for “not yet placed”
    for row in range(1, height + 1):
        owner[0] = row
        _place(scores, of_row, of_column, owner)
    found = [-1] * height
    for column in range(1, width + 1):
        if owner[column]:
            found[owner[column] - 1] = column - 1
    return found


def _place(scores: Sequence[Sequence[float]], of_row: list[float], of_column: list[float], owner: list[int]) -> None:
    """Give the row that waits at column 0 a column, moving others along the cheapest path."""
    width = len(of_column) - 1
    slack, came_from = [_NEVER] * (width + 1), [0] * (width + 1)
    seen = [False] * (width + 1)
    at = 0
    while True:
        seen[at] = True
        row, step, following = owner[at], _NEVER, 0
        for column in range(1, width + 1):
            if seen[column]:
                continue
            cost = -scores[row - 1][column - 1] - of_row[row] - of_column[column]
            if cost < slack[column]:
                slack[column], came_from[column] = cost, at
            if slack[column] < step:
                step, following = slack[column], column
        for column in range(width + 1):
            if seen[column]:
                of_row[owner[column]] += step
                of_column[column] -= step
            else:
                slack[column] -= step
        at = following
        if not owner[at]:
            break
    while at:
        owner[at], at = owner[came_from[at]], came_from[at]
