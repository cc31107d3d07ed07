"""Sign-in of citizens: identity confirmed by a source, possession of a phone proven by a one-time code."""

from __future__ import annotations

import datetime as dt
import secrets

from django.db import connection, transaction
from django.db.models import Q
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Invalid, NotAllowed
from yici.core.audit import services as audit
from yici.core.people import ports
from yici.core.people.errors import CodeRejected, IdentityNotConfirmed, TooManyRequests
from yici.core.people.models import Account, SignInCode
from yici.core.people.rules import plain_line
from yici.core.people.services.accounts import actor_of, ensure_account, ensure_person
from yici.core.vocabulary import rules as vocabulary

CODE_LIFE = dt.timedelta(minutes=10)
MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)
# (field, span, how many in that span). An address may be a whole village behind one line.
LIMITS = [("phone", MINUTE, 1), ("phone", HOUR, 5), ("id_number", HOUR, 10), ("address", HOUR, 60)]


def request_sign_in_code(name: str, id_number: str, phone: str, *, address: str = "") -> str:
    """Check the identity, send a six-digit code, and return the token that goes with it.

    Raises `Invalid` (fields), `IdentityNotConfirmed`, `TooManyRequests`, `Unavailable`.
    """
    name, number, phone = _checked(name, id_number, phone)
    code, token = f"{secrets.randbelow(1_000_000):06d}", secrets.token_urlsafe(32)
    confirmed = ports.is_confirmed(name, number)
    with transaction.atomic():
        _refuse_haste(phone, number, address)
        # A refused identity is kept too, spent from the start: it counts against the limits.
        SignInCode.objects.create(
            token=token, name=name, id_number=number, phone=phone, address=address or None,
            code_hash=_hash(token, code) if confirmed else "", tries_left=5 if confirmed else 0,
            expires_at=clock.now() + CODE_LIFE, created_at=clock.now(),
        )  # fmt: skip
        if confirmed:
            ports.send_code(phone, code)
    if not confirmed:
        raise IdentityNotConfirmed(
            _("姓名与身份证号未能核对一致，请检查后重试；仍不成功的，请携带身份证到就近的政务服务窗口办理。")
        )
    return token


def _checked(name: str, id_number: str, phone: str) -> tuple[str, str, str]:
    fields: dict[str, str] = {}
    name = " ".join(name.split())
    if not 2 <= len(name) <= 50 or any(character in "<>{}\\" or ord(character) < 32 for character in name):
        fields["name"] = _("请填写身份证上的姓名。")
    number = ""
    try:
        number = vocabulary.parse_id_number(id_number).number
    except Invalid as error:
        fields["id_number"] = str(error.message)
    try:
        phone = vocabulary.check_phone(phone)
    except Invalid as error:
        fields["phone"] = str(error.message)
    if fields:
        raise Invalid(fields=fields)
    return name, number, phone


def _refuse_haste(phone: str, id_number: str, address: str) -> None:
    """Raise `TooManyRequests` beyond the limits. Requests of one phone are counted one after another."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [f"sign-in {phone}"])
    values = {"phone": phone, "id_number": id_number, "address": address}
    for field, span, limit in LIMITS:
        if not values[field]:
            continue
        since = clock.now() - span
        recent = SignInCode.objects.filter(Q(**{field: values[field]}), created_at__gt=since)
        times = list(recent.order_by("-created_at").values_list("created_at", flat=True)[:limit])
        if len(times) >= limit:
            seconds = max(1, int((times[-1] + span - clock.now()).total_seconds()))
            wait = _("%(n)d 秒") % {"n": seconds} if seconds <= 60 else _("%(n)d 分钟") % {"n": -(-seconds // 60)}
            raise TooManyRequests(_("获取验证码过于频繁，请在 %(wait)s后再试。") % {"wait": wait}, seconds=seconds)


def _hash(token: str, code: str) -> str:
    return salted_hmac("yici.sign-in-code", f"{token}:{code}", algorithm="sha256").hexdigest()


def redeem_sign_in_code(token: str, code: str, *, address: str = "") -> Account:
    """The account behind a token and its code, made at first sign-in. A code works once.

    Raises `CodeRejected`; `NotAllowed` for an account that was closed.
    """
    with transaction.atomic():
        row = SignInCode.objects.select_for_update().filter(token=plain_line(token, 43)).first()
        problem = _problem(row, code)
        if row and problem:
            row.save(update_fields=["tries_left"])
        elif row:
            row.used_at = clock.now()
            row.save(update_fields=["used_at"])
            account = _account_for(row)
            actor = actor_of(account)
            audit.record(
                audit.Actor(actor.account_id, actor.name, "", address), "sign-in",
                subject=("account", account.pk), purpose="个人登录：姓名、身份证号与短信验证码",
            )  # fmt: skip
    # Raised outside the transaction: the try that was used up must stay used up.
    if problem or row is None:
        raise CodeRejected(problem, fields={"code": problem})
    if account.phone != row.phone:
        ports.notify(account, "sign_in.new_phone", {"phone": vocabulary.mask("person.phone", row.phone)}, account.phone)
    return account


def _problem(row: SignInCode | None, code: str) -> str:
    """Why the code is refused, or empty; uses up one try of a wrong one."""
    if row is None:
        return _("验证码已失效，请重新获取。")
    if row.used_at:
        return _("验证码已使用过，请重新获取。")
    if row.expires_at <= clock.now():
        return _("验证码已过期，请重新获取。")
    if row.tries_left <= 0:
        return _("验证码输错次数过多，请重新获取。")
    if constant_time_compare(row.code_hash, _hash(row.token, "".join(code.split()))):
        return ""
    row.tries_left -= 1
    if row.tries_left == 0:
        return _("验证码输错次数过多，请重新获取。")
    return _("验证码不正确，还可以再试 %(n)d 次。") % {"n": row.tries_left}


def _account_for(row: SignInCode) -> Account:
    account = ensure_account(ensure_person(row.name, row.id_number, phone=row.phone), phone=row.phone)
    if not account.is_active:
        raise NotAllowed(_("该账户已停用，请到政务服务窗口咨询。"))
    if not account.phone:
        account.phone = row.phone
        account.save(update_fields=["phone"])
    return account
