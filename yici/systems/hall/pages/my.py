"""The citizen's own pages: home, cases, one case and what can be done with it. Every page: the person concerned only."""

from __future__ import annotations

from typing import Any

from django.contrib import messages as flash
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from yici.base.errors import Invalid
from yici.core.cases import queries as case_queries
from yici.core.cases import services as cases
from yici.core.cases.drawing import workflow_svg
from yici.core.files import services as files
from yici.core.files.models import StoredFile
from yici.core.files.services import FileRejected
from yici.core.forms import queries as form_queries
from yici.core.forms import rendering
from yici.core.messages import queries as message_queries
from yici.core.people.auth import account_of, citizen_required
from yici.core.people.models import Account
from yici.core.vocabulary import queries as vocabulary
from yici.platform.pay import queries as pay
from yici.platform.trust import queries as trust
from yici.platform.trust.signatures import envelope_queries as signing
from yici.systems.hall import queries, services
from yici.systems.hall.models import Evaluation
from yici.systems.hall.queries.catalogue import definition_of

PAGE = 20
LEVELS = (
    (5, gettext_lazy("非常满意")),
    (4, gettext_lazy("满意")),
    (3, gettext_lazy("基本满意")),
    (2, gettext_lazy("不满意")),
    (1, gettext_lazy("非常不满意")),
)


@citizen_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Everything of mine at a glance."""
    account = account_of(request)
    context = {
        "cases": list(queries.matters_of(account)[:5]),
        "drafts": list(form_queries.drafts_of(account)[:3]),
        "certificates": trust.count_of(account.person) if account.person else 0,
        "unread_messages": message_queries.unread_count(account),
        "waiting": queries.waiting_for(account),
        "to_sign": signing.waiting_count(account),
    }
    return render(request, "hall/my/home.html", context)


@citizen_required
@require_GET
def my_cases(request: HttpRequest) -> HttpResponse:
    """My cases, newest first; open ones by default."""
    shown = request.GET.get("show", "open")
    found = queries.matters_of(account_of(request))
    if shown == "open":
        found = found.filter(closed_at=None)
    elif shown == "closed":
        found = found.exclude(closed_at=None)
    paginator = Paginator(found, PAGE)
    page = paginator.get_page(request.GET.get("page"))
    return render(request, "hall/my/cases.html", {"page": page, "shown": shown})


@citizen_required
@require_GET
def drafts(request: HttpRequest) -> HttpResponse:
    """What I have begun and not yet sent."""
    found = form_queries.drafts_of(account_of(request)).select_related("subject")
    return render(request, "hall/my/drafts.html", {"drafts": list(found)})


@citizen_required
@require_GET
def case(request: HttpRequest, number: str) -> HttpResponse:
    """One case: where it stands, what I may do, what was said, who looked at my data."""
    found = case_queries.case_for_applicant(account_of(request), number)
    if found.type.system == "joint":
        return HttpResponseRedirect(reverse("hall-joint-case", args=[number]))
    application = queries.application_of(found)
    definition = definition_of(application.version)
    workflow = case_queries.workflow_for(found)
    stage = None if found.closed_at else found.stage
    context = {
        "case": found,
        "whole": found.parent,
        "definition": definition,
        "item": application.version.item,
        "view": queries.application_view(application),
        "timeline": case_queries.timeline(found, public_only=True),
        "picture": workflow_svg(workflow, stage, case_queries.done_stages(found, workflow)),
        "correction": found.corrections.filter(answered_at=None).order_by("-id").first(),
        "certificates": trust.certificates_of_case(number),
        "envelope": signing.envelope_of_case(number),
        "evaluation": Evaluation.objects.filter(case=found).first() if found.closed_at else None,
        "looks": queries.looks_in_case(number),
        "payment": pay.order_of_case(number),
        "actions": {action.id for action in case_queries.available_actions(found, account_of(request))},
    }
    return render(request, "hall/my/case.html", context)


@citizen_required
@require_GET
def receipt(request: HttpRequest, number: str) -> HttpResponse:
    """The receipt of an application, to keep or print."""
    found = case_queries.case_for_applicant(account_of(request), number)
    application = queries.application_of(found)
    context = {
        "case": found,
        "definition": definition_of(application.version),
        "item": application.version.item,
        "application": application,
        "objections": queries.objections_of(found),
        "promised": queries.promised_date(found, application),
    }
    return render(request, "hall/receipt.html", context)


@citizen_required
@require_http_methods(["GET", "POST"])
def correct(request: HttpRequest, number: str) -> HttpResponse:
    """Answer a correction notice: the demanded fields, files, and a remark."""
    application, notice = services.open_correction(number, account_of(request))
    form = definition_of(application.version).form
    page = queries.correction_page(form, notice)
    errors: dict[str, str] = {}
    answers: dict[str, Any] = dict(application.answers)
    if request.method == "POST":
        posted = rendering.read_page(page, request.POST) if page else {}
        answers |= posted
        try:
            uploads = _uploads(request, notice.demands, account_of(request))
            services.answer_correction(
                number,
                account_of(request),
                answers=posted,
                uploads=uploads,
                remark=request.POST.get("remark", "").strip()[:1000],
            )
            flash.success(request, _("已提交补正，办理时限继续计算。"))
            return HttpResponseRedirect(reverse("hall-my-case", args=[number]))
        except (Invalid, FileRejected) as error:
            errors = error.fields or {"remark": str(error.message)}
    bound = (
        rendering.bound_page(form, page, answers, application.provenance, errors, situation=application.situation)
        if page
        else None
    )
    context = {
        "case": application.case, "notice": notice, "page": bound, "errors": errors,
        "materials": [demand for demand in notice.demands if demand.get("material")],
        "others": [demand for demand in notice.demands if not demand.get("material") and not demand.get("field")],
        "remark": request.POST.get("remark", ""),
    }  # fmt: skip
    return render(request, "hall/my/correct.html", context, status=422 if errors else 200)


def _uploads(request: HttpRequest, demands: list[dict[str, Any]], account: Account) -> dict[str, list[StoredFile]]:
    kept: dict[str, list[StoredFile]] = {}
    for demand in demands:
        key = str(demand.get("material") or "")
        for upload in request.FILES.getlist(f"file-{key}") if key else ():
            kept.setdefault(key, []).append(
                files.store(upload, upload.name or "file", holder=account.person, account=account, trust="C")
            )
    return kept


@citizen_required
@require_http_methods(["GET", "POST"])
def withdraw(request: HttpRequest, number: str) -> HttpResponse:
    """Take the application back, after a page that says what that means."""
    found = case_queries.case_for_applicant(account_of(request), number)
    if request.method == "POST":
        cases.withdraw(number, account_of(request), reason=request.POST.get("reason", "").strip()[:500])
        flash.success(request, _("撤回申请已提交。"))
        return HttpResponseRedirect(reverse("hall-my-case", args=[number]))
    return render(request, "hall/my/withdraw.html", {"case": found})


@citizen_required
@require_http_methods(["GET", "POST"])
def urge(request: HttpRequest, number: str) -> HttpResponse:
    """Ask the handlers to hurry, at most once a working day."""
    found = case_queries.case_for_applicant(account_of(request), number)
    if request.method == "POST":
        cases.urge(number, account_of(request), request.POST.get("text", "").strip()[:500])
        flash.success(request, _("已催办，办理单位会收到提醒并答复您。"))
        return HttpResponseRedirect(reverse("hall-my-case", args=[number]))
    return render(request, "hall/my/urge.html", {"case": found})


@citizen_required
@require_http_methods(["GET", "POST"])
def rate(request: HttpRequest, number: str) -> HttpResponse:
    """Rate the service, once, after it is closed."""
    found = case_queries.case_for_applicant(account_of(request), number)
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            level = request.POST.get("level", "")
            services.evaluate(
                number, account_of(request), level=int(level) if level in {"1", "2", "3", "4", "5"} else 0,
                tags=request.POST.getlist("tags"), text=request.POST.get("text", ""), anonymous=request.POST.get("anonymous") == "1",
            )  # fmt: skip
            flash.success(request, _("感谢您的评价。"))
            return HttpResponseRedirect(reverse("hall-my-case", args=[number]))
        except Invalid as error:
            errors = error.fields
    context = {
        "case": found, "levels": LEVELS, "errors": errors,
        "tags": vocabulary.code_list("evaluation_tag").codes, "posted": request.POST,
    }  # fmt: skip
    return render(request, "hall/my/rate.html", context, status=422 if errors else 200)
