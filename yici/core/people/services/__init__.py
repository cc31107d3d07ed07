"""Every change around people. The parts lie beside this file; this is the door.

accounts: persons, accounts, bearer tokens · codes: sign-in by SMS code · delegations · roles ·
second_factor: TOTP and passkeys of staff · demo: the demo city's people.
"""

from yici.core.people.errors import (
    AssuranceTooLow,
    CodeRejected,
    IdentityNotConfirmed,
    SignInRequired,
    TooManyRequests,
)
from yici.core.people.services.accounts import (
    actor_of,
    address_of,
    ensure_account,
    ensure_person,
    issue_token,
    resolve_token,
    revoke_token,
    set_contact_phone,
    set_preferences,
)
from yici.core.people.services.codes import redeem_sign_in_code, request_sign_in_code
from yici.core.people.services.delegations import (
    accept_delegation,
    ask_delegation,
    confirmed_person,
    delegate,
    give_delegation,
    revoke_delegation,
)
from yici.core.people.services.demo import ensure_demo_staff, load_demo
from yici.core.people.services.roles import grant_role, require, revoke_grant

__all__ = [
    "AssuranceTooLow",
    "CodeRejected",
    "IdentityNotConfirmed",
    "SignInRequired",
    "TooManyRequests",
    "accept_delegation",
    "actor_of",
    "address_of",
    "ask_delegation",
    "confirmed_person",
    "delegate",
    "ensure_account",
    "ensure_demo_staff",
    "ensure_person",
    "give_delegation",
    "grant_role",
    "issue_token",
    "load_demo",
    "redeem_sign_in_code",
    "request_sign_in_code",
    "require",
    "resolve_token",
    "revoke_delegation",
    "revoke_grant",
    "revoke_token",
    "set_contact_phone",
    "set_preferences",
]
