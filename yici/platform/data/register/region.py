"""What a generated population takes from the city: surnames, neighbours, colleges. Pure data."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate
from random import Random


@dataclass(frozen=True)
class Region:
    """Read from `register.yaml` of the city folder. `surnames` maps a surname to its weight.

    `elsewhere`: area codes of neighbouring prefectures from which people married or moved in.
    """

    place: str
    plate_prefix: str
    surnames: dict[str, int]
    elsewhere: tuple[str, ...]
    elsewhere_before_1996: tuple[str, ...]
    colleges: tuple[str, ...]
    work_places: tuple[str, ...]
    _names: list[str] = field(init=False, repr=False)
    _cumulative: list[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_names", list(self.surnames))
        object.__setattr__(self, "_cumulative", list(accumulate(self.surnames.values())))

    def surname(self, random: Random) -> str:
        return random.choices(self._names, cum_weights=self._cumulative)[0]
