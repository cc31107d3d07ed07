"""What may go wrong when something is counted."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from yici.base.errors import Conflict, Invalid, NotFound


class UnknownMetric(NotFound):
    slug = "unknown-metric"
    message = _("没有这个统计指标，请在指标目录中查找。")  # type: ignore[assignment]


class UnknownBreakdown(Invalid):
    slug = "unknown-breakdown"
    message = _("这个指标不能按所选方式分组。")  # type: ignore[assignment]


class ChecksFailed(Conflict):
    """The figures contradict each other; `extra["problems"]` lists how."""

    slug = "checks-failed"
    message = _("数字之间有矛盾，不能冻结，请先核对。")  # type: ignore[assignment]


class AlreadyFrozen(Conflict):
    slug = "already-frozen"
    message = _("这个截止时间的数值已经冻结过。")  # type: ignore[assignment]
