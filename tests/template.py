"""Builds the template database of the tests: `python -m tests.template` with `DATABASE_URL` set."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from importlib.util import find_spec  # noqa: E402

from django.core.management import call_command  # noqa: E402

from yici.base.cityfolder import city_folder  # noqa: E402
from yici.web import wiring  # noqa: E402

call_command("migrate", interactive=False, verbosity=0)
if os.environ.get("YICI_TEST_PARTIAL") == "1":
    for name in wiring.CITY_LOADERS:
        try:
            if find_spec(name):
                print(wiring._module(name).load(city_folder()))
        except Exception as error:
            print(name, "could not be loaded:", error)
    try:
        from yici.core.people.services import load_demo

        load_demo(city_folder())
    except Exception as error:
        print("demo people could not be loaded:", error)
else:
    from yici.core.people.services import load_demo

    wiring.load_city(city_folder(), print)
    load_demo(city_folder())
