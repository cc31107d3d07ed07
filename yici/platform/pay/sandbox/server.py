"""The sandbox's HTTP: providers' interfaces, billers, the payer's page, and `/control`.

`/control` takes {"call": "wechat.refund", "mode": "lost", "count": 1, "seconds": 3}: `error` (HTTP 500, nothing done),
`lost` (done, the connection is dropped), `timeout` (done, the answer comes after so many seconds). `<provider>.notify` takes
`never`, `late`, `twice`, `hold` (until the next one); `<provider>.create.first` the callback before the answer;
`<provider>.bill` and `<provider>.bill.rows` spoil a bill. {"skew": seconds} puts the sandbox's clock wrong; {"fee": 60} has
providers keep 60 ten-thousandths of what they take.
"""

from __future__ import annotations

import html
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

from yici.base.sandboxes import SandboxHandler
from yici.platform.pay.sandbox import keys
from yici.platform.pay.sandbox.alipay import Alipay
from yici.platform.pay.sandbox.billers import Billers
from yici.platform.pay.sandbox.book import Fault
from yici.platform.pay.sandbox.shop import Answer, Keys, Shop
from yici.platform.pay.sandbox.unionpay import Unionpay
from yici.platform.pay.sandbox.wechat import Wechat

BODY_LIMIT = 256 * 1024
NAMES = {"wechat": "微信支付", "alipay": "支付宝", "unionpay": "云闪付"}


class Handler(SandboxHandler, BaseHTTPRequestHandler):
    server_version = "Pay-sandbox"
    shop: Shop
    wechat: Wechat
    alipay: Alipay
    unionpay: Unionpay
    billers: Billers

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        body = self.body(BODY_LIMIT)
        if body is not None:
            self._serve(body)

    def _serve(self, body: bytes) -> None:
        path = self.path.partition("?")[0]
        headers = {name.lower(): value for name, value in self.headers.items()}
        method = self.command
        if path == "/control":
            answer = self._control(json.loads(body or b"{}"))
        elif path.startswith("/v3/"):
            answer = self.wechat.serve(method, self.path, headers, body)
        elif path in ("/gateway.do", "/alipay/bill"):
            answer = self.alipay.serve(method, self.path, headers, body)
        elif path.startswith("/gateway/api/"):
            answer = self.unionpay.serve(method, self.path, headers, body)
        elif path.startswith("/billers/"):
            answer = self.billers.serve(method, path, headers, body)
        elif path.startswith("/pay/"):
            answer = self._pay(path.removeprefix("/pay/"), method, body)
        elif path == "/":
            answer = self._index()
        else:
            answer = Answer(404, "没有这个页面".encode(), {"Content-Type": "text/plain; charset=utf-8"})
        self._spoil(answer)

    def _spoil(self, answer: Answer) -> None:
        fault = self.shop.book.fault(answer.call) if answer.call else Fault()
        if fault.mode == "error":
            self._send(Answer(500, b"error"))
        elif fault.mode == "lost":
            self.close_connection = True
            self.connection.close()
        else:
            if fault.mode == "timeout":
                self.shop.postman.stopping.wait(fault.seconds)
            self._send(answer)

    def _control(self, wish: dict[str, object]) -> Answer:
        if "skew" in wish:
            self.shop.book.skew = float(str(wish["skew"]))
        if "fee" in wish:
            self.shop.book.fee_rate = int(str(wish["fee"]))
        if "call" in wish:
            fault = Fault(str(wish.get("mode", "")), float(str(wish.get("seconds", 3))))
            self.shop.book.spoil(str(wish["call"]), fault, int(str(wish.get("count", 1))))
        return Answer(200, b'{"ok": true}', {"Content-Type": "application/json"})

    def _pay(self, code: str, method: str, body: bytes) -> Answer:
        trade = self.shop.book.trade_by("code", code)
        if trade is None:
            return Answer(404, "没有这笔订单".encode(), {"Content-Type": "text/plain; charset=utf-8"})
        if method == "POST":
            asked = parse_qs(body.decode())
            fen = int(asked["fen"][0]) if "fen" in asked else None
            paid = self.shop.book.pay(code, fen=fen)
            if paid:
                self.shop.paid(paid)
            return _page(
                "付款结果",
                f"<h1>{'付款成功' if paid else '订单已支付或已关闭'}</h1><p class=big>¥{trade['fen'] / 100:.2f}</p><p>可以回到原来的页面了。</p>",
            )
        button = "" if trade["state"] != "open" else "<form method=post><button>确认付款</button></form>"
        return _page(
            NAMES[trade["provider"]],
            f"<h1>{NAMES[trade['provider']]}（沙箱）</h1><p>{html.escape(trade['title'])}</p><p class=big>¥{trade['fen'] / 100:.2f}</p>"
            f"<p>商户订单号 {trade['number']}</p>{button or '<p>这笔订单已支付或已关闭。</p>'}",
        )

    def _index(self) -> Answer:
        rows = "".join(
            f"<li><a href='/pay/{trade['code']}'>{NAMES[trade['provider']]} ¥{trade['fen'] / 100:.2f} {html.escape(trade['title'])}"
            f"<small>{trade['number']}</small></a></li>"
            for trade in self.shop.book.trades("open")
        )
        return _page(
            "扫一扫",
            f"<h1>扫一扫付款（沙箱）</h1><p>这里的钱都是假的。等待付款的订单：</p><ul>{rows or '<li>没有等待付款的订单。</li>'}</ul>",
        )

    def _send(self, answer: Answer) -> None:
        self.answer(answer.status, answer.body, answer.headers)


_STYLE = (
    "body{font:18px/1.6 sans-serif;max-width:560px;margin:24px auto;padding:0 16px;color:#1b2430}"
    "button{font:inherit;width:100%;padding:14px;border:0;border-radius:8px;background:#1f5fbf;color:#fff}"
    ".big{font-size:40px;margin:8px 0}small{display:block;color:#56616e}ul{padding:0;list-style:none}"
    "li a{display:block;padding:12px;border:1px solid #e1e6ed;border-radius:8px;margin:8px 0;color:inherit;text-decoration:none}"
)


def _page(title: str, content: str) -> Answer:
    text = (
        "<!doctype html><html lang='zh-CN'><meta charset='utf-8'><meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{title}</title><style>{_STYLE}</style>{content}</html>"
    )
    return Answer(200, text.encode(), {"Content-Type": "text/html; charset=utf-8"})


def serve(
    host: str, port: int, store: Path, key_folder: Path, merchants: dict[str, dict[str, str]]
) -> ThreadingHTTPServer:
    """A server ready to `serve_forever`; port 0 takes a free one. `merchants`: as PAY_MERCHANTS of the settings."""
    keys.ensure(key_folder)
    shop = Shop(store, "")
    held = Keys(key_folder)
    wechat = Wechat(shop, held, merchants["wechat"]["mchid"], merchants["wechat"]["appid"])
    alipay = Alipay(shop, held, merchants["alipay"]["app_id"])
    unionpay = Unionpay(shop, held, merchants["unionpay"]["merchant"])
    shop.sides = {"wechat": wechat, "alipay": alipay, "unionpay": unionpay}
    routes = {"shop": shop, "wechat": wechat, "alipay": alipay, "unionpay": unionpay, "billers": Billers(shop.book)}
    handler = type("Bound", (Handler,), routes)
    server = ThreadingHTTPServer((host, port), handler)
    server.daemon_threads = True
    shop.base = f"http://{host}:{server.server_address[1]}"
    server.shop = shop  # type: ignore[attr-defined]
    return server


def in_thread(server: ThreadingHTTPServer) -> threading.Thread:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    return thread
