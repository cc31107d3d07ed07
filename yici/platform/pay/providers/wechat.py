"""WeChat Pay, API v3 (微信支付 APIv3): Native and H5 orders, refunds, trade bills, encrypted callbacks.

Requests carry `WECHATPAY2-SHA256-RSA2048`; answers and callbacks are signed by the platform's certificate named by its
serial; callbacks hold an AEAD_AES_256_GCM resource. The bill: CSV, every value behind a back-tick, two summary lines last.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Unavailable
from yici.platform.pay.providers import (
    Acknowledgement,
    BillUnreadable,
    NoBill,
    NotGenuine,
    Notice,
    Opened,
    Paid,
    Refunded,
    RefundWish,
    Row,
    Standing,
    Wish,
    keys,
)
from yici.platform.pay.providers.money import at, fee, fen, local, refused, send, whole

SCHEMA = "WECHATPAY2-SHA256-RSA2048"
SKEW_SECONDS = 300  # of a callback's time, as the protocol asks
_STATES: dict[str, Any] = {
    "SUCCESS": "paid",
    "REFUND": "paid",
    "NOTPAY": "open",
    "USERPAYING": "open",
    "PAYERROR": "open",
}
_platform: dict[str, x509.Certificate] = {}


def create(wish: Wish) -> Opened:
    body: dict[str, Any] = {
        "appid": _merchant("appid"),
        "mchid": _merchant("mchid"),
        "description": wish.title[:120],
        "out_trade_no": wish.number,
        "time_expire": local(wish.expires_at, "%Y-%m-%dT%H:%M:%S+08:00"),
        "notify_url": f"{settings.SITE_URL}/pay/notice/wechat/",
        "amount": {"total": wish.fen, "currency": "CNY"},
    }
    if wish.is_phone:
        body["scene_info"] = {"payer_client_ip": wish.address or "127.0.0.1", "h5_info": {"type": "Wap"}}
        return Opened(link=str(_call("POST", "/v3/pay/transactions/h5", body)["h5_url"]))
    return Opened(scan=str(_call("POST", "/v3/pay/transactions/native", body)["code_url"]))


def query(number: str, created_at: dt.datetime) -> Standing:
    path = f"/v3/pay/transactions/out-trade-no/{number}?{urlencode({'mchid': _merchant('mchid')})}"
    answer = _call("GET", path, missing=("ORDER_NOT_EXIST", "RESOURCE_NOT_EXISTS"))
    if answer is None:
        return Standing("unknown")
    state = _STATES.get(str(answer.get("trade_state")), "closed")
    return Standing(state, _paid(answer) if state == "paid" else None)


def close(number: str) -> None:
    _call("POST", f"/v3/pay/transactions/out-trade-no/{number}/close", {"mchid": _merchant("mchid")})


def refund(wish: RefundWish) -> Refunded:
    body = {
        "transaction_id": wish.trade_no,
        "out_refund_no": wish.number,
        "reason": wish.reason[:80],
        "notify_url": f"{settings.SITE_URL}/pay/notice/wechat/",
        "amount": {"refund": wish.fen, "total": wish.total, "currency": "CNY"},
    }
    return _refunded(_call("POST", "/v3/refund/domestic/refunds", body))


def query_refund(wish: RefundWish) -> Refunded:
    answer = _call("GET", f"/v3/refund/domestic/refunds/{wish.number}", missing=("RESOURCE_NOT_EXISTS",))
    return Refunded("unknown") if answer is None else _refunded(answer)


def bill(day: dt.date) -> bytes:
    """The day's trade bill as it is given: CSV in UTF-8. Raises `NoBill`, `BillUnreadable` where the digest is wrong."""
    path = f"/v3/bill/tradebill?{urlencode({'bill_date': day.isoformat(), 'bill_type': 'ALL'})}"
    answer = _call("GET", path, missing=("NO_STATEMENT_EXIST",))
    if answer is None:
        raise NoBill(_("微信支付没有 %(day)s 的账单。") % {"day": day})
    parts = urlsplit(str(answer["download_url"]))
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    response = send("GET", _url(target), headers={"Authorization": authorization("GET", target, "")}, seconds=60)
    # SHA-1 is what the provider states the file's digest in; the file itself came over an authenticated connection
    if hashlib.sha1(response.content, usedforsecurity=False).hexdigest() != str(answer["hash_value"]).lower():
        raise BillUnreadable(_("微信账单的摘要不符，文件可能被截断。"))
    return response.content


def read_bill(content: bytes) -> Iterator[Row]:
    """Rows of the bill, after the whole of it was found to add up. Raises `BillUnreadable`."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode("gb18030")
        except UnicodeDecodeError as error:
            raise BillUnreadable(_("账单的编码无法识别。")) from error
    lines = [_values(line) for line in text.splitlines()]
    if len(lines) < 3 or lines[0][:1] != ["交易时间"] or lines[-2][:1] != ["总交易单数"]:
        raise BillUnreadable(_("账单不完整：缺少表头或汇总行。"))
    place = {name: index for index, name in enumerate(lines[0])}
    needed = (
        "微信订单号",
        "商户订单号",
        "交易状态",
        "应结订单金额",
        "退款金额",
        "商户退款单号",
        "订单金额",
        "申请退款金额",
        "手续费",
        "货币种类",
    )
    if missing := [name for name in needed if name not in place]:
        raise BillUnreadable(_("账单缺少列：%(names)s") % {"names": "、".join(missing)})
    rows = [_row(line, place) for line in lines[1:-2]]
    stated = dict(zip(lines[-2], lines[-1], strict=False))
    paid = sum(row.fen for row in rows if row.kind == "payment")
    back = sum(row.fen for row in rows if row.kind == "refund")
    kept = sum(row.fee for row in rows)
    count = stated.get("总交易单数", "")
    sums = (
        int(count) if count.isdigit() else -1,
        fen(stated.get("订单总金额", "")),
        fen(stated.get("申请退款总金额", "")),
        whole(fee(stated.get("手续费总金额", ""))),
    )
    if sums != (found := (len(rows), paid, back, abs(kept))):
        raise BillUnreadable(
            _("账单的汇总与明细不符：汇总 %(stated)s，明细 %(found)s。") % {"stated": sums, "found": found}
        )
    yield from rows


def _values(line: str) -> list[str]:
    """Values stand behind a back-tick each, so that a comma within one divides nothing; headings have none."""
    return line[1:].split(",`") if line.startswith("`") else line.split(",")


def _row(line: list[str], place: dict[str, int]) -> Row:
    if len(line) != len(place):
        raise BillUnreadable(_("账单有一行被截断。"))

    def of(name: str) -> str:
        return line[place[name]].strip()

    moment, kept = at(of("交易时间"), "%Y-%m-%d %H:%M:%S"), whole(fee(of("手续费")))
    if of("货币种类") != "CNY":
        raise BillUnreadable(_("账单有币种 %(currency)s，这里只收人民币。") % {"currency": of("货币种类")[:10]})
    trade_no, number = of("微信订单号"), of("商户订单号")
    if of("交易状态") == "REFUND":
        return Row("refund", trade_no, number, fen(of("申请退款金额")), moment, of("商户退款单号"), -kept)
    if of("交易状态") not in ("SUCCESS",):
        raise BillUnreadable(_("账单有未知的交易状态 %(state)s。") % {"state": of("交易状态")[:20]})
    return Row("payment", trade_no, number, fen(of("订单金额")), moment, fee=kept)


def read_notice(headers: Mapping[str, str], body: bytes) -> Notice:
    """Believe a callback or raise `NotGenuine`: serial, signature, age, the sealed resource, and that it is for us."""
    verify(headers, body, skew=SKEW_SECONDS)
    try:
        document = json.loads(body)
        content = json.loads(unseal(document["resource"], keys.secret("wechat-apiv3.key")))
    except (ValueError, KeyError, TypeError) as error:
        raise NotGenuine(_("回调的内容无法解读。")) from error
    if content.get("mchid") != _merchant("mchid"):
        raise NotGenuine(_("回调不是给本商户的。"))
    event = str(document.get("event_type", ""))
    try:
        if event == "TRANSACTION.SUCCESS":
            return Notice(paid=_paid(content))
        if event.startswith("REFUND."):
            state = str(content.get("refund_status", ""))
            return Notice(refund_number=str(content["out_refund_no"]), refunded=_refunded({**content, "status": state}))
    except (ValueError, KeyError, TypeError) as error:
        raise NotGenuine(_("回调的内容无法解读。")) from error
    return Notice()


def acknowledge(*, taken: bool, message: str = "") -> Acknowledgement:
    body = {"code": "SUCCESS"} if taken else {"code": "FAIL", "message": message or "失败"}
    return Acknowledgement(200 if taken else 400, json.dumps(body, ensure_ascii=False), "application/json")


# The protocol -------------------------------------------------------------------------------------------


def authorization(method: str, target: str, body: str) -> str:
    """The header of a request; `target` is path and query."""
    moment, nonce = str(int(clock.now().timestamp())), secrets.token_hex(16)
    message = f"{method}\n{target}\n{moment}\n{nonce}\n{body}\n"
    signature = keys.sign(keys.private_key("wechat-merchant.key"), message.encode())
    serial = keys.serial_of(keys.certificate("wechat-merchant.pem"))
    return (
        f'{SCHEMA} mchid="{_merchant("mchid")}",nonce_str="{nonce}",signature="{signature}",'
        f'timestamp="{moment}",serial_no="{serial}"'
    )


def verify(headers: Mapping[str, str], body: bytes, skew: int | None = None) -> None:
    """Raises `NotGenuine` unless the platform signed exactly these bytes, lately where `skew` (seconds) is given."""
    given = {name.lower(): value for name, value in headers.items()}
    moment, nonce = given.get("wechatpay-timestamp", ""), given.get("wechatpay-nonce", "")
    if not moment.isascii() or not moment.isdigit() or len(moment) > 12:
        raise NotGenuine(_("回调没有签名时间。"))
    if skew is not None and abs(clock.now().timestamp() - int(moment)) > skew:
        raise NotGenuine(_("回调的时间与本机相差超过五分钟，可能是重放；请核对时钟。"))
    found = _certificate(given.get("wechatpay-serial", ""))
    message = f"{moment}\n{nonce}\n".encode() + body + b"\n"
    if found is None or not keys.is_signed(keys.rsa_key_of(found), message, given.get("wechatpay-signature", "")):
        raise NotGenuine(_("签名验证失败。"))


def unseal(resource: Mapping[str, str], key: bytes) -> bytes:
    """Plain bytes of an AEAD_AES_256_GCM resource. Raises `NotGenuine`."""
    if resource.get("algorithm") != "AEAD_AES_256_GCM":
        raise NotGenuine(_("不认识的加密方式。"))
    try:
        sealed = base64.b64decode(resource["ciphertext"], validate=True)
        associated = (resource.get("associated_data") or "").encode()
        return AESGCM(key).decrypt(resource["nonce"].encode(), sealed, associated)
    except (InvalidTag, binascii.Error, KeyError, ValueError) as error:
        raise NotGenuine(_("加密内容无法解开：密钥不对或内容被改过。")) from error


def _certificate(serial: str) -> x509.Certificate | None:
    """The platform's certificate by serial; a serial never seen is asked for once, and kept for the process."""
    own = keys.certificate("wechat-platform.pem")
    if serial and serial.upper() == keys.serial_of(own):
        return own
    if serial.upper() not in _platform:
        _fetch_certificates(own)
    return _platform.get(serial.upper())


def _fetch_certificates(own: x509.Certificate) -> None:
    """New certificates are believed when the one on file, or one of them sealed for us, signed the answer."""
    target = "/v3/certificates"
    response = send("GET", _url(target), headers=_headers("GET", target, ""))
    if response.status_code != 200:
        return
    fresh: dict[str, x509.Certificate] = {}
    for one in response.json().get("data", []):
        pem = unseal(one["encrypt_certificate"], keys.secret("wechat-apiv3.key"))
        found = x509.load_pem_x509_certificate(pem)
        fresh[keys.serial_of(found)] = found
    signer = {keys.serial_of(own): own, **fresh}.get(response.headers.get("Wechatpay-Serial", ""))
    message = "{}\n{}\n".format(response.headers.get("Wechatpay-Timestamp"), response.headers.get("Wechatpay-Nonce"))
    signature = response.headers.get("Wechatpay-Signature", "")
    if signer and keys.is_signed(keys.rsa_key_of(signer), message.encode() + response.content + b"\n", signature):
        _platform.update(fresh)


def _headers(method: str, target: str, body: str) -> dict[str, str]:
    return {
        "Authorization": authorization(method, target, body),
        "Accept": "application/json",
        "Content-Type": "application/json",
        "User-Agent": "Yici-Pay/1",
    }


def _call(method: str, target: str, body: dict[str, Any] | None = None, missing: tuple[str, ...] = ()) -> Any:
    """One call; the answer's JSON, None for an error code in `missing`. Raises `Unavailable`, `Refused`."""
    text = "" if body is None else json.dumps(body, ensure_ascii=False)
    response = send(method, _url(target), content=text.encode(), headers=_headers(method, target, text))
    if response.status_code == 204:
        return {}
    if response.status_code == 200:
        try:
            verify(response.headers, response.content)
            return response.json()
        except (NotGenuine, ValueError) as error:
            raise Unavailable(_("微信支付的应答验签失败，结果未知，稍后再查。")) from error
    code, message = _error_of(response)
    if code in missing:
        return None
    if response.status_code == 429 or code in ("SYSTEM_ERROR", "FREQUENCY_LIMITED", "FREQUENCY_LIMIT_EXCEED"):
        raise Unavailable(_("微信支付繁忙：%(code)s") % {"code": code})
    raise refused(code, message)


def _error_of(response: httpx.Response) -> tuple[str, str]:
    try:
        document = response.json()
        return str(document.get("code", "")), str(document.get("message", ""))
    except ValueError:
        return f"HTTP_{response.status_code}", ""


def _paid(document: Mapping[str, Any]) -> Paid:
    amount = document["amount"]
    if amount.get("currency", "CNY") != "CNY":
        raise NotGenuine(_("币种不是人民币。"))
    moment = dt.datetime.fromisoformat(str(document["success_time"]))
    return Paid(str(document["transaction_id"]), str(document["out_trade_no"]), int(amount["total"]), moment)


def _refunded(document: Mapping[str, Any]) -> Refunded:
    states: dict[str, Any] = {"SUCCESS": "done", "PROCESSING": "pending", "ABNORMAL": "failed", "CLOSED": "failed"}
    state = states.get(str(document.get("status")), "pending")
    moment = document.get("success_time")
    return Refunded(
        state,
        str(document.get("refund_id", "")),
        dt.datetime.fromisoformat(str(moment)) if moment else None,
        str(document.get("status", "")),
    )


def _merchant(name: str) -> str:
    return str(settings.PAY_MERCHANTS["wechat"][name])


def _url(target: str) -> str:
    return settings.PAY_ENDPOINTS["wechat"].rstrip("/") + target
