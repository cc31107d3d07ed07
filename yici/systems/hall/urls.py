"""Addresses of the hall. Public: the catalogue. Signed-in citizens: applying and their own cases."""

from __future__ import annotations

from django.urls import path

from yici.systems.hall.guided import pages as guided
from yici.systems.hall.joint import pages as joint
from yici.systems.hall.pages import apply, catalogue, changes, desk, indicators, my, papers

urlpatterns = [
    path("", catalogue.home, name="hall-home"),
    path("search/", catalogue.search, name="hall-search"),
    path("browse/", catalogue.browse, name="hall-browse"),
    path("items/<slug:code>/", catalogue.guide, name="hall-item"),
    path("items/<slug:code>/start/", apply.start, name="hall-start"),
    path("apply/<str:token>/", apply.task_list, name="hall-apply"),
    path("apply/<str:token>/situation/", apply.situation, name="hall-apply-situation"),
    path("apply/<str:token>/materials/", apply.materials, name="hall-apply-materials"),
    path("apply/<str:token>/read/", papers.ask, name="hall-apply-read"),
    path("apply/<str:token>/papers/<int:reading_id>/", papers.paper, name="hall-apply-paper"),
    path("apply/<str:token>/check/", apply.check, name="hall-apply-check"),
    path("apply/<str:token>/submit/", apply.submit, name="hall-apply-submit"),
    path("apply/<str:token>/discard/", apply.discard, name="hall-apply-discard"),
    path("apply/<str:token>/form/<slug:page_id>/", apply.page, name="hall-apply-page"),
    path("cases/<str:number>/receipt/", my.receipt, name="hall-receipt"),
    path("guided/", guided.index, name="hall-guided"),
    path("guided/<slug:code>/", guided.flow, name="hall-guided-flow"),
    path("together/", joint.start, name="hall-joint-start"),
    path("together/<slug:code>/", joint.theme, name="hall-theme"),
    path("my/joint/<str:number>/", joint.case, name="hall-joint-case"),
    path("my/joint/<str:number>/withdraw/", joint.withdraw, name="hall-joint-withdraw"),
    path("my/", my.home, name="hall-my"),
    path("my/cases/", my.my_cases, name="hall-my-cases"),
    path("my/cases/<str:number>/", my.case, name="hall-my-case"),
    path("my/cases/<str:number>/correct/", my.correct, name="hall-my-correct"),
    path("my/cases/<str:number>/withdraw/", my.withdraw, name="hall-my-withdraw"),
    path("my/cases/<str:number>/urge/", my.urge, name="hall-my-urge"),
    path("my/cases/<str:number>/rate/", my.rate, name="hall-my-rate"),
    path("my/drafts/", my.drafts, name="hall-my-drafts"),
    path("desk/items/", desk.items, name="hall-desk-items"),
    path("desk/items/<slug:code>/change/", changes.propose, name="hall-desk-change-new"),
    path("desk/changes/", changes.changes, name="hall-desk-changes"),
    path("desk/changes/<int:change_id>/", changes.change, name="hall-desk-change"),
    path("desk/indicators/", indicators.indicators, name="hall-desk-indicators"),
    path("desk/indicators.xlsx", indicators.export, name="hall-desk-indicators-export"),
    path("desk/items/<slug:code>/", desk.item, name="hall-desk-item"),
]
