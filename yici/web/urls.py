"""Every address of the site. Each app's own `urls.py` says who may use its pages."""

from __future__ import annotations

from importlib.util import find_spec

from django.urls import include, path

from yici.web import desk, pages
from yici.web.api import api


def optional(module: str) -> list:  # type: ignore[type-arg]
    return [path("", include(module))] if find_spec(module) else []


urlpatterns = [
    *optional("yici.systems.hall.urls"),
    *optional("yici.core.people.urls"),
    *optional("yici.core.messages.urls"),
    *optional("yici.core.files.urls"),
    *optional("yici.core.cases.urls"),
    *optional("yici.core.calendars.urls"),
    *optional("yici.core.vocabulary.urls"),
    *optional("yici.core.metrics.urls"),
    *optional("yici.platform.trust.urls"),
    path("api/v1/", api.urls),
    path("preferences/", pages.preferences, name="preferences"),
    path("health/", pages.health, name="health"),
    path("desk/", desk.home, name="desk"),
]

handler404 = "yici.web.pages.not_found"
handler500 = "yici.web.pages.server_error"
