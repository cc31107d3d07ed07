"""How much an item asks of people: papers before and after data sharing. Pure."""

from __future__ import annotations

from typing import TypedDict

from yici.systems.hall.definitions import ItemDefinition, Material


class Burden(TypedDict):
    """Papers an applicant is always asked for: `asked` before sharing, `left` that must still be handed in.

    `left` is what neither a certificate, nor a record, nor a promise proves.
    """

    asked: int
    left: int


def of(item: ItemDefinition) -> Burden:
    """Counts what is asked in every situation; papers of single situations and optional ones are left out."""
    always = [one for one in item.materials if one.necessity != "optional" and not one.only_in_situation]
    return Burden(asked=len(always), left=sum(1 for one in always if _must_bring(one)))


def _must_bring(material: Material) -> bool:
    return material.must_upload
