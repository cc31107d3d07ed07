from django.apps import AppConfig


class Config(AppConfig):
    name = "yici.core.metrics"
    label = "metrics"
    default_auto_field = "django.db.models.BigAutoField"
