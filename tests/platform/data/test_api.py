"""The data service over JSON: scope, masking with a purpose, and the signed push."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.platform.data.factories import make_class, make_definition
from tests.platform.data.runs.conftest import content, line
from yici.base import clock
from yici.platform.data.models import DataClass, Run
from yici.platform.data.runs.carrying_out import load
from yici.platform.data.sources.interface.signing import sign

BASE = "/api/v1/data"


@pytest.fixture
def data_class(db: None, tmp_path: Path, settings: Any) -> DataClass:
    settings.DATA_HOME = tmp_path / "data"
    return make_class(make_definition("public_security.api"))


@pytest.fixture
def engineer(client: Client, demo: Any, sign_in: Callable[..., Client]) -> Client:
    return sign_in(client, demo.data_engineer)


@pytest.fixture
def officer(demo: Any, sign_in: Callable[..., Client]) -> Client:
    return sign_in(Client(), demo.data_officer)


def test_a_program_uploads_confirms_and_reads_what_was_held_back(data_class: DataClass, engineer: Client) -> None:
    file = SimpleUploadedFile(
        "a.csv", content(*(line(number) for number in range(9)), line(10, id="341602198001010999"))
    )
    made = engineer.post(f"{BASE}/classes/{data_class.pk}/files", {"file": file})
    assert made.status_code == 201 and made.json()["state"] == "waiting"
    number = made.json()["id"]
    decided = engineer.post(f"{BASE}/runs/{number}/decide", {"columns": {}}, content_type="application/json")
    assert decided.json()["state"] == "queued"
    load(number)
    run = engineer.get(f"{BASE}/runs/{number}").json()
    assert (run["state"], run["rows_accepted"], run["failed"]) == ("published", 9, {"id_number.cn_id": 1})
    masked = engineer.get(f"{BASE}/runs/{number}/quarantine").json()[0]["values"]["id_number"]
    clear = engineer.get(f"{BASE}/runs/{number}/quarantine?purpose=核对").json()[0]["values"]["id_number"]
    assert masked == "3416**********0999" and clear == "341602198001010999"


def test_scope_and_permission_hold_for_programs_too(data_class: DataClass, officer: Client, demo: Any) -> None:
    other = make_class(make_definition("civil_affairs.api", department="civil_affairs"), "bz.civil_affairs")
    assert officer.get(f"{BASE}/classes/{data_class.pk}").status_code == 200
    assert officer.get(f"{BASE}/classes/{other.pk}").status_code == 404
    assert officer.post(f"{BASE}/classes/{data_class.pk}/runs", {}, content_type="application/json").status_code == 403
    assert Client().get(f"{BASE}/classes").status_code == 401
    listed = officer.get(f"{BASE}/classes?q=.api").json()["rows"]
    assert [row["id"] for row in listed] == [data_class.pk]


def test_a_program_asks_how_columns_map_before_it_confirms(data_class: DataClass, engineer: Client) -> None:
    file = SimpleUploadedFile("a.csv", content(line(1), header="公民身份号码,xm,出生日期,住址,金额"))
    number = engineer.post(f"{BASE}/classes/{data_class.pk}/files", {"file": file}).json()["id"]
    found = engineer.get(f"{BASE}/runs/{number}/mapping").json()
    assert {one["header"]: one["column"] for one in found["headers"]}["xm"] == "name"
    assert set(found["needed"]) >= {"id_number"} and any("xm" in one for one in found["problems"])
    confirmed = {"columns": {one["header"]: one["column"] for one in found["headers"]}}
    assert engineer.post(f"{BASE}/runs/{number}/decide", confirmed, content_type="application/json").status_code == 200
    assert load(number) == "published"
    assert engineer.get(f"{BASE}/runs/{number}/mapping").status_code == 409


def test_a_file_that_cannot_be_used_ends_its_run_when_it_is_looked_at(data_class: DataClass, engineer: Client) -> None:
    file = SimpleUploadedFile("a.csv", b"\n\n")
    number = engineer.post(f"{BASE}/classes/{data_class.pk}/files", {"file": file}).json()["id"]
    answer = engineer.get(f"{BASE}/runs/{number}/mapping")
    assert answer.status_code == 422 and answer.json()["type"].endswith("header-only")
    assert engineer.get(f"{BASE}/runs/{number}").json()["state"] == "refused"


def test_a_column_nobody_knows_is_told_and_a_whole_line_shown_for_a_purpose_only(
    data_class: DataClass, engineer: Client
) -> None:
    wrong = [line(41, address="涡阳县,某村"), line(42, id="341602198001010999")]
    file = SimpleUploadedFile("a.csv", content(*(line(number) for number in range(40)), *wrong))
    number = engineer.post(f"{BASE}/classes/{data_class.pk}/files", {"file": file}).json()["id"]
    engineer.post(f"{BASE}/runs/{number}/decide", {"columns": {}}, content_type="application/json")
    load(number)
    (masked, _other) = engineer.get(f"{BASE}/runs/{number}/quarantine").json()
    (clear, _other) = engineer.get(f"{BASE}/runs/{number}/quarantine?purpose=核对").json()
    assert (masked["values"], masked["line"]) == ({}, "") and "涡阳县,某村" in clear["line"]
    mends = f"{BASE}/runs/{number}/mends"
    refused = engineer.post(mends, {"row": 43, "values": {"idnumber": "1"}}, content_type="application/json")
    assert refused.status_code == 422 and "idnumber" in refused.content.decode()
    values = {"address": "涡阳县,某村", "amount": "41.5"}
    assert engineer.post(mends, {"row": 42, "values": values}, content_type="application/json").status_code == 201


@pytest.mark.parametrize("header", ["a\x00", "a\ud800"])
def test_signs_no_database_keeps_are_refused(data_class: DataClass, engineer: Client, header: str) -> None:
    file = SimpleUploadedFile("a.csv", content(line(1)))
    number = engineer.post(f"{BASE}/classes/{data_class.pk}/files", {"file": file}).json()["id"]
    given = json.dumps({"columns": {header: "name"}})
    answer = engineer.post(f"{BASE}/runs/{number}/decide", given, content_type="application/json")
    assert answer.status_code == 422 and answer.json()["fields"]
    started = engineer.post(f"{BASE}/classes/{data_class.pk}/runs", json.dumps({"channel": header}), "application/json")
    assert started.status_code == 404


def test_a_class_that_is_only_registered_starts_no_run(engineer: Client, demo: Any) -> None:
    answer = engineer.post(f"{BASE}/classes/development.project_approval/runs", {}, content_type="application/json")
    assert answer.status_code == 422 and not Run.objects.filter(data_class="development.project_approval").exists()


PUSHED = "court.dishonest_person"
PATH = f"{BASE}/push/{PUSHED}"


@pytest.fixture
def secret(db: None, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    from yici.platform.data.sources.connections import connections

    settings.DATA_HOME = tmp_path / "data"
    name = connections()["court_interface"].secret
    monkeypatch.setenv(f"YICI_SOURCE_{name}", "shared")
    return "shared"


def push(body: bytes, secret: str, **changes: Any) -> Any:
    headers = sign("court", secret, "POST", PATH, "", clock.now().timestamp(), secrets.token_hex(16), body) | changes
    named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    return Client().post(PATH, body, content_type="application/octet-stream", **named)


def test_a_signed_push_is_kept_and_queued(secret: str) -> None:
    answer = push(b'{"a": 1}\n', secret)
    assert answer.status_code == 202, answer.content
    run = Run.objects.get(pk=answer.json()["id"])
    assert (run.trigger, run.state, run.data_class_id) == ("push", "queued", PUSHED)


def test_a_push_without_a_right_signature_or_with_a_used_nonce_is_refused(secret: str) -> None:
    body = b'{"a": 1}\n'
    assert push(body, "guessed").status_code == 401
    assert push(body, secret, **{"X-Yici-Timestamp": "1"}).status_code == 401
    nonce = secrets.token_hex(16)
    signed = sign("court", secret, "POST", PATH, "", clock.now().timestamp(), nonce, body)
    assert push(body, secret, **signed).status_code == 202
    assert push(body, secret, **signed).status_code == 401
    assert push(b"other", secret, **signed).status_code == 401
    unknown = Client().post(f"{BASE}/push/no.such", b"x", content_type="application/octet-stream")
    assert unknown.status_code == 401
    assert Run.objects.filter(trigger="push").count() == 1
