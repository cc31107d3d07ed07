"""The second factor of staff: a code from an authenticator app (TOTP, RFC 6238) or a passkey (WebAuthn).

Keeps them in allauth's table and uses its ceremony; adds what several processes need: a code works
once for all of them, and wrong codes are counted in the database.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.utils import decrypt, encrypt
from allauth.mfa.webauthn.internal import auth as webauthn
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Conflict, Invalid, NotFound
from yici.core.audit import services as audit
from yici.core.people.errors import CodeRejected, TooManyRequests
from yici.core.people.models import Account

PERIOD = 30  # seconds, RFC 6238 §4
DRIFT = 1  # steps before and after: phones' clocks are rarely exact
FAILURES, PAUSE = 5, dt.timedelta(minutes=15)

__all__ = [
    "add_passkey",
    "authenticators_of",
    "begin_passkey",
    "begin_passkey_registration",
    "enrol_totp",
    "has_passkey",
    "has_second_factor",
    "has_totp",
    "matching_step",
    "remove_passkey",
    "reset_second_factor",
    "totp_code",
    "verify_passkey",
    "verify_totp",
]


def authenticators_of(account: Account) -> list[Authenticator]:
    types = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
    return list(Authenticator.objects.filter(user=account, type__in=types).order_by("id"))


def has_second_factor(account: Account) -> bool:
    return bool(authenticators_of(account))


def has_totp(account: Account) -> bool:
    return Authenticator.objects.filter(user=account, type=Authenticator.Type.TOTP).exists()


def has_passkey(account: Account) -> bool:
    return Authenticator.objects.filter(user=account, type=Authenticator.Type.WEBAUTHN).exists()


def _step() -> int:
    return int(clock.now().timestamp()) // PERIOD


def totp_code(secret: str, step: int | None = None) -> str:
    """The six digits of a secret for a 30-second step, by default the current one."""
    return totp.format_hotp_value(totp.hotp_value(secret, _step() if step is None else step))


def matching_step(secret: str, code: str) -> int | None:
    """The step, within the allowed drift, that the code belongs to; the newest one first."""
    code = "".join(code.split())
    for step in range(_step() + DRIFT, _step() - DRIFT - 1, -1):
        if constant_time_compare(code, totp_code(secret, step)):
            return step
    return None


def verify_totp(account: Account, code: str) -> None:
    """Accept a code once. Raises `CodeRejected`, or `TooManyRequests` after five wrong ones."""
    with transaction.atomic():
        kept = Authenticator.objects.select_for_update().filter(user=account, type=Authenticator.Type.TOTP).first()
        if kept is None:
            raise CodeRejected(_("该账户尚未绑定验证器。"), fields={"code": _("该账户尚未绑定验证器。")})
        problem = _check(kept, code)
        kept.save(update_fields=["data", "last_used_at"])
    if problem:
        raise problem


def _check(kept: Authenticator, code: str) -> Exception | None:
    data: dict[str, Any] = kept.data
    now = clock.now()
    paused = data.get("paused_until")
    if paused and dt.datetime.fromisoformat(paused) > now:
        return TooManyRequests(_("动态码输错次数过多，请 15 分钟后再试，或联系管理员。"))
    step = matching_step(decrypt(data["secret"]), code)
    if step is not None and step > data.get("last_step", 0):
        data.update(last_step=step, failures=0, paused_until=None)
        kept.last_used_at = now
        return None
    data["failures"] = data.get("failures", 0) + 1
    if data["failures"] >= FAILURES:
        data.update(failures=0, paused_until=(now + PAUSE).isoformat())
    text = _("这个动态码已用过，请等待下一个。") if step is not None else _("动态码不正确，请核对手机时间后重试。")
    return CodeRejected(text, fields={"code": text})


@transaction.atomic
def enrol_totp(account: Account, secret: str, code: str, actor: audit.Actor) -> None:
    """Bind an authenticator app after it showed one right code. Raises `CodeRejected`, `Conflict`."""
    step = matching_step(secret, code)
    if step is None:
        text = _("动态码不正确，请核对手机时间后重试。")
        raise CodeRejected(text, fields={"code": text})
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    if has_totp(account):
        raise Conflict(_("该账户已绑定验证器；更换手机请联系管理员重置。"))
    Authenticator.objects.create(
        user=account, type=Authenticator.Type.TOTP, data={"secret": encrypt(secret), "last_step": step}
    )
    _recorded(actor, account, "绑定动态码验证器")


def begin_passkey_registration(account: Account) -> dict[str, Any]:
    """Options for `navigator.credentials.create`; the challenge is kept in the session."""
    return webauthn.begin_registration(account, False)


def add_passkey(account: Account, credential: str, actor: audit.Actor) -> None:
    """Keep a passkey the browser just made. Raises `CodeRejected`."""
    try:
        parsed = json.loads(credential)
        webauthn.parse_registration_response(parsed)
        webauthn.complete_registration(parsed)
    except (ValidationError, ValueError, TypeError, KeyError) as error:
        raise CodeRejected(_("通行密钥没有添加成功，请重试。")) from error
    name = f"通行密钥 {clock.today().isoformat()}"
    webauthn.WebAuthn.add(account, name, parsed)
    _recorded(actor, account, "添加通行密钥")


def begin_passkey(account: Account) -> dict[str, Any]:
    """Options for `navigator.credentials.get`; the challenge is kept in the session."""
    return webauthn.begin_authentication(account)


def verify_passkey(account: Account, credential: str) -> None:
    """Accept the browser's answer to the challenge. Raises `CodeRejected`."""
    try:
        parsed = json.loads(credential)
        webauthn.parse_authentication_response(parsed)
        kept = webauthn.complete_authentication(account, parsed)
    except (ValidationError, ValueError, TypeError, KeyError) as error:
        raise CodeRejected(_("通行密钥验证没有成功，请重试或改用动态码。")) from error
    Authenticator.objects.filter(pk=kept.pk).update(last_used_at=clock.now())


@transaction.atomic
def remove_passkey(account: Account, authenticator_id: int, actor: audit.Actor) -> None:
    """Remove one passkey; the last second factor stays. Raises `NotFound`, `Conflict`."""
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    owned = authenticators_of(account)
    wanted = next((a for a in owned if a.pk == authenticator_id and a.type == Authenticator.Type.WEBAUTHN), None)
    if wanted is None:
        raise NotFound()
    if len(owned) == 1:
        raise Conflict(_("这是最后一个第二因素，请先添加另一个再删除。"))
    wanted.delete()
    _recorded(actor, account, "删除通行密钥")


@transaction.atomic
def reset_second_factor(account: Account, reason: str, actor: audit.Actor) -> None:
    """Take every second factor away, so that the next sign-in enrols anew (lost phone).

    The caller has checked that the administrator may. Raises `Invalid` without a reason.
    """
    if len(reason.strip()) < 2:
        raise Invalid(fields={"reason": _("请写明重置理由。")})
    Authenticator.objects.filter(user=account).delete()
    account.tokens.filter(revoked_at=None).update(revoked_at=clock.now())
    _recorded(actor, account, f"重置第二因素：{reason.strip()}")


def _recorded(actor: audit.Actor, account: Account, purpose: str) -> None:
    audit.record(actor, "second-factor", subject=("account", account.pk), purpose=purpose)
