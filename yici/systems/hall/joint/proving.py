"""The proof of what a theme saves, counted from the definitions of before and after. Nothing here is a typed figure."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from yici.systems.hall.joint.applying import merged_of
from yici.systems.hall.joint.describing import Saving, savings
from yici.systems.hall.joint.merging import Merged
from yici.systems.hall.joint.themes import Before, Theme
from yici.systems.hall.models import ServiceItem


@dataclass(frozen=True)
class Proof:
    """`rows`: how it was done before, window by window; `figures`: counted from them and from the merge."""

    merged: Merged
    rows: list[Before]
    figures: list[Saving]
    kinds: list[str]
    """The different papers of before, in the order they were first asked for."""


def proof_of(theme: Theme) -> Proof:
    """Raises `NotFound` where an item of the theme is not published."""
    from yici.base.errors import NotFound

    current = dict(ServiceItem.objects.filter(code__in=theme.items).values_list("code", "current_id"))
    versions = [current.get(code) for code in theme.items]
    if not all(versions):
        raise NotFound
    merged = merged_of(tuple(version for version in versions if version))
    kinds = list(dict.fromkeys(str(name) for row in theme.before for name in row.materials))
    return Proof(merged, theme.before, _figures(theme, merged, kinds), kinds)


def _figures(theme: Theme, merged: Merged, kinds: list[str]) -> list[Saving]:
    now = savings(merged)
    if not theme.before:
        return now
    pays_once = min(1, len(theme.charges) or merged.payments_before)
    before = [
        Saving(_("办理窗口"), len(theme.before), 1, _("个")),
        Saving(_("材料种类"), len(kinds), merged.materials_after, _("种")),
        Saving(_("提交材料"), len(theme.before), 1, _("次")),
        Saving(_("缴费"), sum(1 for row in theme.before if row.pays), pays_once, _("次")),
    ]
    replaced = {one.label for one in before} | {_("申请材料")}
    return before + [one for one in now if one.label not in replaced]
