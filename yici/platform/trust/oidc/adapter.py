"""What allauth's provider asks us: keys, the issuer, who a person is to a client, and what it may be told of her."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from allauth.core import context
from allauth.core.internal import jwkkit
from allauth.idp.oidc.adapter import DefaultOIDCAdapter
from allauth.idp.oidc.internal.private_keys import filter_keys
from allauth.idp.oidc.models import Client, PrivateKey
from django.conf import settings

from yici.core.audit import services as audit
from yici.core.people.models import Account
from yici.platform.trust.models import PairwiseSubject, RelyingParty
from yici.platform.trust.oidc import proofs
from yici.platform.trust.oidc.keys import private_keys

_read_key = lru_cache(maxsize=8)(jwkkit.load_jwk_from_pem)


def _remembered(pem: str) -> tuple[dict[str, Any], Any]:
    """A key once read: OpenSSL proves an RSA key whenever it reads it, which is a third of a sign-in."""
    public, private = _read_key(pem)
    return dict(public), private


jwkkit.load_jwk_from_pem = _remembered  # allauth has no place to ask for it


class Adapter(DefaultOIDCAdapter):  # type: ignore[misc]
    def get_issuer(self) -> str:
        return settings.SITE_URL.rstrip("/")

    def list_private_keys(self, *, did_activate: Any = None, is_active: Any = None) -> list[PrivateKey]:
        return list(filter_keys(private_keys(), did_activate=did_activate, is_active=is_active))

    def get_user_sub(self, client: Client, user: Account) -> str:
        """Pairwise: the same within one sector, unrelated between sectors."""
        sector = RelyingParty.objects.values_list("sector", flat=True).get(client_id=client.pk)
        kept, _made = PairwiseSubject.objects.get_or_create(
            sector=sector, account=user, defaults={"subject": secrets.token_urlsafe(32)}
        )
        return kept.subject

    def get_user_by_sub(self, client: Client, sub: str) -> Account | None:
        party = RelyingParty.objects.filter(client_id=client.pk).first()
        found = PairwiseSubject.objects.select_related("account__person").filter(subject=sub).first()
        if party is None or found is None or found.sector != party.sector or not found.account.is_active:
            return None
        return found.account

    def get_claims(
        self, purpose: str, user: Account, client: Client, scopes: Iterable[str], email: str | None = None, **more: Any
    ) -> dict[str, Any]:
        """In the ID token only the subject; what a scope allows, and was consented to, at the userinfo endpoint."""
        claims: dict[str, Any] = {"sub": self.get_user_sub(client, user)}
        if purpose != "userinfo":
            return claims
        wanted, told = set(scopes), []
        if "profile" in wanted:
            claims["name"] = user.name
            told.append("person.name")
        if "phone" in wanted and user.phone:
            claims |= {"phone_number": user.phone, "phone_number_verified": True}
            told.append("person.phone")
        if "id_number" in wanted and user.person is not None:
            claims["id_number"] = user.person.id_number
            told.append("person.id_number")
        if told and user.person_id:
            audit.record(
                audit.Actor(None, client.name, "", ""), "read", subject=("person", user.person_id), elements=told,
                purpose=f"登录“{client.name}”时经本人同意提供",
            )  # fmt: skip
        return claims

    def populate_id_token(self, id_token: dict[str, Any], client: Client, scopes: Iterable[str], **more: Any) -> None:
        """How well the person was known when the code was given. A refreshed token says nothing: nothing was proven."""
        if proof := proofs.take(client.pk, context.request.POST.get("code", "")):
            id_token["acr"], id_token["auth_time"] = proof["acr"], proof["auth_time"]
