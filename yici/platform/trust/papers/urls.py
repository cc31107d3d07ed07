"""Reading papers: the picture of a reading (whoever may see the reading)."""

from django.urls import path

from yici.platform.trust.papers import pages

urlpatterns = [
    path("papers/<int:reading_id>/picture/", pages.picture, name="paper-picture"),
]
