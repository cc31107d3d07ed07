"""Credentials over the API: one's own certificate, only what was chosen, only while it is in force."""

from __future__ import annotations

import datetime as dt
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from yici.core.audit.services import SYSTEM
from yici.core.people.models import Organisation
from yici.platform.trust import services
from yici.platform.trust.models import Certificate

FACE = {
    "person.name": "王秀英",
    "person.id_number": "342124194503121221",
    "disability.kind": "4",
    "disability.level": "2",
}


@pytest.fixture
def certificate(demo: Any) -> Certificate:
    issuer = Organisation.objects.get(slug="bz.disabled_federation")
    return services.hold(
        "disability_certificate",
        holder=demo.farmer.person,
        face=FACE,
        issuer=issuer,
        number="CJ-1",
        issued_on=dt.date(2024, 1, 1),
    )


def ask(client: Client, path: str, body: dict[str, Any]) -> Any:
    return client.post(f"/api/v1{path}", body, content_type="application/json")


def test_the_holder_discloses_what_she_chooses_and_a_reader_sees_no_more(
    client: Client, demo: Any, sign_in: Callable[..., Client], certificate: Certificate
) -> None:
    holder = sign_in(client, demo.farmer)
    made = ask(holder, f"/my/certificates/{certificate.identifier}/credential", {"elements": ["disability.level"]})
    assert made.status_code == 200, made.content
    token = made.json()["credential"]
    seen = ask(Client(), "/credentials/verify", {"credential": token}).json()
    assert seen["outcome"] == "genuine" and seen["claims"]["disability.level"]["value"] == "2"
    assert "person.name" not in seen["claims"] and "342124" not in str(seen)
    altered = ask(Client(), "/credentials/verify", {"credential": token.replace("~", "x~", 1)}).json()
    assert altered["outcome"] in ("altered", "unreadable") and altered["claims"] == {}
    services.revoke(certificate.identifier, "评残有误", SYSTEM)
    assert ask(Client(), "/credentials/verify", {"credential": token}).json()["outcome"] == "not_in_force"
    assert (
        ask(
            holder, f"/my/certificates/{certificate.identifier}/credential", {"elements": ["disability.level"]}
        ).status_code
        == 409
    )


def test_somebody_elses_certificate_and_elements_that_are_not_on_it_are_refused(
    client: Client, demo: Any, sign_in: Callable[..., Client], certificate: Certificate
) -> None:
    holder = sign_in(client, demo.farmer)
    assert (
        ask(holder, f"/my/certificates/{certificate.identifier}/credential", {"elements": ["person.phone"]}).status_code
        == 422
    )
    assert (
        ask(holder, f"/my/certificates/{certificate.pk + 999}/credential", {"elements": ["person.name"]}).status_code
        == 404
    )
    assert (
        ask(
            Client(), f"/my/certificates/{certificate.identifier}/credential", {"elements": ["person.name"]}
        ).status_code
        == 401
    )


def test_the_issuers_key_is_public(client: Client, db: None) -> None:
    keys = client.get("/.well-known/jwt-vc-issuer").json()["jwks"]["keys"]
    assert keys[0]["crv"] == "P-256" and "d" not in keys[0]


def test_a_time_stamp_is_given_over_http(client: Client, db: None, tmp_path: Path) -> None:
    (tmp_path / "document").write_bytes(b"articles")
    query = ["openssl", "ts", "-query", "-data", "document", "-sha256", "-cert", "-out", "q.tsq"]
    subprocess.run(query, cwd=tmp_path, check=True, capture_output=True)
    request = (tmp_path / "q.tsq").read_bytes()
    answer = client.post("/time-stamp/", request, content_type="application/timestamp-query")
    assert answer["Content-Type"] == "application/timestamp-reply"
    (tmp_path / "r.tsr").write_bytes(answer.content)
    read = subprocess.run(
        ["openssl", "ts", "-reply", "-in", "r.tsr", "-text"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "Status: Granted." in read.stdout
    assert client.post("/time-stamp/", request, content_type="text/plain").status_code == 415
