"""A number that identifies a person leaves in clear only where a case is handled: no list, export or log shows it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.systems.hall.conftest import story_day, submitted  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db

STAFF = ("clerk", "reviewer", "approver", "supervisor", "data_officer", "data_engineer", "admin", "auditor")


def lists(resolver: Any = None, prefix: str = "/") -> Iterator[str]:
    """Every address of the desk and of the API that takes no argument."""
    for one in (resolver or get_resolver()).url_patterns:
        path = prefix + str(one.pattern).lstrip("^").rstrip("$")
        if isinstance(one, URLResolver):
            yield from lists(one, path)
        elif (
            isinstance(one, URLPattern)
            and "<" not in path
            and "(" not in path
            and path.startswith(("/desk/", "/api/v1/"))
        ):
            yield path


def body(response: Any) -> str:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    if content.startswith(b"PK\x03\x04"):
        import io
        import zipfile

        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = b"".join(archive.read(name) for name in archive.namelist())
    return content.decode("utf-8", "replace")


@pytest.mark.usefixtures("story_day")
def test_no_staff_list_export_or_log_shows_a_number_in_clear(
    demo: Any, sign_in: Callable[..., Client], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    case = submitted(demo.farmer)
    person = demo.farmer.person
    secrets = {person.id_number: "ID number", person.phone: "phone"}
    paths = sorted(set(lists()))
    assert "/desk/cases/" in paths and len(paths) > 20
    spilled, seen = [], 0
    for key in STAFF:
        client = sign_in(Client(raise_request_exception=False), demo.staff(key))
        for path in paths:
            response = client.get(path, {"q": case.number} if path == "/desk/cases/" else {})
            seen += response.status_code == 200
            text = body(response)
            spilled += [f"{key} {path}: {word}" for number, word in secrets.items() if number and number in text]
    assert seen > 60, "the lists were not opened"
    assert spilled == []
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert [word for number, word in secrets.items() if number and number in logged] == []
