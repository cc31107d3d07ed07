"""Pages of the data desk. Who may use each stands in its decorator: data.view, data.upload, data.operate, data.rows."""

from __future__ import annotations

from django.urls import path

from yici.platform.data.pages import (
    classes,
    departments,
    drafts,
    lookup,
    overview,
    quality,
    quarantine,
    runs,
    uploads,
    versions,
)

urlpatterns = [
    path("desk/data/", overview.overview, name="data-overview"),
    path("desk/data/classes/", classes.class_list, name="data-classes"),
    path("desk/data/classes/export.csv", classes.export, name="data-classes-export"),
    path("desk/data/classes/<str:slug>/", classes.class_page, name="data-class"),
    path("desk/data/classes/<str:slug>/run/", classes.run_now, name="data-run-now"),
    path("desk/data/classes/<str:slug>/upload/", uploads.upload, name="data-upload"),
    path("desk/data/classes/<str:slug>/draft/", drafts.draft, name="data-draft"),
    path("desk/data/classes/<str:slug>/look-up/", lookup.look_up, name="data-look-up"),
    path("desk/data/classes/<str:slug>/template.xlsx", classes.template, name="data-template"),
    path("desk/data/classes/<str:slug>/dcat.jsonld", classes.dcat, name="data-dcat"),
    path("desk/data/classes/<str:slug>/versions/<int:number>/", versions.version, name="data-version"),
    path("desk/data/classes/<str:slug>/versions/<int:number>/unmask/", versions.unmask, name="data-version-unmask"),
    path("desk/data/classes/<str:slug>/versions/<int:number>/roll-back/", versions.roll_back, name="data-roll-back"),
    path("desk/data/departments/", departments.department_list, name="data-departments"),
    path("desk/data/departments/<str:slug>/", departments.department_page, name="data-department"),
    path("desk/data/runs/", runs.run_list, name="data-runs"),
    path("desk/data/runs/<int:number>/", runs.run_page, name="data-run"),
    path("desk/data/runs/<int:number>/decide/", uploads.decide, name="data-decide"),
    path("desk/data/runs/<int:number>/cancel/", runs.cancel, name="data-cancel"),
    path("desk/data/runs/<int:number>/retry/", runs.retry, name="data-retry"),
    path("desk/data/runs/<int:number>/replay/", runs.replay, name="data-replay"),
    path("desk/data/runs/<int:number>/quarantine/", quarantine.rows, name="data-quarantine"),
    path("desk/data/runs/<int:number>/quarantine/unmask/", quarantine.unmask, name="data-unmask"),
    path("desk/data/runs/<int:number>/quarantine/settle/", quarantine.settle, name="data-settle"),
    path("desk/data/runs/<int:number>/quarantine/take-back/", quarantine.take_back, name="data-take-back"),
    path("desk/data/runs/<int:number>/quarantine/export.xlsx", quarantine.export, name="data-quarantine-export"),
    path("desk/data/runs/<int:number>/quarantine/<int:row>/", quarantine.edit, name="data-mend"),
    path("desk/data/quality/", quality.quality, name="data-quality"),
    path("desk/data/coverage/", quality.coverage, name="data-coverage"),
    path("desk/data/backlog/", quality.paper, name="data-paper"),
    path("desk/data/backlog/<str:slug>/", quality.note_progress, name="data-paper-progress"),
]
