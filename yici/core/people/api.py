"""Sign-in, the signed-in account, and delegations, as JSON."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Field, Router, Schema
from ninja.security import HttpBearer

from yici.base import clock
from yici.base.errors import NotFound
from yici.core.people import queries, services, sign_in
from yici.core.people.auth import account_of, any_auth, assurance_of, citizen_auth
from yici.core.people.errors import CodeRejected
from yici.core.people.models import Account, Delegation
from yici.core.people.services import second_factor
from yici.core.vocabulary import rules as vocabulary

router = Router(tags=["people"])

PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
ItemCode = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]


class CodeRequest(Schema):
    name: str = Field(max_length=50, pattern=PRINTABLE)
    id_number: str = Field(max_length=30, pattern=PRINTABLE)
    phone: str = Field(max_length=20, pattern=PRINTABLE)


class CodeSent(Schema):
    token: str
    expires_in: int = Field(description="seconds")


class CodeAnswer(Schema):
    token: str = Field(max_length=64, pattern=PRINTABLE)
    code: str = Field(max_length=20, pattern=PRINTABLE)


class StaffSignIn(Schema):
    username: str = Field(max_length=64, pattern=PRINTABLE)
    password: str = Field(max_length=200, pattern=PRINTABLE)
    totp: str = Field(max_length=20, pattern=PRINTABLE)


class Session(Schema):
    token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the scheme, not a secret
    expires_in: int = Field(description="seconds")
    assurance: int = Field(description="1 name, 2 name and face, 3 name, face and credential")


class Me(Schema):
    name: str
    kind: str
    assurance: int
    organisation: str | None
    title: str
    phone: str = Field(description="masked")
    language: str
    elder_mode: bool
    permissions: list[str]


class DelegationOut(Schema):
    id: int
    principal: str = Field(description="masked name")
    agent: str = Field(description="masked name")
    basis: str
    evidence: str
    item_codes: list[str] = Field(description="empty: every item")
    valid_from: dt.date
    valid_to: dt.date
    state: Literal["pending", "active", "expired", "revoked"]


class Delegations(Schema):
    given: list[DelegationOut]
    held: list[DelegationOut]


class DelegationIn(Schema):
    direction: Literal["give", "ask"] = Field(description="give: let another act for me; ask: act for another")
    name: str = Field(max_length=50, pattern=PRINTABLE)
    id_number: str = Field(max_length=30, pattern=PRINTABLE)
    basis: Literal["household", "consent"] = "consent"
    item_codes: list[ItemCode] = Field(default=[], max_length=100)
    valid_to: dt.date | None = None


def _session(account: Account) -> Session:
    token = services.issue_token(account, assurance=1)
    return Session(token=token, expires_in=8 * 3600, assurance=1)


@router.post("/session/code", response=CodeSent, auth=None, summary="Send a sign-in code to a citizen's phone")
def send_code(request: HttpRequest, body: CodeRequest) -> CodeSent:
    token = services.request_sign_in_code(body.name, body.id_number, body.phone, address=services.address_of(request))
    return CodeSent(token=token, expires_in=600)


@router.post("/session", response=Session, auth=None, summary="Redeem a sign-in code for a bearer token")
def redeem(request: HttpRequest, body: CodeAnswer) -> Session:
    return _session(services.redeem_sign_in_code(body.token, body.code, address=services.address_of(request)))


@router.post("/session/staff", response=Session, auth=None, summary="Staff: password and TOTP for a bearer token")
def staff_session(request: HttpRequest, body: StaffSignIn) -> Session:
    account = sign_in.check_password(request, body.username, body.password)
    if not second_factor.has_totp(account):
        raise CodeRejected(_("请先在网页上登录并绑定动态码验证器。"), fields={"totp": _("尚未绑定动态码验证器。")})
    second_factor.verify_totp(account, body.totp)
    sign_in.record_staff_sign_in(request, account, "动态码（接口）")
    return _session(account)


@router.delete("/session", response={204: None}, auth=any_auth, summary="Give the bearer token or the session back")
def end_session(request: HttpRequest) -> HttpResponse:
    scheme, _space, token = request.headers.get(HttpBearer.header, "").partition(" ")
    if scheme.lower() == "bearer" and token:
        services.revoke_token(token)
    else:
        sign_in.close_session(request)
    return HttpResponse(status=204)


@router.get("/me", response=Me, auth=any_auth, summary="The signed-in account")
def me(request: HttpRequest) -> Me:
    account = account_of(request)
    return Me(
        name=account.name, kind=account.kind, assurance=assurance_of(request),
        organisation=account.organisation.name if account.organisation else None, title=account.title,
        phone=vocabulary.mask("person.phone", account.phone) if account.phone else "",
        language=account.language, elder_mode=account.elder_mode, permissions=sorted(queries.permissions_of(account)),
    )  # fmt: skip


def _out(row: Delegation) -> DelegationOut:
    state: Literal["pending", "active", "expired", "revoked"] = "active"
    if row.revoked_at:
        state = "revoked"
    elif row.valid_to < clock.today():
        state = "expired"
    elif row.accepted_at is None:
        state = "pending"
    return DelegationOut(
        id=row.pk, principal=vocabulary.mask("person.name", row.principal.name),
        agent=vocabulary.mask("person.name", row.agent.name), basis=row.basis, evidence=row.evidence,
        item_codes=row.item_codes, valid_from=row.valid_from, valid_to=row.valid_to, state=state,
    )  # fmt: skip


@router.get("/me/delegations", response=Delegations, auth=citizen_auth, summary="Delegations given and held")
def list_delegations(request: HttpRequest) -> Delegations:
    person = account_of(request).person
    if person is None:  # cannot happen: a citizen's account is made with its person
        raise NotFound()
    return Delegations(
        given=[_out(row) for row in queries.delegations_from(person)],
        held=[_out(row) for row in queries.delegations_to(person)],
    )


@router.post("/me/delegations", response={201: DelegationOut}, auth=citizen_auth, summary="Give or ask for one")
def add_delegation(request: HttpRequest, body: DelegationIn) -> tuple[int, DelegationOut]:
    account = account_of(request)
    actor = services.actor_of(account, request)
    if body.direction == "give":
        made = services.give_delegation(
            account, name=body.name, id_number=body.id_number, item_codes=body.item_codes, valid_to=body.valid_to,
            actor=actor,
        )  # fmt: skip
    else:
        made = services.ask_delegation(
            account, name=body.name, id_number=body.id_number, basis=body.basis, item_codes=body.item_codes,
            valid_to=body.valid_to, actor=actor,
        )  # fmt: skip
    return 201, _out(made)


@router.post("/me/delegations/{delegation_id}/accept", response=DelegationOut, auth=citizen_auth, summary="Agree")
def agree(request: HttpRequest, delegation_id: int) -> DelegationOut:
    account = account_of(request)
    return _out(services.accept_delegation(delegation_id, account, actor=services.actor_of(account, request)))


@router.delete("/me/delegations/{delegation_id}", response={204: None}, auth=citizen_auth, summary="Revoke")
def revoke(request: HttpRequest, delegation_id: int) -> HttpResponse:
    account = account_of(request)
    services.revoke_delegation(delegation_id, account, actor=services.actor_of(account, request))
    return HttpResponse(status=204)
