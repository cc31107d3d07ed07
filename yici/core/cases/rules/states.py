"""The sixteen states of a case, as the construction-approval systems of Chinese cities name them (ItemStatus)."""

from __future__ import annotations

from typing import Final

from yici.base.text import Text

STATES: Final[dict[str, Text]] = {
    "received": Text(zh="已接件", en="Received"),
    "withdrawn": Text(zh="撤件", en="Withdrawn"),
    "window_accepted": Text(zh="窗口受理", en="Accepted at the window"),
    "not_accepted": Text(zh="不受理", en="Not taken up"),
    "refused": Text(zh="不予受理", en="Acceptance refused"),
    "correction_open": Text(zh="补正开始", en="Correction asked for"),
    "correction_done": Text(zh="补正结束", en="Corrected"),
    "accepted": Text(zh="部门受理", en="Accepted"),
    "special_open": Text(zh="特别程序开始", en="Special procedure under way"),
    "special_done": Text(zh="特别程序结束", en="Special procedure finished"),
    "approved": Text(zh="办结通过", en="Approved"),
    "approved_tolerant": Text(zh="办结容缺通过", en="Approved, documents to follow"),
    "denied": Text(zh="办结不通过", en="Denied"),
    "recalled": Text(zh="撤回", en="Recalled"),
    "revoked": Text(zh="撤销", en="Revoked"),
    "withdrawal_pending": Text(zh="撤件待确认", en="Withdrawal to be confirmed"),
}

CLOSED_STATES: Final = frozenset(
    {"withdrawn", "not_accepted", "refused", "approved", "approved_tolerant", "denied", "recalled", "revoked"}
)
# Closed by a decision on the matter itself. A recall or revocation comes after such a decision.
DECIDED_OUTCOMES: Final = frozenset({"approved", "approved_tolerant", "denied", "recalled", "revoked"})
# Reaching one of these means that the matter was taken up, even where the workflow has no step of acceptance.
ACCEPTING_STATES: Final = frozenset(
    {"accepted", "special_open", "special_done", "approved", "approved_tolerant", "denied"}
)
SUCCESS_STATES: Final = frozenset({"approved", "approved_tolerant"})


def state_label(state: str, overrides: dict[str, Text] | None = None) -> str:
    """The state's name in the active language; a workflow may name a state in its own words."""
    text = (overrides or {}).get(state) or STATES.get(state)
    return str(text) if text else state
