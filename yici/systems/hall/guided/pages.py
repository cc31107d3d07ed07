"""Topics, flows, and the personal list. Everybody may read and answer; who signs in sees what she need not bring.

Answers stand in the address, so back works, a result can be kept, printed or sent to somebody, and nothing is stored.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from yici.base.cityfolder import city_folder
from yici.base.errors import NotFound
from yici.core.forms import rules as forms
from yici.core.people.models import Account
from yici.systems.hall.guided import flows
from yici.systems.hall.guided.flows import Flow
from yici.systems.hall.guided.results import personal_list
from yici.systems.hall.joint.pages import counties
from yici.systems.hall.joint.themes import themes_of

PLACE = "place"


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """The topics with their flows, and what can be done as one thing."""
    city = city_folder()
    by_topic = [
        (topic, [flow for flow in flows.flows_of(city).values() if flow.topic == slug])
        for slug, topic in flows.topics_of(city).items()
    ]
    return render(request, "hall/guided/index.html", {"topics": by_topic, "themes": list(themes_of(city).values())})


@require_GET
def flow(request: HttpRequest, code: str) -> HttpResponse:
    """The next question, or the list at the end."""
    found = flows.flows_of(city_folder()).get(code)
    if found is None:
        raise NotFound
    answers, place = _answers(request, found)
    changing = request.GET.get("change", "")
    question = next((one for one in forms.open_questions(found.tree, answers) if one.id == changing), None)
    question = question or flows.next_question(found, answers)
    if question is not None:
        return _ask(request, found, question, answers, place)
    if found.by_place and not place:
        return _ask_place(request, found, answers)
    account = request.user if isinstance(request.user, Account) and request.user.kind == Account.Kind.CITIZEN else None
    here = f"{request.path}?{_query(answers, place)}"
    context = {
        "flow": found,
        "list": personal_list(found, answers, place, account),
        "answered": _answered(request, found, answers, place),
        "place": place,
        "place_name": next((one.label for one in counties() if one.code == place), ""),
        "here": here,
        "is_signed_in": account is not None,
    }
    return render(request, "hall/guided/result.html", context)


def _answers(request: HttpRequest, found: Flow) -> tuple[dict[str, Any], str]:
    """Answers of open questions as the address gives them; whatever does not fit is as if not answered."""
    given: dict[str, Any] = {}
    for question in forms.all_questions(found.tree.situations):
        values = [
            one for one in request.GET.getlist(question.id) if one in {option.value for option in question.options}
        ]
        if question.kind == "multi" and (values or f"{question.id}.none" in request.GET):
            given[question.id] = values
        elif values:
            given[question.id] = values[0]
    known = {question.id for question in forms.open_questions(found.tree, given)}
    places = {one.code for one in counties()}
    place = request.GET.get(PLACE, "")
    return {key: value for key, value in given.items() if key in known}, place if place in places else ""


def _pairs(answers: dict[str, Any], place: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in answers.items():
        values = value if isinstance(value, list) else [value]
        pairs += [(key, one) for one in values] or [(f"{key}.none", "1")]
    return [*pairs, (PLACE, place)] if place else pairs


def _query(answers: dict[str, Any], place: str) -> str:
    return urlencode(_pairs(answers, place))


def _ask(request: HttpRequest, found: Flow, question: Any, answers: dict[str, Any], place: str) -> HttpResponse:
    others = {key: value for key, value in answers.items() if key != question.id}
    asked = [one.id for one in forms.open_questions(found.tree, answers)]
    position = asked.index(question.id) if question.id in asked else len(answers)
    missed = request.GET.get("asked") == question.id and question.id not in answers
    context = {
        "flow": found, "question": question, "hidden": _pairs(others, place), "chosen": answers.get(question.id, ""),
        "position": position + 1, "back": _back(request, found, asked[:position], answers, place),
        "errors": {question.id: str(_("请选一个答案。"))} if missed else {},
    }  # fmt: skip
    return render(request, "hall/guided/question.html", context, status=422 if missed else 200)


def _ask_place(request: HttpRequest, found: Flow, answers: dict[str, Any]) -> HttpResponse:
    asked = [one.id for one in forms.open_questions(found.tree, answers)]
    missed = request.GET.get("asked") == PLACE
    context = {
        "flow": found, "hidden": _pairs(answers, ""), "places": counties(), "position": len(asked) + 1,
        "back": _back(request, found, asked, answers, ""), "errors": {PLACE: str(_("请选一个答案。"))} if missed else {},
    }  # fmt: skip
    return render(request, "hall/guided/question.html", context, status=422 if missed else 200)


def _back(request: HttpRequest, found: Flow, before: list[str], answers: dict[str, Any], place: str) -> str:
    """The question before, with its answer still chosen; the list of flows from the first."""
    if not before:
        return reverse("hall-guided")
    return f"{request.path}?{_query(answers, place)}&{urlencode({'change': before[-1]})}"


def _answered(request: HttpRequest, found: Flow, answers: dict[str, Any], place: str) -> list[tuple[str, str, str]]:
    """(question, answer, address to change it)."""
    query = _query(answers, place)
    rows = [
        (question, answer, f"{request.path}?{query}&{urlencode({'change': key})}")
        for key, question, answer in forms.situation_words(found.tree, answers)
    ]
    if place:
        name = next((one.label for one in counties() if one.code == place), place)
        rows.append((_("在哪个县（区）办"), name, f"{request.path}?{_query(answers, '')}"))
    return rows
