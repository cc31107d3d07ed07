"""The generated register: a whole small population from one seed. Pure: no database, no clock.

The same population size, seed and villages give the same people on every machine.
"""

from __future__ import annotations

from yici.platform.data.register.generating import DEFAULT_SEED, TAKEN_ON, generate
from yici.platform.data.register.numbers import AreaCodes, NumberIssuer
from yici.platform.data.register.records import Family, Person, Village
from yici.platform.data.register.region import Region

__all__ = ["DEFAULT_SEED", "TAKEN_ON", "AreaCodes", "Family", "NumberIssuer", "Person", "Region", "Village", "generate"]
