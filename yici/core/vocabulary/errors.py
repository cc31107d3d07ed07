"""What may go wrong when the vocabulary is asked."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from yici.base.errors import NotFound


class UnknownElement(NotFound):
    slug = "unknown-element"
    message = _("没有这个数据元，请在数据元目录中查找正确的编号。")  # type: ignore[assignment]


class UnknownCodeList(NotFound):
    slug = "unknown-code-list"
    message = _("没有这个代码表，请在数据元目录中查找正确的编号。")  # type: ignore[assignment]
