"""The staff catalogue of data elements and code lists."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from yici.core.vocabulary import queries
from yici.core.vocabulary.ports import source_names, staff_only

TYPES = {
    "text": _("文本"),
    "date": _("日期"),
    "number": _("数字"),
    "money": _("金额"),
    "code": _("代码"),
    "yes_no": _("是否"),
    "file": _("文件"),
    "group": _("分组"),
}
SENSITIVITIES = {
    "public": _("公开"),
    "internal": _("内部"),
    "personal": _("个人信息"),
    "sensitive": _("敏感个人信息"),
}

GROUPS = {
    "person": _("个人"),
    "household": _("户籍与家庭"),
    "organisation": _("单位与企业"),
    "business": _("经营活动"),
    "food": _("食品经营"),
    "house": _("房屋"),
    "land": _("土地"),
    "provident_fund": _("住房公积金"),
    "vehicle": _("车辆"),
    "driver": _("驾驶人"),
    "education": _("教育"),
    "social_insurance": _("社会保险"),
    "pension": _("养老金"),
    "employment": _("就业"),
    "health": _("健康"),
    "hospital": _("医院就诊"),
    "medical_insurance": _("医疗保险"),
    "rural_medical": _("合作医疗"),
    "disability": _("残疾"),
    "birth": _("生育"),
    "subsidy": _("补贴"),
    "bank": _("银行账户"),
    "certificate": _("证照"),
    "elder_card": _("老年卡"),
    "residence_permit": _("居住证"),
    "transit_card": _("公交卡"),
    "place": _("地点"),
    "animal": _("养殖与动物防疫"),
    "agent": _("代办人"),
    "applicant": _("申请人"),
    "application": _("申请"),
    "court": _("司法"),
    "delivery": _("送达"),
    "emergency_contact": _("紧急联系人"),
    "evaluation": _("评价"),
    "payment": _("缴费"),
    "tax": _("税务"),
}
PAGE = 60


@staff_only
def elements(request: HttpRequest) -> HttpResponse:
    """Search by words and facets, a page at a time."""
    words = request.GET.get("q", "")
    facets = {name: request.GET.get(name, "") for name in ("group", "source", "sensitivity")}
    everything = queries.elements()
    names = source_names()
    page = Paginator(queries.search_elements(words, **facets), PAGE).get_page(request.GET.get("page"))
    rows = [
        {
            "element": item,
            "type": TYPES[item.type],
            "sensitivity": SENSITIVITIES[item.sensitivity],
            "source": names.get(item.source, item.source),
            "code_list": queries.code_list(item.code_list).title if item.code_list else "",
        }
        for item in page
    ]
    context = {
        "words": words,
        "facets": facets,
        "rows": rows,
        "page": page,
        "total": len(everything),
        "groups": [(one, GROUPS.get(one, one)) for one in dict.fromkeys(item.group for item in everything)],
        "sources": [(one, names.get(one, one)) for one in sorted({item.source for item in everything if item.source})],
        "sensitivities": SENSITIVITIES.items(),
        "code_list_count": len(queries.code_lists()),
    }
    return render(request, "vocabulary/elements.html", context)


@staff_only
def code_list(request: HttpRequest, list_id: str) -> HttpResponse:
    context = {"code_list": queries.code_list(list_id), "used_by": queries.elements_using(list_id)}
    return render(request, "vocabulary/code_list.html", context)


@staff_only
def code_lists(request: HttpRequest) -> HttpResponse:
    return render(request, "vocabulary/code_lists.html", {"code_lists": queries.code_lists()})
