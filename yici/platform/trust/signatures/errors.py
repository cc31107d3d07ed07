"""What may go wrong when somebody signs, each with words a person can act on."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from yici.base.errors import Conflict, NotAllowed, Unavailable

__all__ = ["AuthorisationRefused", "ClockWrong", "KeyNotUsable", "NotYourTurn"]


class AuthorisationRefused(NotAllowed):
    """`reason`: unknown, expired, used, other_key or other_hash."""

    slug = "signing-authorisation-refused"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(_REFUSALS[reason])


_REFUSALS = {
    "unknown": _("签名授权无效，请重新授权。"),
    "expired": _("签名授权已过期，请重新授权。"),
    "used": _("签名授权已经用过，请重新授权。"),
    "other_key": _("签名授权不是给这把密钥的，请重新授权。"),
    "other_hash": _("要签的内容与授权的内容不一致，已拒绝签名。"),
}


class KeyNotUsable(Conflict):
    """Suspended, revoked, replaced or expired."""

    slug = "signing-key-not-usable"
    message: str | Promise = _("签名密钥已停用、更换或过期，请更换签名密钥后再签。")


class ClockWrong(Unavailable):
    """This machine's clock is before a time stamp that was given already: no time can be vouched for."""

    slug = "clock-wrong"
    message: str | Promise = _("时间戳服务的时钟不准，暂时不能签署，请联系管理员校准时间后再试。")


class NotYourTurn(Conflict):
    slug = "not-your-turn"
    message: str | Promise = _("还没有轮到您签署，轮到时会发消息通知您。")
