"""From several items to one draft, and from the draft to a parent case with its parts.

A joint draft is a draft of the hall like any other: the same pages ask, the same steps are walked. Its definition is
made of the items' definitions (`united_definition`); its `context` holds beside the usual things `items` (code and
version of each), `theme` and `place` (division chosen for what has no place of its own).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from yici.base.cityfolder import city_folder
from yici.base.errors import NotFound
from yici.base.text import Text
from yici.core.forms import services as forms
from yici.core.forms.models import Draft
from yici.core.people.errors import AssuranceTooLow
from yici.core.people.models import Account, Person
from yici.systems.hall import proofs
from yici.systems.hall.definitions import ItemDefinition, Material
from yici.systems.hall.errors import NoAuthority, NotEligible, NotYourPerson
from yici.systems.hall.joint.errors import Contradictory, JointItemStopped, NothingToJoin
from yici.systems.hall.joint.merging import Edge, Merged, Need, UnitedMaterial, merge, need_key, waves_of
from yici.systems.hall.joint.themes import Theme, supplies_of_folder, themes_of
from yici.systems.hall.models import ServiceItem, ServiceItemVersion
from yici.systems.hall.queries import holdings
from yici.systems.hall.queries.catalogue import definition_of
from yici.systems.hall.services import applying
from yici.systems.hall.services.applying import OpenApplication

FORM = "joint:"


@dataclass(frozen=True)
class OpenJoint(OpenApplication):
    """An open draft for several items. `version` is the first item's; `definition` the united one."""

    merged: Merged
    versions: tuple[ServiceItemVersion, ...]
    theme: str

    @property
    def start_address(self) -> str:
        return str(self.draft.context.get("from") or "/")

    def version_of(self, code: str) -> ServiceItemVersion:
        return next(version for version in self.versions if version.item.code == code)


@dataclass(frozen=True)
class Plan:
    """What holds for the answers given: the needs of each item, who waits for whom, in which waves."""

    needs: tuple[Need, ...]
    edges: tuple[Edge, ...]
    waves: tuple[tuple[str, ...], ...]


def start(
    account: Account,
    codes: Sequence[str],
    *,
    assurance: int,
    subject: Person | None = None,
    channel: str = "net",
    place: str = "",
    theme: str = "",
    came_from: str = "",
) -> Draft:
    """Open (or resume) one draft for all items. `place`: division whose authorities are asked where the item goes by place.

    Raises `NothingToJoin`, `NotFound`, `JointItemStopped`, `AssuranceTooLow`, `NotYourPerson`, `NotEligible`,
    `NoAuthority` (each names every item concerned), `Contradictory`, `Circular`.
    """
    versions = _current_versions(codes)
    definitions = [definition_of(version) for version in versions]
    merged = merged_of(tuple(version.pk for version in versions))
    _require_sound(merged)
    _require_no_signing(definitions)
    required = max(one.assurance for one in definitions)
    if assurance < required:
        raise AssuranceTooLow(required=required)
    person = subject or account.person
    if person is None:
        raise NotYourPerson
    for version in versions:
        applying.delegation_for(account, person, version.item.code)
    require_conditions(definitions, person)
    for version, definition in zip(versions, definitions, strict=True):
        _require_holder(version, division_for(definition, person, {}, place))
    key = FORM + "+".join(f"{version.item_id}@{version.number}" for version in versions)
    united = united_definition(merged, theme_named(theme))
    with transaction.atomic():
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        unfinished = applying.unfinished_draft(account, person, key)
        if unfinished and unfinished.context.get("place") == place:
            return unfinished
        context = {
            "items": [[version.item.code, version.pk] for version in versions],
            "theme": theme,
            "place": place,
            "from": came_from,
            "channel": channel,
            "uploads": {},
            "promised": [],
            "deferred": [],
            "facts": applying.facts_for_proof(account, person, united),
        }
        draft = forms.open_draft(account, person, key, united.name.zh, united.form, context)
        applying.change_context(draft, resume_link=f"/apply/{draft.token}/")
    return draft


def _current_versions(codes: Sequence[str]) -> list[ServiceItemVersion]:
    wanted = list(dict.fromkeys(codes))
    if not wanted:
        raise NothingToJoin
    rows = {
        row.code: row
        for row in ServiceItem.objects.select_related("current__item").filter(code__in=wanted).defer("search")
    }
    if any(code not in rows or rows[code].current is None for code in wanted):
        raise NotFound
    stopped = [rows[code] for code in wanted if rows[code].state != ServiceItem.State.ACTIVE]
    if stopped:
        raise stopped_items(stopped)
    return [rows[code].current for code in wanted]  # type: ignore[misc]


def stopped_items(items: Sequence[ServiceItem]) -> JointItemStopped:
    names = _("、").join(item.title for item in items)
    return JointItemStopped(
        _("{names}已暂停办理。您填写的内容还在；可以去掉它，先办其余各项。").format(names=names),
        items=[item.code for item in items],
    )


def _require_sound(merged: Merged) -> None:
    if merged.contradictions:
        raise Contradictory(
            " ".join(one.message for one in merged.contradictions),
            fields={"+".join(one.items): one.message for one in merged.contradictions},
        )


def _require_no_signing(definitions: Sequence[ItemDefinition]) -> None:
    """What several people sign together has a course of its own. Raises `Contradictory`."""
    fields = {
        one.code: _("“{name}”要几个人一起签名，请单独申请。").format(name=one.name)
        for one in definitions
        if one.signing
    }
    if fields:
        raise Contradictory(" ".join(fields.values()), fields=fields)


def require_conditions(definitions: Sequence[ItemDefinition], person: Person) -> None:
    """Every unmet condition of every item, in one refusal. Raises `NotEligible`."""
    fields: dict[str, str] = {}
    for definition in definitions:
        for number, condition in enumerate(applying.unmet_by(definition, person)):
            fields[f"{definition.code}.{number}"] = f"{definition.name}：{condition.text}"
    if fields:
        raise NotEligible(" ".join(fields.values()), fields=fields)


def division_for(definition: ItemDefinition, person: Person, answers: Mapping[str, Any], place: str) -> str:
    """Where an item is handled: the chosen place for what goes by the business or the home, else as the item alone."""
    by_place = {"business": "organisation.division", "residence": "person.residential_division"}
    told = answers.get(by_place.get(definition.handler.by, ""))
    if place and not told and definition.handler.by in by_place:
        return place
    return applying.handling_division(definition, person, answers)


def _require_holder(version: ServiceItemVersion, division: str) -> None:
    try:
        holdings.holder_for(version.item, division)
    except NoAuthority as error:
        raise NoAuthority(error.message, fields={version.item.code: str(error.message)}) from error


@lru_cache(maxsize=256)
def merged_of(version_ids: tuple[int, ...]) -> Merged:
    """The merge of these published versions, kept in the process: versions never change. Raises `Circular`."""
    return merge([definition_of(one) for one in version_ids], supplies=supplies_of_folder(city_folder()))


def theme_named(code: str) -> Theme | None:
    return themes_of(city_folder()).get(code) if code else None


def united_definition(merged: Merged, theme: Theme | None) -> ItemDefinition:
    """The set as one item, for the pages that ask: united form, every paper once under the key of its first need."""
    names_zh = "、".join(item.name.zh for item in merged.items)
    names_en = ", ".join(item.name.en for item in merged.items)
    return merged.items[0].model_copy(
        update={
            "name": theme.name if theme else Text(zh=f"一起办：{names_zh}", en=f"Together: {names_en}"),
            "summary": theme.summary if theme else merged.items[0].summary,
            "form": merged.form,
            "materials": [shown(united, merged) for united in merged.materials],
            "assurance": max(item.assurance for item in merged.items),
        }
    )


def group_key(united: UnitedMaterial) -> str:
    return united.needs[0].key


def shown(united: UnitedMaterial, merged: Merged) -> Material:
    """One line for all needs: proven by whatever proves any of them, promised only where all accept a promise for
    which the set itself does not bring the paper."""
    ways = [proof for need in united.needs for proof in need.material.proven_by if not proof.promise]
    needs = merged.open_needs(united)
    promised = [proof for need in needs[:1] for proof in need.material.proven_by if proof.promise]
    if not all(any(proof.promise for proof in need.material.proven_by) for need in needs):
        promised = []
    return united.material.model_copy(
        update={
            "id": group_key(united),
            "proven_by": [*_once(ways), *promised],
            "max_files": max(need.material.max_files for need in united.needs),
            "only_in_situation": united.is_conditional,
        }
    )


def _once(ways: Sequence[Any]) -> list[Any]:
    kept: list[Any] = []
    for way in ways:
        if way not in kept:
            kept.append(way)
    return kept


def open_joint(draft: Draft) -> OpenJoint:
    """The draft with its pinned versions."""
    pinned = [int(number) for _code, number in draft.context["items"]]
    found = {
        version.pk: version
        for version in ServiceItemVersion.objects.select_related("item", "case_version__case_type")
        .defer("definition", "case_version__definition", "item__search")
        .filter(pk__in=pinned)
    }
    versions = tuple(found[number] for number in pinned)
    merged = merged_of(tuple(pinned))
    theme = str(draft.context.get("theme", ""))
    return OpenJoint(draft, versions[0], united_definition(merged, theme_named(theme)), merged, versions, theme)


def plan_of(joint: OpenJoint) -> Plan:
    """What the answers to the situations leave of the merge."""
    merged, situation = joint.merged, joint.situation
    needs = tuple(
        Need(item.code, material)
        for item in merged.items
        for material in proofs.required_materials(item, merged.situation_of(item.code, situation))
    )
    needed = {need.key for need in needs}
    edges = tuple(edge for edge in merged.edges if need_key(edge.taker, edge.material) in needed)
    return Plan(needs, edges, waves_of(merged.items, edges))


@dataclass(frozen=True)
class ProvenNeed:
    """One item's paper with what proves it. `giver` is set where another item's result will."""

    need: Need
    line: proofs.ProvenMaterial
    giver: str = ""


def proven_needs(joint: OpenJoint, plan: Plan) -> list[ProvenNeed]:
    """Every paper of every item, proven for itself: one upload or one promise serves all that share the paper."""
    draft, merged = joint.draft, joint.merged
    group_of = {need.key: group_key(united) for united in merged.materials for need in united.needs}
    facts = applying.facts_of(draft)
    held = applying.certificates_held(draft.subject, joint.definition)
    uploads = draft.context.get("uploads", {})
    givers = {need_key(edge.taker, edge.material): edge.giver for edge in plan.edges}
    found = []
    for need in plan.needs:
        if giver := givers.get(need.key):
            result = merged.by_code[giver].result.name
            words = _("不用您提交，由本次办出的《{result}》证明").format(result=result)
            found.append(
                ProvenNeed(need, proofs.ProvenMaterial(need.material, "certificate", words, {"name": result.zh}), giver)
            )
            continue
        group = group_of[need.key]
        own = need.material.id
        (line,) = proofs.prove(
            [need.material],
            facts=facts,
            certificates=held,
            uploads={own: uploads.get(group, ())},
            promised=[own] if group in draft.context.get("promised", ()) else (),
            deferred=[own] if group in draft.context.get("deferred", ()) else (),
        )
        found.append(ProvenNeed(need, line))
    return found


_LEAST_SETTLED = ("missing", "deferred", "promise", "upload", "optional", "data", "certificate")


def material_lines(joint: OpenJoint, proven: Sequence[ProvenNeed] | None = None) -> list[proofs.ProvenMaterial]:
    """One line a paper, as the pages show it: as settled as the least settled item that wants it."""
    groups: dict[str, list[ProvenNeed]] = {}
    group_of = {need.key: group_key(united) for united in joint.merged.materials for need in united.needs}
    for one in proven if proven is not None else proven_needs(joint, plan_of(joint)):
        groups.setdefault(group_of[one.need.key], []).append(one)
    lines = []
    for united in joint.merged.materials:
        members = groups.get(group_key(united))
        if not members:
            continue
        worst = min((one.line for one in members), key=lambda line: _LEAST_SETTLED.index(line.source))
        lines.append(replace(worst, material=_labelled(shown(united, joint.merged), united, joint.merged)))
    return lines


def _labelled(material: Material, united: UnitedMaterial, merged: Merged) -> Material:
    """Says which items share the paper, where it is more than one."""
    if not united.is_shared:
        return material
    items = [merged.by_code[code] for code in dict.fromkeys(need.item for need in united.needs)]
    zh = "用于：" + "、".join(item.name.zh for item in items)
    en = "For: " + ", ".join(item.name.en for item in items)
    return material.model_copy(update={"note": Text(zh=zh, en=en)})
