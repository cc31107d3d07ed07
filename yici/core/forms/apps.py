from django.apps import AppConfig


class Config(AppConfig):
    name = "yici.core.forms"
    label = "forms"
    default_auto_field = "django.db.models.BigAutoField"
