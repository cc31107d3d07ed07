"""Billers of the sandbox: water, power, gas, telephone, school. The protocol is that of `pay.billing.client`.

A customer number ending in 0 owes nothing; any other owes one or two bills that follow from the number. Telephone numbers
have no bills, they are topped up.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets

from yici.platform.pay.sandbox.book import Book
from yici.platform.pay.sandbox.shop import Answer

SECRET = b"sandbox-biller"
_PATH = re.compile(r"/billers/(\w+)/customers/(\w+)/bills(?:/([\w-]+)/(confirm|reverse))?")
_FAMILY = "王李张刘陈杨赵黄周吴"


class Billers:
    """All billers; a bill is confirmed once for a key, and only reversed by the key that confirmed it."""

    def __init__(self, book: Book, secret: bytes = SECRET) -> None:
        self.book, self.secret = book, secret

    def serve(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        message = f"{method}\n{path}\n{headers.get('x-biller-time', '')}\n".encode() + body
        if not hmac.compare_digest(
            hmac.new(self.secret, message, hashlib.sha256).hexdigest(), headers.get("x-biller-signature", "")
        ):
            return _json(401, {"error": "signature"})
        found = _PATH.fullmatch(path)
        if found is None:
            return _json(404, {"error": "path"})
        biller, customer, number, act = found.groups()
        if method == "GET" and number is None:
            return self._bills(biller, customer)
        document = json.loads(body or b"{}")
        return (
            self._confirm(biller, customer, number, document)
            if act == "confirm"
            else self._reverse(biller, customer, number, document)
        )

    def _bills(self, biller: str, customer: str) -> Answer:
        seed = int(hashlib.sha256(f"{biller}{customer}".encode()).hexdigest()[:8], 16)
        if not customer.endswith("0") and biller != "phone":
            for month in range(1 + seed % 2):
                number, fen = f"{customer}-{202611 - month}", 1500 + (seed >> (month + 3)) % 25000
                self.book.add_bill(biller, customer, number, f"{_FAMILY[seed % 10]}**", f"{202611 - month}", fen)
        due = [one for one in self.book.bills(biller, customer) if one["state"] == "due" and "-" in one["number"]]
        name = f"{_FAMILY[seed % 10]}**"
        return _json(
            200,
            {
                "name": name,
                "bills": [{"number": one["number"], "period": one["period"], "fen": one["fen"]} for one in due],
            },
        )

    def _confirm(self, biller: str, customer: str, number: str, document: dict[str, object]) -> Answer:
        if biller == "phone":
            self.book.add_bill(biller, customer, number, "", "", int(str(document["fen"])))
        bill = next((one for one in self.book.bills(biller, customer) if one["number"] == number), None)
        if bill is None or bill["fen"] != document.get("fen"):
            return _json(422, {"error": "没有这张账单，或金额不符"})
        if bill["state"] == "paid":
            if bill["key"] == document["key"]:
                return _json(200, {"reference": bill["reference"]}, call="billers.confirm")
            return _json(409, {"error": "账单已由其他渠道缴清"})
        if self.book.fault("billers.refuse").mode:
            return _json(409, {"error": "账单已由其他渠道缴清"})
        reference = f"R{secrets.token_hex(6).upper()}"
        self.book.mark_bill(biller, number, "paid", str(document["key"]), reference)
        return _json(200, {"reference": reference}, call="billers.confirm")

    def _reverse(self, biller: str, customer: str, number: str, document: dict[str, object]) -> Answer:
        bill = next((one for one in self.book.bills(biller, customer) if one["number"] == number), None)
        if bill is None or (bill["state"] == "paid" and bill["key"] != document["key"]):
            return _json(409, {"error": "没有可以冲正的销账"})
        self.book.mark_bill(biller, number, "due", "", "")
        return _json(200, {"reversed": True})


def _json(status: int, document: dict[str, object], call: str = "") -> Answer:
    return Answer(status, json.dumps(document, ensure_ascii=False).encode(), {"Content-Type": "application/json"}, call)
