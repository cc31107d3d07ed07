"""Pages for staff who hold metric.view."""

from __future__ import annotations

from django.urls import path

from yici.core.metrics import pages

app_name = "metrics"
urlpatterns = [
    path("desk/metrics/", pages.index, name="index"),
    path("desk/metrics/<str:metric_id>/", pages.detail, name="detail"),
    path("desk/metrics/<str:metric_id>/export/", pages.export, name="export"),
]
