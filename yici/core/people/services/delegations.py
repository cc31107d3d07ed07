"""One person acting for another: on proof of one household, or with the principal's own consent.

A delegation is evidence, not a session: whoever applies chooses for whom in each application.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Conflict, Invalid, NotFound
from yici.core.audit import services as audit
from yici.core.people import ports
from yici.core.people.models import Account, Delegation, Person
from yici.core.people.services.accounts import actor_of, ensure_person
from yici.core.vocabulary import rules as vocabulary

LIFE = dt.timedelta(days=365)
LONGEST = dt.timedelta(days=3 * 366)
Basis = Delegation.Basis


def ask_delegation(
    agent: Account, *, name: str, id_number: str, basis: str, item_codes: Sequence[str] = (),
    valid_to: dt.date | None = None, actor: audit.Actor | None = None,
) -> Delegation:  # fmt: skip
    """Ask to act for another. One household is proven at once; otherwise the other must accept.

    Raises `Invalid` where the name and number are not confirmed, or no household is proven; the
    message does not tell which of the two is wrong.
    """
    if agent.person is None:
        raise Invalid(_("只有个人账户可以申请代办。"))
    principal = confirmed_person(name, id_number)
    return delegate(
        principal, agent.person, basis=basis, item_codes=item_codes, valid_to=valid_to, actor=actor or actor_of(agent)
    )


def give_delegation(
    principal: Account, *, name: str, id_number: str, item_codes: Sequence[str] = (),
    valid_to: dt.date | None = None, actor: audit.Actor | None = None,
) -> Delegation:  # fmt: skip
    """Let another act for oneself: the principal's own act is the consent, so it holds at once."""
    if principal.person is None:
        raise Invalid(_("只有个人账户可以委托他人。"))
    agent = confirmed_person(name, id_number)
    return delegate(
        principal.person, agent, basis=Basis.CONSENT, item_codes=item_codes, valid_to=valid_to,
        actor=actor or actor_of(principal), by_principal=True,
    )  # fmt: skip


def confirmed_person(name: str, id_number: str) -> Person:
    """Somebody whom a source confirms by name and ID number. Raises `Invalid`, never saying which of the two is wrong."""
    name = " ".join(name.split())
    fields: dict[str, str] = {}
    if not name:
        fields["name"] = _("请填写对方姓名。")
    try:
        number = vocabulary.parse_id_number(id_number).number
    except Invalid as error:
        fields["id_number"] = str(error.message)
    if fields:
        raise Invalid(fields=fields)
    if not ports.is_confirmed(name, number):
        raise Invalid(_("姓名与身份证号未能核对一致，请检查后重试。"))
    return ensure_person(name, number)


@transaction.atomic
def delegate(
    principal: Person, agent: Person, *, basis: str, item_codes: Sequence[str] = (), valid_to: dt.date | None = None,
    evidence: str = "", actor: audit.Actor = audit.SYSTEM, by_principal: bool = False,
) -> Delegation:  # fmt: skip
    """Record that `agent` may act for `principal` on a basis, with its evidence.

    household: proven through the port, in force at once. consent: in force when the principal accepts,
    or at once `by_principal`. guardian, agent_point: `evidence` must name what was seen.
    """
    today = clock.today()
    last = valid_to or today + LIFE
    _check(principal, agent, basis, last, today)
    if basis == Basis.HOUSEHOLD:
        evidence = ports.household_evidence(principal.id_number, agent.id_number) or ""
        if not evidence:
            raise Invalid(_("户籍信息未能证明您与对方是同一户成员，请改用“本人同意”的方式。"))
    elif basis == Basis.CONSENT:
        evidence = evidence or ("委托人本人登录授予" if by_principal else "待委托人本人登录同意")
    elif not evidence.strip():
        raise Invalid(_("请写明核验了什么证明材料。"))
    accepted = clock.now() if basis != Basis.CONSENT or by_principal else None
    _refuse_second(principal, agent, item_codes)
    made = Delegation.objects.create(
        principal=principal, agent=agent, basis=basis, evidence=evidence, item_codes=list(item_codes),
        valid_from=today, valid_to=last, accepted_at=accepted,
    )  # fmt: skip
    audit.record(
        actor, "delegate", subject=("person", principal.pk),
        purpose=f"委托 {agent.name} 代办（{Basis(basis).label}）",
    )  # fmt: skip
    told = Account.objects.filter(person=principal).first()
    if told and not by_principal:
        template = "delegation.made" if accepted else "delegation.requested"
        ports.notify(told, template, {"agent": vocabulary.mask("person.name", agent.name)}, told.phone)
    return made


def _check(principal: Person, agent: Person, basis: str, last: dt.date, today: dt.date) -> None:
    if basis not in Basis.values:
        raise Invalid(fields={"basis": _("请选择委托依据。")})
    if principal.pk == agent.pk:
        raise Invalid(_("不能委托给自己。"))
    if not today <= last <= today + LONGEST:
        raise Invalid(fields={"valid_to": _("截止日期应在今天之后、三年以内。")})


def _refuse_second(principal: Person, agent: Person, item_codes: Sequence[str]) -> None:
    Person.objects.select_for_update(no_key=True).get(pk=principal.pk)
    open_ones = Delegation.objects.filter(
        principal=principal, agent=agent, revoked_at=None, valid_to__gte=clock.today(), item_codes=list(item_codes)
    )
    if open_ones.exists():
        raise Conflict(_("你们之间已有一项有效或待同意的委托。"))


@transaction.atomic
def accept_delegation(delegation_id: int, account: Account, *, actor: audit.Actor | None = None) -> Delegation:
    """The principal agrees. Accepting twice changes nothing. Raises `NotFound`, `Conflict`."""
    found = _locked(delegation_id)
    if found is None or account.person_id is None or found.principal_id != account.person_id:
        raise NotFound()
    if found.revoked_at or found.valid_to < clock.today():
        raise Conflict(_("这项委托已撤销或过期。"))
    if found.accepted_at is None:
        found.accepted_at = clock.now()
        found.evidence = "委托人本人登录同意"
        found.save(update_fields=["accepted_at", "evidence"])
        audit.record(
            actor or actor_of(account), "delegate", subject=("person", found.principal_id),
            purpose=f"同意 {found.agent.name} 代办",
        )  # fmt: skip
        told = Account.objects.filter(person=found.agent_id).first()
        if told:
            name = vocabulary.mask("person.name", found.principal.name)
            ports.notify(told, "delegation.accepted", {"principal": name}, told.phone)
    return found


@transaction.atomic
def revoke_delegation(delegation_id: int, account: Account, *, actor: audit.Actor | None = None) -> Delegation:
    """Either side ends it at once. Raises `NotFound` for anybody else."""
    found = _locked(delegation_id)
    if found is None or account.person_id is None or account.person_id not in (found.principal_id, found.agent_id):
        raise NotFound()
    if found.revoked_at is None:
        found.revoked_at = clock.now()
        found.save(update_fields=["revoked_at"])
        audit.record(
            actor or actor_of(account), "revoke", subject=("person", found.principal_id),
            purpose=f"撤销 {found.agent.name} 的代办委托",
        )  # fmt: skip
    return found


def _locked(delegation_id: int) -> Delegation | None:
    return (
        Delegation.objects.select_for_update(of=("self",))
        .select_related("principal", "agent")
        .filter(pk=delegation_id)
        .first()
    )
