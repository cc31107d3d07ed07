"""Public pages of the catalogue: home, search, browse and the guide of an item. Read-only, open to everybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from yici.base.cityfolder import city_folder
from yici.base.errors import NotFound
from yici.base.requests import page_number, wants_part
from yici.base.text import Text, localized
from yici.core.cases.drawing import workflow_svg
from yici.core.cases.rules import Workflow
from yici.core.people.models import Account, Organisation
from yici.core.vocabulary import queries as vocabulary
from yici.core.vocabulary.rules import check, display, mask
from yici.systems.hall import folder, queries
from yici.systems.hall.definitions import ItemDefinition, Kind, Level, Material, Proof
from yici.systems.hall.models import ServiceItem
from yici.systems.hall.services import EVERYWHERE

SEARCH_EXAMPLES = (
    Text(zh="高龄津贴", en="allowance"),
    Text(zh="居住证", en="residence permit"),
    Text(zh="开饭店", en="restaurant"),
)
SUBJECTS = {"person": "user", "enterprise": "briefcase"}


def subject_label(subject: str) -> str:
    return _("个人办事") if subject == "person" else _("企业办事")


def level_label(level: str) -> str:
    labels = {
        Level.CITY: _("市级办理"),
        Level.COUNTY: _("县（区）办理"),
        Level.TOWNSHIP: _("乡镇（街道）办理"),
        Level.VILLAGE: _("村（社区）办理"),
    }
    return labels[Level(level)]


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Search, the most used services, life events."""
    counts = queries.topic_counts()
    context: dict[str, Any] = {
        "items": queries.featured(),
        "topics": [(slug, topic) for slug, topic in folder.topics().items() if counts.get(slug)],
        "examples": SEARCH_EXAMPLES,
    }
    if isinstance(request.user, Account) and request.user.person_id:
        context["my_cases"] = list(queries.matters_of(request.user)[:3])
    return render(request, "hall/home.html", context)


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Results of a search; with htmx only the list."""
    words = request.GET.get("q", "").strip()[:60]
    chosen = {name: request.GET[name] for name in FILTERS if request.GET.get(name)}
    filters = queries.Filters(**{name: value.replace("\x00", "")[:80] for name, value in chosen.items()})
    found = queries.search(words, filters, page=page_number(request), near=place_of(request))
    context: dict[str, Any] = {
        "words": words, "found": found, "examples": SEARCH_EXAMPLES, "narrowings": _narrowings(chosen),
    }  # fmt: skip
    if not found.hits:
        context["popular"] = queries.featured()[:6]
    template = "hall/search_results.html" if wants_part(request) else "hall/search.html"
    response = render(request, template, context)
    response.headers["Vary"] = "HX-Request, Cookie"
    return response


FILTERS = ("kind", "level", "subject", "topic", "department")


def kind_label(kind: str) -> str:
    return _("行政审批") if kind == Kind.ADMINISTRATIVE_APPROVAL else _("公共服务")


def place_of(request: HttpRequest) -> str:
    """Code of the division the visitor asks about: chosen in the address, else where she is registered, else none."""
    asked = request.GET.get("place", "")
    if len(asked) == 12 and asked.isascii() and asked.isdigit():
        return asked
    user = request.user
    person = user.person if isinstance(user, Account) and user.person_id else None
    return (person.division_id or "") if person else ""


def _narrowings(chosen: Mapping[str, str]) -> list[tuple[str, str, str, bool]]:
    """The filters beside a search as (parameter, value, label, is chosen); a chosen one is taken back by its value ''."""
    offered = [("kind", one.value, kind_label(one)) for one in Kind]
    offered += [("level", one.value, level_label(one)) for one in Level]
    offered += [("subject", one, subject_label(one)) for one in SUBJECTS]
    return [(name, value, label, chosen.get(name) == value) for name, value, label in offered]


@dataclass(frozen=True)
class Way:
    """One way of browsing, with its choices as (slug, label, note, icon)."""

    label: str
    parameter: str
    choices: list[tuple[str, str, str, str]]


def _ways() -> list[Way]:
    counts = queries.topic_counts()
    topics = [
        (slug, str(topic.label), str(topic.note), topic.icon)
        for slug, topic in folder.topics().items()
        if counts.get(slug)
    ]
    owners = [
        (one.slug, localized(one.short_name, one.english), _("%(number)s 项") % {"number": one.items}, "building-bank")  # type: ignore[attr-defined]
        for one in queries.departments()
    ]
    levels = [(level, level_label(level), "", "map-pin") for level in queries.levels()]
    return [
        Way(_("按办事的人"), "subject", [(slug, subject_label(slug), "", icon) for slug, icon in SUBJECTS.items()]),
        Way(_("按生活事件"), "topic", topics),
        Way(_("按部门"), "department", owners),
        Way(_("按办理地点"), "level", levels),
        Way(_("按事项类型"), "kind", [(one.value, kind_label(one), "", "checklist") for one in Kind]),
    ]


@require_safe
def browse(request: HttpRequest) -> HttpResponse:
    """Every item, or those of one subject, topic, department or level. Unknown choices are a 404."""
    chosen = {name: request.GET[name] for name in FILTERS if request.GET.get(name)}
    ways = _ways()
    labels = {way.parameter: {slug: label for slug, label, _note, _icon in way.choices} for way in ways}
    for name, value in chosen.items():
        if value not in labels[name]:
            raise NotFound(_("没有这个分类，请从下面的分类里选择。"))
    browsed = queries.browse(queries.Filters(**chosen), page=page_number(request))
    context = {
        "ways": ways,
        "browsed": browsed,
        "chosen": [(name, labels[name][value]) for name, value in chosen.items()],
        "items": browsed.items,
        "heading": " · ".join(labels[name][value] for name, value in chosen.items()) or _("全部服务"),
    }
    return render(request, "hall/browse.html", context)


# The guide ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MaterialLine:
    """A material as told to people: is there anything to hand in, and what proves it."""

    material: Material
    needs_upload: bool
    ways: list[str]
    may_upload: bool


def _way_in_words(proof: Proof, names: dict[str, str]) -> str:
    if proof.certificate:
        return _("有电子证照的，系统直接调用")
    if proof.promise:
        return _("查不到时，作出书面承诺即可")
    facts = _("、").join(str(vocabulary.element(one).label) for one in proof.facts if vocabulary.has_element(one))
    return _("由%(source)s数据证明（%(facts)s）") % {"source": names.get(proof.source, proof.source), "facts": facts}


def _material_line(material: Material, names: dict[str, str]) -> MaterialLine:
    ways = [_way_in_words(proof, names) for proof in material.proven_by]
    promised = any(proof.promise for proof in material.proven_by)
    return MaterialLine(material, material.must_upload, ways, bool(ways) and material.upload and not promised)


def _department_names(definition: ItemDefinition) -> dict[str, str]:
    """Short names of the bodies the materials mention, by function: one query."""
    functions = {proof.source for material in definition.materials for proof in material.proven_by if proof.source}
    rows = Organisation.objects.filter(function__in=functions, level="city").order_by("-order", "-id")
    return {row.function: localized(row.name, row.english) for row in rows}


def _sample(definition: ItemDefinition) -> list[tuple[str, str]]:
    """What stands on the result, with made-up values: the vocabulary's examples, masked where personal."""
    lines = []
    for entry in definition.result.face:
        element = vocabulary.element(entry.element)
        stated = entry.value or next(iter(entry.by_age.values()), "")
        if stated:
            value = display(element.id, check(element, stated))
        else:
            value = mask(element.id, element.example) if element.is_personal else element.example
        lines.append((str(element.label), value or "……"))
    return lines


def visits_in_words(count: int) -> str:
    if not count:
        return _("一次都不用跑")
    return localized(f"{count} 次", "once" if count == 1 else f"{count} times")


def _facts(definition: ItemDefinition) -> list[tuple[str, str]]:
    """The four things everybody asks first."""
    visits = definition.visits.count
    return [
        (_("承诺时限"), definition.limits.promised.in_words()),
        (_("法定时限"), definition.limits.legal.in_words()),
        (_("到现场"), visits_in_words(visits)),
        (_("费用"), _("收费") if definition.fees.charged else _("不收费")),
    ]


@require_safe
def guide(request: HttpRequest, code: str) -> HttpResponse:
    """Everything about an item, in the order people ask. A stopped item says so and offers no button.

    `?place=` chooses whose counter is shown; an item that many bodies hold for themselves asks which one.
    """
    row = queries.item_by_code(code)
    place = place_of(request)
    holding = queries.holding_at(row, place) if place else None
    several = queries.must_choose(row)
    version = queries.current_version(row)
    definition = queries.definition_of(version)
    names = _department_names(definition)
    lines = [_material_line(material, names) for material in definition.materials]
    workflow = Workflow.model_validate(version.case_version.definition)
    places = folder.centres(city_folder())
    context = {
        "item": row,
        "definition": definition,
        "is_open": row.state == ServiceItem.State.ACTIVE,
        "reason": Text.model_validate(row.state_reason) if row.state_reason else "",
        "facts": _facts(definition),
        "always": [line for line in lines if not line.material.only_in_situation],
        "sometimes": [line for line in lines if line.material.only_in_situation],
        "nothing_to_upload": not any(line.needs_upload and not line.material.only_in_situation for line in lines),
        "picture": workflow_svg(workflow),
        "sample": _sample(definition),
        "owner": holding.organisation.label if holding and not several else row.owner_title,
        "holding": holding,
        "phone": holding.phone if holding and holding.phone else definition.consult_phone,
        "places": queries.places_of(row, holding.division_id if holding else place),
        "bodies": queries.bodies_of(row, holding.division_id if holding else EVERYWHERE) if several else [],
        "is_elsewhere": bool(place) and holding is None,
        "siblings": queries.siblings(row),
        "place": level_label(definition.handler.level),
        "windows": [(places[centre], window.counter) for window in definition.windows for centre in window.centres],
        "visits": visits_in_words(definition.visits.count),
        "topics": [(slug, topic) for slug, topic in folder.topics().items() if slug in row.topics],
    }
    return render(request, "hall/guide.html", context)
