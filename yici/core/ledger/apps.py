from django.apps import AppConfig


class Config(AppConfig):
    name = "yici.core.ledger"
    label = "ledger"
    verbose_name = "账簿"
