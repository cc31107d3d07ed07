"""Granting and taking back roles, within what the granting account itself administers."""

from __future__ import annotations

import datetime as dt

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Conflict, Invalid, NotAllowed, NotFound
from yici.core.audit import services as audit
from yici.core.people import permissions as catalogue
from yici.core.people import queries
from yici.core.people.models import Account, Organisation, RoleGrant
from yici.core.people.scopes import area_of
from yici.core.people.services.accounts import actor_of
from yici.core.places.models import Division


def require(
    account: Account,
    permission: str,
    *,
    organisation: Organisation | None = None,
    division: str | None = None,
) -> None:
    """Raise `NotAllowed` unless the account holds the permission there."""
    if not queries.may(account, permission, organisation=organisation, division=division):
        raise NotAllowed()


@transaction.atomic
def grant_role(
    account: Account,
    role: str,
    *,
    organisation: Organisation,
    division: Division | None = None,
    reason: str,
    granted_by: Account | None,
    valid_from: dt.date | None = None,
    valid_to: dt.date | None = None,
    actor: audit.Actor | None = None,
) -> RoleGrant:
    """Give a role in organisation subtree × division subtree. `granted_by=None`: the set-up itself.

    Nobody grants to themselves, outside their own scope, or a role with more than they hold.
    Raises `NotAllowed`, `Invalid`, `Conflict` for a grant that is already in force.
    """
    first = valid_from or clock.today()
    _check_terms(role, reason, first, valid_to)
    if granted_by is not None:
        _check_authority(granted_by, account, role, organisation, division)
    same = RoleGrant.objects.filter(
        queries.current_grant(first), account=account, role=role, organisation=organisation, division=division
    )
    # One grant at a time per account, so that two administrators cannot both pass the check.
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    if same.exists():
        raise Conflict(_("该人员已在同一范围内担任这一角色。"))
    try:
        with transaction.atomic():
            grant = RoleGrant.objects.create(
                account=account, role=role, organisation=organisation, division=division, valid_from=first,
                valid_to=valid_to, reason=reason.strip(), granted_by=granted_by, duty=catalogue.duty_of_role(role),
            )  # fmt: skip
    except IntegrityError as error:
        if "people_one_duty" not in str(error.__cause__.diag.constraint_name):  # type: ignore[union-attr]
            raise
        raise Conflict(
            _("系统管理员、安全管理员和审计员必须由不同的人担任（三员分立），该人员已担任其中之一。")
        ) from error
    _forget(account)
    audit.record(
        actor or actor_of(granted_by), "grant", subject=("account", account.pk), elements=[f"role:{role}"],
        purpose=f"授予角色（{organisation.name}）：{reason.strip()}",
    )  # fmt: skip
    return grant


def _check_terms(role: str, reason: str, first: dt.date, last: dt.date | None) -> None:
    fields: dict[str, str] = {}
    if role not in catalogue.roles():
        fields["role"] = _("没有这个角色。")
    if len(reason.strip()) < 2:
        fields["reason"] = _("请写明授予理由。")
    if last is not None and last < first:
        fields["valid_to"] = _("截止日期不能早于开始日期。")
    if fields:
        raise Invalid(fields=fields)


def _check_authority(
    giver: Account, account: Account, role: str, organisation: Organisation, division: Division | None
) -> None:
    if giver.pk == account.pk:
        raise NotAllowed(_("不能给自己授予角色，请由上一级管理员办理。"))
    if account.kind != Account.Kind.STAFF:
        raise NotAllowed(_("只能给工作人员授予角色。"))
    scope = queries.scope_of(giver, "role.manage")
    wanted = area_of(organisation, division.pk if division else None)
    if not any(
        _includes(area.path, wanted.path) and _includes_division(area.division, division) for area in scope.areas
    ):
        raise NotAllowed(_("只能在您管理的机构和区域范围内授予角色。"))
    if not queries.may(giver, "role.manage", organisation=account.organisation):
        raise NotAllowed(_("该人员不在您的管理范围内。"))
    if "role.manage" in catalogue.permissions_of_role(role) and not scope.everything:
        raise NotAllowed(_("管理员角色只能由市级管理员授予。"))


def _includes(outer: str | None, inner: str | None) -> bool:
    return outer is None or (inner is not None and inner.startswith(outer))


def _includes_division(outer: str | None, inner: Division | None) -> bool:
    from yici.core.places.rules import is_within

    return outer is None or (inner is not None and is_within(inner.pk, outer))


@transaction.atomic
def revoke_grant(grant_id: int, *, by: Account, reason: str, actor: audit.Actor | None = None) -> RoleGrant:
    """End a grant at once. The row stays, with its last day. Raises `NotFound`, `NotAllowed`, `Invalid`."""
    if len(reason.strip()) < 2:
        raise Invalid(fields={"reason": _("请写明收回理由。")})
    grant = (
        RoleGrant.objects.select_for_update(of=("self",))
        .select_related("account", "organisation")
        .filter(queries.current_grant(clock.today()), pk=grant_id)
        .first()
    )
    if grant is None or not queries.may(by, "role.manage", organisation=grant.organisation, division=grant.division_id):
        raise NotFound()
    if grant.account_id == by.pk:
        raise NotAllowed(_("不能收回自己的角色，请由上一级管理员办理。"))
    # `valid_to` is the last day: yesterday ends the grant now.
    grant.valid_to = clock.today() - dt.timedelta(days=1)
    grant.save(update_fields=["valid_to"])
    _forget(grant.account)
    audit.record(
        actor or actor_of(by), "revoke", subject=("account", grant.account_id), elements=[f"role:{grant.role}"],
        purpose=f"收回角色（{grant.organisation.name}）：{reason.strip()}",
    )  # fmt: skip
    return grant


def _forget(account: Account) -> None:
    account.__dict__.pop("_grants_kept", None)
