"""Pages of the working calendar: staff who hold `calendar.manage`."""

from __future__ import annotations

from django.urls import path

from yici.core.calendars import pages

app_name = "calendars"
urlpatterns = [
    path("desk/calendar/", pages.this_year, name="this-year"),
    path("desk/calendar/<int:year>/", pages.year, name="year"),
    path("desk/calendar/<int:year>/notice/", pages.enter_notice, name="enter-notice"),
    path("desk/calendar/<int:year>/days/", pages.change_day, name="change-day"),
]
