"""One module per channel: each sends one delivery and returns the partner's reference, or raises.

`Unavailable` (yici.base.errors) means try again later; `Refused` means it will never work.
"""

from __future__ import annotations

from yici.base.errors import YiciError


class Refused(YiciError):
    """The partner, or our own guard, refuses this delivery for good: trying again changes nothing."""

    status = 502
    slug = "delivery-refused"
