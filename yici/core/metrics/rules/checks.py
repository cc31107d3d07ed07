"""Cross-checks that keep figures honest: parts make the whole, classes do not overlap, a rate is its quotient."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

Number = Decimal | int


@dataclass(frozen=True)
class Check:
    """The result of one check; `message` says in words what does not fit, empty where all is well."""

    rule: str
    is_ok: bool
    message: str = ""

    def __bool__(self) -> bool:
        return self.is_ok


def check_sum(total: Number | None, parts: Iterable[Number | None], tolerance: Number = 0) -> Check:
    """The parts add up to the total within `tolerance` (same unit)."""
    added = sum((Decimal(part) for part in parts if part is not None), Decimal(0))
    difference = added - Decimal(total or 0)
    if abs(difference) <= Decimal(tolerance):
        return Check("sum", True)
    words = {"added": _figure(added), "total": _figure(Decimal(total or 0)), "difference": _figure(difference)}
    return Check("sum", False, _("各部分合计 %(added)s，总数 %(total)s，相差 %(difference)s。") % words)


def check_partition(whole: Collection[str], parts: Mapping[str, Collection[str]]) -> Check:
    """Every member of `whole` is in exactly one part, and no part holds a stranger."""
    seen: dict[str, str] = {}
    for name, members in parts.items():
        for member in members:
            if member in seen:
                words = {"member": member, "first": seen[member], "second": name}
                return Check("partition", False, _("%(member)s 同时属于 %(first)s 和 %(second)s。") % words)
            seen[member] = name
    if missing := sorted(set(whole) - set(seen)):
        words = {"count": str(len(missing)), "first": missing[0]}
        return Check("partition", False, _("有 %(count)s 项没有归类，例如 %(first)s。") % words)
    if strangers := sorted(set(seen) - set(whole)):
        words = {"count": str(len(strangers)), "first": strangers[0]}
        return Check("partition", False, _("有 %(count)s 项不在总体之内，例如 %(first)s。") % words)
    return Check("partition", True)


def check_ratio(
    numerator: Number, denominator: Number, stated: Number, scale: Number = 100, tolerance: Number | None = None
) -> Check:
    """`stated` is numerator / denominator × scale, rounded to its own decimals unless a tolerance is given."""
    if not denominator:
        return Check("ratio", False, _("分母为零，不能得出比率。"))
    allowed = tolerance
    if allowed is None:
        exponent = Decimal(stated).as_tuple().exponent
        allowed = Decimal(5).scaleb(min(int(exponent), 0) - 1)
    actual = Decimal(numerator) / Decimal(denominator) * Decimal(scale)
    if abs(actual - Decimal(stated)) <= Decimal(allowed):
        return Check("ratio", True)
    words = {"stated": _figure(Decimal(stated)), "actual": _figure(actual)}
    return Check("ratio", False, _("写的是 %(stated)s，按分子分母应为 %(actual)s。") % words)


def _figure(value: Decimal) -> str:
    text = format(value.quantize(Decimal("0.01")), ",f")
    return text.rstrip("0").rstrip(".")
