"""The WSGI entry point: `granian --interface wsgi yici.web.wsgi:application`."""

import os

from yici.web.database import ensure_running

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yici.web.settings")
ensure_running()

from django.core.wsgi import get_wsgi_application  # noqa: E402 - the database address must be known first

application = get_wsgi_application()
