"""Addresses of the hall. Public: the catalogue. Signed-in citizens: applying and their own cases."""

from __future__ import annotations

from django.urls import path

from yici.systems.hall.pages import catalogue

urlpatterns = [
    path("", catalogue.home, name="hall-home"),
    path("search/", catalogue.search, name="hall-search"),
    path("browse/", catalogue.browse, name="hall-browse"),
    path("items/<slug:code>/", catalogue.guide, name="hall-item"),
]
