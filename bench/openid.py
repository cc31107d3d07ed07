"""CPU of one sign-in of another system by OpenID Connect: consent page, consent, code for tokens, userinfo.

Through Django's test client on one connection, PostgreSQL's share included; the person is signed in already.
"""

from __future__ import annotations

import base64
import hashlib
import re
import statistics
import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from bench import site
from bench.results import Result

TARGET, SIGN_INS, BATCHES = 40, 20, 5
REDIRECT, VERIFIER = "https://bench.example/callback", "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def run() -> list[Result]:
    site.prepare(2000)
    from django.test import Client

    from yici.core.people import assurance
    from yici.core.people.models import Account

    party, secret = _registered()
    browser = Client(SERVER_NAME="127.0.0.1")
    browser.force_login(
        Account.objects.get(person__id_number="342124197205161640"), backend="django.contrib.auth.backends.ModelBackend"
    )
    system = Client(SERVER_NAME="127.0.0.1")
    session = browser.session
    assurance.begin(session)
    session.save()
    postmaster = site.postmaster()
    _sign_in(browser, system, party, secret)
    spent = []
    for _batch in range(BATCHES):
        before, own = site.cpu_of(postmaster), time.process_time()
        for _one in range(SIGN_INS):
            _sign_in(browser, system, party, secret)
        spent.append((time.process_time() - own + site.cpu_of(postmaster) - before) / SIGN_INS * 1000)
    return [Result("sign-in of another system, four requests", statistics.median(spent), "ms CPU", TARGET).told()]


def _registered() -> tuple[Any, str]:
    from yici.core.audit import services as audit
    from yici.core.people.models import Account
    from yici.core.people.queries import organisation
    from yici.platform.trust.oidc import clients

    staff = Account.objects.get(username="guanliyuan")
    return clients.register(staff, "测量", organisation("bz.information"), REDIRECT, ["profile"], audit.SYSTEM)


def _sign_in(browser: Any, system: Any, party: Any, secret: str) -> None:
    asked = {
        "client_id": party.client_id, "redirect_uri": REDIRECT, "response_type": "code", "scope": "openid profile",
        "state": "s", "nonce": "n", "code_challenge": CHALLENGE, "code_challenge_method": "S256",
    }  # fmt: skip
    page = browser.get("/identity/o/authorize?" + urlencode(asked)).content.decode()
    request = re.search(r'name="request" value="([^"]+)"', page)
    assert request, re.findall("<h1.*?</h1>|<p class=.lead.*?</p>", page)
    scopes = re.findall(r'name="scopes" value="([^"]+)"', page)
    back = browser.post("/identity/o/authorize", {"request": request[1], "scopes": scopes, "action": "grant"})
    code = parse_qs(urlsplit(back["Location"]).query)["code"][0]
    tokens = system.post(
        "/identity/o/api/token",
        {
            "grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER,
            "client_id": party.client_id, "client_secret": secret,
        },
    ).json()  # fmt: skip
    told = system.get("/identity/o/api/userinfo", headers={"authorization": f"Bearer {tokens['access_token']}"})
    assert told.status_code == 200 and told.json()["name"] == "李梅"
