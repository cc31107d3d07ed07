"""Every read of the hall. The parts lie beside this file; this is the door."""

from yici.systems.hall.queries.catalogue import (
    Filters,
    Found,
    Hit,
    browse,
    definition_of,
    departments,
    featured,
    item_by_code,
    levels,
    listed,
    search,
    topic_counts,
)

__all__ = [
    "Filters",
    "Found",
    "Hit",
    "browse",
    "definition_of",
    "departments",
    "featured",
    "item_by_code",
    "levels",
    "listed",
    "search",
    "topic_counts",
]
