"""Changes of items: the list, and how many of each kind are in force."""

from __future__ import annotations

from django.db.models import Count, QuerySet

from yici.systems.hall.models import ItemChange


def changes(state: str) -> QuerySet[ItemChange]:
    """Changes in a state (all for ''), the newest first, with item and people."""
    found = ItemChange.objects.select_related("item", "proposed_by", "reviewed_by").defer("item__search")
    return (found.filter(state=state) if state else found).order_by("-pk")


def changes_by_kind() -> list[tuple[str, int]]:
    """(label, number in force) of the six kinds, each once."""
    rows = ItemChange.objects.filter(state=ItemChange.State.IN_FORCE).order_by().values_list("kind")
    counts = dict(rows.annotate(number=Count("pk")))
    return [(str(label), counts.get(kind, 0)) for kind, label in ItemChange.Kind.choices]
