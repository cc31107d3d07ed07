"""What staff see of the library, within their scope: counts by type and state, certificates found, runs of making."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from yici.base.encrypted import index_of
from yici.base.errors import Invalid, NotFound
from yici.core.audit import services as audit
from yici.core.people import queries as people
from yici.core.people.models import Account, Organisation
from yici.core.people.services import actor_of
from yici.platform.trust import definitions, rules
from yici.platform.trust.definitions import CertificateType
from yici.platform.trust.library.held import Held, find, from_issued, made_for, made_numbered, record
from yici.platform.trust.models import Certificate, MadeCount, MakingRun

__all__ = ["MANAGE", "VIEW", "TypeCount", "counts_for", "find_for", "held_for", "look", "runs_for", "types_of"]

VIEW, MANAGE = "certificate.view", "certificate.manage"
FOUND = 50


@dataclass(frozen=True)
class TypeCount:
    """A type with the exact number of its certificates in each state."""

    kind: CertificateType
    states: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.states.values())


def types_of(account: Account, permission: str = VIEW) -> list[str]:
    """Types that a city body within the scope issues or whose data it holds: those made in bulk are its own."""
    scope = people.scope_of(account, permission)
    bodies = Organisation.objects.filter(level="city").exclude(function="")
    functions = {body.function for body in bodies if scope.covers(body, body.division_id)}
    return [
        kind.slug
        for kind in definitions.certificate_types().values()
        if kind.issuer in functions or (kind.made_from and kind.made_from.data_class.split(".")[0] in functions)
    ]


def _issued_for(account: Account, permission: str = VIEW) -> QuerySet[Certificate]:
    """Issued by a body within the scope."""
    scope = people.scope_of(account, permission)
    return Certificate.objects.filter(scope.q("issuer", "issuer__division")).select_related("issuer", "holder")


def counts_for(account: Account) -> list[TypeCount]:
    """Exact, in two queries: issued ones are counted, of those made in bulk the count is kept."""
    found: dict[str, dict[str, int]] = {slug: {} for slug in types_of(account)}
    made = MadeCount.objects.filter(type__in=list(found)).values_list("type", "state", "count")
    issued = _issued_for(account).order_by().values_list("type", "state").annotate(count=Count("pk"))
    for type, state, count in [*made, *issued]:
        states = found.setdefault(type, {})
        states[state] = states.get(state, 0) + count
    kinds = definitions.certificate_types()
    counted = [TypeCount(kinds[slug], states) for slug, states in found.items() if slug in kinds]
    return sorted(counted, key=lambda one: -one.total)


def find_for(account: Account, words: str, purpose: str) -> list[Held]:
    """By identifier, number on the face, or the holder's ID number or USCC, within the scope. Recorded with the purpose.

    Raises `Invalid` without words or a purpose.
    """
    words, purpose = words.strip(), _demanded(purpose)
    if not 4 <= len(words) <= 100:
        message = _("请输入证照标识、证照编号，或持证人的身份证号码、统一社会信用代码。")
        raise Invalid(message, fields={"q": message})
    if words.startswith(rules.PREFIX):
        held = find(words)
        found = [held] if held else []
    else:
        wanted = Q(number=words) | Q(holder__id_number=words)
        found = [from_issued(one) for one in _issued_for(account).filter(wanted).order_by("-issued_on")[:FOUND]]
        found += made_for({words.upper(): None}, current_only=False) + made_numbered(words)
    seen: dict[str, Held] = {one.identifier: one for one in found if _covers(account, one, VIEW)}
    audit.record(
        actor_of(account), "read", subject=("certificate", index_of(words, "certificate.search").hex()),
        elements=["certificate.number"], purpose=f"查找证照（{len(seen)} 份）：{purpose}",
    )  # fmt: skip
    return list(seen.values())[:FOUND]


def held_for(account: Account, identifier: str, permission: str = VIEW) -> Held:
    """One within the scope. Raises `NotFound` for one outside as for none."""
    try:
        held = find(identifier)
    except Invalid:
        held = None
    if held is None or not _covers(account, held, permission):
        raise NotFound
    return held


def look(account: Account, identifier: str, purpose: str) -> Held:
    """The whole face, for a purpose that is recorded. Raises `Invalid` without one."""
    held, purpose = held_for(account, identifier), _demanded(purpose)
    record(actor_of(account), held, "read", f"查看证照《{held.name.zh}》：{purpose}", held.face, held.case_number)
    return held


def _demanded(purpose: str) -> str:
    if not 2 <= len(purpose.strip()) <= 200:
        message = _("请写明查询目的，持证人会看到。")
        raise Invalid(message, fields={"purpose": message})
    return purpose.strip()


def _covers(account: Account, held: Held, permission: str) -> bool:
    if held.is_made:
        return held.type in types_of(account, permission)
    return _issued_for(account, permission).filter(identifier=held.identifier).exists()


def runs_for(account: Account) -> QuerySet[MakingRun]:
    """Runs of making of the types within the scope, newest first."""
    return MakingRun.objects.filter(type__in=types_of(account)).order_by("-id")
