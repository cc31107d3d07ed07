"""The personal list at the end of a flow: what to apply for, what is still to be handed in, how long, how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from yici.base.errors import YiciError
from yici.base.text import Text
from yici.core.people.models import Account
from yici.systems.hall import proofs
from yici.systems.hall.definitions import ItemDefinition
from yici.systems.hall.guided.flows import Flow, Offline
from yici.systems.hall.joint import describing
from yici.systems.hall.joint.applying import merged_of, shown
from yici.systems.hall.joint.merging import Merged, UnitedMaterial
from yici.systems.hall.models import ServiceItem
from yici.systems.hall.queries.catalogue import definition_of, listed
from yici.systems.hall.queries.holdings import holding_at
from yici.systems.hall.services import applying

CITY = "341600000000"


@dataclass(frozen=True)
class Entry:
    """One thing to do. `problem`: why it cannot be applied for here and now, in words."""

    code: str
    item: ServiceItem
    definition: ItemDefinition
    body: str
    problem: str = ""

    @property
    def costs(self) -> str:
        fees = self.definition.fees
        return _("、").join(f"{fee.name}（{fee.standard}）" for fee in fees.items) if fees.charged else _("不收费")


@dataclass(frozen=True)
class LaterEntry:
    """An item for afterwards, with when."""

    item: ServiceItem
    note: Text


@dataclass(frozen=True)
class Paper:
    """One paper of the list. `is_struck`: she need not bring it; `words` says why, or how it can be proven."""

    name: str
    words: str
    is_struck: bool
    is_sometimes: bool


@dataclass(frozen=True)
class PersonalList:
    entries: list[Entry]
    offline: list[Offline]
    later: list[LaterEntry]
    papers: list[Paper]
    merged: Merged | None
    refused: str = ""
    """Why the items cannot be applied for together; each still can on its own."""
    joinable: list[str] = field(default_factory=list)

    @property
    def charged(self) -> int:
        """How many of the things to do cost something; how much each costs stands with it."""
        return sum(1 for entry in self.entries if entry.definition.fees.charged)

    @property
    def struck(self) -> int:
        return sum(1 for paper in self.papers if paper.is_struck)


def personal_list(flow: Flow, answers: Mapping[str, Any], place: str, account: Account | None) -> PersonalList:
    """What these answers come to for this person; without an account nothing is looked up about anybody."""
    wanted = flow.entries(answers)
    rows = {row.code: row for row in listed().select_related("current", "organisation").filter(code__in=wanted)}
    entries = [_entry(rows[code], place) for code in wanted if code in rows]
    offline = [flow.offline[name] for name in wanted if name in flow.offline]
    afterwards = [flow.later[name] for name in wanted if name in flow.later]
    named = {row.code: row for row in listed().filter(code__in=[one.item for one in afterwards])} if afterwards else {}
    later = [LaterEntry(named[one.item], one.note) for one in afterwards if one.item in named]
    able = [entry for entry in entries if not entry.problem]
    merged, refused = _merged(able)
    papers = [_paper(merged, united, account) for united in merged.materials] if merged else []
    joinable = [entry.code for entry in able] if merged and not refused else []
    return PersonalList(entries, offline, later, papers, merged, refused, joinable)


def _entry(row: ServiceItem, place: str) -> Entry:
    assert row.current_id is not None  # listed items are published
    definition = definition_of(row.current_id)
    by_place = definition.handler.by in ("business", "residence")
    holding = holding_at(row, place if place else CITY) if by_place and place else None
    problem = ""
    if row.state != ServiceItem.State.ACTIVE:
        problem = _("这项服务已暂停办理。")
    elif by_place and place and holding is None:
        problem = _("这个县（区）没有办理这项服务的单位，请拨打 12345 转 2 咨询。")
    elif definition.signing:
        problem = _("这项服务要几个人一起签名，请点进去单独申请。")
    elif not definition.online:
        problem = _("这项服务要到窗口办理。")
    body = holding.organisation.label if holding else row.owner_title
    return Entry(row.code, row, definition, body, problem)


def _merged(entries: list[Entry]) -> tuple[Merged | None, str]:
    if not entries:
        return None, ""
    try:
        merged = merged_of(tuple(int(entry.item.current_id or 0) for entry in entries))
    except YiciError as error:
        return None, str(error.message)
    return merged, " ".join(one.message for one in merged.contradictions)


def _paper(merged: Merged, united: UnitedMaterial, account: Account | None) -> Paper:
    name = str(united.material.name)
    if merged.is_supplied(united) or account is None or account.person is None:
        return Paper(name, describing.how(merged, united), merged.is_supplied(united), united.is_conditional)
    line = _looked_up(merged, united, account)
    return Paper(
        name,
        line.words if line.needs_nothing else describing.how(merged, united),
        line.needs_nothing,
        united.is_conditional,
    )


def _looked_up(merged: Merged, united: UnitedMaterial, account: Account) -> proofs.ProvenMaterial:
    """What her certificates and the city's records prove of it today."""
    facts, held = _known(merged, account)
    material = shown(united, merged)
    (line,) = proofs.prove([material], facts=facts, certificates=held, uploads={})
    return line


def _known(merged: Merged, account: Account) -> tuple[dict[str, Any], dict[str, proofs.HeldCertificate]]:
    """Facts and certificates of the person, looked up once for the whole list."""
    kept = getattr(account, "_guided_known", None)
    if kept is None or kept[0] is not merged:
        assert account.person is not None
        item = merged.items[0].model_copy(update={"materials": [shown(one, merged) for one in merged.materials]})
        facts = applying.as_facts(applying.facts_for_proof(account, account.person, item))
        kept = (merged, facts, applying.certificates_held(account.person, item))
        account._guided_known = kept  # type: ignore[attr-defined]
    return kept[1], kept[2]
