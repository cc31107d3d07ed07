"""What may be wrong with a posting."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from yici.base.errors import Conflict, Invalid


class KeyUsed(Conflict):
    """The idempotency key was used before, for other content."""

    slug = "idempotency-key-used"
    message = _("这个幂等键已用于另一笔内容不同的业务，请换一个键。")


class Unbalanced(Invalid):
    slug = "ledger-unbalanced"
    message = _("借贷不平或金额无效，这笔账没有记。")
