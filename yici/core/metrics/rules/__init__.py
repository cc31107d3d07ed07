"""Pure rules of counting: periods, qualifiers, comparisons that know their kind, and cross-checks."""

from __future__ import annotations

from yici.core.metrics.rules.checks import Check, check_partition, check_ratio, check_sum
from yici.core.metrics.rules.comparison import Comparison, ComparisonKind, Qualifier
from yici.core.metrics.rules.definition import Against, MetricDefinition, MetricKind
from yici.core.metrics.rules.period import Period, PeriodType
from yici.core.metrics.rules.values import Row, as_text, value_of

__all__ = [
    "Against",
    "Check",
    "Comparison",
    "ComparisonKind",
    "MetricDefinition",
    "MetricKind",
    "Period",
    "PeriodType",
    "Qualifier",
    "Row",
    "as_text",
    "check_partition",
    "check_ratio",
    "check_sum",
    "value_of",
]
