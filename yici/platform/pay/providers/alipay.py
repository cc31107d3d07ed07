"""Alipay open platform (支付宝开放平台), RSA2 with public keys: precreate (扫码) and WAP orders, refunds, trade bills.

Requests and callbacks are forms signed over their sorted fields; an answer is signed over the exact text of its
`…_response` object. The bill is a ZIP of GBK CSV files: details between `#----业务明细列表----` lines, values beside tabs.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

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
from yici.platform.pay.providers.money import at, fee, fen, local, refused, send, whole, yuan

TIME = "%Y-%m-%d %H:%M:%S"
LARGEST_BILL = 512 * 1024 * 1024  # bytes unpacked
_STATES: dict[str, Any] = {
    "TRADE_SUCCESS": "paid",
    "TRADE_FINISHED": "paid",
    "WAIT_BUYER_PAY": "open",
    "TRADE_CLOSED": "closed",
}
_BUSY = ("20000", "ACQ.SYSTEM_ERROR", "aop.ACQ.SYSTEM_ERROR")


def create(wish: Wish) -> Opened:
    content = {
        "out_trade_no": wish.number,
        "total_amount": yuan(wish.fen),
        "subject": wish.title[:200],
        "time_expire": local(wish.expires_at, TIME),
    }
    notify = f"{settings.SITE_URL}/pay/notice/alipay/"
    if wish.is_phone:
        fields = signed("alipay.trade.wap.pay", {**content, "product_code": "QUICK_WAP_WAY"}, notify_url=notify)
        return Opened(link=f"{_gateway()}?{urlencode(fields)}")
    answer = _call("alipay.trade.precreate", content, notify_url=notify)
    return Opened(scan=str(answer["qr_code"]))


def query(number: str, created_at: dt.datetime) -> Standing:
    """A precreated trade is unknown to Alipay until somebody scans it: that is open here, until it expires."""
    answer = _call("alipay.trade.query", {"out_trade_no": number}, missing=("ACQ.TRADE_NOT_EXIST",))
    if answer is None:
        return Standing("open" if clock.now() - created_at < dt.timedelta(days=4) else "unknown")
    state = _STATES.get(str(answer.get("trade_status")), "closed")
    # A full refund closes the trade; it was paid all the same.
    if state == "closed" and answer.get("send_pay_date"):
        state = "paid"
    return Standing(state, _paid(answer, "send_pay_date") if state == "paid" else None)


def close(number: str) -> None:
    _call("alipay.trade.close", {"out_trade_no": number}, missing=("ACQ.TRADE_NOT_EXIST",))


def refund(wish: RefundWish) -> Refunded:
    answer = _call(
        "alipay.trade.refund",
        {
            "trade_no": wish.trade_no,
            "refund_amount": yuan(wish.fen),
            "out_request_no": wish.number,
            "refund_reason": wish.reason[:200],
        },
    )
    # `fund_change` N: this request number moved money before, or nothing moved; only a query tells which.
    return query_refund(wish) if answer.get("fund_change") != "Y" else Refunded("done", wish.number, clock.now())


def query_refund(wish: RefundWish) -> Refunded:
    answer = _call(
        "alipay.trade.fastpay.refund.query",
        {
            "trade_no": wish.trade_no,
            "out_request_no": wish.number,
            "query_options": ["gmt_refund_pay"],
        },
        missing=("ACQ.TRADE_NOT_EXIST",),
    )
    if answer is None or answer.get("refund_status") != "REFUND_SUCCESS":
        return Refunded("unknown")
    if fen(str(answer["refund_amount"])) != wish.fen:
        return Refunded("failed", detail=_("支付宝记录的退款金额不同"))
    moment = at(str(answer["gmt_refund_pay"]), TIME) if answer.get("gmt_refund_pay") else clock.now()
    return Refunded("done", wish.number, moment)


def bill(day: dt.date) -> bytes:
    """The day's trade bill: a ZIP. Raises `NoBill`."""
    answer = _call(
        "alipay.data.dataservice.bill.downloadurl.query",
        {"bill_type": "trade", "bill_date": day.isoformat()},
        missing=("isp.bill_not_exist",),
    )
    if answer is None:
        raise NoBill(_("支付宝没有 %(day)s 的账单。") % {"day": day})
    return send("GET", str(answer["bill_download_url"]), seconds=60).content


def read_bill(content: bytes) -> Iterator[Row]:
    """Rows of the detail file, after it was found to add up to the totals written under it. Raises `BillUnreadable`."""
    text = _detail_of(content)
    lines = text.splitlines()
    begins = next(
        (n for n, line in enumerate(lines) if line.startswith("#") and "业务明细列表-" in line and "结束" not in line),
        None,
    )
    ends = next((n for n, line in enumerate(lines) if line.startswith("#") and "业务明细列表结束" in line), None)
    if begins is None or ends is None or ends < begins + 1:
        raise BillUnreadable(_("账单不完整：没有业务明细列表的首尾标记。"))
    table = [[value.strip() for value in line] for line in csv.reader(lines[begins + 1 : ends])]
    if not table:
        raise BillUnreadable(_("账单不完整：缺少表头或汇总行。"))
    place = {name: index for index, name in enumerate(table[0])}
    needed = (
        "支付宝交易号",
        "商户订单号",
        "业务类型",
        "完成时间",
        "订单金额（元）",
        "退款批次号/请求号",
        "服务费（元）",
    )
    if missing := [name for name in needed if name not in place]:
        raise BillUnreadable(_("账单缺少列：%(names)s") % {"names": "、".join(missing)})
    rows = [_row(line, place) for line in table[1:] if any(line)]
    _check_totals("\n".join(lines[ends:]), rows)
    yield from rows


def _detail_of(content: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            details = [one for one in archive.infolist() if "汇总" not in _name(one) and one.filename.endswith(".csv")]
            if len(details) != 1 or details[0].file_size > LARGEST_BILL:
                raise BillUnreadable(_("账单压缩包里应只有一个业务明细文件。"))
            return archive.read(details[0]).decode("gb18030")
    except (zipfile.BadZipFile, UnicodeDecodeError, EOFError) as error:
        raise BillUnreadable(_("账单压缩包已损坏或被截断。")) from error


def _name(one: zipfile.ZipInfo) -> str:
    """Names are GBK, which the archive does not say: they are read as cp437 and turned back."""
    try:
        return one.filename.encode("cp437").decode("gb18030")
    except UnicodeError:
        return one.filename


def _row(line: list[str], place: dict[str, int]) -> Row:
    if len(line) < len(place):
        raise BillUnreadable(_("账单有一行被截断。"))

    def of(name: str) -> str:
        return line[place[name]]

    moment, amount, kept = at(of("完成时间"), TIME), fen(of("订单金额（元）")), whole(fee(of("服务费（元）")))
    trade_no, number = of("支付宝交易号"), of("商户订单号")
    if of("业务类型") == "退款":
        return Row("refund", trade_no, number, abs(amount), moment, of("退款批次号/请求号"), -kept)
    if of("业务类型") != "交易":
        raise BillUnreadable(_("账单有未知的交易状态 %(state)s。") % {"state": of("业务类型")[:20]})
    return Row("payment", trade_no, number, amount, moment, fee=kept)


def _check_totals(foot: str, rows: list[Row]) -> None:
    stated = []
    for word in ("交易合计", "退款合计"):
        found = re.search(rf"#{word}[：:](\d+)笔.*?订单金额共?(-?[\d.]+)元", foot)
        if found is None:
            raise BillUnreadable(_("账单不完整：缺少表头或汇总行。"))
        stated.append((int(found[1]), abs(fen(found[2]))))
    found_sums = [
        (sum(row.kind == kind for row in rows), sum(row.fen for row in rows if row.kind == kind))
        for kind in ("payment", "refund")
    ]
    if stated != found_sums:
        raise BillUnreadable(
            _("账单的汇总与明细不符：汇总 %(stated)s，明细 %(found)s。") % {"stated": stated, "found": found_sums}
        )


def read_notice(headers: Mapping[str, str], body: bytes) -> Notice:
    """Believe a callback or raise `NotGenuine`: signature over the sorted fields, and that it is for our application.

    A refund is told on the trade's own address: `out_biz_no` is the number we gave it.
    """
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
    except (UnicodeDecodeError, ValueError) as error:
        raise NotGenuine(_("回调的内容无法解读。")) from error
    signature = fields.pop("sign", "")
    kind = fields.pop("sign_type", "")
    if kind != "RSA2" or not keys.is_signed(keys.public_key("alipay-public.pem"), joined(fields), signature):
        raise NotGenuine(_("签名验证失败。"))
    if fields.get("app_id") != _app():
        raise NotGenuine(_("回调不是给本商户的。"))
    try:
        if fields.get("refund_fee"):
            number = fields.get("out_biz_no", "")
            refunded = Refunded("done", number, at(fields["gmt_refund"].partition(".")[0], TIME))
            return Notice(refund_number=number, refunded=refunded) if number else Notice()
        if fields.get("trade_status") in ("TRADE_SUCCESS", "TRADE_FINISHED"):
            return Notice(paid=_paid(fields, "gmt_payment"))
    except (KeyError, BillUnreadable) as error:
        raise NotGenuine(_("回调的内容无法解读。")) from error
    return Notice()


def acknowledge(*, taken: bool, message: str = "") -> Acknowledgement:
    return Acknowledgement(200, "success" if taken else "failure", "text/plain")


# The protocol -------------------------------------------------------------------------------------------


def joined(fields: Mapping[str, str]) -> bytes:
    """What is signed: `name=value` of every field with a value, sorted by name, joined by `&`."""
    return "&".join(f"{name}={value}" for name, value in sorted(fields.items()) if value != "").encode()


def signed(method: str, content: Mapping[str, Any], **extra: str) -> dict[str, str]:
    """The fields of a request with their signature."""
    fields = {
        "app_id": _app(),
        "method": method,
        "format": "JSON",
        "charset": "utf-8",
        "sign_type": "RSA2",
        "timestamp": local(clock.now(), TIME),
        "version": "1.0",
        "biz_content": json.dumps(content, ensure_ascii=False, separators=(",", ":")),
        **extra,
    }
    return {**fields, "sign": keys.sign(keys.private_key("alipay-merchant.key"), joined(fields))}


def _call(method: str, content: Mapping[str, Any], missing: tuple[str, ...] = (), **extra: str) -> Any:
    """One call; the answer's object, None for an error in `missing`. Raises `Unavailable`, `Refused`."""
    response = send("POST", f"{_gateway()}?charset=utf-8", data=signed(method, content, **extra))
    answer = genuine(response.text, f"{method.replace('.', '_')}_response")
    code, detail = str(answer.get("code", "")), str(answer.get("sub_code", ""))
    if code == "10000":
        return answer
    if detail in missing:
        return None
    if code in _BUSY or detail in _BUSY:
        raise Unavailable(_("支付宝繁忙：%(code)s") % {"code": detail or code})
    raise refused(detail or code, str(answer.get("sub_msg") or answer.get("msg", "")))


def genuine(text: str, name: str) -> dict[str, Any]:
    """The answer's object, whose text as it stands was signed. Raises `Unavailable`: an answer nobody signed says nothing."""
    try:
        document = json.loads(text)
        answer: dict[str, Any] = document[name]
        plain = exact_text(text, name)
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable(_("支付宝的应答无法解读，结果未知，稍后再查。")) from error
    if not keys.is_signed(keys.public_key("alipay-public.pem"), plain.encode(), str(document.get("sign", ""))):
        raise Unavailable(_("支付宝的应答验签失败，结果未知，稍后再查。"))
    return answer


def exact_text(text: str, name: str) -> str:
    """The object under `name` as it is written: blanks and order count for the signature. Raises `ValueError`."""
    begins = text.index("{", text.index(f'"{name}"'))
    _value, ends = json.JSONDecoder().raw_decode(text, begins)
    return text[begins:ends]


def _paid(fields: Mapping[str, Any], time_field: str) -> Paid:
    if any(fields.get(name, "CNY") != "CNY" for name in ("trans_currency", "settle_currency")):
        raise NotGenuine(_("币种不是人民币。"))
    return Paid(
        str(fields["trade_no"]),
        str(fields["out_trade_no"]),
        fen(str(fields["total_amount"])),
        at(str(fields[time_field]), TIME),
    )


def _app() -> str:
    return str(settings.PAY_MERCHANTS["alipay"]["app_id"])


def _gateway() -> str:
    return settings.PAY_ENDPOINTS["alipay"].rstrip("/") + "/gateway.do"
