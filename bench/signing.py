"""Signing: the CSC API, both keystores, SM2, and a document that two people sign, in CPU time of this process.

PostgreSQL's share is not in it. The keystore alone is the limit of the API in the same run.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import site
from bench.results import Result

SIGNATURES, DOCUMENTS = 200, 10
ECDSA = "1.2.840.10045.4.3.2"


def run() -> list[Result]:
    site.prepare(2000)
    from django.db import transaction

    with transaction.atomic():
        results = [*_keystores(), *_sm2(), *_api(), *_envelopes()]
        transaction.set_rollback(True)
    return [result.told() for result in results]


def _seconds(act: Callable[[], Any], times: int) -> float:
    """CPU seconds of one."""
    act()
    began = time.process_time()
    for _time in range(times):
        act()
    return (time.process_time() - began) / times


def _keystores() -> list[Result]:
    from yici.platform.trust.signatures import keystore

    digest, results = hashlib.sha256(b"document").digest(), []
    for name in ("pkcs11", "software"):
        store = keystore.named(name)
        store.create(f"bench-{name}", keystore.P256)
        spent = _seconds(lambda store=store, name=name: store.sign(f"bench-{name}", digest), SIGNATURES)  # type: ignore[misc]
        store.destroy(f"bench-{name}")
        results.append(Result(f"P-256 signature, {name} keystore", 1 / spent, "/CPU-s", None, True, store.description))
    return results


def _sm2() -> list[Result]:
    from yici.platform.trust.signatures import sm2

    key = sm2.PrivateKey.generate()
    public, digest = key.public_key_info(), hashlib.new("sm3", b"document").digest()
    signature = key.sign_digest(digest)
    signing = _seconds(lambda: key.sign_digest(digest), SIGNATURES)
    verifying = _seconds(lambda: sm2.verify_digest(public, digest, signature), SIGNATURES)
    return [
        Result("SM2 signature", 1 / signing, "/CPU-s", None, True, "key read from PKCS#8 each time"),
        Result("SM2 verification", 1 / verifying, "/CPU-s", None, True, ""),
    ]


def _person() -> Any:
    from yici.core.people.models import Account

    return Account.objects.select_related("person").filter(kind="citizen", person__isnull=False).order_by("pk")


def _proof(account: Any) -> str:
    from yici.platform.trust.identity import assertions
    from yici.platform.trust.models import Assertion

    return assertions.record(account.person, assertions.FACE, Assertion.Method.FACE)


def _api() -> list[Result]:
    """Leave and signature over HTTP as the application server sees it, without the socket."""
    from django.test import Client

    from yici.core.audit import services as audit
    from yici.core.people.services import issue_token
    from yici.platform.trust.signatures import keys

    account = _person()[0]
    key = keys.ensure_key(account.person, audit.SYSTEM)
    client, bearer = Client(SERVER_NAME="127.0.0.1"), issue_token(account, 2)
    digest = base64.b64encode(hashlib.sha256(b"document").digest()).decode()

    def post(endpoint: str, **body: Any) -> dict[str, Any]:
        answer = client.post(
            f"/csc/v1/{endpoint}", json.dumps({"credentialID": key.credential_id, "hash": [digest], **body}),
            content_type="application/json", headers={"Authorization": f"Bearer {bearer}"},
        )  # fmt: skip
        assert answer.status_code == 200, answer.content
        given: dict[str, Any] = answer.json()
        return given

    def once() -> None:
        sad = post("credentials/authorize", numSignatures=1, OTP=_proof(account))["SAD"]
        post("signatures/signHash", SAD=sad, signAlgo=ECDSA)

    spent = _seconds(once, SIGNATURES)
    return [Result("CSC signature (authorize and signHash)", spent * 1000, "ms CPU", None, False, "without the socket")]


def _envelopes() -> list[Result]:
    """Two shareholders: two PAdES signatures with time stamps, messages, the evidence package."""
    import typst

    from yici.core.files import services as files
    from yici.platform.trust.models import Envelope
    from yici.platform.trust.signatures import envelopes, evidence_check

    first, second = _person()[:2]
    made = typst.Compiler(b"= Articles\n" + b"The shareholders agree. " * 400).compile(format="pdf")
    assert isinstance(made, bytes)
    ended: list[Envelope] = []

    def once() -> None:
        stored = files.store(made, "articles.pdf", account=first)
        drafts = [envelopes.SignerDraft(account.person) for account in (first, second)]
        envelope = envelopes.create("Articles", stored, drafts, first)
        for account in (first, second):
            envelope = envelopes.sign(envelope.number, account, _proof(account), stored.sha256)
        ended.append(envelope)

    spent = _seconds(once, DOCUMENTS)
    assert ended[-1].evidence is not None
    with files.open_file(ended[-1].evidence) as stream:
        package = stream.read()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "evidence.zip"
        path.write_bytes(package)
        began = time.perf_counter()
        done = subprocess.run(
            ["python3", evidence_check.__file__, str(path)], capture_output=True, text=True, check=False
        )
        wall = time.perf_counter() - began
    assert done.returncode == 0, done.stdout + done.stderr
    size = io.BytesIO(package).getbuffer().nbytes
    return [
        Result(
            "envelope signed by two, with evidence", spent * 1000, "ms CPU", None, False, f"evidence {size:,} bytes"
        ),
        Result(
            "evidence checked by its own script",
            wall * 1000,
            "ms",
            None,
            False,
            "wall time, openssl is a process each time",
        ),
    ]
