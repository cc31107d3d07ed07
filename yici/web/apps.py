from django.apps import AppConfig


class Config(AppConfig):
    """The page shell and the wiring of every floor."""

    name = "yici.web"
    label = "web"

    def ready(self) -> None:
        from yici.web import wiring

        wiring.connect()
