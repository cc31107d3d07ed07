"""Signed pushes: what is genuine passes once, everything else is refused and says why."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yici.platform.data.sources.interface.signing import PushRefused, canonical_query, sign, signature, verify_push

SECRET = "a secret of the department"
NOW = 1_764_115_200.0
NONCE = "0123456789abcdef"
PATH = "/api/v1/data/push/market.company"
BODY = '[{"名称": "企业"}]'.encode()


def signed(body: bytes = BODY, now: float = NOW, query: str = "run=1") -> dict[str, str]:
    return sign("market", SECRET, "POST", PATH, query, now, NONCE, body)


def refused(code: str, headers: dict[str, str], body: bytes = BODY, now: float = NOW, **more: object) -> None:
    arguments = {"path": PATH, "query": "run=1", "seen": set(), "secret": SECRET, "method": "POST", **more}
    seen, secret = arguments.pop("seen"), arguments.pop("secret")
    with pytest.raises(PushRefused) as error:
        verify_push(headers, body, secret, now, seen, **arguments)  # type: ignore[arg-type]
    assert error.value.extra["code"] == code
    assert error.value.status == 401


def test_a_genuine_push_passes_whatever_the_case_of_its_headers() -> None:
    headers = {name.upper(): value for name, value in signed().items()}
    push = verify_push(headers, BODY, SECRET, NOW + 299, set(), path=PATH, query="run=1")
    assert (push.app, push.nonce) == ("market", NONCE)
    assert push.forget_at == NOW + 300


def test_a_changed_body_path_query_method_or_secret_is_refused() -> None:
    refused("wrong-signature", signed(), body=BODY + b" ")
    refused("wrong-signature", signed(), path=PATH + "x")
    refused("wrong-signature", signed(), query="run=2")
    refused("wrong-signature", signed(), method="PUT")
    refused("wrong-signature", signed(), secret="another")
    refused("wrong-signature", signed(), secret="")
    for header in ("X-Yici-Timestamp", "X-Yici-Nonce"):
        headers = signed()
        headers[header] = headers[header][:-1] + "7"
        refused("wrong-signature", headers)


def test_a_push_from_another_time_is_refused() -> None:
    refused("stale", signed(), now=NOW + 301)
    refused("stale", signed(), now=NOW - 301)


def test_a_push_is_taken_only_once() -> None:
    refused("replayed", signed(), seen={NONCE})


@pytest.mark.parametrize("missing", ["X-Yici-App", "X-Yici-Timestamp", "X-Yici-Nonce", "X-Yici-Signature"])
def test_a_missing_header_is_refused(missing: str) -> None:
    headers = signed()
    del headers[missing]
    refused("unsigned", headers)


@pytest.mark.parametrize(("header", "value"), [
    ("X-Yici-Timestamp", "soon"), ("X-Yici-Timestamp", "１２３"), ("X-Yici-Nonce", "short"), ("X-Yici-Nonce", "x" * 200),
])  # fmt: skip
def test_headers_that_make_no_sense_are_refused(header: str, value: str) -> None:
    refused("unsigned", {**signed(), header: value})


def test_a_signature_that_is_no_ascii_is_refused() -> None:
    refused("wrong-signature", {**signed(), "X-Yici-Signature": "签名"})


def test_the_signature_is_the_documented_one() -> None:
    assert signature("k", "get", "/a", "b=2&a=%E4%B8%AD", "1", "n", b"") == (
        hmac.new(
            b"k",
            b"GET\n/a\na=%E4%B8%AD&b=2\n1\nn\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "sha256",
        ).hexdigest()
    )


@given(st.lists(st.tuples(st.text(min_size=1), st.text())))
def test_the_order_of_a_query_changes_nothing(pairs: list[tuple[str, str]]) -> None:
    assert canonical_query(pairs) == canonical_query(reversed(pairs))
