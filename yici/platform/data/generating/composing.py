"""Composing plausible households in whole arrays: who lives with whom, at which ages, in which relation.

The same kinds and shares as `register.families`, eight seats to a household: a couple, an elder couple, four
children. Days are days since 1970-01-01. Relations are codes of GB/T 4761.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from yici.platform.data.generating.draws import Draws, Floats, Ids, Ints
from yici.platform.data.generating.places import EARLIEST, day_number
from yici.platform.data.register import TAKEN_ON

TODAY = day_number(TAKEN_ON)
HORIZON = TODAY + 365  # births, deaths and moves of the year after are laid down too, for later deliveries
YEAR = 365.2425
KINDS = ("elders", "couple", "nuclear", "three", "three_elder_head", "single", "one_parent")
_SHARES = (13, 6, 35, 22, 10, 9, 5)
ELDERS, COUPLE, NUCLEAR, THREE, ELDER_HEAD, SINGLE, ONE_PARENT = range(7)
# (youngest, oldest, most frequent age) of the man the composition starts from
_AGES = ((58, 102, 66), (23, 60, 30), (24, 60, 38), (26, 58, 40), (50, 84, 62), (19, 88, 34), (24, 60, 38))
_YOUNGEST_HUSBAND, _YOUNGEST_WIFE = 23, 21  # years
MAN, WOMAN, ELDER_MAN, ELDER_WOMAN, FIRST_CHILD = 0, 1, 2, 3, 4
SEATS = 8


@dataclass
class Composition:
    """Households × seats. `relation` holds small integers of GB/T 4761; `child_order` counts from 1 for children."""

    kind: Ints
    present: NDArray[np.bool_]
    birth: Ints
    sex: Ints
    relation: Ints
    head: Ints
    married: Ints  # households × 2: day the couple, the elder couple married; 0 where there is none
    child_order: Ints

    def first(self, count: int) -> Composition:
        """The first `count` households."""
        return Composition(*(getattr(self, each.name)[:count] for each in fields(self)))


def compose(draws: Draws, ids: Ids) -> Composition:
    """The households with these numbers."""
    kind = draws.choice("kind", ids, _SHARES)
    birth = np.zeros((len(ids), SEATS), dtype=np.int64)
    present = np.zeros((len(ids), SEATS), dtype=bool)
    sex = np.tile(np.array([1, 2, 1, 2, 1, 1, 1, 1]), (len(ids), 1))
    _adults(draws, ids, kind, birth, present)
    order = _children(draws, ids, kind, birth, present, sex)
    np.maximum(birth, day_number(EARLIEST), out=birth)
    married = _marriages(draws, ids, birth, present)
    _who_is_left(draws, ids, kind, birth, present)
    head, relation = _relations(draws, ids, kind, present, sex)
    return Composition(kind, present, birth, sex, relation, head, married, order)


def _near(draws: Draws, purpose: str, ids: Ids, day: Ints, years: Floats, spread: int) -> Ints:
    """A day `years` after `day`, within ± `spread` days."""
    return day + (years * YEAR).astype(np.int64) + draws.integers(purpose, ids, -spread, spread)


def _adults(draws: Draws, ids: Ids, kind: Ints, birth: Ints, present: NDArray[np.bool_]) -> None:
    ages = np.zeros(len(ids))
    for at, (low, high, mode) in enumerate(_AGES):
        rows = kind == at
        ages[rows] = draws.triangular("age", ids[rows], low, high, mode)
    first = TODAY - (ages * YEAR).astype(np.int64) - draws.integers("age day", ids, 0, 365)
    first = np.maximum(first, day_number(EARLIEST))
    elder_head = kind == ELDER_HEAD
    between = draws.triangular("age gap", ids, -3, 6, 1)
    partner = _near(draws, "age gap day", ids, first, between, 365)
    birth[:, MAN], birth[:, WOMAN] = first, partner
    present[:, MAN] = present[:, WOMAN] = kind != SINGLE
    single = kind == SINGLE
    present[single, MAN] = draws.chance("single man", ids[single], 0.6)
    present[single, WOMAN] = ~present[single, MAN]
    birth[single, WOMAN] = first[single]

    # A grandparent heads the household: the couple of the composition becomes the elder couple.
    rows = np.flatnonzero(elder_head)
    birth[rows, ELDER_MAN], birth[rows, ELDER_WOMAN] = first[rows], partner[rows]
    after = draws.triangular("son", ids[rows], 20, 32, 24)
    son = _near(draws, "son day", ids[rows], partner[rows], after, 730)
    birth[rows, MAN] = np.minimum(son, TODAY - int(_YOUNGEST_HUSBAND * YEAR))
    wife_gap = draws.triangular("son wife", ids[rows], -3, 6, 1)
    birth[rows, WOMAN] = _near(draws, "son wife day", ids[rows], birth[rows, MAN], wife_gap, 365)

    rows = np.flatnonzero(kind == THREE)
    before = -draws.triangular("father", ids[rows], 21, 36, 26)
    birth[rows, ELDER_MAN] = _near(draws, "father day", ids[rows], birth[rows, MAN], before, 730)
    # A mother is at least 17 years older than her son.
    mother = _near(draws, "mother day", ids[rows], birth[rows, ELDER_MAN],
                   draws.triangular("mother", ids[rows], -3, 6, 1), 365)  # fmt: skip
    birth[rows, ELDER_WOMAN] = np.minimum(mother, birth[rows, MAN] - int(17 * YEAR))
    birth[~single, WOMAN] = np.minimum(birth[~single, WOMAN], TODAY - int(_YOUNGEST_WIFE * YEAR))
    three = elder_head | (kind == THREE)
    present[three, ELDER_MAN] = present[three, ELDER_WOMAN] = True


def _children(draws: Draws, ids: Ids, kind: Ints, birth: Ints, present: NDArray[np.bool_], sex: Ints) -> Ints:
    """Children of the couple who live at home, or will be born within the year. Returns their order of birth."""
    with_children = np.isin(kind, (NUCLEAR, THREE, ELDER_HEAD, ONE_PARENT))
    count = np.where(with_children, draws.choice("children", ids, (4, 26, 46, 19, 5)), 0)
    order = np.zeros_like(birth)
    mother, father = birth[:, WOMAN], birth[:, MAN]
    day = _near(draws, "child day", ids, mother, draws.triangular("child", ids, 20, 31, 23), 300)
    goes_on = np.ones(len(ids), dtype=bool)
    last = np.where(kind == ONE_PARENT, TODAY - 400, HORIZON)
    for child in range(4):
        seat = FIRST_CHILD + child
        goes_on &= (child < count) & (day <= last) & (day - mother <= 44 * 365)
        age = (TODAY - day) / YEAR
        stays = np.where(age < 24, 1.0, np.where(age < 30, 0.45, 0.08))
        at_home = draws.chance(f"child {child} home", ids, stays) & (day - father > 17 * 365)
        present[:, seat] = goes_on & at_home
        birth[:, seat] = day
        sex[:, seat] = np.where(draws.chance(f"child {child} sex", ids, 0.53), 1, 2)
        order[:, seat] = np.where(goes_on, child + 1, 0)
        gap = draws.triangular(f"child {child} gap", ids, 1.6, 6, 2.6)
        day = _near(draws, f"child {child} gap day", ids, day, gap, 200)
    return order


def _marriages(draws: Draws, ids: Ids, birth: Ints, present: NDArray[np.bool_]) -> Ints:
    """Before the first child where there is one, after both are of age, and not in the future."""
    days = np.zeros((len(ids), 2), dtype=np.int64)
    for at, (man, woman) in enumerate(((MAN, WOMAN), (ELDER_MAN, ELDER_WOMAN))):
        of_age = np.maximum(birth[:, man] + int(20 * YEAR), birth[:, woman] + int(19 * YEAR))
        day = of_age + draws.integers(f"married {at}", ids, 1, 1500)
        if at == 0:
            child = birth[:, FIRST_CHILD] - draws.integers("married before child", ids, 240, 900)
            day = np.where(present[:, FIRST_CHILD], np.minimum(day, np.maximum(child, of_age + 1)), day)
        day = np.minimum(day, TODAY - 1 - draws.integers(f"married lately {at}", ids, 0, 300))
        days[:, at] = np.where(present[:, man] & present[:, woman], day, 0)
    return days


def _who_is_left(draws: Draws, ids: Ids, kind: Ints, birth: Ints, present: NDArray[np.bool_]) -> None:
    """Of an old couple often only one still lives; of a separated couple one lives with the children."""
    survives = draws.chance("she survives", ids, 0.66)
    for kinds, man, woman, since, span in (((ELDERS,), MAN, WOMAN, 50, 90), ((THREE,), ELDER_MAN, ELDER_WOMAN, 45, 75)):
        older = birth[:, man] if span == 90 else birth[:, woman]
        alone = np.isin(kind, kinds) & draws.chance("left alone", ids, ((TODAY - older) / YEAR - since) / span)
        present[alone & survives, man] = False
        present[alone & ~survives, woman] = False
    apart = kind == ONE_PARENT
    with_father = draws.chance("with father", ids, 0.45)
    present[apart & with_father, WOMAN] = False
    present[apart & ~with_father, MAN] = False


def _relations(draws: Draws, ids: Ids, kind: Ints, present: NDArray[np.bool_], sex: Ints) -> tuple[Ints, Ints]:
    """The seat of the head, and everybody's relation to it."""
    elder_head = kind == ELDER_HEAD
    head = np.where(present[:, MAN], MAN, WOMAN)
    head = np.where(elder_head, np.where(draws.chance("she heads", ids, 0.3), ELDER_WOMAN, ELDER_MAN), head)
    relation = np.zeros((len(ids), SEATS), dtype=np.int64)
    relation[:, MAN] = np.where(elder_head, 20, 2)
    relation[:, WOMAN] = np.where(elder_head, 38, np.where(head == WOMAN, 2, 12))
    relation[:, ELDER_MAN] = np.where(elder_head, np.where(head == ELDER_MAN, 2, 11), 51)
    relation[:, ELDER_WOMAN] = np.where(elder_head, np.where(head == ELDER_WOMAN, 2, 12), 52)
    children = slice(FIRST_CHILD, SEATS)
    alone = (present[:, children].sum(axis=1) == 1)[:, None] & ~elder_head[:, None]
    girl = sex[:, children] == 2
    own = np.where(girl, 30, 20) + alone
    relation[:, children] = np.where(elder_head[:, None], np.where(girl, 42, 41), own)
    return head, relation
