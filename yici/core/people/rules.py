"""Pure rules around people: what a line of typed text may hold."""

from __future__ import annotations


def plain_line(text: str, limit: int) -> str:
    """One line as typed, at most `limit` characters, without control characters, which no database
    column and no lookup accepts, and without the spaces around it."""
    return "".join(character for character in text[: limit * 2] if character.isprintable()).strip()[:limit]
