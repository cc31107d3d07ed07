"""Why a delivery is not published although its rows are good."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from yici.platform.data.errors import Refused


class ShrunkTooFar(Refused):
    """A full delivery that would remove a large part of the class: more likely cut off than true."""

    slug = "shrunk-too-far"
    message = _("这次全量数据比现有版本少了三成以上，可能没有传完，已拒收；确认属实后可以放行重试。")
