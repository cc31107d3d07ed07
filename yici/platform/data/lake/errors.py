"""Why a delivery is not published although its rows are good."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from yici.platform.data.errors import Refused


class ShrunkTooFar(Refused):
    """A full delivery that would remove a large part of the class: more likely cut off than true."""

    slug = "shrunk-too-far"
    message = _("这次全量数据比现有版本少了三成以上，可能没有传完，已拒收；确认属实后可以放行重试。")


class KeyUnusable(Refused):
    """A row without its key, or two with the same: screening holds such rows, so rules and key of the class disagree."""

    slug = "key-unusable"
    message = _("送来入库的数据中主键为空或重复，已拒收；请核对这一类数据的主键和校验规则，现有数据不受影响。")


class LayoutChanged(Refused):
    """A column has another type now, and values that stand cannot be read in it: changes alone cannot go on top."""

    slug = "layout-changed"
    message = _("列的类型已经改变，现有数据无法按新类型读出，增量数据不能合入，已拒收；请先送一次全量数据。")
