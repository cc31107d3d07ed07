"""Who may fetch a file, and how it is served."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.core.files import samples
from yici.core.audit.models import Entry
from yici.core.files import ports, services
from yici.core.files.models import StoredFile

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_store(settings: Any, tmp_path: Path) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "files")},
        },
    }


@pytest.fixture
def stored(demo: Any) -> StoredFile:
    return services.store(samples.PDF, "户口簿.pdf", holder=demo.farmer.person, account=demo.farmer)


@pytest.fixture
def clerk_reads(demo: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    clerk = demo.clerk
    monkeypatch.setattr(ports, "_readers", [lambda account, file: account.pk == clerk.pk])
    yield


def body_of(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_own_file_comes_as_a_harmless_attachment(
    client: Client, demo: Any, sign_in: Callable[..., Client], stored: StoredFile
) -> None:
    response = sign_in(client, demo.farmer).get(f"/files/{stored.pk}/")
    assert response.status_code == 200
    assert body_of(response) == samples.PDF
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert not Entry.objects.filter(purpose__contains="户口簿").exists()


def test_another_persons_file_is_not_found(
    client: Client, demo: Any, sign_in: Callable[..., Client], stored: StoredFile
) -> None:
    response = sign_in(client, demo.daughter).get(f"/files/{stored.pk}/")
    missing = client.get("/files/999999999/")
    assert (response.status_code, missing.status_code) == (404, 404)


def test_stranger_must_sign_in(client: Client, stored: StoredFile) -> None:
    assert client.get(f"/files/{stored.pk}/").status_code == 302


def test_staff_need_a_reason_and_their_look_is_recorded(
    client: Client, demo: Any, sign_in: Callable[..., Client], stored: StoredFile, clerk_reads: None
) -> None:
    assert sign_in(Client(), demo.outsider).get(f"/files/{stored.pk}/").status_code == 404
    response = sign_in(client, demo.clerk).get(f"/files/{stored.pk}/")
    assert body_of(response) == samples.PDF
    entry = Entry.objects.get(purpose="查看材料《户口簿.pdf》")
    assert (entry.actor_id, entry.subject_kind, entry.subject_id) == (
        demo.clerk.pk, "person", str(stored.holder_id),
    )  # fmt: skip


def test_infected_file_is_not_served(
    client: Client, demo: Any, sign_in: Callable[..., Client], stored: StoredFile
) -> None:
    StoredFile.objects.filter(pk=stored.pk).update(scan=StoredFile.Scan.INFECTED)
    assert sign_in(client, demo.farmer).get(f"/files/{stored.pk}/").status_code == 422


def test_unscanned_file_is_held_back_from_others(
    client: Client, demo: Any, sign_in: Callable[..., Client], stored: StoredFile, clerk_reads: None, settings: Any
) -> None:
    settings.ANTIVIRUS_SOCKET = "/run/clamd.sock"
    StoredFile.objects.filter(pk=stored.pk).update(scan=StoredFile.Scan.PENDING)
    assert sign_in(client, demo.clerk).get(f"/files/{stored.pk}/").status_code == 503


def test_citizen_uploads_and_reads_over_the_api(client: Client, demo: Any, sign_in: Callable[..., Client]) -> None:
    sign_in(client, demo.farmer)
    upload = SimpleUploadedFile("../\u202e照片.png", samples.png(), "text/html")
    response = client.post("/api/v1/files", {"file": upload})
    assert response.status_code == 201, response.content
    told = response.json()
    assert (told["name"], told["media_type"], told["trust"]) == ("照片.png", "image/png", "C")
    assert client.get(f"/api/v1/files/{told['id']}").json()["sha256"] == told["sha256"]
    assert body_of(client.get(f"/api/v1/files/{told['id']}/content")) == samples.png()
    assert sign_in(Client(), demo.daughter).get(f"/api/v1/files/{told['id']}").status_code == 404


def test_refused_upload_is_a_problem_document(client: Client, demo: Any, sign_in: Callable[..., Client]) -> None:
    sign_in(client, demo.farmer)
    upload = SimpleUploadedFile("photo.png", b"<html><script>alert(1)</script>", "image/png")
    response = client.post("/api/v1/files", {"file": upload})
    assert response.status_code == 422
    assert response["Content-Type"] == "application/problem+json"
    assert "网页" in response.json()["title"]
