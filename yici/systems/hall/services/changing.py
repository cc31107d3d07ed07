"""The six kinds of change of an item: proposed with a difference, reviewed by a second person, in force from a day.

Cases and drafts that are open keep the version they were opened with; a stop tells everybody who has a draft.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.cityfolder import city_folder
from yici.base.errors import Invalid, Misconfigured, NotFound
from yici.core.audit import services as audit
from yici.core.forms import queries as form_queries
from yici.core.messages import services as messages
from yici.core.people.models import Account
from yici.core.people.services import actor_of, require
from yici.systems.hall import loading
from yici.systems.hall.errors import ChangeSettled, SamePerson
from yici.systems.hall.models import ItemChange, ServiceItem
from yici.systems.hall.queries.catalogue import definition_of
from yici.systems.hall.services import editing

MANAGE = "item.manage"
LEVELS = ("city", "county", "township", "village")


def propose(
    account: Account,
    code: str,
    *,
    kind: str,
    reason: str,
    basis: str,
    effective_from: dt.date,
    edits: Mapping[str, str] | None = None,
    holders: Mapping[str, Any] | None = None,
) -> ItemChange:
    """File a change. Raises `NotAllowed`, `NotFound`, `Invalid` naming the fields to mend."""
    require(account, MANAGE)
    item = ServiceItem.objects.select_related("current").filter(code=code, current__isnull=False).first()
    if item is None or item.current is None:
        raise NotFound
    chosen = ItemChange.Kind(kind)
    faults: dict[str, str] = {}
    if not reason.strip():
        faults["reason"] = _("请写变更的原因。")
    if not basis.strip():
        faults["basis"] = _("请写依据的法律、文件名称和文号。")
    if effective_from < clock.today():
        faults["effective_from"] = _("生效日期不能早于今天。")
    edited = editing.edits_of(definition_of(item.current).published(), chosen, edits or {})
    faults |= edited.faults
    moved = _holders(item, chosen, holders or {}, faults)
    if faults:
        raise Invalid(fields=faults)
    with transaction.atomic():
        change = ItemChange.objects.create(
            item=item, kind=chosen, reason=reason.strip(), basis=basis.strip(), edits=edited.new, before=edited.before,
            holders=moved, effective_from=effective_from, proposed_by=account, proposed_at=clock.now(),
        )  # fmt: skip
        audit.record(
            actor_of(account),
            "item.change.propose",
            subject=("item", code),
            purpose=f"{chosen.label}：{reason.strip()}",
        )
    return change


def _holders(
    item: ServiceItem, kind: ItemChange.Kind, wanted: Mapping[str, Any], faults: dict[str, str]
) -> dict[str, Any]:
    held = set(item.holdings.filter(is_active=True).values_list("level", flat=True))
    if kind in (ItemChange.Kind.DELEGATE, ItemChange.Kind.TAKE_OVER):
        source, target = str(wanted.get("from", "")), str(wanted.get("to", ""))
        down = LEVELS.index(target) - LEVELS.index(source) if {source, target} <= set(LEVELS) else 0
        if source not in held:
            faults["from"] = _("目前没有这一级的单位持有这个事项。")
        if kind == ItemChange.Kind.DELEGATE and down <= 0:
            faults["to"] = _("下放应当从上级到下级。")
        if kind == ItemChange.Kind.TAKE_OVER and down == 0:
            faults["to"] = _("承接的级别应当与原来的不同。")
        return {"from": source, "to": target}
    if kind == ItemChange.Kind.ADD:
        bodies, level = list(wanted.get("bodies") or []), str(wanted.get("level", ""))
        if not bodies or level not in LEVELS:
            faults["bodies"] = _("请写新增办理这个事项的单位。")
        return {"bodies": bodies, "level": level}
    return {"bodies": list(wanted.get("bodies") or [])} if kind == ItemChange.Kind.STOP else {}


def review(account: Account, change_id: int, *, approve: bool, opinion: str) -> ItemChange:
    """Decide on a change somebody else proposed; one whose day has come takes effect at once.

    Raises `NotAllowed`, `NotFound`, `SamePerson`, `ChangeSettled`, `Invalid`.
    """
    require(account, MANAGE)
    with transaction.atomic():
        change = ItemChange.objects.select_for_update().filter(pk=change_id).first()
        if change is None:
            raise NotFound
        if change.state != ItemChange.State.PROPOSED:
            raise ChangeSettled
        if change.proposed_by_id == account.pk:
            raise SamePerson
        if not approve and not opinion.strip():
            raise Invalid(fields={"opinion": _("不通过的，请写明原因。")})
        change.state = ItemChange.State.APPROVED if approve else ItemChange.State.REFUSED
        change.reviewed_by, change.reviewed_at, change.opinion = account, clock.now(), opinion.strip()
        change.save()
        audit.record(
            actor_of(account), "item.change.review", subject=("item", change.item.code),
            purpose=f"{change.get_kind_display()}：{change.get_state_display()}",
        )  # fmt: skip
        if approve and change.effective_from <= clock.today():
            take_effect([change])
    return change


def take_effect_of_due() -> int:
    """Approved changes whose day has come; how many took effect. Called daily."""
    with transaction.atomic():
        due = ItemChange.objects.select_for_update(skip_locked=True).filter(
            state=ItemChange.State.APPROVED, effective_from__lte=clock.today()
        )
        found = list(due.order_by("effective_from", "pk"))
        take_effect(found)
    return len(found)


def take_effect(changes: list[ItemChange]) -> None:
    """Put changes in force: the catalogue is loaded afresh with them, and holders of drafts of a stopped item are told.

    Raises `Invalid` where the changed item would break a rule of the catalogue; nothing is kept then.
    """
    if not changes:
        return
    for change in changes:
        change.state, change.in_force_at = ItemChange.State.IN_FORCE, clock.now()
        change.save(update_fields=["state", "in_force_at"])
    try:
        loading.load(city_folder(), only={change.item.base for change in changes})
    except Misconfigured as error:
        raise Invalid(_("这样改动以后事项不符合目录规则：{message}").format(message=error.message)) from error
    for change in changes:
        if change.kind == ItemChange.Kind.STOP and not change.holders.get("bodies"):
            change.told = _tell_of_stop(change)
            change.save(update_fields=["told"])


def _tell_of_stop(change: ItemChange) -> int:
    told: set[int] = set()
    for draft in form_queries.open_drafts(f"hall:{change.item.code}@"):
        if draft.owner_id not in told:
            told.add(draft.owner_id)
            messages.tell(
                draft.owner, "item.stopped", {"item": change.item.name, "reason": change.reason}, link="/my/drafts/"
            )
    return len(told)
