"""The base of every error a person or a program may meet.

An app derives its own small hierarchy from these; pages show `message`, the API sends an RFC 9457
problem document made of `slug`, `status` and `message`. Never raise a bare `YiciError`.
"""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class YiciError(Exception):
    """Something a person can act on. `message` is Chinese, says what happened and what to do."""

    status = 400
    slug = "error"
    message: str | Promise = _("请求无法处理，请检查后重试。")

    def __init__(self, message: str | Promise | None = None, **extra: Any) -> None:
        self.message = message or self.message
        self.extra = extra
        super().__init__(self.message)


def told(error: Exception | None) -> dict[str, Any]:
    """What a form's page says of an error: `errors` beside the fields, `general` where it names none."""
    fields = dict(getattr(error, "fields", {}) or {})
    return {"errors": fields, "general": "" if fields else str(getattr(error, "message", ""))}


class NotFound(YiciError):
    """The thing is not there, or not there for this person: the two are never told apart."""

    status = 404
    slug = "not-found"
    message: str | Promise = _("没有找到您要的内容，它可能已被删除，或您无权查看。")


class NotAllowed(YiciError):
    status = 403
    slug = "not-allowed"
    message: str | Promise = _("您没有办理这项操作的权限。")


class Conflict(YiciError):
    """Somebody else was faster, or the state does not allow the action any more."""

    status = 409
    slug = "conflict"
    message: str | Promise = _("情况已发生变化，请刷新页面后再试。")


class Invalid(YiciError):
    """Input that fails validation. `fields` maps a field id to a message for people."""

    status = 422
    slug = "invalid"
    message: str | Promise = _("填写的内容有误，请按提示修改。")

    def __init__(
        self, message: str | Promise | None = None, fields: dict[str, str] | None = None, **extra: Any
    ) -> None:
        self.fields = fields or {}
        super().__init__(message, **extra)


class Misconfigured(YiciError):
    """The city's own set-up is wrong or incomplete; an administrator must mend it."""

    status = 500
    slug = "misconfigured"
    message: str | Promise = _("系统配置有误，请联系管理员。")


class Unavailable(YiciError):
    """A partner (SMS, bank, police) does not answer; nothing was lost, try later."""

    status = 503
    slug = "unavailable"
    message: str | Promise = _("外部服务暂时无法使用，请稍后再试。")
