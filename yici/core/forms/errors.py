"""What can go wrong with a draft."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from yici.base.errors import Conflict, YiciError


class DraftExpired(YiciError):
    """The draft lay too long; its answers are gone. `extra["form"]` says which form to start again."""

    status = 410
    slug = "draft-expired"
    message = _("草稿已过期，内容已清除。请重新开始填写，市里已有的信息仍会自动带出。")  # type: ignore[assignment]


class StaleDraft(Conflict):
    """Another device or window saved meanwhile. `extra["revision"]` is the revision to go on from."""

    slug = "stale-draft"
    message = _("另一台设备或另一个窗口已保存了较新的内容。下面显示的是较新的内容，请核对后再继续。")  # type: ignore[assignment]


class DraftSubmitted(Conflict):
    """The draft has become a case. `extra["case_number"]` says which."""

    slug = "draft-submitted"
    message = _("这份申请已经提交，不能再修改。可在“我的办件”查看进度。")  # type: ignore[assignment]
