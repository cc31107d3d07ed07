"""The police ID service over its protocol: signed both ways, fresh, answered once; odd people answered as they are."""

from __future__ import annotations

import time
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.platform.trust.identity.conftest import PoliceSandbox
from yici.platform.trust.identity import police
from yici.platform.trust.identity.police import PoliceUnavailable

DAUGHTER = ("李梅", "342124197205161640")


@pytest.mark.parametrize(
    ("name", "number", "code"),
    [
        (*DAUGHTER, "match"),
        ("李玫", DAUGHTER[1], "mismatch"),
        ("马玉兰", "342124197601250442", "mismatch"),
        ("葛文军", "342130196101020395", "deceased"),
        ("无名氏", "110101199003070011", "not_found"),
    ],
)
def test_names_are_answered(police_service: PoliceSandbox, name: str, number: str, code: str) -> None:
    assert police.registered(name, number, "登录核对").code == code
    assert police.confirms(name, number) == {"match": True, "not_found": None}.get(code, False)


def test_a_photo_is_given_where_there_is_one(police_service: PoliceSandbox) -> None:
    assert police.registered(*DAUGHTER, "实人核验", photo=True).code == "no_photo"
    police_service.register_photo(DAUGHTER[1], b"a photo")
    assert police.registered(*DAUGHTER, "实人核验", photo=True).photo == b"a photo"
    police_service.register_photo("342125197006110281", b"a photo")
    assert police.registered("周翠兰", "342125197006110281", "实人核验", photo=True).code == "no_photo"


@pytest.mark.parametrize("mode", ["error", "forged", "expired", "other", "plain"])
def test_an_answer_that_cannot_be_trusted_is_no_answer(police_service: PoliceSandbox, mode: str) -> None:
    police_service.spoil(mode)
    with pytest.raises(PoliceUnavailable, match="窗口"):
        police.registered(*DAUGHTER, "登录核对")
    assert police.registered(*DAUGHTER, "登录核对").code == "match"


def test_silence_ends_after_the_given_time(police_service: PoliceSandbox) -> None:
    with pytest.raises(PoliceUnavailable):
        police.registered("刘芳", "34210219820923046X", "登录核对", seconds=0.3)
    police_service.registry.stopping.set()
    assert police.confirms("刘芳", "34210219820923046X") is True


def test_nobody_listening_confirms_nobody(settings: Any) -> None:
    settings.POLICE_ENDPOINT = "http://127.0.0.1:9"
    assert police.confirms(*DAUGHTER) is None


def request(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    claims = {"iss": "yici", "aud": "police-id", "iat": now, "exp": now + 60, "jti": "n-1", "service": "name_match"}
    return {**claims, "name": DAUGHTER[0], "id_number": DAUGHTER[1], **changes}


def post(service: PoliceSandbox, claims: dict[str, Any], key: Any = None) -> tuple[int, str]:
    signed = jwt.encode(claims, key or police.client_key()[0], algorithm="ES256")
    answer = httpx.post(f"{service.url}/v1/check", content=signed, timeout=5)
    return answer.status_code, answer.json()["error"] if answer.status_code != 200 else ""


def test_the_service_answers_a_request_once(police_service: PoliceSandbox) -> None:
    assert post(police_service, request()) == (200, "")
    assert post(police_service, request()) == (409, "replayed")
    assert post(police_service, request(jti="n-2")) == (200, "")


def test_the_service_refuses_old_requests_long_ones_and_foreign_keys(police_service: PoliceSandbox) -> None:
    now = int(time.time())
    assert post(police_service, request(iat=now - 600, exp=now - 500)) == (401, "expired")
    assert post(police_service, request(exp=now + 86_400)) == (401, "expired")
    assert post(police_service, request(aud="someone-else")) == (401, "bad_signature")
    assert post(police_service, request(), ec.generate_private_key(ec.SECP256R1())) == (401, "bad_signature")
