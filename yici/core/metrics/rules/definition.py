"""A metric as the city folder defines it."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from yici.base.text import Text
from yici.core.metrics.rules.comparison import ComparisonKind, Qualifier
from yici.core.metrics.rules.period import PeriodType


class MetricKind(StrEnum):
    """count: numerator as it is; ratio: numerator / denominator in percent; average: numerator / denominator."""

    COUNT = "count"
    RATIO = "ratio"
    AVERAGE = "average"


class Against(BaseModel):
    """One comparison a metric is shown with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    with_: Literal["previous", "same_last_year"] = Field(alias="with")
    kind: ComparisonKind


class MetricDefinition(BaseModel):
    """`partition: true` promises that breakdown rows share no case, so their sum must be the total."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$", max_length=80)
    label: Text
    unit: Text
    definition: Text
    kind: MetricKind
    decimals: int = Field(default=0, ge=0, le=4)
    period: PeriodType = PeriodType.MONTH
    qualifier: Qualifier = Qualifier.EXACT
    better: Literal["up", "down", ""] = ""
    partition: bool = True
    breakdowns: tuple[str, ...] = ("organisation", "division")
    comparisons: tuple[Against, ...] = ()

    @model_validator(mode="after")
    def _comparisons_fit_the_kind(self) -> MetricDefinition:
        for against in self.comparisons:
            is_points = against.kind is ComparisonKind.PERCENTAGE_POINTS
            if is_points != (self.kind is MetricKind.RATIO):
                raise ValueError(f"{self.id}：比率只能按百分点比较，数量和平均数只能按百分比或倍数比较")
        return self

    @property
    def scale(self) -> Decimal:
        """What numerator / denominator is multiplied with to be in `unit`."""
        return Decimal(100) if self.kind is MetricKind.RATIO else Decimal(1)
