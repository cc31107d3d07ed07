"""The registry of systems that let people sign in here: registering, new secrets, withdrawing. Each is recorded."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from allauth.idp.oidc.models import Client
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yici.base import clock
from yici.base.errors import Invalid, NotFound
from yici.core.audit import services as audit
from yici.core.people.models import Account, Organisation
from yici.core.people.queries import scope_of
from yici.core.people.services import require
from yici.platform.trust.models import RelyingParty

__all__ = ["PERMISSION", "SCOPES", "new_secret", "parties_for", "party_for", "register", "withdraw"]

PERMISSION = "client.manage"
# What a system may be told, in the words of the consent page.
SCOPES: dict[str, str | Promise] = {
    "openid": gettext_lazy("一个只给这个系统用的编号，以及您的核验程度"),
    "profile": gettext_lazy("您的姓名"),
    "phone": gettext_lazy("您的手机号"),
    "id_number": gettext_lazy("您的身份证号"),
}


def parties_for(account: Account) -> QuerySet[RelyingParty]:
    """Those the administrator may manage: by the organisation they belong to."""
    scope = scope_of(account, PERMISSION)
    rows = RelyingParty.objects.filter(scope.q(organisation="organisation", division="organisation__division"))
    return rows.select_related("client", "organisation", "registered_by").order_by("client__name")


def party_for(account: Account, client_id: str) -> RelyingParty:
    """Raises `NotFound` outside the administrator's scope."""
    found = parties_for(account).filter(client_id=client_id).first()
    if found is None:
        raise NotFound()
    return found


@transaction.atomic
def register(
    by: Account,
    name: str,
    organisation: Organisation | None,
    redirect_uris: str,
    scopes: list[str],
    actor: audit.Actor,
    *,
    public: bool = False,
) -> tuple[RelyingParty, str]:
    """Let a system in; returns it with its secret, shown this once (empty for a public one, an app on a phone).

    Raises `Invalid` (fields), `NotAllowed` outside the administrator's scope.
    """
    uris = [line.strip() for line in redirect_uris.splitlines() if line.strip()]
    fields = {}
    if not 2 <= len(name.strip()) <= 100:
        fields["name"] = _("请填写系统名称。")
    if organisation is None:
        fields["organisation"] = _("没有这个机构，请填写机构代号。")
    if problem := _wrong_addresses(uris):
        fields["redirect_uris"] = problem
    if not set(scopes) <= SCOPES.keys():
        fields["scopes"] = _("请从列出的信息中选择。")
    if fields:
        raise Invalid(fields=fields)
    assert organisation is not None
    require(by, PERMISSION, organisation=organisation)
    secret = "" if public else secrets.token_urlsafe(32)
    client = Client(
        name=name.strip(), type=Client.Type.PUBLIC if public else Client.Type.CONFIDENTIAL,
        secret=_hashed(secret), owner=None, skip_consent=False,
    )  # fmt: skip
    client.set_scopes(["openid", *(one for one in SCOPES if one in scopes and one != "openid")])
    client.set_redirect_uris(uris)
    client.set_grant_types([Client.GrantType.AUTHORIZATION_CODE, Client.GrantType.REFRESH_TOKEN])
    client.set_response_types([Client.ResponseType.CODE])
    client.save()
    now = clock.now()
    party = RelyingParty.objects.create(
        client=client, organisation=organisation, sector=urlsplit(uris[0]).hostname or "",
        registered_by=by, registered_at=now, secret_changed_at=now,
    )  # fmt: skip
    _recorded(actor, party, f"登记接入系统：{client.name}（{organisation.name}）")
    return party, secret


def _wrong_addresses(uris: list[str]) -> str:
    """What is wrong with redirect addresses, or empty."""
    if not uris:
        return _("请填写至少一个回调地址，每行一个。")
    hosts = set()
    for uri in uris:
        parts = urlsplit(uri)
        is_local = parts.hostname in ("127.0.0.1", "localhost", "::1")
        if not parts.hostname or (parts.scheme != "https" and not (parts.scheme == "http" and is_local)):
            return _("回调地址必须以 https:// 开头（本机测试可以用 http://127.0.0.1）。")
        if parts.fragment or parts.username or "*" in uri or "\\" in uri:
            return _("回调地址不能带 #、用户名或通配符。")
        hosts.add(parts.hostname)
    return "" if len(hosts) == 1 else _("一个系统的回调地址必须在同一个主机名下；不同主机名请分别登记。")


def _hashed(secret: str) -> str:
    return make_password(secret or None, hasher="random_secret")


@transaction.atomic
def new_secret(party: RelyingParty, actor: audit.Actor) -> str:
    """Replace the secret of a confidential client; the old one is void at once."""
    if party.client.type != Client.Type.CONFIDENTIAL:
        raise Invalid(_("这个系统没有密钥。"))
    secret = secrets.token_urlsafe(32)
    party.client.secret = _hashed(secret)
    party.client.save(update_fields=["secret"])
    party.secret_changed_at = clock.now()
    party.save(update_fields=["secret_changed_at"])
    _recorded(actor, party, f"更换接入系统密钥：{party.client.name}")
    return secret


@transaction.atomic
def withdraw(party: RelyingParty, reason: str, actor: audit.Actor) -> None:
    """Let a system in no more; its tokens go with it. Raises `Invalid` without a reason."""
    if len(reason.strip()) < 2:
        raise Invalid(fields={"reason": _("请写明理由。")})
    _recorded(actor, party, f"撤销接入系统：{party.client.name}：{reason.strip()}")
    party.client.delete()


def _recorded(actor: audit.Actor, party: RelyingParty, purpose: str) -> None:
    audit.record(actor, "client", subject=("client", party.client_id), purpose=purpose)
