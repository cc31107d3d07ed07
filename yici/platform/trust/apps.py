from django.apps import AppConfig


class Config(AppConfig):
    name = "yici.platform.trust"
    label = "trust"
    default_auto_field = "django.db.models.BigAutoField"
