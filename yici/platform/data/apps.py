from django.apps import AppConfig


class Config(AppConfig):
    name = "yici.platform.data"
    label = "data"
    default_auto_field = "django.db.models.BigAutoField"
