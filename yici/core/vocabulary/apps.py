from django.apps import AppConfig


class Config(AppConfig):
    name = "yici.core.vocabulary"
    label = "vocabulary"
    default_auto_field = "django.db.models.BigAutoField"
