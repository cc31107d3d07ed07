"""What something costs, without database: amounts, reductions, subsidies, shares of a refund.

Rounding: every product is rounded half up to the fen, once, per line; a reduction rounds what is left. Shares of a
partial refund are taken from what is left of each, so that several partial refunds add up to the whole to the fen.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from yici.base.errors import Invalid
from yici.platform.pay.definitions import Fee, Reduction

LARGEST_FEN = 10**11  # a billion yuan: nothing on a fee list costs that


class NotCharged(Invalid):
    """The fee list does not allow it."""

    slug = "fee-not-on-list"
    message = "收费清单中没有这个项目，或者它现在不收费；不在清单上的一律不得收取。"


@dataclass(frozen=True)
class Price:
    """What one charge comes to, in fen: `full` by the list, `fen` after reduction, of which `subsidy` a budget pays."""

    full: int
    fen: int
    subsidy: int
    reduction: Reduction | None

    @property
    def to_pay(self) -> int:
        return self.fen - self.subsidy


def half_up(numerator: int, denominator: int) -> int:
    """Whole fen of a quotient by a positive integer, half a fen up."""
    return (2 * numerator + denominator) // (2 * denominator)


def price(fee: Fee, quantity: int, of: int | None, facts: Mapping[str, str], on: dt.date) -> Price:
    """What `quantity` units cost on a day; `of` is the amount (fen) a rate is taken from.

    Raises `NotCharged` for a fee that is not in force, `Invalid` for a quantity or amount that cannot be.
    """
    if not fee.in_force(on):
        raise NotCharged()
    if type(quantity) is not int or not 1 <= quantity <= 10_000:
        raise Invalid(_("数量应为 1 到 10000 的整数。"))
    if fee.rate is None:
        full = (fee.fen or 0) * quantity
    else:
        if type(of) is not int or not 0 < of <= LARGEST_FEN * 100:
            raise Invalid(_("计费基数应为大于零的整数（分）。"))
        full = max(fee.rate.least, half_up(of * fee.rate.per_mille, 1000))
        full = min(full, fee.rate.most) if fee.rate.most is not None else full
    if full > LARGEST_FEN:
        raise Invalid(_("金额超过上限。"))
    reduction = next((one for one in fee.reductions if fits(one, facts)), None)
    left = half_up(full * (100 - reduction.percent), 100) if reduction else full
    subsidy = half_up(left * fee.subsidy.percent, 100) if fee.subsidy else 0
    return Price(full, left, subsidy, reduction)


def fits(reduction: Reduction, facts: Mapping[str, str]) -> bool:
    return all(str(facts.get(name, "")) == value for name, value in reduction.when.items())


def split(fen: int, left: Mapping[str, int]) -> dict[str, int]:
    """`fen` in proportion to what is left of each, to the fen: shares add up, none is more than is left, all gives all.

    Each share is less than a fen away from the exact one. Debts (below zero) are shared as debts.
    """
    total = sum(left.values())
    shares, exact, given = {}, 0, 0
    for name, amount in left.items():
        exact += amount
        until = half_up(fen * exact, total)
        shares[name], given = until - given, until
    return shares
