"""Alipay's side: the gateway, its callbacks, and the trade bill in GBK within a ZIP."""

from __future__ import annotations

import io
import json
import secrets
import sqlite3
import zipfile
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx

from yici.platform.pay.providers import keys
from yici.platform.pay.providers.money import yuan
from yici.platform.pay.sandbox.notifying import Letter
from yici.platform.pay.sandbox.shop import Answer, Keys, Shop

COLUMNS = [
    "支付宝交易号",
    "商户订单号",
    "业务类型",
    "商品名称",
    "创建时间",
    "完成时间",
    "门店编号",
    "门店名称",
    "操作员",
    "终端号",
    "对方账户",
    "订单金额（元）",
    "商家实收（元）",
    "支付宝红包（元）",
    "集分宝（元）",
    "支付宝优惠（元）",
    "商家优惠（元）",
    "券核销金额（元）",
    "券名称",
    "商家红包消费金额（元）",
    "卡消费金额（元）",
    "退款批次号/请求号",
    "服务费（元）",
    "分润（元）",
    "备注",
]


def joined(fields: dict[str, str], *, without: tuple[str, ...]) -> bytes:
    return "&".join(
        f"{name}={value}" for name, value in sorted(fields.items()) if value and name not in without
    ).encode()


def cents(text: str) -> int:
    whole, _dot, fraction = text.partition(".")
    return int(whole) * 100 + int((fraction + "00")[:2])


class Alipay:
    """The gateway of one application."""

    def __init__(self, shop: Shop, held: Keys, app_id: str) -> None:
        self.shop, self.keys, self.app_id = shop, held, app_id
        self._bills: dict[str, bytes] = {}

    def serve(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        path, _mark, query = target.partition("?")
        if path == "/alipay/bill":
            return Answer(200, self._bills[dict(parse_qsl(query))["token"]], {"Content-Type": "application/zip"})
        fields = dict(parse_qsl(query)) | dict(parse_qsl(body.decode()))
        name = fields.get("method", "").replace(".", "_") + "_response"
        if not self._genuine(fields):
            return self._answer(
                "error_response", {"code": "40002", "msg": "Invalid Arguments", "sub_code": "isv.invalid-signature"}
            )
        content = json.loads(fields["biz_content"])
        act = {
            "alipay.trade.precreate": self._create,
            "alipay.trade.query": self._query,
            "alipay.trade.close": self._close,
            "alipay.trade.refund": self._refund,
            "alipay.trade.fastpay.refund.query": self._refund_query,
            "alipay.data.dataservice.bill.downloadurl.query": self._bill_address,
        }.get(fields["method"])
        if fields["method"] == "alipay.trade.wap.pay":
            trade = self._open(content, fields)
            return Answer(302, b"", {"Location": self.shop.page(trade)}) if trade else Answer(400, b"")
        if act is None:
            return self._answer(name, {"code": "40004", "msg": "Business Failed", "sub_code": "isv.invalid-method"})
        document = act(content, fields)
        return self._answer(
            name,
            document,
            f"alipay.{ {'_create': 'create', '_refund': 'refund', '_query': 'query'}.get(act.__name__, 'other') }",
        )

    def _genuine(self, fields: dict[str, str]) -> bool:
        # Requests leave only the signature itself out; peers send sign_type within what they sign.
        message = joined(fields, without=("sign",))
        return fields.get("app_id") == self.app_id and keys.is_signed(
            self.keys.alipay_merchant, message, fields.get("sign", "")
        )

    def _open(self, content: dict[str, Any], fields: dict[str, str]) -> sqlite3.Row | None:
        fen = cents(str(content["total_amount"]))
        known = self.shop.book.trade("alipay", content["out_trade_no"])
        if fen <= 0 or (known and (known["state"] != "open" or known["fen"] != fen)):
            return None
        return self.shop.book.open(
            "alipay", content["out_trade_no"], fen, content["subject"], fields.get("notify_url", ""), {}
        )

    def _create(self, content: dict[str, Any], fields: dict[str, str]) -> dict[str, Any]:
        trade = self._open(content, fields)
        if trade is None:
            return _failed("ACQ.INVALID_PARAMETER")
        self.shop.before_answer("alipay.create", trade)
        return {"code": "10000", "msg": "Success", "out_trade_no": trade["number"], "qr_code": self.shop.page(trade)}

    def _find(self, content: dict[str, Any]) -> sqlite3.Row | None:
        if content.get("trade_no"):
            return self.shop.book.trade_by("trade_no", content["trade_no"])
        return self.shop.book.trade("alipay", content["out_trade_no"])

    def _query(self, content: dict[str, Any], fields: dict[str, str]) -> dict[str, Any]:
        trade = self._find(content)
        if trade is None or (trade["state"] == "open" and not trade["trade_no"]):
            return _failed("ACQ.TRADE_NOT_EXIST")
        document = {
            "code": "10000", "msg": "Success", "trade_no": trade["trade_no"] or "", "out_trade_no": trade["number"],
            "trade_status": self._status(trade), "total_amount": yuan(trade["fen"]), "buyer_logon_id": "158****1562",
        }  # fmt: skip
        return document | ({"send_pay_date": _time(trade["paid"])} if trade["paid"] else {})

    def _status(self, trade: sqlite3.Row) -> str:
        if trade["state"] != "paid":
            return "TRADE_CLOSED" if trade["state"] == "closed" else "WAIT_BUYER_PAY"
        return "TRADE_CLOSED" if self.shop.book.refunds_of(trade["trade_no"]) == trade["fen"] else "TRADE_SUCCESS"

    def _close(self, content: dict[str, Any], fields: dict[str, str]) -> dict[str, Any]:
        state = self.shop.book.close("alipay", content["out_trade_no"])
        if state == "paid":
            return _failed("ACQ.TRADE_STATUS_ERROR")
        return {"code": "10000", "msg": "Success"} if state else _failed("ACQ.TRADE_NOT_EXIST")

    def _refund(self, content: dict[str, Any], fields: dict[str, str]) -> dict[str, Any]:
        trade = self._find(content)
        if trade is None or trade["state"] != "paid":
            return _failed("ACQ.TRADE_NOT_EXIST")
        known = self.shop.book.refund_by("alipay", content["out_request_no"])
        refund = self.shop.book.refund(trade, content["out_request_no"], cents(str(content["refund_amount"])))
        if refund is None:
            return _failed("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
        if not known:
            self.shop.refunded(refund)
        return {
            "code": "10000", "msg": "Success", "trade_no": trade["trade_no"], "out_trade_no": trade["number"],
            "fund_change": "N" if known else "Y", "refund_fee": yuan(self.shop.book.refunds_of(trade["trade_no"])),
        }  # fmt: skip

    def _refund_query(self, content: dict[str, Any], fields: dict[str, str]) -> dict[str, Any]:
        refund = self.shop.book.refund_by("alipay", content["out_request_no"])
        if refund is None:
            return {"code": "10000", "msg": "Success"}
        return {
            "code": "10000", "msg": "Success", "refund_status": "REFUND_SUCCESS", "refund_amount": yuan(refund["fen"]),
            "out_request_no": refund["number"], "trade_no": refund["trade_no"], "gmt_refund_pay": _time(refund["at"]),
        }  # fmt: skip

    def _answer(self, name: str, document: dict[str, Any], call: str = "") -> Answer:
        plain = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        body = f'{{"{name}":{plain},"sign":"{keys.sign(self.keys.alipay_key, plain.encode())}"}}'
        return Answer(200, body.encode(), {"Content-Type": "text/html;charset=utf-8"}, call)

    def letter(self, trade: sqlite3.Row) -> Letter:
        """The callback of a paid trade: a form, signed without `sign` and `sign_type`."""
        return self._letter(trade, {})

    def refund_letter(self, refund: sqlite3.Row) -> Letter:
        """The callback of a refund: the trade's own once more, with what went back so far and our number of the refund."""
        trade = self.shop.book.trade_by("trade_no", refund["trade_no"])
        assert trade is not None
        back = {
            "refund_fee": yuan(self.shop.book.refunds_of(refund["trade_no"])), "gmt_refund": f"{_time(refund['at'])}.000",
            "out_biz_no": refund["number"], "trade_status": self._status(trade),
        }  # fmt: skip
        return self._letter(trade, back)

    def _letter(self, trade: sqlite3.Row, more: dict[str, str]) -> Letter:
        def write() -> tuple[dict[str, str], bytes]:
            fields = {
                "notify_time": _time(self.shop.book.now().isoformat()), "notify_type": "trade_status_sync",
                "notify_id": secrets.token_hex(16), "app_id": self.app_id, "charset": "utf-8", "version": "1.0",
                "trade_no": trade["trade_no"], "out_trade_no": trade["number"], "trade_status": "TRADE_SUCCESS",
                "total_amount": yuan(trade["fen"]), "receipt_amount": yuan(trade["fen"]), "subject": trade["title"],
                "gmt_payment": _time(trade["paid"]), **more,
            }  # fmt: skip
            signature = keys.sign(self.keys.alipay_key, joined(fields, without=()))
            body = urlencode({**fields, "sign": signature, "sign_type": "RSA2"}).encode()
            return {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, body

        return Letter(trade["notify_url"], write, _taken)

    def _bill_address(self, content: dict[str, Any], fields: dict[str, str]) -> dict[str, Any]:
        archive = self.bill(content["bill_date"])
        if not archive:
            return _failed("isp.bill_not_exist")
        token = secrets.token_urlsafe(12)
        self._bills[token] = archive
        return {"code": "10000", "msg": "Success", "bill_download_url": f"{self.shop.base}/alipay/bill?token={token}"}

    def bill(self, day: str) -> bytes:
        """Detail and summary of a day, GBK, zipped; empty where nothing was traded."""
        listed = self.shop.traded("alipay", day)
        if not listed:
            return b""
        lines = [self._line(trade, refund) for trade, refund in listed]
        back = [refund["fen"] for _trade, refund in listed if refund]
        paid = [trade["fen"] for trade, refund in listed if not refund]
        total, gone = sum(paid), sum(back)
        if self.shop.book.fault("alipay.bill.sum").mode:
            total += 1
        head = [
            "#支付宝业务明细查询", f"#账号：[{self.app_id}]", f"#起始日期：[{day} 00:00:00]   终止日期：[{day} 23:59:59]",
            "#-----------------------------------------业务明细列表----------------------------------------",
        ]  # fmt: skip
        foot = [
            "#-----------------------------------------业务明细列表结束------------------------------------",
            f"#交易合计：{len(paid)}笔，订单金额共{yuan(total)}元，商家实收共{yuan(total)}元",
            f"#退款合计：{len(back)}笔，订单金额共-{yuan(gone)}元，商家实收共-{yuan(gone)}元",
            f"#导出时间：[{_time(self.shop.book.now().isoformat())}]",
        ]  # fmt: skip
        detail = "\r\n".join([*head, ",".join(COLUMNS), *lines, *foot]) + "\r\n"
        summary = f"#支付宝业务汇总查询\r\n#账号：[{self.app_id}]\r\n合计,{len(paid)},{len(back)},{yuan(total)},{yuan(gone)}\r\n"
        out = io.BytesIO()
        stem = f"{self.app_id}_{day.replace('-', '')}"
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            # Names within the archive are GBK as Alipay's are: written byte for byte as cp437, which marks nothing.
            for name, text in ((f"{stem}_业务明细.csv", detail), (f"{stem}_业务明细(汇总).csv", summary)):
                archive.writestr(name.encode("gbk").decode("cp437"), text.encode("gbk"))
        return self.shop.spoiled_bill("alipay", out.getvalue())

    def _line(self, trade: sqlite3.Row, refund: sqlite3.Row | None) -> str:
        sign = "-" if refund else ""
        amount = f"{sign}{yuan(refund['fen'] if refund else trade['fen'])}"
        kept = yuan(self.shop.book.fee(refund["fen"] if refund else trade["fen"]))
        values = dict.fromkeys(COLUMNS, "")
        values |= {
            "支付宝交易号": trade["trade_no"], "商户订单号": trade["number"], "业务类型": "退款" if refund else "交易",
            "商品名称": trade["title"].replace(",", " ").replace('"', ""), "创建时间": _time(trade["created"]),
            "完成时间": _time(refund["at"] if refund else trade["paid"]), "对方账户": "*晓东(158****1562)",
            "订单金额（元）": amount, "商家实收（元）": amount, "退款批次号/请求号": refund["number"] if refund else "",
            "服务费（元）": kept if refund or kept == "0.00" else f"-{kept}", "分润（元）": "0.00",
        }  # fmt: skip
        return ",".join(f"{values[name]}\t" for name in COLUMNS)


def _failed(code: str) -> dict[str, Any]:
    return {"code": "40004", "msg": "Business Failed", "sub_code": code, "sub_msg": code}


def _time(moment: str) -> str:
    return moment[:19].replace("T", " ")


def _taken(answer: httpx.Response) -> bool:
    return answer.text.strip() == "success"
