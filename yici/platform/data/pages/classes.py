"""The list of classes and the page of one: catalogue card, columns, channels, versions, runs, issues."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yici.base import clock
from yici.base.errors import Conflict, NotFound
from yici.base.requests import wants_part
from yici.base.spreadsheets import csv_lines
from yici.core.audit import services as audit
from yici.core.people.auth import account_of, staff_required
from yici.core.people.services import actor_of
from yici.platform.data.catalogue import exporting as catalogue_files
from yici.platform.data.catalogue import reading
from yici.platform.data.catalogue.definition import ClassDefinition
from yici.platform.data.landing.templates import template_workbook
from yici.platform.data.models import Channel, DataClass, Run
from yici.platform.data.pages import words
from yici.platform.data.pages.words import by_dimension
from yici.platform.data.quality import queries as quality
from yici.platform.data.reading import access, catalogue
from yici.platform.data.reading.issues import in_words
from yici.platform.data.rules.deriving import rules_by_id
from yici.platform.data.runs import starting
from yici.platform.data.runs.quarantine import message_of
from yici.platform.data.scopes import may

VERSIONS = 12
RUNS = 10


def _filter(request: HttpRequest) -> catalogue.ClassFilter:
    names = ("department", "channel", "light", "described", "category", "order")
    given = {name: words.plain(request.GET.get(name)) for name in names}
    return catalogue.ClassFilter(words=words.plain(request.GET.get("q")), **given)


@require_safe
@staff_required("data.view")
def class_list(request: HttpRequest) -> HttpResponse:
    """Classes within the scope; with htmx only the table is sent again."""
    account, wanted = account_of(request), _filter(request)
    page = Paginator(catalogue.filtered(account, wanted), catalogue.PAGE).get_page(request.GET.get("page"))
    kept = {name: value for name, value in request.GET.items() if name != "page" and value}
    context: dict[str, Any] = {
        "page": page,
        "rows": catalogue.class_rows(list(page.object_list)),
        "wanted": wanted,
        "query": urlencode(kept),
        "tones": words.TONES,
    }
    if wants_part(request):
        return render(request, "data/class_table.html", context)
    context |= {
        "departments": catalogue.departments_of(account),
        "categories": catalogue.categories().items(),
        "channels": Channel.choices,
        "lights": words.LIGHTS,
    }
    return render(request, "data/class_list.html", context)


@require_safe
@staff_required("data.view")
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The filtered list as CSV. No personal values stand in it."""
    account, wanted = account_of(request), _filter(request)
    classes = catalogue.filtered(account, wanted)
    headers = [_("代码"), _("数据类"), _("单位"), _("对接方式"), _("更新周期"), _("新鲜度"), _("质量得分"), _("申报行数"), _("入库行数"), _("最近成功")]  # fmt: skip

    def rows() -> Iterator[list[Any]]:
        for row in catalogue.class_rows(classes):
            one, score = row.data_class, row.tally.score
            at = f"{timezone.localtime(row.last_success_at):%Y-%m-%d %H:%M}" if row.last_success_at else ""
            yield [
                one.code, one.label, one.department.label, "、".join(str(Channel(one.kind).label) for one in row.channels), one.get_cycle_display(),
                str(words.LIGHTS[row.light]), "" if score is None else round(score * 100, 2), one.declared_rows, row.rows, at,
            ]  # fmt: skip

    response = StreamingHttpResponse(csv_lines(headers, rows()), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="data-classes-{clock.today():%Y%m%d}.csv"'
    audit.record(
        actor_of(account, request),
        "export",
        subject=("data_class", "list"),
        purpose=f"导出数据类清单 {len(classes)} 类",
    )
    return response


@require_safe
@staff_required("data.view")
def class_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Everything about one class: what it is, how it comes, how good it is, its versions and runs."""
    account = account_of(request)
    data_class = access.class_for(account, slug)
    definition = reading.definition_of(data_class) if data_class.is_described else None
    scores = quality.column_scores(slug)
    issues = quality.open_issues().filter(data_class=data_class)
    context = {
        "data_class": data_class,
        "row": catalogue.class_rows([data_class])[0],
        "category": catalogue.categories().get(data_class.category, data_class.category),
        "definition": definition,
        "related": DataClass.objects.filter(pk__in=definition.related, withdrawn_at=None) if definition else [],
        "columns": [(one, quality.total(scores.get(one.name, {}))) for one in definition.columns] if definition else [],
        "dimensions": _by_dimension(scores),
        "overall": quality.total({name: quality.total(tallies) for name, tallies in scores.items()}),
        "trend": quality.trend(class_id=slug),
        "channels": list(data_class.channels.filter(withdrawn_at=None).select_related("unit").order_by("kind")),
        "versions": list(data_class.snapshots.select_related("run").order_by("-number")[:VERSIONS]),
        "runs": list(data_class.runs.select_related("actor").order_by("-id")[:RUNS]),
        "issues": in_words(issues[:RUNS]),
        "issue_count": issues.count(),
        "failing": _failing(slug, definition),
        "may_operate": may(account, "data.operate", data_class),
        "may_see": access.may_see_rows(account, data_class),
        "may_upload": may(account, "data.upload", data_class),
        "types": words.TYPES,
        "loads": words.LOADS,
        "tones": words.TONES,
        "sensitivities": words.SENSITIVITIES,
        "shares": words.SHARES,
        "formats": words.FORMATS,
        "ways": words.WAYS,
    }
    return render(request, "data/class.html", context)


def _by_dimension(scores: dict[str, dict[str, quality.Tally]]) -> list[tuple[str, Any, quality.Tally | None]]:
    added: dict[str, quality.Tally] = {}
    for tallies in scores.values():
        for name, tally in tallies.items():
            added[name] = added.get(name, quality.Tally()) + tally
    return by_dimension(added)


def _failing(slug: str, definition: ClassDefinition | None) -> list[dict[str, Any]]:
    rules = rules_by_id(definition) if definition else {}
    found = quality.failing_rules(class_id=slug, count=8)
    return [{"rule": one.rule, "words": message_of(one.rule, rules), "tally": one.tally} for one in found]


@require_POST
@staff_required("data.operate")
def run_now(request: HttpRequest, slug: str) -> HttpResponse:
    account = account_of(request)
    data_class = access.class_for(account, slug, "data.operate")
    channel = starting.channel_of(data_class, request.POST.get("channel", ""))
    if channel is None:
        raise NotFound
    try:
        run = starting.start(channel, Run.Trigger.MANUAL, account)
    except Conflict as error:
        messages.warning(request, str(error.message))
        standing = starting.open_run_of(data_class)
        return redirect("data-run", standing.pk) if standing else redirect("data-class", slug)
    return redirect("data-run", run.pk)


@require_safe
@staff_required("data.view")
def template(request: HttpRequest, slug: str) -> HttpResponse:
    """The workbook to fill in."""
    data_class = access.class_for(account_of(request), slug)
    response = HttpResponse(
        template_workbook(reading.definition_of(data_class)),
        content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    )
    response["Content-Disposition"] = f'attachment; filename="{slug}.xlsx"'
    return response


@require_safe
@staff_required("data.view")
def dcat(request: HttpRequest, slug: str) -> JsonResponse:
    """The class for another platform."""
    data_class = access.class_for(account_of(request), slug)
    return JsonResponse(catalogue_files.dcat_of(data_class), json_dumps_params={"ensure_ascii": False, "indent": 1})
