"""The provider against those who would misuse it: addresses, codes, PKCE, levels, subjects; and its registry."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
from django.test import Client

from yici.base.errors import Invalid, NotAllowed
from yici.core.audit import queries as log
from yici.core.audit import services as audit
from yici.core.people import assurance
from yici.core.people.queries import organisation
from yici.platform.trust.models import RelyingParty
from yici.platform.trust.oidc import clients, keys

pytestmark = pytest.mark.django_db

REDIRECT = "https://canbao.example/callback"
VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def party(demo: Any) -> tuple[RelyingParty, str]:
    return register(demo)


def register(demo: Any, uri: str = REDIRECT, **more: Any) -> tuple[RelyingParty, str]:
    where = organisation("bz.information")
    return clients.register(demo.admin, "参保查询", where, uri, ["profile", "id_number"], audit.SYSTEM, **more)


@pytest.fixture
def daughter(client: Client, demo: Any, sign_in: Any) -> Client:
    return sign_in(client, demo.daughter)


def address(party: RelyingParty, **changes: str | None) -> str:
    asked = {
        "client_id": party.client_id, "redirect_uri": REDIRECT, "response_type": "code", "scope": "openid profile",
        "state": "s-1", "nonce": "n-1", "code_challenge": CHALLENGE, "code_challenge_method": "S256", **changes,
    }  # fmt: skip
    return "/identity/o/authorize?" + urlencode({key: value for key, value in asked.items() if value is not None})


def consent(client: Client, where: str, action: str = "grant") -> dict[str, str]:
    """Agree on the page; what the system gets at its redirect address."""
    page = client.get(where).content.decode()
    asked = re.search(r'name="request" value="([^"]+)"', page)
    assert asked, page[:1500]
    scopes = re.findall(r'name="scopes" value="([^"]+)"', page)
    answer = client.post("/identity/o/authorize", {"request": asked[1], "scopes": scopes, "action": action})
    assert answer.status_code == 302 and answer["Location"].startswith(REDIRECT)
    return told(answer)


def told(answer: Any) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(answer["Location"]).query).items()}


def redeem(party: RelyingParty, secret: str, code: str, **changes: str | None) -> Any:
    sent = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER,
        "client_id": party.client_id, "client_secret": secret, **changes,
    }  # fmt: skip
    return Client().post("/identity/o/api/token", {key: value for key, value in sent.items() if value is not None})


def claims_of(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.content
    return jwt.decode(answer.json()["id_token"], options={"verify_signature": False})


def test_a_code_gives_an_id_token_with_level_and_nothing_personal(
    daughter: Client, party: tuple[RelyingParty, str], settings: Any
) -> None:
    answer = consent(daughter, address(party[0]))
    assert answer["state"] == "s-1" and answer["iss"] == settings.SITE_URL
    claims = claims_of(redeem(*party, answer["code"]))
    assert claims["acr"] == assurance.ACR[1] and claims["nonce"] == "n-1" and claims["aud"] == party[0].client_id
    assert not {"name", "id_number", "phone_number"} & claims.keys()


def test_saying_no_gives_no_code(daughter: Client, party: tuple[RelyingParty, str]) -> None:
    assert consent(daughter, address(party[0]), "cancel") == {"error": "access_denied", "state": "s-1"}


@pytest.mark.parametrize(
    "uri",
    [
        "https://canbao.example/callback/", "https://canbao.example/callback?a=1", "https://canbao.example/callback#x",
        "https://canbao.example.evil.example/callback", "https://canbao.example@evil.example/callback",
        "https://evil@canbao.example/callback", "https://canbao.example:8443/callback", "http://canbao.example/callback",
        "https://canbao.example/callback/../evil", "https://CANBAO.example/callback", "https://canbao.example/%63allback",
        "javascript:alert(1)", "//evil.example/callback", "", None,
    ],
)  # fmt: skip
def test_a_redirect_address_that_is_not_the_registered_one_is_never_followed(
    daughter: Client, party: tuple[RelyingParty, str], uri: str | None
) -> None:
    answer = daughter.get(address(party[0], redirect_uri=uri))
    assert answer.status_code == 403 and "Location" not in answer
    assert "登录请求有误" in answer.content.decode()


def test_an_address_given_twice_is_refused(daughter: Client, party: tuple[RelyingParty, str]) -> None:
    twice = address(party[0]) + "&redirect_uri=https%3A%2F%2Fevil.example%2F"
    assert daughter.get(twice).status_code == 403
    assert daughter.get(address(party[0], client_id="nobody")).status_code == 403


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None}, {"code_challenge_method": None},
        {"code_challenge_method": "plain"}, {"code_challenge": VERIFIER, "code_challenge_method": "plain"},
        {"code_challenge": None}, {"code_challenge": ""},
    ],
)  # fmt: skip
def test_a_request_without_s256_is_sent_back(
    daughter: Client, party: tuple[RelyingParty, str], changes: dict[str, str | None]
) -> None:
    answer = daughter.get(address(party[0], **changes))
    assert told(answer)["error"] == "invalid_request" and "code" not in told(answer)


def test_a_code_needs_its_verifier_its_address_and_its_client(
    daughter: Client, party: tuple[RelyingParty, str], demo: Any
) -> None:
    other = register(demo, "https://other.example/callback")
    for changes in (
        {"code_verifier": None}, {"code_verifier": "w" * 50}, {"code_verifier": CHALLENGE},
        {"redirect_uri": "https://canbao.example/other"}, {"client_secret": "guess"},
        {"client_id": other[0].client_id, "client_secret": other[1]},
    ):  # fmt: skip
        code = consent(daughter, address(party[0]))["code"]
        answer = redeem(*party, code, **changes)
        assert answer.status_code in (400, 401), (changes, answer.content)
        assert "access_token" not in answer.json()


def refresh(party: RelyingParty, secret: str, token: str) -> Any:
    sent = {
        "grant_type": "refresh_token",
        "refresh_token": token,
        "client_id": party.client_id,
        "client_secret": secret,
    }
    return Client().post("/identity/o/api/token", sent)


def lets_in(token: str) -> bool:
    answer = Client().get("/identity/o/api/userinfo", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


def test_a_code_that_comes_twice_revokes_all_that_came_of_it(
    daughter: Client, party: tuple[RelyingParty, str], demo: Any
) -> None:
    other = redeem(*party, consent(daughter, address(party[0]))["code"]).json()
    code = consent(daughter, address(party[0]))["code"]
    first = redeem(*party, code).json()
    second = refresh(*party, first["refresh_token"]).json()
    assert lets_in(first["access_token"]) and lets_in(second["access_token"])
    again = redeem(*party, code)
    assert again.status_code == 400 and again.json()["error"] == "invalid_grant"
    assert not lets_in(first["access_token"]) and not lets_in(second["access_token"])
    assert refresh(*party, second["refresh_token"]).json()["error"] == "invalid_grant"
    assert lets_in(other["access_token"]), "what came of another code stays"
    assert refresh(*party, other["refresh_token"]).status_code == 200
    assert any("重复使用" in one.purpose for one in log.entries_about("person", demo.daughter.person_id, 6))


def test_a_code_whose_first_use_failed_revokes_nothing_and_still_works(
    daughter: Client, party: tuple[RelyingParty, str]
) -> None:
    code = consent(daughter, address(party[0]))["code"]
    assert redeem(*party, code, code_verifier="w" * 50).status_code == 400
    assert lets_in(redeem(*party, code).json()["access_token"])


def test_a_refresh_token_is_used_once_and_again_revokes_its_successors(
    daughter: Client, party: tuple[RelyingParty, str]
) -> None:
    first = redeem(*party, consent(daughter, address(party[0]))["code"]).json()
    second = refresh(*party, first["refresh_token"]).json()
    third = refresh(*party, second["refresh_token"]).json()
    assert lets_in(third["access_token"])
    assert refresh(*party, first["refresh_token"]).json()["error"] == "invalid_grant"
    assert not lets_in(third["access_token"])
    assert refresh(*party, third["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_level_that_is_asked_for_is_proven_first(daughter: Client, party: tuple[RelyingParty, str]) -> None:
    where = address(party[0], acr_values=assurance.ACR[2])
    answer = daughter.get(where)
    assert answer["Location"].startswith("/my/identity/?level=2&next=%2Fidentity%2Fo%2Fauthorize")
    assert told(daughter.get(where + "&prompt=none"))["error"] == "interaction_required"
    session = daughter.session
    assurance.raise_to(session, 2)
    session.save()
    assert claims_of(redeem(*party, consent(daughter, where)["code"]))["acr"] == assurance.ACR[2]


def test_nobody_signed_in_goes_to_sign_in_or_back(client: Client, party: tuple[RelyingParty, str]) -> None:
    assert client.get(address(party[0]))["Location"].startswith("/login/?next=%2Fidentity%2Fo%2Fauthorize")
    assert told(client.get(address(party[0], prompt="none")))["error"] == "login_required"


def test_prompt_login_asks_again_who_is_there(daughter: Client, party: tuple[RelyingParty, str]) -> None:
    answer = daughter.get(address(party[0], prompt="login"))
    assert answer["Location"].startswith("/login/?next=") and "prompt" not in answer["Location"]
    assert "_auth_user_id" not in daughter.session


def test_two_systems_cannot_tell_that_a_person_is_the_same(
    daughter: Client, party: tuple[RelyingParty, str], demo: Any
) -> None:
    def subject(one: tuple[RelyingParty, str], uri: str = REDIRECT) -> str:
        page = daughter.get(address(one[0], redirect_uri=uri)).content.decode()
        asked = re.search(r'name="request" value="([^"]+)"', page)
        assert asked
        given = daughter.post("/identity/o/authorize", {"request": asked[1], "scopes": ["openid"], "action": "grant"})
        return str(claims_of(redeem(*one, told(given)["code"], redirect_uri=uri))["sub"])

    first = subject(party)
    assert subject(party) == first and str(demo.daughter.pk) != first
    assert subject(register(demo)) == first, "the same sector"
    other = "https://other.example/callback"
    assert subject(register(demo, other), other) != first


def test_what_is_told_is_what_was_consented_to_and_is_in_her_record(
    daughter: Client, party: tuple[RelyingParty, str], demo: Any
) -> None:
    token = redeem(*party, consent(daughter, address(party[0]))["code"]).json()["access_token"]
    person = Client().get("/identity/o/api/userinfo", headers={"authorization": f"Bearer {token}"}).json()
    assert person["name"] == "李梅" and "id_number" not in person
    entry = log.entries_about("person", demo.daughter.person_id, 1)[0]
    assert "参保查询" in entry.purpose and "person.name" in entry.elements
    too_much = daughter.get(address(party[0], scope="openid phone"))
    assert told(too_much)["error"] == "invalid_scope"


def test_discovery_promises_only_what_is_kept(client: Client, settings: Any) -> None:
    said = client.get("/.well-known/openid-configuration").json()
    assert said["code_challenge_methods_supported"] == ["S256"] and said["response_types_supported"] == ["code"]
    assert set(said["acr_values_supported"]) == set(assurance.ACR.values())
    before = {one["kid"] for one in client.get("/.well-known/jwks.json").json()["keys"]}
    keys.add_key()
    after = {one["kid"] for one in client.get("/.well-known/jwks.json").json()["keys"]}
    assert before < after and len(after) == len(before) + 1


# The registry


def test_the_administrator_registers_a_system_and_sees_its_secret_once(client: Client, demo: Any, sign_in: Any) -> None:
    sign_in(client, demo.admin)
    values = {"name": "公积金查询", "organisation": "bz.information", "redirect_uris": "https://gjj.example/cb"}
    page = client.post("/desk/clients/", {**values, "scopes": ["profile"]}).content.decode()
    party = RelyingParty.objects.get()
    assert party.client_id in page and "密钥只显示这一次" in page
    assert party.client.secret.startswith("random_secret$") and party.client.get_scopes() == ["openid", "profile"]
    answer = client.post(f"/desk/clients/{party.client_id}/", {"reason": ""})
    assert answer.status_code == 422 and RelyingParty.objects.exists()
    client.post(f"/desk/clients/{party.client_id}/", {"reason": "系统下线"})
    assert not RelyingParty.objects.exists()
    assert sign_in(Client(), demo.clerk).get("/desk/clients/").status_code == 403


def test_a_new_secret_voids_the_old(daughter: Client, party: tuple[RelyingParty, str]) -> None:
    newer = clients.new_secret(party[0], audit.SYSTEM)
    assert redeem(party[0], party[1], consent(daughter, address(party[0]))["code"]).status_code == 401
    assert redeem(party[0], newer, consent(daughter, address(party[0]))["code"]).status_code == 200


@pytest.mark.parametrize(
    "uris",
    ["", "http://canbao.example/cb", "https://*.example/cb", "https://a.example/cb#x", "https://u@a.example/cb",
     "https://a.example/cb\nhttps://b.example/cb", "ftp://a.example/", "https:///cb"],
)  # fmt: skip
def test_addresses_that_cannot_be_trusted_are_not_registered(demo: Any, uris: str) -> None:
    with pytest.raises(Invalid) as caught:
        register(demo, uris)
    assert "redirect_uris" in caught.value.fields


def test_registering_needs_the_permission(demo: Any) -> None:
    with pytest.raises(NotAllowed):
        clients.register(demo.clerk, "参保查询", organisation("bz.information"), REDIRECT, [], audit.SYSTEM)


def test_an_app_without_a_secret_still_needs_pkce(daughter: Client, demo: Any) -> None:
    party, secret = register(demo, public=True)
    assert secret == ""
    code = consent(daughter, address(party))["code"]
    assert redeem(party, "", code, client_secret=None, code_verifier=None).status_code == 400
    code = consent(daughter, address(party))["code"]
    assert redeem(party, "", code, client_secret=None).status_code == 200
