"""The CSC API over HTTP. pyHanko's own client signs a PDF through it, unaided; its faults are worded as specified."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
from asn1crypto import tsp
from django.db import connections
from django.test import Client
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.signers.csc_signer import (
    CSCAuthorizationInfo,
    CSCAuthorizationManager,
    CSCServiceSessionInfo,
    CSCSigner,
    fetch_certs_in_csc_credential,
)

from tests.conftest import SERVER, Demo, free_port, wait_until
from tests.environment import ROOT
from tests.platform.trust.signatures.conftest import judged, openssl_judges, pdfsig
from yici.core.audit import services as audit
from yici.core.people.services import issue_token
from yici.platform.trust.identity import assertions
from yici.platform.trust.models import Assertion, SigningKey
from yici.platform.trust.signatures import keys, sm2
from yici.platform.trust.signatures.keystore import SM2

ECDSA, SM2_SM3 = "1.2.840.10045.4.3.2", "1.2.156.10197.1.501"
ONE = base64.b64encode(hashlib.sha256(b"one").digest()).decode()


@pytest.fixture
def served(own_city: None, tmp_path: Path) -> Iterator[str]:
    """The address of the site, served by its own web server over a database that only this test sees."""
    port = free_port()
    database = connections["default"].settings_dict["NAME"]
    environment = {
        **os.environ, "DATABASE_URL": SERVER.replace("/yici?", f"/{database}?"), "YICI_PORT": str(port),
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }  # fmt: skip
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    with (tmp_path / "web.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--workers", "1", "--log-level", "warning", "yici.web.wsgi:application"],
            env=environment, cwd=ROOT, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            url = f"http://127.0.0.1:{port}"

            def up() -> bool:
                assert process.poll() is None, (tmp_path / "web.log").read_text()
                try:
                    return httpx.get(f"{url}/health/", timeout=2).status_code == 200
                except httpx.HTTPError:
                    return False

            wait_until(up, 40)
            yield url
        finally:
            process.terminate()
            process.wait(10)


class _ByFace(CSCAuthorizationManager):
    """What a wallet app would do: prove the face, then ask for leave to sign these hashes."""

    def __init__(self, session: aiohttp.ClientSession, proof: str, *rest: Any) -> None:
        super().__init__(*rest)
        self.session, self.proof = session, proof

    async def authorize_signature(self, hash_b64s: list[str]) -> CSCAuthorizationInfo:
        request = self.format_csc_auth_request(hash_b64s=hash_b64s, otp=self.proof, description="章程")
        url = self.csc_session_info.endpoint_url("credentials/authorize")
        async with self.session.post(url, headers=self.auth_headers, json=request, raise_for_status=True) as answer:
            return self.parse_csc_auth_response(await answer.json())


async def _signed_by_pyhanko(url: str, credential: str, bearer: str, proof: str, document: bytes) -> bytes:
    out = io.BytesIO()
    async with aiohttp.ClientSession() as session:
        where = CSCServiceSessionInfo(url, credential, oauth_token=bearer)
        known = await fetch_certs_in_csc_credential(session, where)
        assert known.hash_pinning_required
        signer = CSCSigner(session, _ByFace(session, proof, where, known))
        metadata = signers.PdfSignatureMetadata(
            field_name="Shareholder", md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES
        )
        await signers.async_sign_pdf(IncrementalPdfFileWriter(io.BytesIO(document)), metadata, signer, output=out)
    return out.getvalue()


def test_pyhankos_client_signs_a_pdf_and_three_judges_accept_it(served: str, document: bytes, tmp_path: Path) -> None:
    account = Demo().restaurateur
    key = keys.ensure_key(account.person, audit.SYSTEM)
    proof = assertions.record(account.person, assertions.FACE, Assertion.Method.FACE)
    signed = asyncio.run(_signed_by_pyhanko(served, key.credential_id, issue_token(account, 1), proof, document))
    [verdict] = judged(signed)
    assert verdict.bottom_line and verdict.trusted, verdict.pretty_print_details()
    assert "Signature is Valid." in pdfsig(signed, tmp_path) and "Total document signed" in pdfsig(signed, tmp_path)
    assert openssl_judges(signed, tmp_path) == [True]
    broken = bytearray(signed)
    broken[200] ^= 1
    assert openssl_judges(bytes(broken), tmp_path) == [False]
    assert Assertion.objects.get().used_at is not None


# Parameter by parameter, without a server process


@pytest.fixture
def call(client: Client, signer: Any) -> Callable[..., tuple[int, dict[str, Any]]]:
    bearer = issue_token(signer, 1)

    def _call(endpoint: str, _bearer: str | None = bearer, **body: Any) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {_bearer}"} if _bearer is not None else {}
        answer = client.post(f"/csc/v1/{endpoint}", json.dumps(body), content_type="application/json", headers=headers)
        return answer.status_code, answer.json()

    return _call


def test_info_is_public_and_says_what_keys_are_kept_in(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = client.post("/csc/v1/info", "{}", content_type="application/json").json()
    assert said["specs"] == "1.0.4.0" and "PKCS#11" in said["description"]
    assert {"credentials/authorize", "signatures/signHash"} <= set(said["methods"])
    monkeypatch.setenv("YICI_KEYSTORE", "software")
    said = client.post("/csc/v1/info", "{}", content_type="application/json").json()
    assert "没有安装密码模块" in said["description"]


def test_a_person_finds_her_own_credentials_only(call: Any, key: SigningKey, demo: Any) -> None:
    other = keys.ensure_key(demo.trader.person, audit.SYSTEM)
    second = keys.rotate(key, "换手机", audit.SYSTEM)
    assert call("credentials/list")[1] == {"credentialIDs": [key.credential_id, second.credential_id]}
    first = call("credentials/list", maxResults=1)[1]
    assert first["credentialIDs"] == [key.credential_id]
    rest = call("credentials/list", maxResults=1, pageToken=first["nextPageToken"])[1]
    assert rest == {"credentialIDs": [second.credential_id]}
    assert call("credentials/info", credentialID=other.credential_id) == (
        400, {"error": "invalid_request", "error_description": "Invalid parameter credentialID"},
    )  # fmt: skip


def test_a_credential_tells_its_key_certificate_and_how_to_authorise(call: Any, key: SigningKey) -> None:
    _status, said = call(
        "credentials/info", credentialID=key.credential_id, certificates="chain", certInfo=True, authInfo=True
    )
    assert said["key"] == {"status": "enabled", "algo": [ECDSA], "len": 256, "curve": "1.2.840.10045.3.1.7"}
    assert (said["SCAL"], said["authMode"], said["multisign"]) == ("2", "explicit", 10)
    assert said["cert"]["status"] == "valid" and len(said["cert"]["certificates"]) == 2
    assert said["OTP"]["presence"] == "true" and said["PIN"] == {"presence": "false"}
    keys.revoke(key, "手机丢失", audit.SYSTEM)
    _status, said = call("credentials/info", credentialID=key.credential_id, certificates="none")
    assert said["key"]["status"] == "disabled" and said["cert"] == {"status": "revoked"}


def authorised(call: Any, key: SigningKey, proof: str, **changed: Any) -> tuple[int, dict[str, Any]]:
    body = {"credentialID": key.credential_id, "numSignatures": 1, "hash": [ONE], "OTP": proof, **changed}
    answer: tuple[int, dict[str, Any]] = call("credentials/authorize", **body)
    return answer


def signing(call: Any, key: SigningKey, sad: str, **changed: Any) -> tuple[int, dict[str, Any]]:
    body = {"credentialID": key.credential_id, "SAD": sad, "hash": [ONE], "signAlgo": ECDSA, **changed}
    answer: tuple[int, dict[str, Any]] = call("signatures/signHash", **body)
    return answer


def test_an_authorisation_signs_its_hash_once(call: Any, key: SigningKey, prove: Any) -> None:
    _status, given = authorised(call, key, prove(key.person))
    assert given["expiresIn"] == 300
    other = base64.b64encode(bytes(32)).decode()
    assert signing(call, key, given["SAD"], hash=[other])[1]["error_description"] == "Hash is not authorized by the SAD"
    status, signed = signing(call, key, given["SAD"])
    assert status == 200 and len(signed["signatures"]) == 1
    assert signing(call, key, given["SAD"]) == (
        400, {"error": "invalid_request", "error_description": "Invalid parameter SAD"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"hash": []}, "Empty hash array"),
        ({"hash": "x"}, "Missing (or invalid type) array parameter hash"),
        ({"hash": ["?"]}, "Invalid Base64 hash string parameter"),
        ({"hash": ["AAAA"]}, "Invalid digest value length"),
        ({"numSignatures": 2}, "Invalid parameter numSignatures"),
        ({"numSignatures": True}, "Missing (or invalid type) integer parameter numSignatures"),
        ({"OTP": None}, "Missing (or invalid type) string parameter OTP"),
        ({"OTP": "wrong"}, "The OTP is invalid: unknown"),
        ({"credentialID": "0" * 32}, "Invalid parameter credentialID"),
    ],
)
def test_a_wrong_request_for_leave_is_refused_as_specified(
    call: Any, key: SigningKey, prove: Any, changed: dict[str, Any], words: str
) -> None:
    assert authorised(call, key, prove(key.person), **changed)[1].get("error_description") == words


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"SAD": ""}, "Missing (or invalid type) string parameter SAD"),
        ({"SAD": "x"}, "Invalid parameter SAD"),
        ({"signAlgo": None}, "Missing (or invalid type) string parameter signAlgo"),
        ({"signAlgo": SM2_SM3}, "Invalid parameter signAlgo"),
        ({"hashAlgo": "1.3.14.3.2.26"}, "Invalid parameter hashAlgo"),
        ({"hash": [1]}, "Invalid Base64 hash string parameter"),
    ],
)
def test_a_wrong_request_to_sign_is_refused_as_specified(
    call: Any, key: SigningKey, prove: Any, changed: dict[str, Any], words: str
) -> None:
    sad = authorised(call, key, prove(key.person))[1]["SAD"]
    assert signing(call, key, sad, **changed)[1].get("error_description") == words
    assert signing(call, key, sad)[0] == 200, "a refused request does not use the authorisation up"


def test_the_service_wants_a_token_of_a_citizen(call: Any, key: SigningKey, demo: Any, client: Client) -> None:
    for bearer in (None, "wrong"):
        assert call("credentials/list", _bearer=bearer)[0] == 401
    assert call("credentials/list", _bearer=issue_token(demo.clerk, 1))[0] == 403
    stranger = issue_token(demo.trader, 1)
    assert call("credentials/info", _bearer=stranger, credentialID=key.credential_id)[0] == 400
    bad = client.post(
        "/csc/v1/credentials/list",
        "{",
        content_type="application/json",
        headers={"Authorization": f"Bearer {stranger}"},
    )
    assert (bad.status_code, bad.json()["error"]) == (400, "invalid_request")
    assert client.get("/csc/v1/info").status_code == 405


def test_an_sm2_credential_signs_with_sm2(call: Any, signer: Any, prove: Any) -> None:
    key = keys.ensure_key(signer.person, audit.SYSTEM, SM2)
    own = keys.certificates_der(key)[0]
    from asn1crypto import x509

    public = x509.Certificate.load(own).public_key.dump()
    digest = sm2.digest(public, b"message")
    text = base64.b64encode(digest).decode()
    _status, said = call("credentials/info", credentialID=key.credential_id)
    assert said["key"]["algo"] == [SM2_SM3]
    sad = authorised(call, key, prove(signer.person), hash=[text])[1]["SAD"]
    _status, signed = signing(call, key, sad, hash=[text], signAlgo=SM2_SM3, hashAlgo="1.2.156.10197.1.401")
    assert sm2.verify_digest(public, digest, base64.b64decode(signed["signatures"][0]))


def test_a_time_stamp_covers_the_hash_and_a_wrong_clock_gives_none(call: Any) -> None:
    import datetime as dt

    from yici.base import clock
    from yici.platform.trust.models import TimeStamp

    _status, given = call("signatures/timestamp", hash=ONE, hashAlgo="2.16.840.1.101.3.4.2.1", nonce="ff")
    token = tsp.ContentInfo.load(base64.b64decode(given["timestamp"]))
    info = token["content"]["encap_content_info"]["content"].parsed
    assert info["message_imprint"]["hashed_message"].native == base64.b64decode(ONE) and info["nonce"].native == 255
    TimeStamp.objects.create(imprint=bytes(32), algorithm="sha256", at=clock.physical() + dt.timedelta(minutes=1))
    status, said = call("signatures/timestamp", hash=ONE, hashAlgo="2.16.840.1.101.3.4.2.1")
    assert status == 503 and said["error"] == "server_error"
