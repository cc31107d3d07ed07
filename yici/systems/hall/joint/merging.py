"""The merge: any set of items as one form, one list of materials and one order of handling. Pure.

Nothing here knows a case or a person. What one item's result supplies to another is struck off the list of materials
and makes the other wait; everything that does not wait runs in parallel.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from yici.core.forms import rules as forms
from yici.core.forms.rules.definition import FormDefinition, SituationQuestion
from yici.systems.hall.definitions import Fee, ItemDefinition, Material
from yici.systems.hall.joint.contradictions import GENERAL, Contradiction, contradictions_between
from yici.systems.hall.joint.errors import Circular
from yici.systems.hall.proofs import required_materials

_HOURS_OF_A_WORKING_DAY = 33.6  # elapsed; see Limit.hours


@dataclass(frozen=True)
class Supply:
    """A declared edge: the result of `giver` is the material `material` of `taker`."""

    giver: str
    taker: str
    material: str


@dataclass(frozen=True)
class Edge:
    """The result of `giver` proves `material` of `taker`. `is_certain` False: only in some situation."""

    giver: str
    taker: str
    material: str
    is_certain: bool = True


@dataclass(frozen=True)
class Need:
    """What one item asks for."""

    item: str
    material: Material

    @property
    def key(self) -> str:
        """Its name in a draft, where materials of several items stand side by side."""
        return need_key(self.item, self.material.id)


@dataclass(frozen=True)
class UnitedMaterial:
    """The same paper asked for by one or several items: handed in once, for all of them."""

    needs: tuple[Need, ...]
    suppliers: frozenset[str] = frozenset()
    """Items of the set whose result proves it for at least one need."""

    @property
    def material(self) -> Material:
        """The strictest wording stands for all: a need that is required before one that is not."""
        return min(self.needs, key=lambda need: _STRICTNESS[need.material.necessity]).material

    @property
    def is_shared(self) -> bool:
        return len({need.item for need in self.needs}) > 1

    @property
    def is_conditional(self) -> bool:
        return all(need.material.only_in_situation for need in self.needs)


_STRICTNESS = {"required": 0, "tolerant": 1, "optional": 2}


def need_key(item: str, material: str) -> str:
    return f"{item}.{material}"


@dataclass(frozen=True)
class Merged:
    """A set of items made one. `waves`: codes that run in parallel, each wave after the one before."""

    items: tuple[ItemDefinition, ...]
    form: FormDefinition
    names: tuple[dict[str, str], ...]
    """For each item, its own ids → ids in the united form, where they differ."""
    materials: tuple[UnitedMaterial, ...]
    edges: tuple[Edge, ...]
    waves: tuple[tuple[str, ...], ...]
    contradictions: tuple[Contradiction, ...]
    told: Mapping[str, frozenset[str]]
    """For each item, the elements that come with another's result and are therefore not asked."""

    @cached_property
    def by_code(self) -> dict[str, ItemDefinition]:
        return {item.code: item for item in self.items}

    @cached_property
    def _names_of(self) -> dict[str, dict[str, str]]:
        return {item.code: names for item, names in zip(self.items, self.names, strict=True)}

    def waits_for(self, code: str) -> tuple[str, ...]:
        """Items whose results it needs first, each once."""
        return tuple(dict.fromkeys(edge.giver for edge in self.edges if edge.taker == code))

    def answers_of(self, code: str, answers: Mapping[str, Any]) -> dict[str, Any]:
        """The part of the united answers that one item asks, under its own ids."""
        names = self._names_of[code]
        keys = self.by_code[code].form.by_key
        return {key: answers[names.get(key, key)] for key in keys if names.get(key, key) in answers}

    def situation_of(self, code: str, situation: Mapping[str, Any]) -> dict[str, Any]:
        """The same for the answers of the situation tree, less those that this item's tree does not reach."""
        return own_situation(self.by_code[code], self._names_of[code], situation)

    def key_in_union(self, code: str, key: str) -> str:
        """The united form's id of an item's field."""
        return self._names_of[code].get(key, key)

    # Before and after ---------------------------------------------------------------------------------

    @property
    def fields_before(self) -> int:
        return sum(len(item.form.by_key) for item in self.items)

    @property
    def fields_after(self) -> int:
        return len(self.form.by_key)

    @property
    def materials_before(self) -> int:
        """Papers every applicant is asked for, item by item; those of single situations are left out."""
        return sum(1 for item in self.items for one in item.materials if not one.only_in_situation)

    @property
    def materials_after(self) -> int:
        """Papers after uniting, less those that a result within the set supplies to everybody who asks for them."""
        return sum(1 for one in self.materials if not one.is_conditional and not self.is_supplied(one))

    def is_supplied(self, united: UnitedMaterial) -> bool:
        """Whether results within the set prove it for every item that asks for it."""
        return not self.open_needs(united)

    def open_needs(self, united: UnitedMaterial) -> list[Need]:
        """The needs of it that no result within the set proves."""
        supplied = {need_key(edge.taker, edge.material) for edge in self.edges}
        return [need for need in united.needs if need.key not in supplied]

    @property
    def days_before(self) -> int:
        """Promised working days, one item after the other."""
        return math.ceil(sum(working_days(item) for item in self.items))

    @property
    def days_after(self) -> int:
        """Promised working days along the longest chain of items that wait for each other."""
        return math.ceil(max(self._finish.values(), default=0))

    @cached_property
    def _finish(self) -> dict[str, float]:
        finish: dict[str, float] = {}
        for wave in self.waves:
            for code in wave:
                begin = max((finish[giver] for giver in self.waits_for(code)), default=0.0)
                finish[code] = begin + working_days(self.by_code[code])
        return finish

    @property
    def fees(self) -> list[tuple[ItemDefinition, Fee]]:
        return [(item, fee) for item in self.items if item.fees.charged for fee in item.fees.items]

    @property
    def payments_before(self) -> int:
        return sum(1 for item in self.items if item.fees.charged)

    @property
    def departments(self) -> tuple[str, ...]:
        """Functions of the bodies that decide, each once."""
        return tuple(dict.fromkeys(item.handler.function for item in self.items))


def working_days(item: ItemDefinition) -> float:
    """The promise in working days; other units as `Limit.hours` compares them."""
    return item.limits.promised.hours / _HOURS_OF_A_WORKING_DAY


def merge(
    items: Sequence[ItemDefinition],
    *,
    situation: Mapping[str, Any] | None = None,
    held: frozenset[str] = frozenset(),
    supplies: Sequence[Supply] = (),
) -> Merged:
    """Make a set of items one. The same item twice counts once.

    `situation`: answers of the united form's questions, to leave out papers (and waiting) that they make needless;
    None keeps every paper that some answer may bring. `held`: certificate types the applicant has already, which
    nobody need wait for. Raises `Circular`; contradictions are listed, not raised.
    """
    chosen = tuple({item.code: item for item in items}.values())
    plain = [_without_effects(item.form) for item in chosen]
    names = tuple(forms.names_in_union(plain))
    needs = [
        Need(item.code, material)
        for item, renamed in zip(chosen, names, strict=True)
        for material in (
            item.materials if situation is None else required_materials(item, own_situation(item, renamed, situation))
        )
    ]
    edges, waves = _ordered(chosen, [*_edges(chosen, needs, held), *_declared(needs, supplies)])
    told = _told(chosen, edges)
    asked = [_less(form, told[item.code]) for item, form in zip(chosen, plain, strict=True)]
    return Merged(
        chosen, forms.union(asked), names, _united(needs, edges), edges, waves, contradictions_between(chosen), told
    )


def own_situation(item: ItemDefinition, names: Mapping[str, str], situation: Mapping[str, Any]) -> dict[str, Any]:
    """The answers of a united situation tree that one item's own tree asks for, under its own ids."""
    prefix = forms.SITUATION
    own = {
        question.id: situation[name]
        for question in forms.all_questions(item.form.situations)
        if (name := names.get(prefix + question.id, prefix + question.id).removeprefix(prefix)) in situation
    }
    return forms.clean_situation(item.form, own)[0]


def _told(items: Sequence[ItemDefinition], edges: Sequence[Edge]) -> dict[str, frozenset[str]]:
    """What a paper proves stands on it: the records that would prove the same material need not be typed from it.

    Only what the giver's own form does not ask, and only what no condition or check of the taker reads.
    """
    by_code = {item.code: item for item in items}
    told: dict[str, set[str]] = {item.code: set() for item in items}
    for edge in edges:
        taker, giver = by_code[edge.taker], by_code[edge.giver]
        proven = {element for proof in taker.material(edge.material).proven_by for element in proof.facts}
        told[edge.taker] |= (proven & set(taker.form.by_key)) - set(giver.form.by_key) - _read(taker.form)
    return {code: frozenset(elements) for code, elements in told.items()}


def _read(form: FormDefinition) -> set[str]:
    """Fields that a condition or a check looks at."""
    conditions = [page.when for page in form.pages] + [field.when for field in form.by_key.values()]
    looked = {key for condition in conditions if condition for key in condition.fields()}
    return looked | {key for check in form.checks for key in (check.field, check.other) if key}


def _less(form: FormDefinition, fields: frozenset[str]) -> FormDefinition:
    if not fields:
        return form
    pages = (
        page.model_copy(update={"fields": tuple(field for field in page.fields if field.key not in fields)})
        for page in form.pages
    )
    return FormDefinition(
        pages=tuple(page for page in pages if page.fields), situations=form.situations, checks=form.checks
    )


def _without_effects(form: FormDefinition) -> FormDefinition:
    """Questions alone: which papers an answer brings is each item's own, so equal questions are asked once."""
    return form.model_copy(update={"situations": tuple(_plain_question(one) for one in form.situations)})


def _plain_question(question: SituationQuestion) -> SituationQuestion:
    options = tuple(
        option.model_copy(update={"add": (), "remove": (), "then": tuple(_plain_question(one) for one in option.then)})
        for option in question.options
    )
    return question.model_copy(update={"options": options})


# Who supplies whom -----------------------------------------------------------------------------------


def wanted_certificates(material: Material) -> set[str]:
    return {proof.certificate for proof in material.proven_by if proof.certificate}


def _edges(items: Sequence[ItemDefinition], needs: Sequence[Need], held: frozenset[str]) -> list[Edge]:
    """Results that are materials of another item. An item that changes a paper does not supply others that change it."""
    takes = {item.code: set().union(*map(wanted_certificates, item.materials)) for item in items}
    found = []
    for need in needs:
        for giver in items:
            gives = giver.result.certificate
            if not gives or gives in held | GENERAL or giver.code == need.item:
                continue
            if gives not in wanted_certificates(need.material):
                continue
            taker_gives = next(item.result.certificate for item in items if item.code == need.item)
            if taker_gives == gives and gives in takes[giver.code]:
                continue
            found.append(Edge(giver.code, need.item, need.material.id, not need.material.only_in_situation))
    return found


def _declared(needs: Sequence[Need], supplies: Sequence[Supply]) -> list[Edge]:
    asked = {need.key for need in needs}
    return [
        Edge(one.giver, one.taker, one.material)
        for one in supplies
        if one.giver != one.taker and need_key(one.taker, one.material) in asked
    ]


def _ordered(
    items: Sequence[ItemDefinition], edges: Sequence[Edge]
) -> tuple[tuple[Edge, ...], tuple[tuple[str, ...], ...]]:
    """The edges kept and the waves. Waiting that only some situation brings gives way before a circle is refused."""
    kept = tuple(dict.fromkeys(edges))
    try:
        return kept, waves_of(items, kept)
    except Circular:
        certain = tuple(edge for edge in kept if edge.is_certain)
        if len(certain) == len(kept):
            raise
        return certain, waves_of(items, certain)


def waves_of(items: Sequence[ItemDefinition], edges: Sequence[Edge]) -> tuple[tuple[str, ...], ...]:
    """Codes that run in parallel, wave after wave. Raises `Circular`."""
    waiting = {item.code: {edge.giver for edge in edges if edge.taker == item.code} for item in items}
    waves: list[tuple[str, ...]] = []
    done: set[str] = set()
    while len(done) < len(waiting):
        wave = tuple(code for code, givers in waiting.items() if code not in done and givers <= done)
        if not wave:
            raise _circle({code: givers - done for code, givers in waiting.items() if code not in done}, items)
        waves.append(wave)
        done.update(wave)
    return tuple(waves)


def _circle(waiting: Mapping[str, set[str]], items: Sequence[ItemDefinition]) -> Circular:
    """Walk from one that waits to whom it waits for until somebody comes twice: that is the circle."""
    names = {item.code: str(item.name) for item in items}
    code = next(iter(waiting))
    walked: list[str] = []
    while code not in walked:
        walked.append(code)
        code = min(giver for giver in waiting[code] if giver in waiting)
    circle = [*walked[walked.index(code) :], code]
    words = " → ".join(names[one] for one in circle)
    return Circular(
        _("这些事项互相等待对方的结果：{circle}（箭头指向要先办的事项）。请分开办理，或者拨打 12345 转 2。").format(
            circle=words
        ),
        circle=circle,
    )


# Uniting materials -----------------------------------------------------------------------------------


def _united(needs: Sequence[Need], edges: Sequence[Edge]) -> tuple[UnitedMaterial, ...]:
    """The same paper once: the same certificate proves it, or the same records of the same paper, or it has one name."""
    groups: list[list[Need]] = []
    known: dict[tuple[str, ...], int] = {}
    for need in needs:
        identities = _identities(need.material)
        place = next((known[one] for one in identities if one in known), None)
        if place is None:
            place = len(groups)
            groups.append([])
        groups[place].append(need)
        for one in identities:
            known.setdefault(one, place)
    givers: dict[str, set[str]] = {}
    for edge in edges:
        givers.setdefault(need_key(edge.taker, edge.material), set()).add(edge.giver)
    return tuple(
        UnitedMaterial(tuple(group), frozenset().union(*(givers.get(need.key, set()) for need in group)))
        for group in groups
    )


def _identities(material: Material) -> list[tuple[str, ...]]:
    found = [("certificate", kind) for kind in sorted(wanted_certificates(material))]
    records: list[tuple[str, ...]] = [
        ("records", material.id, proof.source, *sorted(proof.facts)) for proof in material.proven_by if proof.facts
    ]
    return [*found, *records, ("name", material.name.zh)]
