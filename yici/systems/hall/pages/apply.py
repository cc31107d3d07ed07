"""The citizen's way from "start" to "submitted". Every page: signed-in citizens, their own drafts only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from yici.base.errors import Invalid, NotFound
from yici.base.requests import whole_number
from yici.core.files.services import FileRejected
from yici.core.forms import rendering
from yici.core.forms import services as forms
from yici.core.forms.queries import answers_in_words
from yici.core.forms.rules import situation_words, visible_pages
from yici.core.people.auth import account_of, assurance_of, citizen_required
from yici.core.people.models import Person
from yici.core.people.queries import principals_of
from yici.platform.trust.papers import queries as papers
from yici.systems.hall import queries, services
from yici.systems.hall.errors import MaterialsMissing
from yici.systems.hall.models import Application
from yici.systems.hall.services import OpenApplication


@dataclass(frozen=True)
class Step:
    """One page of the way, as the task list shows it."""

    id: str
    title: str
    address: str
    is_done: bool


def steps_of(application: OpenApplication) -> list[Step]:
    """Situation, the form's visible pages, materials, check: in the order they are walked."""
    draft, form = application.draft, application.definition.form
    steps = []
    visited = set(draft.context.get("visited", []))

    def add(identifier: str, title: str, name: str, *arguments: str) -> None:
        address = reverse(name, args=[draft.token, *arguments])
        steps.append(Step(identifier, title, address, identifier in visited))

    if form.situations:
        add("situation", _("您的情况"), "hall-apply-situation")
    for page in visible_pages(form, draft.answers, application.situation):
        add(page.id, str(page.title), "hall-apply-page", page.id)
    add("materials", _("申请材料"), "hall-apply-materials")
    add("check", _("核对并提交"), "hall-apply-check")
    return steps


@citizen_required
@require_http_methods(["GET", "POST"])
def start(request: HttpRequest, code: str) -> HttpResponse:
    """Choose for whom, where there is a choice, and open the draft."""
    item = queries.item_by_code(code)
    account = account_of(request)
    principals = principals_of(account.person) if account.person else []
    if principals and "subject" not in request.POST:
        return render(
            request,
            "hall/apply/for_whom.html",
            {
                "item": item,
                "principals": principals,
                "person": account.person,
                "holding": request.POST.get("holding", ""),
            },
        )
    if request.method == "GET":
        return HttpResponseRedirect(reverse("hall-item", args=[code]))
    subject = _chosen_subject(request, principals)
    channel = "app" if "Mobile" in request.headers.get("User-Agent", "") else "net"
    draft = services.start(
        account, code, assurance=assurance_of(request), subject=subject, channel=channel,
        holding=request.POST.get("holding", "").replace("\x00", "")[:150],
    )  # fmt: skip
    application = services.opened(account, draft.token)
    return HttpResponseRedirect(_next_address(application))


def _chosen_subject(request: HttpRequest, principals: list[Any]) -> Person | None:
    chosen = request.POST.get("subject", "")
    if chosen in ("", "self"):
        return None
    for delegation in principals:
        if str(delegation.principal_id) == chosen:
            return delegation.principal
    raise NotFound


@citizen_required
@require_GET
def task_list(request: HttpRequest, token: str) -> HttpResponse:
    """Where one stands: every step with a tick or a link."""
    application = services.opened(account_of(request), token)
    steps = steps_of(application)
    context = frame(application, "") | {"steps": steps, "next": _next_address(application)}
    return render(request, "hall/apply/task_list.html", context)


@citizen_required
@require_http_methods(["GET", "POST"])
def situation(request: HttpRequest, token: str) -> HttpResponse:
    """The questions that decide which materials are needed."""
    application = services.opened(account_of(request), token)
    form, answers, errors, status = application.definition.form, application.situation, {}, 200
    if request.method == "POST":
        result = forms.submit_situation(application.draft, form, request.POST)
        if result.saved:
            services.visit(application, "situation")
            return _onward(request, application, "situation", leave=result.leave)
        answers, errors, status = result.answers, result.errors, result.status
        _say(request, result.notice)
    context = frame(application, "situation") | {
        "page": rendering.bound_situation(form, answers, errors), "revision": application.draft.revision,
    }  # fmt: skip
    return render(request, "hall/apply/situation.html", context, status=status)


@citizen_required
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, token: str, page_id: str) -> HttpResponse:
    """One page of the form."""
    application = services.opened(account_of(request), token)
    draft, form = application.draft, application.definition.form
    asked = form.page(page_id)
    if asked is None:
        raise NotFound
    answers: dict[str, Any] = draft.answers
    errors: dict[str, str] = {}
    unsaved: list[tuple[str, str]] = []
    status = 200
    if request.method == "POST":
        result = forms.submit_page(draft, form, page_id, request.POST, request.FILES)
        if result.saved:
            services.visit(application, page_id)
            return _onward(request, application, page_id, leave=result.leave)
        answers, errors, unsaved, status = result.answers, result.errors, result.unsaved, result.status
        _say(request, result.notice)
    bound = rendering.bound_page(form, asked, answers, draft.prefill, errors, situation=application.situation)
    context = frame(application, page_id) | {"page": bound, "unsaved": unsaved, "revision": draft.revision}
    return render(request, "hall/apply/page.html", context, status=status)


def _say(request: HttpRequest, notice: str) -> None:
    if notice:
        flash.warning(request, notice)


def _onward(request: HttpRequest, application: OpenApplication, step: str, *, leave: bool) -> HttpResponse:
    if leave:
        flash.success(request, _("已保存，您可以随时在任何设备上接着填写。"))
        return HttpResponseRedirect(reverse("hall-my-drafts"))
    return HttpResponseRedirect(_after(application, step))


@citizen_required
@require_http_methods(["GET", "POST"])
def materials(request: HttpRequest, token: str) -> HttpResponse:
    """What is needed, what proves it already, and what is still to be uploaded or promised."""
    application = services.opened(account_of(request), token)
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            if response := _change_material(request, application):
                return response
        except (FileRejected, MaterialsMissing) as error:
            errors = error.fields or {request.POST.get("material", "file"): str(error.message)}
    lines = services.materials_of(application)
    if request.method == "POST" and not errors:
        errors = {line.material.id: f"{line.material.name}：{line.words}" for line in lines if not line.is_settled}
        if not errors:
            services.visit(application, "materials")
            return HttpResponseRedirect(_after(application, "materials"))
    uploaded = [one for line in lines for one in line.files]
    context = frame(application, "materials") | {
        "lines": lines,
        "errors": errors,
        "files": queries.files_by_id(uploaded),
        "readable": {line.material.id for line in lines if services.can_be_read(line.material)},
        "readings": papers.readings_of_files(account_of(request), uploaded),
        "all_proven": all(line.needs_nothing or line.source == "optional" for line in lines),
    }
    return render(request, "hall/apply/materials.html", context, status=422 if errors else 200)


def _change_material(request: HttpRequest, application: OpenApplication) -> HttpResponse | None:
    """Handle one upload, removal or promise; None when the person wants to go on."""
    here = HttpResponseRedirect(request.path)
    material = request.POST.get("material", "")
    if "upload" in request.POST:
        upload = request.FILES.get("file")
        if upload is None:
            raise MaterialsMissing(fields={material: _("请先选择要上传的文件。")})
        services.attach(application, material, upload, upload.name or "file", account_of(request))
        return here
    if "remove" in request.POST:
        services.detach(application, material, whole_number(request.POST["remove"], 0, digits=18))
        return here
    if "promise" in request.POST:
        services.promise(application, material, given=request.POST["promise"] == "yes")
        return here
    if "defer" in request.POST:
        services.promise(application, material, given=request.POST["defer"] == "yes", deferred=True)
        return here
    return None


@citizen_required
@require_GET
def check(request: HttpRequest, token: str) -> HttpResponse:
    """Everything said, in one list with change links, before it is sent."""
    application = services.opened(account_of(request), token)
    return render(request, "hall/apply/check.html", _check_context(application, {}))


def _check_context(application: OpenApplication, errors: dict[str, str]) -> dict[str, Any]:
    draft, form = application.draft, application.definition.form
    return frame(application, "check") | {
        "rows": answers_in_words(draft, form),
        "situation_rows": situation_words(form, application.situation),
        "lines": services.materials_of(application),
        "errors": errors,
        "expected": queries.expected_dates(application),
    }


@citizen_required
@require_POST
def submit(request: HttpRequest, token: str) -> HttpResponse:
    """Send it. A second press finds the case of the first."""
    try:
        sent = services.submit(token, account_of(request))
    except Invalid as error:
        application = services.opened(account_of(request), token)
        return render(
            request,
            "hall/apply/check.html",
            _check_context(application, error.fields or {"": str(error.message)}),
            status=422,
        )
    after = "hall-receipt" if isinstance(sent, Application) else "hall-joint-case"
    return HttpResponseRedirect(reverse(after, args=[sent.case.number]))


@citizen_required
@require_POST
def discard(request: HttpRequest, token: str) -> HttpResponse:
    """Throw a draft away, on the person's own wish."""
    forms.discard(services.opened(account_of(request), token).draft)
    flash.success(request, _("草稿已删除。"))
    return HttpResponseRedirect(reverse("hall-my-drafts"))


def frame(application: OpenApplication, step_id: str) -> dict[str, Any]:
    """What every page of the way shows: title, subject, which step of how many, where back leads."""
    steps = steps_of(application)
    ids = [step.id for step in steps]
    position = ids.index(step_id) if step_id in ids else 0
    token = application.draft.token
    back = steps[position - 1].address if position > 0 else application.start_address
    return {
        "application": application,
        "item": application.version.item,
        "definition": application.definition,
        "token": token,
        "position": position + 1,
        "count": len(steps),
        "back": back if step_id else application.start_address,
        "for_other": application.draft.subject_id != application.draft.owner.person_id,
    }


def _after(application: OpenApplication, step_id: str) -> str:
    """Where to go on: the check page once everything was walked (a change link leads straight back)."""
    fresh = services.opened(application.draft.owner, application.draft.token)
    steps = steps_of(fresh)
    if all(step.is_done for step in steps[:-1]):
        return steps[-1].address
    ids = [step.id for step in steps]
    return steps[min(ids.index(step_id) + 1, len(steps) - 1)].address if step_id in ids else steps[0].address


def _next_address(application: OpenApplication) -> str:
    return next((step.address for step in steps_of(application) if not step.is_done), steps_of(application)[-1].address)
