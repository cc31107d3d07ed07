from django.apps import AppConfig


class Config(AppConfig):
    name = "yici.platform.pay"
    label = "pay"
    verbose_name = "缴费"
