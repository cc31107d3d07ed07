"""WeChat Pay's side of API v3: checks the merchant's signature, signs every answer and callback, seals what it tells."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import sqlite3
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from yici.platform.pay.providers import keys
from yici.platform.pay.providers.money import yuan
from yici.platform.pay.sandbox.notifying import Letter
from yici.platform.pay.sandbox.shop import Answer, Keys, Shop

COLUMNS = [
    "交易时间",
    "公众账号ID",
    "商户号",
    "特约商户号",
    "设备号",
    "微信订单号",
    "商户订单号",
    "用户标识",
    "交易类型",
    "交易状态",
    "付款银行",
    "货币种类",
    "应结订单金额",
    "代金券金额",
    "微信退款单号",
    "商户退款单号",
    "退款金额",
    "充值券退款金额",
    "退款类型",
    "退款状态",
    "商品名称",
    "商户数据包",
    "手续费",
    "费率",
    "订单金额",
    "申请退款金额",
    "费率备注",
]
SUMMARY = [
    "总交易单数",
    "应结订单总金额",
    "退款总金额",
    "充值券退款总金额",
    "手续费总金额",
    "订单总金额",
    "申请退款总金额",
]
_AUTHORIZATION = re.compile(r'(\w+)="([^"]*)"')


class Wechat:
    """Routes of one merchant. `serve` answers a request; `told` makes the callback of a trade."""

    def __init__(self, shop: Shop, keys_: Keys, mchid: str, appid: str) -> None:
        self.shop, self.keys, self.mchid, self.appid = shop, keys_, mchid, appid
        self._bills: dict[str, bytes] = {}

    def serve(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        if problem := self._refusal(method, target, headers, body):
            return self._signed(401, {"code": "SIGN_ERROR", "message": problem})
        path = urlsplit(target).path
        query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        document = json.loads(body) if body else {}
        if path in ("/v3/pay/transactions/native", "/v3/pay/transactions/h5") and method == "POST":
            return self._create(path.rpartition("/")[2], document)
        if found := re.fullmatch(r"/v3/pay/transactions/out-trade-no/(\w+)(/close)?", path):
            return self._close(found[1]) if found[2] else self._query(found[1])
        if path == "/v3/refund/domestic/refunds" and method == "POST":
            return self._refund(document)
        if found := re.fullmatch(r"/v3/refund/domestic/refunds/(\w+)", path):
            refund = self.shop.book.refund_by("wechat", found[1])
            return self._signed(200, self._refund_document(refund)) if refund else self._missing("退款单不存在")
        if path == "/v3/bill/tradebill":
            return self._bill_address(query["bill_date"])
        if path == "/v3/billdownload/file":
            return Answer(200, self._bills[query["token"]], {"Content-Type": "text/plain"})
        if path == "/v3/certificates":
            return self._certificates()
        return self._missing("没有这个接口", "NOT_FOUND")

    def _refusal(self, method: str, target: str, headers: dict[str, str], body: bytes) -> str:
        scheme, _blank, rest = headers.get("authorization", "").partition(" ")
        given = dict(_AUTHORIZATION.findall(rest))
        if scheme != "WECHATPAY2-SHA256-RSA2048" or given.get("mchid") != self.mchid:
            return "认证类型或商户号错误"
        if given.get("serial_no") != keys.serial_of(self.keys.wechat_merchant):
            return "证书序列号错误"
        if abs(self.shop.book.now().timestamp() - int(given.get("timestamp") or 0)) > 300:
            return "时间戳超出五分钟"
        message = f"{method}\n{target}\n{given['timestamp']}\n{given['nonce_str']}\n".encode() + body + b"\n"
        genuine = keys.is_signed(keys.rsa_key_of(self.keys.wechat_merchant), message, given.get("signature", ""))
        return "" if genuine else "签名错误"

    def _create(self, kind: str, document: dict[str, Any]) -> Answer:
        total = document["amount"]["total"]
        if document["amount"].get("currency", "CNY") != "CNY" or not isinstance(total, int) or not 0 < total <= 10**10:
            return self._signed(400, {"code": "PARAM_ERROR", "message": "金额或币种错误"})
        known = self.shop.book.trade("wechat", document["out_trade_no"])
        if known and (known["state"] != "open" or known["fen"] != total):
            code = "ORDERPAID" if known["state"] == "paid" else "OUT_TRADE_NO_USED"
            return self._signed(400, {"code": code, "message": "商户订单号重复"})
        trade = self.shop.book.open(
            "wechat", document["out_trade_no"], total, document["description"], document["notify_url"], {"type": kind}
        )
        field = {
            "native": ("code_url", f"weixin://wxpay/bizpayurl?pr={trade['code']}"),
            "h5": ("h5_url", self.shop.page(trade)),
        }[kind]
        self.shop.before_answer("wechat.create", trade)
        return self._signed(200, {field[0]: field[1]}, call="wechat.create")

    def _query(self, number: str) -> Answer:
        trade = self.shop.book.trade("wechat", number)
        if trade is None:
            return self._signed(404, {"code": "ORDER_NOT_EXIST", "message": "订单不存在"})
        return self._signed(200, self._trade_document(trade), call="wechat.query")

    def _close(self, number: str) -> Answer:
        state = self.shop.book.close("wechat", number)
        if state == "paid":
            return self._signed(400, {"code": "ORDERPAID", "message": "订单已支付"})
        return Answer(204, b"", {})

    def _refund(self, document: dict[str, Any]) -> Answer:
        trade = (
            self.shop.book.trade_by("trade_no", document["transaction_id"])
            if "transaction_id" in document
            else self.shop.book.trade("wechat", document["out_trade_no"])
        )
        if trade is None or trade["state"] != "paid":
            return self._missing("订单不存在或未支付")
        extra = {"url": document.get("notify_url") or ""}
        refund = self.shop.book.refund(trade, document["out_refund_no"], document["amount"]["refund"], extra)
        if refund is None:
            return self._signed(403, {"code": "NOT_ENOUGH", "message": "可退金额不足"})
        self.shop.refunded(refund)
        return self._signed(200, self._refund_document(refund), call="wechat.refund")

    def _refund_document(self, refund: sqlite3.Row) -> dict[str, Any]:
        trade = self.shop.book.trade_by("trade_no", refund["trade_no"])
        assert trade is not None
        return {
            "refund_id": refund["refund_no"], "out_refund_no": refund["number"], "transaction_id": refund["trade_no"],
            "out_trade_no": refund["payment_number"], "channel": "ORIGINAL", "user_received_account": "招商银行信用卡0403",
            "success_time": refund["at"], "create_time": refund["at"], "status": "SUCCESS",
            "amount": {"total": trade["fen"], "refund": refund["fen"], "payer_refund": refund["fen"], "currency": "CNY"},
        }  # fmt: skip

    def _trade_document(self, trade: sqlite3.Row) -> dict[str, Any]:
        state = {"open": "NOTPAY", "closed": "CLOSED"}.get(trade["state"], "SUCCESS")
        if trade["state"] == "paid" and self.shop.book.refunds_of(trade["trade_no"]):
            state = "REFUND"
        document = {
            "mchid": self.mchid, "appid": self.appid, "out_trade_no": trade["number"], "trade_state": state,
            "trade_state_desc": state, "amount": {"total": trade["fen"], "payer_total": trade["fen"], "currency": "CNY"},
        }  # fmt: skip
        if trade["state"] == "paid":
            document |= {
                "transaction_id": trade["trade_no"], "success_time": trade["paid"], "trade_type": "NATIVE",
                "bank_type": "OTHERS", "payer": {"openid": "sandbox-payer"},
            }  # fmt: skip
        return document

    def letter(self, trade: sqlite3.Row) -> Letter:
        """The callback of a paid trade."""
        return Letter(
            trade["notify_url"],
            lambda: self._sealed("TRANSACTION.SUCCESS", "transaction", self._trade_document(trade)),
            _taken,
        )

    def refund_letter(self, refund: sqlite3.Row) -> Letter:
        """The callback of a refund."""
        document = {**self._refund_document(refund), "mchid": self.mchid, "refund_status": "SUCCESS"}
        return Letter(
            json.loads(refund["extra"]).get("url", ""),
            lambda: self._sealed("REFUND.SUCCESS", "refund", document),
            _taken,
        )

    def _sealed(self, event: str, kind: str, content: dict[str, Any]) -> tuple[dict[str, str], bytes]:
        nonce = secrets.token_hex(6)
        sealed = AESGCM(self.keys.wechat_apiv3).encrypt(nonce.encode(), json.dumps(content).encode(), kind.encode())
        document = {
            "id": secrets.token_hex(16), "create_time": self.shop.book.now().isoformat(), "resource_type": "encrypt-resource",
            "event_type": event, "summary": "支付成功" if kind == "transaction" else "退款成功",
            "resource": {"original_type": kind, "algorithm": "AEAD_AES_256_GCM", "associated_data": kind, "nonce": nonce,
                         "ciphertext": base64.b64encode(sealed).decode()},
        }  # fmt: skip
        body = json.dumps(document, ensure_ascii=False).encode()
        return {"Content-Type": "application/json", **self._signature(body)}, body

    def _signature(self, body: bytes) -> dict[str, str]:
        moment, nonce = str(int(self.shop.book.now().timestamp())), secrets.token_hex(16)
        signature = keys.sign(self.keys.wechat_platform_key, f"{moment}\n{nonce}\n".encode() + body + b"\n")
        return {
            "Wechatpay-Timestamp": moment,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": signature,
            "Wechatpay-Serial": keys.serial_of(self.keys.wechat_platform),
            "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
        }

    def _signed(self, status: int, document: dict[str, Any], call: str = "") -> Answer:
        body = json.dumps(document, ensure_ascii=False).encode()
        return Answer(status, body, {"Content-Type": "application/json; charset=utf-8", **self._signature(body)}, call)

    def _missing(self, message: str, code: str = "RESOURCE_NOT_EXISTS") -> Answer:
        return self._signed(404, {"code": code, "message": message})

    def _certificates(self) -> Answer:
        nonce, pem = secrets.token_hex(6), self.keys.wechat_platform_pem
        sealed = AESGCM(self.keys.wechat_apiv3).encrypt(nonce.encode(), pem, b"certificate")
        one = self.keys.wechat_platform
        return self._signed(200, {"data": [{
            "serial_no": keys.serial_of(one), "effective_time": one.not_valid_before_utc.isoformat(),
            "expire_time": one.not_valid_after_utc.isoformat(),
            "encrypt_certificate": {"algorithm": "AEAD_AES_256_GCM", "nonce": nonce, "associated_data": "certificate",
                                    "ciphertext": base64.b64encode(sealed).decode()},
        }]})  # fmt: skip

    def _bill_address(self, day: str) -> Answer:
        content = self.bill(day)
        if not content:
            return self._signed(400, {"code": "NO_STATEMENT_EXIST", "message": "账单文件不存在"})
        digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        token = secrets.token_urlsafe(12)
        self._bills[token] = content
        address = f"{self.shop.base}/v3/billdownload/file?token={token}"
        return self._signed(200, {"hash_type": "SHA1", "hash_value": digest, "download_url": address})

    def bill(self, day: str) -> bytes:
        """The trade bill of a day: back-ticked CSV with two summary lines; empty where nothing was traded."""
        listed = self.shop.traded("wechat", day)
        if not listed:
            return b""
        lines = [self._line(trade, refund) for trade, refund in listed]
        back = [refund["fen"] for _trade, refund in listed if refund]
        paid = [trade["fen"] for trade, refund in listed if not refund]
        total, gone = sum(paid), sum(back)
        kept = sum(map(self.shop.book.fee, paid)) - sum(map(self.shop.book.fee, back))
        summary = [str(len(lines)), yuan(total), yuan(gone), "0.00", _fee(kept), yuan(total), yuan(gone)]
        text = [",".join(COLUMNS), *map(_ticked, lines), ",".join(SUMMARY), _ticked(summary)]
        return self.shop.spoiled_bill("wechat", ("\ufeff" + "\r\n".join(text) + "\r\n").encode())

    def _line(self, trade: sqlite3.Row, refund: sqlite3.Row | None) -> list[str]:
        values = dict.fromkeys(COLUMNS, "")
        kept = -self.shop.book.fee(refund["fen"]) if refund else self.shop.book.fee(trade["fen"])
        values |= {
            "交易时间": (refund["at"] if refund else trade["paid"])[:19].replace("T", " "), "公众账号ID": self.appid,
            "商户号": self.mchid, "特约商户号": "0", "微信订单号": trade["trade_no"], "商户订单号": trade["number"],
            "用户标识": "sandbox-payer", "交易类型": "NATIVE", "交易状态": "REFUND" if refund else "SUCCESS",
            "付款银行": "OTHERS", "货币种类": "CNY", "应结订单金额": "0.00" if refund else yuan(trade["fen"]), "代金券金额": "0.00",
            "微信退款单号": refund["refund_no"] if refund else "0", "商户退款单号": refund["number"] if refund else "0",
            "退款金额": yuan(refund["fen"]) if refund else "0.00", "充值券退款金额": "0.00", "退款类型": "ORIGINAL" if refund else "",
            "退款状态": "SUCCESS" if refund else "", "商品名称": trade["title"].replace(",", " "), "手续费": _fee(kept), "费率": f"{self.shop.book.fee_rate / 100:.2f}%",
            "订单金额": "0.00" if refund else yuan(trade["fen"]), "申请退款金额": yuan(refund["fen"]) if refund else "0.00",
        }  # fmt: skip
        return [str(values[name]) for name in COLUMNS]


def _fee(fen: int) -> str:
    """Five places, as on WeChat's bills."""
    return f"{'-' if fen < 0 else ''}{yuan(abs(fen))}000"


def _ticked(values: list[str]) -> str:
    return ",".join(f"`{value}" for value in values)


def _taken(answer: httpx.Response) -> bool:
    return answer.status_code in (200, 204)
