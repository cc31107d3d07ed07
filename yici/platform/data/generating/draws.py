"""Random numbers that are a function of (seed, purpose, id) and of nothing else: splitmix64 over a counter.

The same entity draws the same whatever the chunk it is made in, so a city can be made in pieces of any size.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_TO_UNIT = 2.0**-53


def salt(seed: int, purpose: str) -> int:
    """A 60-bit number for a purpose: also what the SQL side adds to a row number before it hashes it."""
    return int.from_bytes(blake2b(f"{seed}/{purpose}".encode(), digest_size=8).digest(), "big") >> 4


class Draws:
    """Draws for one seed. `ids` are the numbers of the entities; every result has their shape."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._salts: dict[str, np.uint64] = {}

    def bits(self, purpose: str, ids: Ids) -> NDArray[np.uint64]:
        """64 random bits for each id."""
        if purpose not in self._salts:
            self._salts[purpose] = np.uint64(salt(self.seed, purpose) << 4)
        mixed = ids.astype(np.uint64)
        mixed *= _GOLDEN
        mixed += self._salts[purpose]
        for shift, factor in ((30, _FIRST), (27, _SECOND)):
            mixed ^= mixed >> np.uint64(shift)
            mixed *= factor
        mixed ^= mixed >> np.uint64(31)
        return mixed

    def uniform(self, purpose: str, ids: Ids) -> Floats:
        """In [0, 1)."""
        return (self.bits(purpose, ids) >> np.uint64(11)).astype(np.float64) * _TO_UNIT

    def chance(self, purpose: str, ids: Ids, share: float | Floats) -> NDArray[np.bool_]:
        return self.uniform(purpose, ids) < share

    def integers(self, purpose: str, ids: Ids, low: int, high: int | Ints) -> Ints:
        """In [low, high)."""
        return low + (self.uniform(purpose, ids) * (np.asarray(high) - low)).astype(np.int64)

    def triangular(self, purpose: str, ids: Ids, low: float, high: float, mode: float) -> Floats:
        drawn, middle = self.uniform(purpose, ids), (mode - low) / (high - low)
        rising = low + np.sqrt(drawn * (high - low) * (mode - low))
        return np.where(drawn < middle, rising, high - np.sqrt((1 - drawn) * (high - low) * (high - mode)))

    def choice(self, purpose: str, ids: Ids, weights: Sequence[float]) -> Ints:
        """Places in `weights`, drawn by them."""
        edges = np.cumsum(weights, dtype=np.float64)
        return np.searchsorted(edges, self.uniform(purpose, ids) * edges[-1], side="right").astype(np.int64)

    def normal(self, purpose: str, ids: Ids) -> Floats:
        """Standard normal, near enough for wages: the sum of four uniforms, scaled (never beyond ± 3.5)."""
        total = sum(self.uniform(f"{purpose}/{part}", ids) for part in range(4))
        return (np.asarray(total) - 2.0) * 1.7320508
