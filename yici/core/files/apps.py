from django.apps import AppConfig


class Config(AppConfig):
    name = "yici.core.files"
    label = "files"
    default_auto_field = "django.db.models.BigAutoField"
