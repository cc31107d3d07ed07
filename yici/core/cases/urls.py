"""Staff pages of cases: everybody who holds `case.view` somewhere."""

from __future__ import annotations

from django.urls import path

from yici.core.cases import pages

app_name = "cases"
urlpatterns = [
    path("desk/cases/", pages.work_list, name="list"),
    path("desk/cases/export.csv", pages.export, name="export"),
    path("desk/cases/claim/", pages.claim, name="claim"),
    path("desk/cases/<slug:number>/", pages.case, name="case"),
    path("desk/cases/<slug:number>/assign/", pages.assign, name="assign"),
    path("desk/cases/<slug:number>/supervise/", pages.supervise, name="supervise"),
    path("desk/cases/<slug:number>/instructions/<int:instruction_id>/", pages.reply, name="reply"),
    path("desk/cases/<slug:number>/<slug:action>/", pages.act, name="act"),
]
