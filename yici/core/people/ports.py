"""What people needs from floors above: who confirms an identity, who knows households, who sends.

Wiring registers the functions when Django is ready; a registration twice is the same as once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from yici.core.people.models import Account

IdentitySource = Callable[[str, str], bool | None]
HouseholdSource = Callable[[str, str], str | None]
CodeSender = Callable[[str, str], Any]
Notifier = Callable[[Account | None, str, dict[str, Any], str], Any]

_identity_sources: list[IdentitySource] = []
_household_sources: list[HouseholdSource] = []
_code_senders: list[CodeSender] = []
_notifiers: list[Notifier] = []


def _add(registered: list[Any], function: Any) -> None:
    if function not in registered:
        registered.append(function)


def register_identity_source(function: IdentitySource) -> None:
    """`function(name, id_number)`: True confirmed, False contradicted, None unknown to this source."""
    _add(_identity_sources, function)


def register_household_source(function: HouseholdSource) -> None:
    """`function(id_number, id_number)`: a sentence proving one household, or None."""
    _add(_household_sources, function)


def register_code_sender(function: CodeSender) -> None:
    """`function(phone, code)` sends a sign-in code; may raise `Unavailable`."""
    _add(_code_senders, function)


def register_notifier(function: Notifier) -> None:
    """`function(recipient, template, context, phone)` tells somebody something by SMS and in-app."""
    _add(_notifiers, function)


def is_confirmed(name: str, id_number: str) -> bool:
    """True when some source confirms that the name belongs to the ID number."""
    return any(source(name, id_number) is True for source in _identity_sources)


def household_evidence(id_number: str, other: str) -> str | None:
    """What proves that two people share a household, from the first source that knows."""
    return next((proof for source in _household_sources if (proof := source(id_number, other))), None)


def send_code(phone: str, code: str) -> None:
    for sender in _code_senders:
        sender(phone, code)


def notify(recipient: Account | None, template: str, context: dict[str, Any], phone: str = "") -> None:
    for notifier in _notifiers:
        notifier(recipient, template, context, phone)
