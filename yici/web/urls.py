"""Every address of the site. Each app's own `urls.py` says who may use its pages."""

from __future__ import annotations

from django.urls import include, path

from yici.web import desk, pages
from yici.web.api import api

urlpatterns = [
    path("", include("yici.systems.hall.urls")),
    path("", include("yici.core.people.urls")),
    path("", include("yici.core.messages.urls")),
    path("", include("yici.core.files.urls")),
    path("", include("yici.core.cases.urls")),
    path("", include("yici.core.calendars.urls")),
    path("", include("yici.core.vocabulary.urls")),
    path("", include("yici.core.metrics.urls")),
    path("", include("yici.platform.data.urls")),
    path("", include("yici.platform.trust.urls")),
    path("", include("yici.platform.pay.urls")),
    path("", include("yici.platform.trust.identity.urls")),
    path("", include("yici.platform.trust.oidc.urls")),
    path("api/v1/", api.urls),
    path("preferences/", pages.preferences, name="preferences"),
    path("health/", pages.health, name="health"),
    path("desk/", desk.home, name="desk"),
]

handler400 = "yici.web.pages.bad_request"
handler404 = "yici.web.pages.not_found"
handler500 = "yici.web.pages.server_error"
