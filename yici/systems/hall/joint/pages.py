"""Pages of joint cases. The proof of a theme: everybody. Starting: signed-in citizens. The case: the person concerned."""

from __future__ import annotations

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from yici.base.errors import Conflict, Invalid, NotFound
from yici.core.cases import queries as case_queries
from yici.core.people.auth import account_of, assurance_of, citizen_required
from yici.core.people.models import Account
from yici.core.places.models import Division
from yici.platform.pay import queries as pay
from yici.platform.trust import queries as trust
from yici.systems.hall.joint import applying, proving, queries, submitting, themes
from yici.systems.hall.queries.catalogue import listed


@require_GET
def theme(request: HttpRequest, code: str) -> HttpResponse:
    """What one does as one thing: which items, what it saves, computed, and the button to begin."""
    found = themes.named(code)
    proof = proving.proof_of(found)
    context = {"theme": found, "proof": proof, "places": counties(), "codes": ",".join(found.items)}
    context["is_signed_in"] = isinstance(request.user, Account) and request.user.kind == Account.Kind.CITIZEN
    return render(request, "hall/joint/theme.html", context)


def counties() -> list[Division]:
    """Where business and homes are handled: the counties of the city."""
    return list(Division.objects.filter(level="county", code__startswith="3416").order_by("code"))


@citizen_required
@require_http_methods(["GET", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """Open one draft for several items, or say why they cannot go together and what to leave out."""
    if request.method == "GET":  # back from signing in
        return HttpResponseRedirect(reverse("hall-guided"))
    codes = [code for code in request.POST.get("items", "").split(",") if code] + request.POST.getlist("item")
    left_out = set(request.POST.getlist("without"))
    codes = [code for code in dict.fromkeys(codes) if code not in left_out]
    theme_code, place, back = (
        request.POST.get("theme", ""),
        request.POST.get("place", ""),
        request.POST.get("back", "/"),
    )
    back = back if back.startswith("/") and not back.startswith("//") else "/"
    channel = "app" if "Mobile" in request.headers.get("User-Agent", "") else "net"
    try:
        draft = applying.start(
            account_of(request), codes, assurance=assurance_of(request), channel=channel, place=place,
            theme="" if left_out else theme_code, came_from=back,
        )  # fmt: skip
    except (Invalid, Conflict) as error:
        context = {
            "error": error, "codes": codes, "items": list(listed().filter(code__in=codes)),
            "place": place, "theme": theme_code, "back": back, "places": counties(),
        }  # fmt: skip
        return render(request, "hall/joint/refused.html", context, status=error.status)
    return HttpResponseRedirect(reverse("hall-apply", args=[draft.token]))


@citizen_required
@require_GET
def case(request: HttpRequest, number: str) -> HttpResponse:
    """The whole: every department's part, one timeline, what is shared, one payment, all results."""
    found = case_queries.case_for_applicant(account_of(request), number)
    joint = queries.joint_of(found)
    if joint is None:
        raise NotFound
    view = queries.joint_view(joint)
    numbers = [part.case.number for part in view.parts if part.case]
    context = {
        "case": found,
        "view": view,
        "payment": pay.order_of_case(found.number),
        "certificates": [paper for one in numbers for paper in trust.certificates_of_case(one)],
        "may_withdraw": found.closed_at is None,
    }
    return render(request, "hall/joint/case.html", context)


@citizen_required
@require_http_methods(["GET", "POST"])
def withdraw(request: HttpRequest, number: str) -> HttpResponse:
    """Take back everything that is still open, after a page that says what that means."""
    found = case_queries.case_for_applicant(account_of(request), number)
    if request.method == "POST":
        submitting.withdraw(number, account_of(request), reason=request.POST.get("reason", "").strip()[:500])
        flash.success(request, _("撤回申请已提交。"))
        return HttpResponseRedirect(reverse("hall-joint-case", args=[number]))
    return render(request, "hall/joint/withdraw.html", {"case": found})
