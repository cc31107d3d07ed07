"""Pages for any member of staff."""

from __future__ import annotations

from django.urls import path

from yici.core.vocabulary import pages

app_name = "vocabulary"
urlpatterns = [
    path("desk/elements/", pages.elements, name="elements"),
    path("desk/elements/code-lists/", pages.code_lists, name="code-lists"),
    path("desk/elements/code-lists/<slug:list_id>/", pages.code_list, name="code-list"),
]
