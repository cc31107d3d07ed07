"""What can go wrong with a case, in words a person can act on."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from yici.base.errors import Conflict


class ActionNotAllowed(Conflict):
    """The state, the stage or an open matter does not allow the action now."""

    slug = "action-not-allowed"
    message = _("办件当前的状态不能进行这项操作，请刷新页面查看最新进展。")  # type: ignore[assignment]


class ChangedMeanwhile(Conflict):
    """Somebody else acted on the case since the page was opened."""

    slug = "changed-meanwhile"
    message = _("有人刚刚办理了这件业务，您看到的内容已不是最新。请刷新页面，核对后再操作。")  # type: ignore[assignment]


class UrgedAlready(Conflict):
    """One urge a working day."""

    slug = "urged-already"
    message = _("您今天已经催办过，承办部门已收到。请下一个工作日再试。")  # type: ignore[assignment]
