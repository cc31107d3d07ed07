"""Values of a metric: rows of a breakdown, how a figure is written, and a cell that no spreadsheet executes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from yici.core.metrics.rules.definition import MetricDefinition, MetricKind


@dataclass(frozen=True)
class Row:
    """One part of a breakdown, or the whole (`key` empty). For a count `denominator` is absent.

    `url` leads to the rows behind the number.
    """

    key: str
    label: str
    numerator: Decimal | int | None
    denominator: Decimal | int | None = None
    url: str = ""


def value_of(definition: MetricDefinition, row: Row) -> Decimal | None:
    """The row's value in the metric's unit, unrounded; `None` where the denominator is missing or zero."""
    if row.numerator is None:
        return None
    if definition.kind is MetricKind.COUNT:
        return Decimal(row.numerator)
    if not row.denominator:
        return None
    return Decimal(row.numerator) / Decimal(row.denominator) * definition.scale


def total_of(rows: Iterable[Row]) -> Row:
    """All rows as one: numerators and denominators are added, never the rates."""
    rows = list(rows)
    denominators = [Decimal(row.denominator) for row in rows if row.denominator is not None]
    return Row(
        "",
        "",
        sum((Decimal(row.numerator or 0) for row in rows), Decimal(0)),
        sum(denominators, Decimal(0)) if denominators else None,
    )


def as_text(definition: MetricDefinition, value: Decimal | None) -> str:
    """The figure with thousands and the metric's decimals, half up; a dash where there is none."""
    if value is None:
        return "—"
    return format(value.quantize(Decimal(1).scaleb(-definition.decimals), ROUND_HALF_UP), ",f")
