"""The npm package openid-client signs a person in against the served site: discovery to revocation, unaided."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import SERVER, SmsSandbox, cloned_city, free_port, wait_until
from tests.environment import ROOT

REDIRECT = "https://canbao.example/callback"
REGISTER = """
import json
from yici.core.audit import services as audit
from yici.core.people.models import Account
from yici.core.people.queries import organisation
from yici.platform.trust.oidc import clients
by = Account.objects.get(username="guanliyuan")
party, secret = clients.register(by, "参保查询", organisation("bz.information"), "%s", ["profile", "id_number"], audit.SYSTEM)
print(json.dumps({"id": party.client_id, "secret": secret}))
"""


@pytest.fixture
def site(tmp_path: Path, sms_server: SmsSandbox) -> Iterator[tuple[str, dict[str, str]]]:
    """The site with one registered client, served by its own processes: two, so that codes must cross between them."""
    database, port = f"yici_oidc_{os.getpid()}", free_port()
    with cloned_city(database):
        environment = {
            **os.environ, "DATABASE_URL": SERVER.replace("/yici?", f"/{database}?"), "YICI_PORT": str(port),
            "YICI_HOME": str(tmp_path), "YICI_SMS_ENDPOINT": sms_server.url, "DJANGO_SETTINGS_MODULE": "yici.web.settings",
        }  # fmt: skip
        python = [sys.executable, "-m"]
        shell = [*python, "yici", "manage", "--", "shell", "-v", "0", "-c", REGISTER % REDIRECT]
        made = subprocess.run(shell, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
        static = [*python, "django", "collectstatic", "--noinput", "--verbosity", "0"]
        subprocess.run(static, env=environment, cwd=ROOT, capture_output=True, check=True)
        web = [
            *python, "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "2",
            "--log-level", "warning", "yici.web.wsgi:application",
        ]  # fmt: skip
        with (tmp_path / "web.log").open("wb") as log:
            process = subprocess.Popen(web, env=environment, cwd=ROOT, stdout=log, stderr=log)
            try:
                wait_until(lambda: answers(f"http://127.0.0.1:{port}/health/"), 60)
                yield f"http://127.0.0.1:{port}", json.loads(made.stdout.splitlines()[-1])
            finally:
                process.terminate()
                process.wait(15)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


class Browser:
    """A person's browser, as far as forms go."""

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(base_url=url, timeout=20, follow_redirects=False)

    def open(self, address: str) -> httpx.Response:
        answer = self.client.get(address)
        while answer.is_redirect and not answer.headers["Location"].startswith(REDIRECT):
            answer = self.client.get(answer.headers["Location"])
        return answer

    def send(self, page: httpx.Response, where: str, /, **values: Any) -> httpx.Response:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token, page.text[:500]
        headers = {"Referer": str(page.url)}
        return self.client.post(where, data={"csrfmiddlewaretoken": token[1], **values}, headers=headers)


def test_openid_client_completes_the_whole_flow(
    site: tuple[str, dict[str, str]], sms_server: SmsSandbox, tmp_path: Path
) -> None:
    url, registered = site
    script = str(ROOT / "tests" / "platform" / "trust" / "oidc" / "relying_party.mjs")
    party = subprocess.Popen(
        ["node", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert party.stdin and party.stdout and party.stderr

    def tell(value: dict[str, Any]) -> dict[str, Any]:
        assert party.stdin and party.stdout and party.stderr
        party.stdin.write(json.dumps(value) + "\n")
        party.stdin.flush()
        line = party.stdout.readline()
        assert line, party.stderr.read() + (tmp_path / "web.log").read_text()[-2000:]
        answer: dict[str, Any] = json.loads(line)
        return answer

    begun = tell({
        "issuer": url, **registered, "redirect": REDIRECT, "scope": "openid profile id_number",
        "acr": "urn:yici:identity:name",
    })  # fmt: skip
    assert begun["metadata"]["subject_types_supported"] == ["pairwise"]
    phone = "13956731972"
    browser = Browser(url)
    login = browser.open(begun["url"])
    assert "/login/" in str(login.url)
    following = str(login.url.params["next"])
    before = len(sms_server.messages(phone))
    sent = browser.send(login, "/login/", name="李梅", id_number="342124197205161640", phone=phone, next=following)
    code_page = browser.client.get(sent.headers["Location"])
    texts = wait_until(lambda: sms_server.messages(phone)[before:])
    digits = re.search(r"验证码(\d{6})", texts[-1]["content"])
    assert digits
    entered = browser.send(code_page, str(code_page.url), code=digits[1], next=following)
    consent = browser.open(entered.headers["Location"])
    assert "参保查询" in consent.text and "您的身份证号" in consent.text
    assert "form-action 'self' https://canbao.example" in consent.headers["Content-Security-Policy"]
    asked = re.search(r'name="request" value="([^"]+)"', consent.text)
    assert asked
    scopes = re.findall(r'name="scopes" value="([^"]+)"', consent.text)
    given = browser.send(consent, "/identity/o/authorize", request=asked[1], scopes=scopes, action="grant")
    assert given.headers["Location"].startswith(REDIRECT + "?")
    result = tell({"callback": given.headers["Location"]})
    party.wait(10)
    assert result["claims"]["acr"] == "urn:yici:identity:name" and result["claims"]["iss"] == url
    assert "name" not in result["claims"] and "id_number" not in result["claims"]
    assert result["person"]["name"] == "李梅" and result["person"]["id_number"] == "342124197205161640"
    assert result["active"]["active"] is True and result["active"]["scope"] == "openid profile id_number"
    assert result["rotated"] and result["oldRefresh"] == result["oldCode"] == "invalid_grant"
    assert result["newRefresh"] == "invalid_grant", "the old one came twice, so the new one is revoked"
    assert result["refreshedClaims"]["sub"] == result["claims"]["sub"] and "acr" not in result["refreshedClaims"]
    assert result["before"]["active"] is True and result["revoked"] == {"active": False}
