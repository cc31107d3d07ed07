"""What may go wrong when several items are applied for at once, each with what the person can do about it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from yici.base.errors import Conflict, Invalid


class Circular(Invalid):
    """Items wait for each other's results in a circle, which the message names."""

    slug = "joint-circular"
    message = _("这些事项互相等待对方的结果，不能一次申请。请分开办理，或者拨打 12345 转 2。")


class Contradictory(Invalid):
    """Items that one person cannot apply for together; `fields` says which and why."""

    slug = "joint-contradictory"
    message = _("这些事项不能一次申请，请去掉其中一项。")


class NothingToJoin(Invalid):
    slug = "joint-nothing"
    message = _("请至少选一项可以网上办理的事项。")


class JointItemStopped(Conflict):
    """An item of the set is no longer offered; the others can go on without it."""

    slug = "joint-item-stopped"
    message = _("其中有事项已暂停办理。您填写的内容还在；可以去掉它，先办其余各项。")
