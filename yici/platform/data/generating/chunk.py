"""A run of households whole, as the makers of the truth's tables see it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from yici.platform.data.generating import composing, identities, lives, people, texts
from yici.platform.data.generating.composing import Composition
from yici.platform.data.generating.draws import Draws, Ids, Ints
from yici.platform.data.generating.lives import Lives, Schools
from yici.platform.data.generating.people import People
from yici.platform.data.generating.places import City

_URBAN_WEIGHT = 1.7  # communities hold more people than villages


@dataclass
class Chunk:
    """`ids`, `village`, `address`, `head`, `head_spouse` are by household; `person_*` by person."""

    draws: Draws
    city: City
    ids: Ids
    made: Composition
    village: Ints
    address: pa.Array
    who: People
    lives: Lives
    person_address: pa.Array
    person_county: Ints
    head: Ints  # place in `who`
    head_spouse: Ints  # place in `who`, or -1

    def village_codes(self, households: Ints) -> pa.Array:
        """Codes of the villages of households given by their place in the chunk."""
        return texts.taken([village.code for village in self.city.villages], self.village[households])


class Maker:
    """Makes chunks one after the other; keeps what must be counted through all of them."""

    def __init__(self, draws: Draws, city: City, schools: Schools) -> None:
        self.draws, self.city, self.schools = draws, city, schools
        self._issuer = identities.MassIssuer(city)
        weights = np.where(city.is_urban, _URBAN_WEIGHT, 1.0)
        self._village_weights = (weights / weights.sum()).tolist()

    def make(self, first: int, count: int, wanted: int) -> tuple[Chunk, int]:
        """Households from number `first` on: `count` of them, or fewer where `wanted` living people are reached.

        Returns the chunk and how many living people it has.
        """
        ids = np.arange(first, first + count, dtype=np.int64)
        made = composing.compose(self.draws, ids)
        died = people.deaths(self.draws, ids, made)
        alive = np.cumsum(people.living(made, died))
        end = min(int(np.searchsorted(alive, wanted)) + 1, count)
        ids, made, died = ids[:end], made.first(end), died[:end]
        village = self.draws.choice("village", ids, self._village_weights)
        who = people.flatten(self.draws, ids, self.city, made, died, self.city.village_county[village], self._issuer)
        address = people.addresses(self.draws, "home", ids, self.city, village)
        head = who.of_seat(made.head)
        spouse = who.local[np.arange(len(ids)), made.head ^ 1]
        couple = np.where(made.head < composing.ELDER_MAN, 0, 1)
        married = made.married[np.arange(len(ids)), couple] > 0
        chunk = Chunk(
            self.draws, self.city, ids, made, village, address, who,
            lives.live(self.draws, made, who, self.city, village, self.schools),
            address.take(pa.array(who.row)), self.city.village_county[village[who.row]],
            head, np.where(married, spouse, -1),
        )  # fmt: skip
        return chunk, int(alive[end - 1])
