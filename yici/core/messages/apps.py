from django.apps import AppConfig


class Config(AppConfig):
    name = "yici.core.messages"
    label = "yici_messages"  # django.contrib.messages holds the plain name
    default_auto_field = "django.db.models.BigAutoField"
