from django.apps import AppConfig


class Config(AppConfig):
    name = "yici.core.calendars"
    label = "calendars"
    default_auto_field = "django.db.models.BigAutoField"
