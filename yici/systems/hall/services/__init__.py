"""Every change the hall makes: applications, corrections, results, evaluations."""

from __future__ import annotations

from yici.systems.hall.services.applying import (
    EVERYWHERE,
    OpenApplication,
    attach,
    detach,
    materials_of,
    opened,
    promise,
    start,
    submit,
    visit,
)
from yici.systems.hall.services.changing import propose as propose_change
from yici.systems.hall.services.changing import review as review_change
from yici.systems.hall.services.changing import take_effect_of_due
from yici.systems.hall.services.correcting import answer_correction, open_correction
from yici.systems.hall.services.evaluating import evaluate
from yici.systems.hall.services.papers import ask_reading, can_be_read, reading_in, take_reading
from yici.systems.hall.services.payments import (
    payment_changed,
    request_payment,
    require_payment,
    return_payment,
    settle_return,
)
from yici.systems.hall.services.results import defer_result, issue, revoke_result
from yici.systems.hall.services.signing import cancel_signatures, request_signatures, signatories, signatures_ended

__all__ = [
    "EVERYWHERE",
    "OpenApplication",
    "answer_correction",
    "ask_reading",
    "attach",
    "can_be_read",
    "cancel_signatures",
    "defer_result",
    "detach",
    "evaluate",
    "issue",
    "materials_of",
    "open_correction",
    "opened",
    "payment_changed",
    "promise",
    "propose_change",
    "reading_in",
    "request_payment",
    "request_signatures",
    "require_payment",
    "return_payment",
    "review_change",
    "revoke_result",
    "settle_return",
    "signatories",
    "signatures_ended",
    "start",
    "submit",
    "take_effect_of_due",
    "take_reading",
    "visit",
]
