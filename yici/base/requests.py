"""What a request asks for."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest

__all__ = ["day_of", "page_number", "wants_part", "whole_number"]


def wants_part(request: HttpRequest) -> bool:
    """Whether htmx asks for a piece of the page; a boosted link asks for all of it."""
    htmx: Any = getattr(request, "htmx", None)
    return bool(htmx) and not htmx.boosted


def whole_number(text: str, default: int, digits: int = 9, *, typed: bool = False) -> int:
    """What was sent as a number; the default for anything but up to so many digits, as no count of ours is longer.

    `typed`: by a person, whose input method may make full-width digits.
    """
    return int(text) if text.isdecimal() and (typed or text.isascii()) and len(text) <= digits else default


def page_number(request: HttpRequest, digits: int = 5) -> int:
    """The page of a list that is asked for; the first where that is no number."""
    return max(whole_number(request.GET.get("page", ""), 1, digits), 1)


def day_of(text: str) -> dt.date | None:
    """A day as a date field sends it (2026-11-26); None for anything else."""
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        return None
