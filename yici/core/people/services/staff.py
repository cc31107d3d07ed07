"""Staff accounts: made by the system administrator without any role, begun by their owner with a one-time link, closed.

The administrator never knows a password. Roles are the security administrator's to give (`roles`).
"""

from __future__ import annotations

import re

from django.contrib.auth.password_validation import validate_password
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Conflict, Invalid, NotAllowed
from yici.core.audit import services as audit
from yici.core.people.models import Account, Organisation
from yici.core.people.services.roles import require

__all__ = ["LINK_HOURS", "PERMISSION", "account_of_link", "begin", "create_staff", "link_of", "set_open"]

PERMISSION = "account.manage"
LINK_HOURS = 72
_SALT = "yici.staff-begin"


@transaction.atomic
def create_staff(
    by: Account, username: str, name: str, organisation: Organisation | None, title: str, actor: audit.Actor
) -> Account:
    """An account that nobody can sign in to yet. Raises `Invalid`, `Conflict`; `NotAllowed` outside the scope."""
    fields = {}
    if not re.fullmatch(r"[a-z][a-z0-9._-]{2,63}", username):
        fields["username"] = _("用户名用小写字母开头，只含小写字母、数字、点、横线，3 至 64 位。")
    if len(name.strip()) < 2:
        fields["name"] = _("请填写姓名。")
    if organisation is None:
        fields["organisation"] = _("没有这个机构，请填写机构代号。")
    if fields:
        raise Invalid(fields=fields)
    require(by, PERMISSION, organisation=organisation)
    if Account.objects.filter(username=username).exists():
        raise Conflict(_("这个用户名已有人使用，请换一个。"))
    account = Account.objects.create_user(
        username, None, name=name.strip(), kind=Account.Kind.STAFF, organisation=organisation, title=title.strip()
    )
    _recorded(actor, account, f"新建工作人员账户：{account.name}")
    return account


def link_of(account: Account) -> str:
    """The token of a link that sets the password, within 72 hours and once: it dies with the password it was made for."""
    return signing.dumps([account.pk, _mark(account)], salt=_SALT)


def _mark(account: Account) -> str:
    return salted_hmac(_SALT, account.password).hexdigest()[:24]


def account_of_link(token: str) -> Account:
    """Raises `NotAllowed` for a link that is forged, old or used."""
    try:
        number, mark = signing.loads(token, salt=_SALT, max_age=LINK_HOURS * 3600)
    except (signing.BadSignature, ValueError, TypeError):
        number, mark = 0, ""
    found = Account.objects.filter(pk=number, kind=Account.Kind.STAFF, is_active=True).first()
    if found is None or _mark(found) != mark:
        raise NotAllowed(_("这个链接已用过或已过期，请向系统管理员索取新的链接。"))
    return found


@transaction.atomic
def begin(token: str, password: str, actor: audit.Actor) -> Account:
    """Set the first (or a new) password. Raises `NotAllowed`, `Invalid` for a weak one."""
    account = Account.objects.select_for_update(no_key=True).get(pk=account_of_link(token).pk)
    account_of_link(token)  # of two at once the second finds the password changed
    try:
        validate_password(password, account)
    except ValidationError as error:
        raise Invalid(fields={"password": _("密码至少 10 位，不能太常见，也不能与姓名、用户名相近。")}) from error
    account.set_password(password)
    account.save(update_fields=["password"])
    _recorded(actor, account, "本人凭一次性链接设置密码")
    return account


@transaction.atomic
def set_open(by: Account, account: Account, is_open: bool, reason: str, actor: audit.Actor) -> None:
    """Close an account, at once and with its tokens, or open it again; with a reason, and not one's own."""
    if len(reason.strip()) < 2:
        raise Invalid(fields={"reason": _("请写明理由。")})
    if account.pk == by.pk:
        raise NotAllowed(_("不能停用自己的账户。"))
    require(by, PERMISSION, organisation=account.organisation)
    account.is_active = is_open
    account.save(update_fields=["is_active"])
    if not is_open:
        account.tokens.filter(revoked_at=None).update(revoked_at=clock.now())
    _recorded(actor, account, f"{'启用' if is_open else '停用'}工作人员账户：{reason.strip()}")


def _recorded(actor: audit.Actor, account: Account, purpose: str) -> None:
    audit.record(actor, "account", subject=("account", account.pk), purpose=purpose)
