"""From a session whose identity was proven to a proof for one signature.

A signature needs a proof of identity of its own. Whoever proved her face or credential lately in this session does not
do it again for each document: a proof is derived from that one, for one act, while it is in force. Nobody else's, and
nothing from a session that merely says so.
"""

from __future__ import annotations

import datetime as dt

from yici.base import clock
from yici.core.people.errors import AssuranceTooLow
from yici.core.people.models import Account
from yici.platform.trust.identity import assertions
from yici.platform.trust.models import Assertion

__all__ = ["LEVEL", "demand", "proof_for"]

LEVEL = assertions.FACE
_LIFE = dt.timedelta(minutes=2)


def demand(account: Account, session_level: int) -> Assertion:
    """The proof that stands behind the session. Raises `AssuranceTooLow` where the person must prove more first."""
    found = (
        Assertion.objects.filter(
            person_id=account.person_id or 0,
            succeeded=True,
            level__gte=LEVEL,
            expires_at__gt=clock.now(),
            used_for=assertions.SESSION,
        )
        .order_by("-level", "-made_at")
        .first()
    )
    if session_level < LEVEL or found is None:
        raise AssuranceTooLow(required=LEVEL)
    return found


def proof_for(account: Account, session_level: int) -> str:
    """A token for one signature within two minutes. Raises `AssuranceTooLow`."""
    behind = demand(account, session_level)
    return assertions.record(
        behind.person, behind.level, behind.method, account=account, outcome=behind.outcome, life=_LIFE
    )
