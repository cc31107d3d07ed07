from django.apps import AppConfig


class Config(AppConfig):
    name = "yici.systems.hall"
    label = "hall"
    default_auto_field = "django.db.models.BigAutoField"
