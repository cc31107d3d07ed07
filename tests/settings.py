"""The platform's settings with what tests need otherwise: static files by plain names, not hashed copies."""

from yici.web.settings import *  # noqa: F403

STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}  # noqa: F405
