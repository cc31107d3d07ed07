"""UnionPay's side: back-channel messages, their callbacks, and the detail file of fixed columns within a ZIP."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import io
import json
import sqlite3
import zipfile
import zlib
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx

from yici.platform.pay.providers import keys
from yici.platform.pay.providers.unionpay import PAYMENT_CODE, REFUND_CODE, WIDTHS
from yici.platform.pay.sandbox.notifying import Letter
from yici.platform.pay.sandbox.shop import Answer, Keys, Shop


def digest(fields: dict[str, str]) -> bytes:
    text = "&".join(f"{name}={value}" for name, value in sorted(fields.items()) if value and name != "signature")
    return hashlib.sha256(text.encode()).hexdigest().encode()


class Unionpay:
    """The platform as one merchant sees it."""

    def __init__(self, shop: Shop, held: Keys, merchant: str) -> None:
        self.shop, self.keys, self.merchant = shop, held, merchant

    def serve(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
        common = {
            name: fields.get(name, "")
            for name in ("version", "encoding", "bizType", "txnType", "txnSubType", "merId", "orderId", "txnTime")
        }
        certificate = self.keys.unionpay_merchant
        genuine = keys.is_signed(keys.rsa_key_of(certificate), digest(fields), fields.get("signature", ""))
        if (
            not genuine
            or fields.get("merId") != self.merchant
            or fields.get("certId") != str(certificate.serial_number)
        ):
            return self._signed({**common, "respCode": "11", "respMsg": "验证签名失败"})
        act = target.partition("?")[0].rpartition("/")[2]
        if act == "backTransReq.do" and fields["txnType"] == "01":
            return self._signed({**common, **self._create(fields)}, "unionpay.create")
        if act == "backTransReq.do" and fields["txnType"] == "04":
            return self._signed({**common, **self._refund(fields)}, "unionpay.refund")
        if act == "queryTrans.do":
            return self._signed({**common, **self._query(fields)}, "unionpay.query")
        if act == "fileTransfer.do":
            return self._signed({**common, **self._file(fields)})
        return self._signed({**common, "respCode": "12", "respMsg": "重复交易或不支持"})

    def _create(self, fields: dict[str, str]) -> dict[str, str]:
        amount = fields.get("txnAmt", "")
        if not amount.isdigit() or int(amount) == 0 or fields.get("currencyCode") != "156":
            return {"respCode": "10", "respMsg": "报文格式错误"}
        extra = {"txnTime": fields["txnTime"], "payTimeout": fields.get("payTimeout", "")}
        known = self.shop.book.trade("unionpay", fields["orderId"])
        if known and (known["state"] != "open" or known["fen"] != int(amount)):
            return {"respCode": "12", "respMsg": "重复交易"}
        trade = self.shop.book.open(
            "unionpay", fields["orderId"], int(amount), fields.get("orderDesc", ""), fields.get("backUrl", ""), extra
        )
        self.shop.before_answer("unionpay.create", trade)
        return {"respCode": "00", "respMsg": "成功", "qrCode": self.shop.page(trade), "txnAmt": amount}

    def _refund(self, fields: dict[str, str]) -> dict[str, str]:
        trade = self.shop.book.trade_by("trade_no", fields.get("origQryId", ""))
        if trade is None or trade["state"] != "paid":
            return {"respCode": NOT_FOUND, "respMsg": "查无此交易"}
        extra = {"txnTime": fields["txnTime"], "url": fields.get("backUrl", "")}
        refund = self.shop.book.refund(trade, fields["orderId"], int(fields["txnAmt"]), extra)
        if refund is None:
            return {"respCode": "36", "respMsg": "交易金额超限"}
        self.shop.refunded(refund)
        return {"respCode": "00", "respMsg": "成功", "queryId": refund["refund_no"]}

    def _query(self, fields: dict[str, str]) -> dict[str, str]:
        trade = self.shop.book.trade("unionpay", fields["orderId"])
        refund = self.shop.book.refund_by("unionpay", fields["orderId"])
        if trade is None and refund is None:
            return {"respCode": NOT_FOUND, "respMsg": "查无此交易"}
        if refund is not None:
            return {"respCode": "00", "origRespCode": "00", "queryId": refund["refund_no"], "txnAmt": str(refund["fen"]),
                    "traceTime": _compact(refund["at"])[4:], "settleDate": _settled(refund["at"])}  # fmt: skip
        assert trade is not None
        if trade["state"] == "paid":
            return {"respCode": "00", "origRespCode": "00", **self._trade_fields(trade)}
        return {
            "respCode": "00",
            "origRespCode": "05" if trade["state"] == "open" else "42",
            "txnAmt": str(trade["fen"]),
        }

    def _trade_fields(self, trade: sqlite3.Row) -> dict[str, str]:
        return {
            "orderId": trade["number"], "queryId": trade["trade_no"], "txnAmt": str(trade["fen"]), "currencyCode": "156",
            "traceTime": _compact(trade["paid"])[4:], "settleDate": _settled(trade["paid"]), "settleAmt": str(trade["fen"]),
        }  # fmt: skip

    def _refund_fields(self, refund: sqlite3.Row) -> dict[str, str]:
        return {
            "txnType": "04", "txnSubType": "00", "orderId": refund["number"], "queryId": refund["refund_no"],
            "txnAmt": str(refund["fen"]), "currencyCode": "156", "txnTime": _compact(refund["at"]), "traceTime": _compact(refund["at"])[4:],
            "settleDate": _settled(refund["at"]), "origQryId": refund["trade_no"],
        }  # fmt: skip

    def letter(self, trade: sqlite3.Row) -> Letter:
        """The callback of a paid order."""
        fields = {
            "txnType": "01",
            "txnSubType": "07",
            "txnTime": json.loads(trade["extra"])["txnTime"],
            **self._trade_fields(trade),
        }
        return self._letter(trade["notify_url"], fields)

    def refund_letter(self, refund: sqlite3.Row) -> Letter:
        """The callback of a refund."""
        return self._letter(json.loads(refund["extra"]).get("url", ""), self._refund_fields(refund))

    def _letter(self, url: str, fields: dict[str, str]) -> Letter:
        def write() -> tuple[dict[str, str], bytes]:
            whole = self._complete({**fields, "merId": self.merchant, "respCode": "00", "respMsg": "成功"})
            return {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}, urlencode(whole).encode()

        return Letter(url, write, _taken)

    def _complete(self, fields: dict[str, Any]) -> dict[str, str]:
        whole = {
            "version": "5.1.0", "encoding": "UTF-8", "signMethod": "01", "bizType": "000000", "accessType": "0",
            **{name: str(value) for name, value in fields.items()}, "signPubKeyCert": self.keys.unionpay_signer_pem,
        }  # fmt: skip
        return {**whole, "signature": keys.sign(self.keys.unionpay_key, digest(whole))}

    def _signed(self, fields: dict[str, Any], call: str = "") -> Answer:
        body = "&".join(f"{name}={value}" for name, value in self._complete(fields).items())
        return Answer(200, body.encode(), {"Content-Type": "text/html;charset=UTF-8"}, call)

    def _file(self, fields: dict[str, str]) -> dict[str, str]:
        now = self.shop.book.now().date()
        asked = dt.date(now.year, int(fields["settleDate"][:2]), int(fields["settleDate"][2:]))
        day = (asked if asked <= now + dt.timedelta(days=1) else asked.replace(year=now.year - 1)).isoformat()
        content = self.bill(day)
        if not content:
            return {"respCode": "98", "respMsg": "文件不存在"}
        packed = base64.b64encode(zlib.compress(content)).decode()
        return {
            "respCode": "00",
            "respMsg": "成功",
            "fileName": f"{self.merchant}_{day.replace('-', '')}.zip",
            "fileContent": packed,
        }

    def bill(self, day: str) -> bytes:
        """A ZIP with one ZM_ file; empty where nothing was traded."""
        listed = self.shop.traded("unionpay", day)
        if not listed:
            return b""
        lines = [_line(self._row(trade, refund)) for trade, refund in listed]
        text = "".join(f"{line}\r\n" for line in lines).encode("gbk")
        if self.shop.book.fault("unionpay.bill.sum").mode:
            text = text.replace(b" C0", b" C1")  # settled more than the amount
        if self.shop.book.fault("unionpay.bill.line").mode:
            text = text[:-40]
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"INN{day.replace('-', '')[2:]}88ZM_{self.merchant}", text)
        return self.shop.spoiled_bill("unionpay", out.getvalue())

    def _row(self, trade: Any, refund: sqlite3.Row | None) -> dict[int, str]:
        own = refund or trade
        kind, at, number = (
            (REFUND_CODE, own["at"], own["refund_no"]) if refund else (PAYMENT_CODE, own["paid"], own["trade_no"])
        )
        kept, (fee_sign, net_sign) = self.shop.book.fee(own["fen"]), "CD" if refund else "DC"
        row = {
            0: kind, 4: _compact(at)[4:], 6: f"{own['fen']:012d}", 9: number, 11: own["number"], 15: f"{fee_sign}{kept:012d}",
            16: f"{net_sign}{own['fen'] - kept:012d}", 27: self.merchant,
        }  # fmt: skip
        return row | {26: refund["trade_no"]} if refund else row


NOT_FOUND = "34"


def _line(values: dict[int, str]) -> str:
    return " ".join(values.get(place, "").ljust(width)[:width] for place, width in enumerate(WIDTHS))


def _compact(moment: str) -> str:
    return "".join(sign for sign in moment[:19] if sign.isdigit())


def _settled(moment: str) -> str:
    """The accounting day, MMDD: from 23:00 it is the next one's."""
    return f"{dt.datetime.fromisoformat(moment) + dt.timedelta(hours=1):%m%d}"


def _taken(answer: httpx.Response) -> bool:
    return answer.status_code == 200
