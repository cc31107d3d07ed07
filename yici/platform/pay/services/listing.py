"""The fee list is changed by two people: one proposes, another reviews. Nothing is charged by a proposal."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from pydantic import ValidationError

from yici.base import clock
from yici.base.errors import Conflict, Invalid, NotAllowed, NotFound
from yici.base.faults import first_fault
from yici.core.audit import services as audit
from yici.core.people.models import Account
from yici.core.people.services import actor_of
from yici.platform.pay.definitions import Fee, fee_from
from yici.platform.pay.models import FeeItem, FeeVersion


@transaction.atomic
def propose_fee(code: str, changes: dict[str, Any], reason: str, account: Account) -> FeeVersion:
    """Propose another price, day or name for a fee on the list; one proposal at a time. Raises `Invalid`, `Conflict`, `NotFound`."""
    item = FeeItem.objects.select_for_update(of=("self",)).select_related("current").filter(code=code).first()
    if item is None:
        raise NotFound
    newest = FeeVersion.objects.filter(item=item).order_by("-number").first()
    assert newest is not None  # an item is made with its first version
    base = item.current or newest
    if not reason.strip():
        raise Invalid(_("请写明调整依据。"), fields={"reason": _("请写明调整依据，例如文件名称和文号。")})
    try:
        fee = Fee.model_validate({**base.definition, **changes})
    except ValidationError as error:
        raise Invalid(_("填写的内容有误：%(fault)s") % {"fault": first_fault(error)}) from error
    if fee == fee_from(base.definition):
        raise Invalid(_("没有任何改动。"))
    try:
        with transaction.atomic():
            version = FeeVersion.objects.create(
                item=item, number=newest.number + 1, definition=fee.model_dump(mode="json"), digest=fee.digest(),
                state=FeeVersion.State.PROPOSED, source="desk", reason=reason.strip()[:1000], proposed_by=account,
                proposed_at=clock.now(),
            )  # fmt: skip
    except IntegrityError as error:
        raise Conflict(_("这个项目已有一项待复核的调整，请先复核。")) from error
    audit.record(actor_of(account), "change", subject=("fee", code), purpose=f"提出收费调整：{version.reason}")
    return version


@transaction.atomic
def review_fee(code: str, *, approve: bool, opinion: str, account: Account) -> FeeVersion:
    """Publish or reject the proposal; never by whoever made it. Raises `NotAllowed`, `Conflict`, `Invalid`."""
    version = (
        FeeVersion.objects.select_for_update(of=("self",)).filter(item=code, state=FeeVersion.State.PROPOSED).first()
    )
    if version is None:
        raise Conflict(_("没有待复核的调整，可能已由别人复核。"))
    if version.proposed_by_id == account.pk:
        raise NotAllowed(_("自己提出的调整要由另一个人复核。"))
    if not approve and not opinion.strip():
        raise Invalid(_("请写明不通过的理由。"), fields={"opinion": _("请写明不通过的理由。")})
    version.state = FeeVersion.State.PUBLISHED if approve else FeeVersion.State.REJECTED
    version.reviewed_by, version.reviewed_at, version.opinion = account, clock.now(), opinion.strip()[:1000]
    version.save(update_fields=["state", "reviewed_by", "reviewed_at", "opinion"])
    if approve:
        FeeItem.objects.filter(code=code).update(current=version)
    audit.record(
        actor_of(account), "decide", subject=("fee", code), purpose=f"复核收费调整：{version.get_state_display()}"
    )
    return version
