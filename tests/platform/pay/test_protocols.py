"""Other people's programs against ours: published signature vectors, and the providers' SDKs against the sandbox."""

from __future__ import annotations

import base64
import datetime as dt
import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from cryptography import x509
from django.test import Client

from tests.platform.pay.conftest import Live, paid_order, permit_order
from yici.base import clock
from yici.base.errors import Unavailable
from yici.platform.pay import services
from yici.platform.pay.providers import NotGenuine, Paid, alipay, keys, unionpay, wechat

pytestmark = pytest.mark.django_db


def published(provider: str) -> Any:
    """Keys, messages and signatures that the provider itself published; `source` says where."""
    return json.loads((Path(__file__).parent / f"{provider}_vector.json").read_text("utf-8"))


# What WeChat's own Go SDK (Apache-2.0) tests its callbacks with: a certificate, headers signed with its key, a sealed resource.
VECTOR = published("wechat")


@pytest.fixture
def vector_keys(tmp_path: Path, settings: Any) -> None:
    (tmp_path / "wechat-platform.pem").write_text(VECTOR["certificate"])
    (tmp_path / "wechat-apiv3.key").write_text(VECTOR["apiv3_key"])
    settings.PAY_KEYS = tmp_path
    settings.PAY_MERCHANTS = {**settings.PAY_MERCHANTS, "wechat": {"mchid": "1234567890", "appid": "x"}}


def test_published_wechat_callback_is_believed_and_opened(vector_keys: None) -> None:
    body = VECTOR["body"].encode()
    with clock.at(dt.datetime.fromtimestamp(int(VECTOR["headers"]["Wechatpay-Timestamp"]), dt.UTC)):
        wechat.verify(VECTOR["headers"], body, skew=wechat.SKEW_SECONDS)
        notice = wechat.read_notice(VECTOR["headers"], body)
    assert (notice.paid, notice.refunded) == (None, None)  # an event of another product: believed, of no interest
    plain = wechat.unseal(json.loads(body)["resource"], VECTOR["apiv3_key"].encode())
    assert json.loads(plain) == VECTOR["plain"]


def test_published_wechat_callback_with_one_byte_changed_is_refused(vector_keys: None) -> None:
    body = VECTOR["body"].encode()
    with pytest.raises(NotGenuine):
        wechat.verify(VECTOR["headers"], body.replace(b"2021-06-24", b"2021-06-25"))
    resource = json.loads(body)["resource"]
    with pytest.raises(NotGenuine):
        wechat.unseal({**resource, "associated_data": "transaction"}, VECTOR["apiv3_key"].encode())
    with pytest.raises(NotGenuine):
        wechat.unseal(resource, b"testMchAPIv3Key1")


@pytest.fixture
def alipay_keys(tmp_path: Path, settings: Any) -> Any:
    vector = published("alipay")
    settings.PAY_KEYS = tmp_path
    settings.PAY_MERCHANTS = {
        **settings.PAY_MERCHANTS,
        "alipay": {"app_id": vector["callback"]["fields"]["app_id"]},
    }
    return vector


def test_published_alipay_callback_is_believed(alipay_keys: Any, tmp_path: Path) -> None:
    callback = alipay_keys["callback"]
    (tmp_path / "alipay-public.pem").write_text(callback["public_key"])
    paid = alipay.read_notice({}, urlencode(callback["fields"]).encode()).paid
    assert paid is not None
    assert (paid.trade_no, paid.number, paid.fen) == ("2019052322001426431037869358", "tpxy23962362669658", 1)
    assert paid.at.isoformat() == "2019-05-23T14:17:13+08:00"


@pytest.mark.parametrize("field", ["trade_no", "total_amount", "out_trade_no", "gmt_payment", "sign", "app_id"])
def test_published_alipay_callback_with_one_field_changed_is_refused(
    alipay_keys: Any, tmp_path: Path, field: str
) -> None:
    callback = alipay_keys["callback"]
    (tmp_path / "alipay-public.pem").write_text(callback["public_key"])
    fields = callback["fields"]
    with pytest.raises(NotGenuine):
        alipay.read_notice({}, urlencode({**fields, field: f"1{fields[field]}"}).encode())


def test_published_alipay_answer_is_believed_by_its_exact_text(alipay_keys: Any, tmp_path: Path) -> None:
    """Its slashes are escaped, and signed as they stand."""
    answer = alipay_keys["answer"]
    (tmp_path / "alipay-public.pem").write_text(answer["public_key"])
    assert alipay.genuine(answer["text"], answer["name"])["image_id"] == "akGwYYaFTai3r1uB0ww-1QAAACMAAQQD"
    with pytest.raises(Unavailable):
        alipay.genuine(answer["text"].replace("\\/", "/"), answer["name"])


def test_published_unionpay_callback_has_the_signature_we_expect() -> None:
    """Its certificate stands in it, with the line ends of its own; the signature is over the digest that we make."""
    fields = published("unionpay")["fields"]
    signer = x509.load_pem_x509_certificate(fields["signPubKeyCert"].encode())
    assert keys.is_signed(keys.rsa_key_of(signer), unionpay.digest(fields), fields["signature"])
    for name in ("txnAmt", "orderId", "queryId", "merId", "signPubKeyCert"):
        changed = unionpay.digest({**fields, name: f"1{fields[name]}"})
        assert not keys.is_signed(keys.rsa_key_of(signer), changed, fields["signature"]), name
    moment = dt.datetime.fromisoformat("2018-07-26T10:02:32+08:00")
    assert unionpay._paid(fields) == Paid(
        "951807261002324791038", "201807251814000000175473", 136, moment, moment.date()
    )


def test_openssl_believes_what_we_sign_for_unionpay(pay_keys: Path, settings: Any, tmp_path: Path) -> None:
    """No message that a merchant signed is published with its key: another program judges ours instead."""
    settings.PAY_KEYS = pay_keys
    fields = unionpay.signed(
        {"txnType": "01", "orderId": "20261126000000000101", "txnAmt": "2000", "orderDesc": "水费"}
    )
    (tmp_path / "digest").write_bytes(unionpay.digest(fields))
    (tmp_path / "signature").write_bytes(base64.b64decode(fields["signature"]))
    openssl = ["openssl", "x509", "-in", str(pay_keys / "unionpay-merchant.pem"), "-noout", "-pubkey"]
    (tmp_path / "key").write_bytes(subprocess.run(openssl, check=True, capture_output=True).stdout)
    verify = ["openssl", "dgst", "-sha256", "-verify", "key", "-signature", "signature", "digest"]
    assert subprocess.run(verify, cwd=tmp_path, check=False, capture_output=True).returncode == 0
    (tmp_path / "digest").write_bytes(unionpay.digest({**fields, "txnAmt": "1"}))
    assert subprocess.run(verify, cwd=tmp_path, check=False, capture_output=True).returncode == 1


def test_published_unionpay_callback_of_the_test_environment_is_not_believed_by_a_city(
    pay_keys: Path, settings: Any
) -> None:
    """Right signature, but a certificate that UnionPay's root on file did not issue."""
    settings.PAY_KEYS = pay_keys
    fields = published("unionpay")["fields"]
    with (
        clock.at(dt.datetime.fromisoformat("2018-07-26T10:02:32+08:00")),
        pytest.raises(NotGenuine, match="不是银联签发"),
    ):
        unionpay.read_notice({}, urlencode(fields).encode())


class Redirected:
    """The SDK's `requests` module, with the gateway's name replaced by the sandbox's address."""

    def __init__(self, url: str) -> None:
        self.url = url

    def _send(self, method: str, url: str, **given: Any) -> Any:
        import requests

        given.pop("proxies", None)
        given.setdefault("timeout", 10)
        return requests.request(method, url.replace("https://api.mch.weixin.qq.com", self.url), **given)  # noqa: S113 - given above

    def get(self, url: str, **given: Any) -> Any:
        return self._send("GET", url, **given)

    def post(self, url: str, **given: Any) -> Any:
        return self._send("POST", url, **given)


def test_wechat_sdk_speaks_with_the_sandbox(
    demo: Any, sandbox: Live, client: Client, pay_keys: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fetches certificates, orders, queries, refunds, checks every signature, and opens our callback."""
    import wechatpayv3.core
    from wechatpayv3 import WeChatPay, WeChatPayType

    monkeypatch.setattr(wechatpayv3.core, "requests", Redirected(sandbox.url))
    merchant = settings.PAY_MERCHANTS["wechat"]
    sdk = WeChatPay(
        wechatpay_type=WeChatPayType.NATIVE,
        mchid=merchant["mchid"],
        private_key=(pay_keys / "wechat-merchant.key").read_text(),
        cert_serial_no=keys.serial_of(keys.certificate("wechat-merchant.pem")),
        apiv3_key=(pay_keys / "wechat-apiv3.key").read_text(),
        appid=merchant["appid"],
        notify_url="http://127.0.0.1:9/",
        timeout=(5, 10),
    )
    code, text = sdk.pay(description="水费", out_trade_no="20261126SDK1", amount={"total": 1234})
    assert code == 200 and json.loads(text)["code_url"].startswith("weixin://")
    sandbox.pay("20261126SDK1")
    code, text = sdk.query(out_trade_no="20261126SDK1")
    assert (code, json.loads(text)["trade_state"], json.loads(text)["amount"]["total"]) == (200, "SUCCESS", 1234)
    headers, body = sandbox.notice("wechat", "20261126SDK1")
    opened = sdk.callback(headers, body)
    assert opened["resource"]["out_trade_no"] == "20261126SDK1"
    code, text = sdk.refund(
        out_refund_no="R1", amount={"refund": 234, "total": 1234, "currency": "CNY"}, out_trade_no="20261126SDK1"
    )
    assert (code, json.loads(text)["status"]) == (200, "SUCCESS")
    code, text = sdk.trade_bill(bill_date=sandbox.book.now().date().isoformat())
    assert code == 200 and json.loads(text)["hash_type"] == "SHA1"
    code, content = sdk.download_bill(
        json.loads(text)["download_url"].replace(sandbox.url, "https://api.mch.weixin.qq.com")
    )
    rows = list(wechat.read_bill(content.encode() if isinstance(content, str) else content))
    assert [(row.kind, row.fen) for row in rows] == [("payment", 1234), ("refund", 234)]


def test_wechat_sdk_believes_what_we_sign(demo: Any, sandbox: Live) -> None:
    """The SDK's verifier over our request signature, and ours over the SDK's."""
    from wechatpayv3.utils import build_authorization, rsa_verify

    given = dict(
        part.split("=", 1) for part in wechat.authorization("GET", "/v3/x?a=b", "").partition(" ")[2].split(",")
    )
    given = {name: value.strip('"') for name, value in given.items()}
    certificate = keys.certificate("wechat-merchant.pem")
    message = f"GET\n/v3/x?a=b\n{given['timestamp']}\n{given['nonce_str']}\n\n"
    assert keys.is_signed(keys.rsa_key_of(certificate), message.encode(), given["signature"])
    assert not rsa_verify(
        given["timestamp"], given["nonce_str"], "", given["signature"], certificate.public_key()
    )  # that form is an answer's
    theirs = build_authorization("/v3/x", "POST", "1", "2", keys.private_key("wechat-merchant.key"), data={"a": 1})
    parts = {
        name: value.strip('"') for name, value in (part.split("=", 1) for part in theirs.partition(" ")[2].split(","))
    }
    message = f'POST\n/v3/x\n{parts["timestamp"]}\n{parts["nonce_str"]}\n{{"a": 1}}\n'
    assert keys.is_signed(keys.rsa_key_of(certificate), message.encode(), parts["signature"])


def test_alipay_sdk_speaks_with_the_sandbox(sandbox: Live, pay_keys: Path, settings: Any) -> None:
    """It orders, queries, refunds and verifies the answers' exact text, and believes our callback."""
    from urllib.parse import parse_qsl

    from alipay import AliPay

    sdk = AliPay(
        appid=settings.PAY_MERCHANTS["alipay"]["app_id"],
        app_private_key_string=(pay_keys / "alipay-merchant.key").read_text(),
        alipay_public_key_string=(pay_keys / "alipay-public.pem").read_text(),
        app_notify_url="http://127.0.0.1:9/",
    )
    sdk._gateway = f"{sandbox.url}/gateway.do"
    answer = sdk.api_alipay_trade_precreate(subject="电费", out_trade_no="20261126SDK2", total_amount="12.34")
    assert answer["code"] == "10000" and answer["qr_code"].startswith("http")
    sandbox.pay("20261126SDK2")
    answer = sdk.api_alipay_trade_query(out_trade_no="20261126SDK2")
    assert (answer["trade_status"], answer["total_amount"]) == ("TRADE_SUCCESS", "12.34")
    _headers, body = sandbox.notice("alipay", "20261126SDK2")
    fields = dict(parse_qsl(body.decode()))
    signature = fields.pop("sign")
    assert sdk.verify(dict(fields), signature)
    answer = sdk.api_alipay_trade_refund(refund_amount="2.34", out_trade_no="20261126SDK2", out_request_no="R2")
    assert (answer["fund_change"], answer["refund_fee"]) == ("Y", "2.34")
    # The other way: what the SDK signs is what we sign, and it believes what we sign.
    wanted = alipay.signed("alipay.trade.query", {"out_trade_no": "1"})
    ours = wanted.pop("sign")
    assert sdk._sign(alipay.joined(wanted).decode()) == ours


def test_answer_whose_signed_text_was_touched_is_not_believed(demo: Any, sandbox: Live) -> None:
    fields = alipay.signed(
        "alipay.trade.precreate", {"out_trade_no": "20261126SDK3", "total_amount": "1.00", "subject": "x"}
    )
    text = httpx.post(f"{sandbox.url}/gateway.do", data=fields, trust_env=False).text
    assert alipay.genuine(text, "alipay_trade_precreate_response")["code"] == "10000"
    for wrong in (
        text.replace("10000", "10001"),
        text.replace('"sign"', '"sing"'),
        text[:-10],
        "<html>",
        text.replace(":{", ": {", 1).replace("Success", "success"),
    ):
        with pytest.raises(Unavailable):
            alipay.genuine(wrong, "alipay_trade_precreate_response")


def test_unionpay_believes_only_its_own_certificate(demo: Any, sandbox: Live, client: Client, pay_keys: Path) -> None:
    attempt = services.begin(permit_order(demo.farmer).number, "unionpay", demo.farmer)
    sandbox.pay(attempt.number)
    side = sandbox.shop.sides["unionpay"]
    fields = side._complete({"orderId": attempt.number, "merId": side.merchant, "txnAmt": "2000"})
    unionpay.verify(fields)
    own = (pay_keys / "unionpay-merchant.pem").read_text()  # a real certificate, of somebody else
    forged = {**fields, "signPubKeyCert": own}
    forged["signature"] = keys.sign(keys.private_key("unionpay-merchant.key"), unionpay.digest(forged))
    for wrong in (forged, {**fields, "txnAmt": "1"}, {**fields, "signPubKeyCert": ""}, {**fields, "signature": "x"}):
        with pytest.raises(NotGenuine):
            unionpay.verify(wrong)


def test_unknown_platform_certificate_is_fetched_once_and_believed_by_a_known_one(
    demo: Any, sandbox: Live, client: Client, tmp_path: Path, pay_keys: Path, settings: Any
) -> None:
    """The city still has the old certificate on file; the platform signs with a new one that it hands out sealed."""
    import shutil

    from yici.platform.pay.sandbox.keys import _certificate, _key

    folder = tmp_path / "older"
    shutil.copytree(pay_keys, folder)
    (folder / "wechat-platform.pem").write_bytes(
        _certificate(_key(folder / "old.key"), "Tenpay.com old", _key(folder / "old.key"))
    )
    settings.PAY_KEYS = folder
    wechat._platform.clear()
    paid_order(demo.farmer, sandbox, client)
    assert list(wechat._platform) == [keys.serial_of(sandbox.shop.sides["wechat"].keys.wechat_platform)]
    wechat._platform.clear()
