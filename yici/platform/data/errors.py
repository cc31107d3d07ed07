"""What can go wrong with a delivery. Every error has a slug that a run keeps, and says what to do."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from yici.base.errors import Conflict, Invalid, Unavailable, YiciError


class Refused(Invalid):
    """What came cannot be used; the last good version stays. Subclasses say why."""

    slug = "delivery-refused"
    message = _("收到的数据无法使用，已拒收；现有数据不受影响。")


class SourceUnavailable(Unavailable):
    """The source does not answer, or not in time; the run will be tried again."""

    slug = "source-unavailable"
    message = _("数据源没有响应，稍后会自动重试；现有数据不受影响。")


class SourceInconsistent(Unavailable):
    """The source contradicts itself within one pull (two totals, a page twice); tried again from the start."""

    slug = "source-inconsistent"
    message = _("数据源在取数过程中前后不一致，稍后会从头重试；现有数据不受影响。")


class LoadInProgress(Conflict):
    slug = "load-in-progress"
    message = _("这一类数据正在入库，请等它结束后再试。")


class Overtaken(Conflict):
    """Bytes that were kept are older than what was loaded since."""

    slug = "overtaken"
    message = _("之后的报送已经入库，为免旧数据盖掉新数据，没有自动重试；确有需要请人工重试。")


class BytesExpired(Conflict):
    """The bytes of a delivery were deleted when their time was over."""

    slug = "bytes-expired"
    message = _("这次报送的原始文件已过保存期，不能再用；请提供单位重新报送。")


class DiskFull(YiciError):
    """Nothing half-written is left; the last good version stays."""

    status = 507
    slug = "disk-full"
    message = _("磁盘空间不足，本次入库已撤销；请清理空间后重试，现有数据不受影响。")
