"""UnionPay all-channel platform (银联全渠道), message version 5.1.0: QR orders (主扫), refunds, the merchant's detail file.

Messages are forms. What is signed: SHA-256, in hexadecimal, of the sorted fields, with RSA and SHA-256 again. Answers and
callbacks carry the certificate that signed them, which must be issued by UnionPay's root and be named for UnionPay. An order
cannot be closed: it lapses by `payTimeout`, and money that comes later is parked. The file: `ZM_` lines of fixed columns.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl

from cryptography import x509
from cryptography.exceptions import InvalidSignature
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
from yici.platform.pay.providers.days import near
from yici.platform.pay.providers.money import SHANGHAI, at, local, refused, send

TIME = "%Y%m%d%H%M%S"
OWNER = "中国银联股份有限公司"
PENDING = ("03", "04", "05")
NOT_FOUND = "34"
# Columns of a ZM_ line, each followed by one blank; which of them are read, counted from 0.
WIDTHS = (
    3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15, 1, 15, 32, 13, 13, 8, 32,
    13, 13, 12, 2, 1, 131,
)  # fmt: skip
CODE, TRACE_TIME, AMOUNT, QUERY_ID, ORDER, FEE, NET, ORIGINAL = 0, 4, 6, 9, 11, 15, 16, 26
_SIGNED = re.compile(r"[CD]([0-9]{12})")  # credit or debit, as seen by UnionPay
PAYMENT_CODE, REFUND_CODE = "S22", "S30"


def create(wish: Wish) -> Opened:
    fields = {
        "txnType": "01",
        "txnSubType": "07",
        "orderId": wish.number,
        "txnTime": local(wish.created_at, TIME),
        "txnAmt": str(wish.fen),
        "currencyCode": "156",
        "backUrl": f"{settings.SITE_URL}/pay/notice/unionpay/",
        "payTimeout": local(wish.expires_at, TIME),
        "orderDesc": wish.title[:32],
    }
    code = str(_call("backTransReq.do", fields)["qrCode"])
    return Opened(link=code) if wish.is_phone else Opened(scan=code)


def query(number: str, created_at: dt.datetime) -> Standing:
    fields = {"txnType": "00", "txnSubType": "00", "orderId": number, "txnTime": local(created_at, TIME)}
    answer = _call("queryTrans.do", fields, allowed=(NOT_FOUND,))
    if answer["respCode"] == NOT_FOUND:
        return Standing("unknown")
    origin = answer.get("origRespCode", "")
    if origin == "00":
        return Standing("paid", _paid(answer))
    return Standing("open" if origin in PENDING else "closed")


def close(number: str) -> None:
    """The protocol has no closing: `payTimeout` ends the order. What is paid in between is parked and goes back."""


def refund(wish: RefundWish) -> Refunded:
    fields = {
        "txnType": "04",
        "txnSubType": "00",
        "orderId": wish.number,
        "txnTime": local(wish.asked_at, TIME),
        "txnAmt": str(wish.fen),
        "origQryId": wish.trade_no,
        "backUrl": f"{settings.SITE_URL}/pay/notice/unionpay/",
    }
    _call("backTransReq.do", fields, allowed=PENDING)
    return query_refund(wish)  # accepted is not done: the standing of the refund is asked for


def query_refund(wish: RefundWish) -> Refunded:
    fields = {"txnType": "00", "txnSubType": "00", "orderId": wish.number, "txnTime": local(wish.asked_at, TIME)}
    answer = _call("queryTrans.do", fields, allowed=(NOT_FOUND,))
    if answer["respCode"] == NOT_FOUND:
        return Refunded("unknown")
    origin = answer.get("origRespCode", "")
    if origin == "00":
        moment = _traced(answer)
        return Refunded("done", answer.get("queryId", ""), moment, day=_day(answer, moment))
    return Refunded("pending" if origin in PENDING else "failed", detail=answer.get("origRespMsg", ""))


def bill(day: dt.date) -> bytes:
    """The day's file: a ZIP, taken out of the answer (Base64 of a deflated stream). Raises `NoBill`, `BillUnreadable`."""
    fields = {
        "txnType": "76",
        "txnSubType": "01",
        "settleDate": day.strftime("%m%d"),
        "txnTime": local(clock.now(), TIME),
        "fileType": "00",
    }
    answer = _call("fileTransfer.do", fields, allowed=("98",))
    if answer["respCode"] == "98":
        raise NoBill(_("银联没有 %(day)s 的账单。") % {"day": day})
    try:
        return zlib.decompress(base64.b64decode(answer["fileContent"], validate=True))
    except (binascii.Error, zlib.error, KeyError) as error:
        raise BillUnreadable(_("账单压缩包已损坏或被截断。")) from error


def read_bill(content: bytes) -> Iterator[Row]:
    """Rows of the ZM_ file: every line must have its full width and add up, and the last must be whole. Raises `BillUnreadable`.

    Lines tell month and day only; the year follows from the file's name, `INN` and the accounting day as `YYMMDD`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [name for name in archive.namelist() if "ZM_" in name]
            if len(names) != 1:
                raise BillUnreadable(_("账单压缩包里应只有一个业务明细文件。"))
            data = archive.read(names[0])
    except (zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise BillUnreadable(_("账单压缩包已损坏或被截断。")) from error
    if data and not data.endswith(b"\n"):
        raise BillUnreadable(_("账单有一行被截断。"))
    named = re.search(r"INN(\d{6})", names[0])
    day = at(named[1], "%y%m%d").date() if named else None
    for line in data.splitlines():
        yield _row(line, day)


def _row(line: bytes, day: dt.date | None) -> Row:
    """Columns are so many bytes wide, in GBK: a Chinese sign takes two."""
    if len(line) < sum(WIDTHS) + len(WIDTHS) - 1:
        raise BillUnreadable(_("账单有一行被截断。"))
    values, left = [], 0
    for width in WIDTHS:
        try:
            values.append(line[left : left + width].decode("gb18030").strip())
        except UnicodeDecodeError as error:
            raise BillUnreadable(_("账单的编码无法识别。")) from error
        left += width + 1
    if not values[AMOUNT].isdigit():
        raise BillUnreadable(_("金额 %(text)s 无法识别。") % {"text": values[AMOUNT][:40]})
    amount, kept, moment = int(values[AMOUNT]), _kept(values), _moment(values[TRACE_TIME], day)
    if values[CODE] == REFUND_CODE:
        return Row("refund", values[ORIGINAL], "", amount, moment, values[ORDER], -kept)
    if values[CODE] != PAYMENT_CODE:
        raise BillUnreadable(_("账单有未知的交易状态 %(state)s。") % {"state": values[CODE][:20]})
    return Row("payment", values[QUERY_ID], values[ORDER], amount, moment, fee=kept)


def _kept(values: list[str]) -> int:
    """The fee of a line, in fen. Amount less fee must be what the line says is settled: the file has no other sum to check."""
    if not values[FEE] and not values[NET]:
        return 0
    fee, net = _SIGNED.fullmatch(values[FEE]), _SIGNED.fullmatch(values[NET])
    if fee is None or net is None or int(values[AMOUNT]) - int(fee[1]) != int(net[1]):
        raise BillUnreadable(
            _("账单的汇总与明细不符：汇总 %(stated)s，明细 %(found)s。")
            % {"stated": values[NET], "found": f"{values[AMOUNT]} {values[FEE]}"}
        )
    return int(fee[1])


def _moment(text: str, day: dt.date | None) -> dt.datetime | None:
    """`MMDDhhmmss` of a bill of that day; None where the file does not tell its day."""
    if day is None:
        return None
    date = near(text[:4], dt.datetime.combine(day, dt.time(12), SHANGHAI))
    if date is None:
        raise BillUnreadable(_("时间 %(text)s 无法识别。") % {"text": text[:40]})
    return at(f"{date:%Y%m%d}{text[4:]}", TIME)


def read_notice(headers: Mapping[str, str], body: bytes) -> Notice:
    """Believe a callback or raise `NotGenuine`: certificate, signature, and that it is for our merchant."""
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
    except (UnicodeDecodeError, ValueError) as error:
        raise NotGenuine(_("回调的内容无法解读。")) from error
    verify(fields)
    if fields.get("merId") != _merchant():
        raise NotGenuine(_("回调不是给本商户的。"))
    done = fields.get("respCode") in ("00", "A6")
    try:
        if fields.get("txnType") == "01" and done:
            return Notice(paid=_paid(fields))
        if fields.get("txnType") == "04":
            moment = _traced(fields)
            outcome = Refunded(
                "done" if done else "failed",
                fields.get("queryId", ""),
                moment,
                fields.get("respMsg", ""),
                _day(fields, moment),
            )
            return Notice(refund_number=fields["orderId"], refunded=outcome)
    except (KeyError, ValueError, BillUnreadable) as error:
        raise NotGenuine(_("回调的内容无法解读。")) from error
    return Notice()


def acknowledge(*, taken: bool, message: str = "") -> Acknowledgement:
    return Acknowledgement(200 if taken else 400, "ok" if taken else "fail", "text/plain")


# The protocol -------------------------------------------------------------------------------------------


def digest(fields: Mapping[str, str]) -> bytes:
    """What is signed: hexadecimal SHA-256 of `name=value` of the fields with a value, sorted by name, without the signature."""
    text = "&".join(f"{name}={value}" for name, value in sorted(fields.items()) if name != "signature" and value != "")
    return hashlib.sha256(text.encode()).hexdigest().encode()


def signed(fields: Mapping[str, str]) -> dict[str, str]:
    """A request of ours with what every message carries."""
    certificate = keys.certificate("unionpay-merchant.pem")
    whole = {
        "version": "5.1.0",
        "encoding": "UTF-8",
        "signMethod": "01",
        "bizType": "000000",
        "channelType": "08",
        "accessType": "0",
        "merId": _merchant(),
        "certId": str(certificate.serial_number),
        **fields,
    }
    return {**whole, "signature": keys.sign(keys.private_key("unionpay-merchant.key"), digest(whole))}


def verify(fields: Mapping[str, str]) -> None:
    """Raises `NotGenuine` unless UnionPay's own certificate, issued by its root and in force, signed the fields."""
    try:
        signer = x509.load_pem_x509_certificate(fields.get("signPubKeyCert", "").encode())
        signer.verify_directly_issued_by(keys.certificate("unionpay-root.pem"))
    except (ValueError, TypeError, InvalidSignature) as error:
        raise NotGenuine(_("签名证书不是银联签发的。")) from error
    now = clock.now()
    names = [str(one.value) for one in signer.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    owned = any(name.split("@")[2:3] == [OWNER] for name in names)
    if not owned or not signer.not_valid_before_utc <= now <= signer.not_valid_after_utc:
        raise NotGenuine(_("签名证书不是银联的，或不在有效期内。"))
    if not keys.is_signed(keys.rsa_key_of(signer), digest(fields), fields.get("signature", "")):
        raise NotGenuine(_("签名验证失败。"))


def _call(act: str, fields: Mapping[str, str], allowed: tuple[str, ...] = ()) -> dict[str, str]:
    """One message; the answer's fields. `00` and `allowed` codes are answers, the rest is refused. Raises `Unavailable`, `Refused`."""
    response = send("POST", f"{settings.PAY_ENDPOINTS['unionpay'].rstrip('/')}/gateway/api/{act}", data=signed(fields))
    answer = _parsed(response.text)
    try:
        verify(answer)
    except NotGenuine as error:
        raise Unavailable(_("银联的应答验签失败，结果未知，稍后再查。")) from error
    code = answer.get("respCode", "")
    if code in ("00", *allowed):
        return answer
    if code in PENDING or code in ("01", "06"):
        raise Unavailable(_("银联繁忙：%(code)s") % {"code": code})
    raise refused(code, answer.get("respMsg", ""))


def _parsed(text: str) -> dict[str, str]:
    """`name=value&…` where values are not escaped; a certificate and Base64 hold `=` and `+`, never `&`."""
    return {name: value for name, _mark, value in (part.partition("=") for part in text.split("&")) if name}


def _paid(fields: Mapping[str, str]) -> Paid:
    amount = fields.get("txnAmt", "")
    if not amount.isdigit():
        raise NotGenuine(_("金额 %(text)s 无法识别。") % {"text": amount[:40]})
    if fields.get("currencyCode", "156") != "156":
        raise NotGenuine(_("币种不是人民币。"))
    moment = _traced(fields)
    return Paid(fields["queryId"], fields["orderId"], int(amount), moment, _day(fields, moment))


def _day(fields: Mapping[str, str], moment: dt.datetime) -> dt.date | None:
    """The accounting day that UnionPay states, `settleDate` MMDD."""
    return near(fields.get("settleDate", ""), moment)


def _traced(fields: Mapping[str, str]) -> dt.datetime:
    """When it was done: `traceTime` is MMDDhhmmss, the year follows from `txnTime`, when the order was sent."""
    sent = at(fields["txnTime"], TIME)
    if "traceTime" not in fields:
        return sent
    moment = at(f"{sent.year}{fields['traceTime']}", TIME)
    return moment if moment >= sent - dt.timedelta(days=180) else moment.replace(year=sent.year + 1)


def _merchant() -> str:
    return str(settings.PAY_MERCHANTS["unionpay"]["merchant"])
