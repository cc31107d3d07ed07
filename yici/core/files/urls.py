"""Mounted at the root of the site."""

from django.urls import path

from yici.core.files import pages

urlpatterns = [path("files/<int:stored_id>/", pages.download, name="file-download")]
