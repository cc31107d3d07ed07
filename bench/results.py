"""What a measurement gives: a figure, its unit, and the target it is held against."""

from __future__ import annotations

import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """`higher_is_better` says on which side of `target` the figure should lie; no target: just told."""

    name: str
    value: float
    unit: str
    target: float | None = None
    higher_is_better: bool = False
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        if self.target is None:
            return None
        return self.value >= self.target if self.higher_is_better else self.value <= self.target

    def told(self) -> Result:
        """The same, after a line on the terminal: a run takes minutes."""
        print(f"  {self.name}: {self.value:,.2f} {self.unit}  {self.note}", file=sys.stderr, flush=True)
        return self
