"""A cloud-MAS gateway for one machine: speaks the protocol, keeps the SMS, shows them on a page.

    python -m yici.core.messages.sandbox --port 8001 --store var/sandbox

POST /sms/norsubmit takes an SMS; GET /messages.json and GET / show them, newest last
and newest first; POST /control {"mode": …, "count": n, "seconds": s} spoils the next n requests:
`error` (HTTP 500, nothing kept), `refuse` (not accepted), `lost` (kept, the connection is dropped),
`timeout` (kept, the answer comes after s seconds). A repeated `X-Request-Id` is answered but not kept again.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import datetime as dt
import hashlib
import html
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from yici.base.sandboxes import Faults, SandboxHandler

BODY_LIMIT = 64 * 1024  # bytes
PAGE_LENGTH = 100
_TIME_ZONE = dt.timezone(dt.timedelta(hours=8))
_FIELDS = ("ecName", "apId", "mobiles", "content", "sign", "addSerial", "mac")


class Gateway:
    """The messages kept so far, and what shall go wrong next. Safe to use from several threads."""

    def __init__(self, store: Path, secret: str, signature: str) -> None:
        store.mkdir(parents=True, exist_ok=True)
        self.path = store / "messages.jsonl"
        self.secret, self.signature = secret, signature
        self.lock = threading.Lock()
        self.faults = Faults()
        self.stopping = threading.Event()
        self.messages: list[dict[str, Any]] = self._load()
        self.groups = {row["request_id"]: row["msgGroup"] for row in self.messages if row["request_id"]}

    def _load(self) -> list[dict[str, Any]]:
        rows = []
        if self.path.exists():
            for line in self.path.read_text("utf-8").splitlines():
                try:
                    rows.append(json.loads(line))
                except ValueError:
                    continue  # the last line of a process that was killed while writing
        return rows

    def check(self, request: dict[str, Any]) -> str:
        """The gateway's result code for a request: `success` or what is wrong with it."""
        if any(not isinstance(request.get(field), str) for field in _FIELDS):
            return "InvalidMessage"
        parts = [request["ecName"], request["apId"], self.secret, request["mobiles"], request["content"]]
        parts += [request["sign"], request["addSerial"]]
        mac = hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest()
        if mac != request["mac"]:
            return "IllegalMac"
        if not request["sign"]:
            return "NoSignId"
        mobiles = request["mobiles"].split(",")
        if len(mobiles) > 5000:
            return "TooManyMobiles"
        valid = all(len(mobile) == 11 and mobile.isdigit() and mobile[0] == "1" for mobile in mobiles)
        return "success" if valid and request["content"].strip() else "InvalidMessage"

    def accept(self, request: dict[str, Any], request_id: str) -> str:
        """Keep the SMS, on disk before it is confirmed; returns its group number."""
        with self.lock:
            if request_id and request_id in self.groups:
                return str(self.groups[request_id])
            moment = dt.datetime.now(_TIME_ZONE)
            group = f"{moment:%m%d%H%M%S}{len(self.messages):08d}"
            text = f"【{self.signature}】{request['content']}"
            rows = [
                {"msgGroup": group, "mobiles": mobile, "content": text, "at": moment.isoformat(timespec="seconds"),
                 "request_id": request_id}
                for mobile in request["mobiles"].split(",")
            ]  # fmt: skip
            with self.path.open("a", encoding="utf-8") as handle:
                handle.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
                handle.flush()
                os.fsync(handle.fileno())
            self.messages.extend(rows)
            if request_id:
                self.groups[request_id] = group
            return group


class Handler(SandboxHandler, BaseHTTPRequestHandler):
    server_version = "CloudMAS-sandbox"
    gateway: Gateway

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        with self.gateway.lock:
            rows = list(self.gateway.messages)
        if path == "/messages.json":
            self._answer_json(rows)
        elif path == "/":
            self._answer(200, "text/html; charset=utf-8", page(rows).encode())
        else:
            self._answer(404, "text/plain; charset=utf-8", "没有这个页面".encode())

    def do_POST(self) -> None:
        body = self.body(BODY_LIMIT)
        if body is None:
            return
        if self.path == "/control":
            self._control(body)
        elif self.path in ("/sms/norsubmit", "/"):
            self._submit(body)
        else:
            self._answer(404, "text/plain", b"not found")

    def _control(self, body: bytes) -> None:
        wish = json.loads(body or b"{}")
        self.gateway.faults.order(str(wish.get("mode", "")), int(wish.get("count", 1)), float(wish.get("seconds", 5)))
        self._answer_json({"ok": True})

    def _submit(self, body: bytes) -> None:
        mode, seconds = self.gateway.faults.next()
        if mode == "error":
            self._answer(500, "text/plain", b"error")
            return
        try:
            request = json.loads(base64.b64decode(body, validate=True))
        except (ValueError, binascii.Error):
            request = None
        code = "InvalidMessage" if not isinstance(request, dict) else self.gateway.check(request)
        if mode == "refuse":
            code = "InvalidUsrOrPwd"
        if code != "success":
            self._answer_json({"msgGroup": "", "rspcod": code, "success": False})
            return
        group = self.gateway.accept(request, self.headers.get("X-Request-Id", ""))
        if mode == "lost":
            self.close_connection = True
            return
        if mode == "timeout":
            self.gateway.stopping.wait(seconds)
        self._answer_json({"msgGroup": group, "rspcod": "success", "success": True})

    def _answer_json(self, value: Any) -> None:
        self._answer(200, "application/json; charset=utf-8", json.dumps(value, ensure_ascii=False).encode())

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        headers = {"Content-Type": kind, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        self.answer(status, body, headers)


_PAGE = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>短信收件箱（演示） · {count} 条</title>
<style>
:root {{ color-scheme: light }}
* {{ box-sizing: border-box }}
body {{ margin: 0; background: #f4f6f9; color: #1b2430; font: 400 1rem/1.6 "PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei", system-ui, sans-serif }}
header {{ background: #1f5fbf; color: #fff; padding: 16px 0 }}
.inner {{ max-width: 720px; margin: 0 auto; padding: 0 14px }}
h1 {{ font-size: 1.25rem; line-height: 1.35; margin: 0 }}
header p {{ margin: 4px 0 0; font-size: .95rem }}
ol {{ list-style: none; margin: 16px 0; padding: 0; display: grid; gap: 12px }}
li {{ background: #fff; border: 1px solid #e1e6ed; border-radius: 10px; padding: 12px 16px }}
.head {{ display: flex; flex-wrap: wrap; gap: 4px 12px; justify-content: space-between; color: #56616e; font-size: .9rem }}
.head b {{ color: #1b2430; font-variant-numeric: tabular-nums; font-size: 1rem }}
li p {{ margin: 6px 0 0; overflow-wrap: anywhere; font-size: 1.05rem }}
.empty {{ background: #fff; border-radius: 10px; padding: 36px 16px; text-align: center; color: #56616e; margin: 16px 0 }}
</style>
</head>
<body>
<header><div class="inner"><h1>短信收件箱（演示）</h1><p>这里代替市民的手机：平台发出的短信都会出现在下面，最新的在最上面；有新短信时自动显示。</p></div></header>
<main class="inner">{body}</main>
<script>
setInterval(async () => {{
  const answer = await fetch("/messages.json").catch(() => null);
  if (answer && answer.ok && (await answer.json()).length !== {count}) location.reload();
}}, 2000);
</script>
</body>
</html>
"""
_EMPTY = '<p class="empty">还没有短信。请在网站上登录或提交一件申请，短信会在几秒内出现在这里。</p>'
_ROW = '<li><div class="head"><b>发往 {mobile}</b><time datetime="{at}">{when}</time><span>{size}</span></div><p>{text}</p></li>'


def page(rows: list[dict[str, Any]]) -> str:
    """The page for people: SMS newest first, at most 100."""
    if not rows:
        return _PAGE.format(count=0, body=_EMPTY)
    items = [
        _ROW.format(
            mobile=html.escape(row["mobiles"]),
            at=html.escape(row["at"]),
            when=html.escape(row["at"][:19].replace("T", " ")),
            size=_size(row["content"]),
            text=html.escape(row["content"]),
        )
        for row in reversed(rows[-PAGE_LENGTH:])
    ]
    return _PAGE.format(count=len(rows), body=f"<ol>{''.join(items)}</ol>")


def _size(text: str) -> str:
    segments = 1 if len(text) <= 70 else -(-len(text) // 67)
    return f"{len(text)} 字，{segments} 条"


def serve(host: str, port: int, gateway: Gateway) -> ThreadingHTTPServer:
    """A server that is bound and ready; the caller runs `serve_forever`."""
    handler = type("BoundHandler", (Handler,), {"gateway": gateway})
    server = ThreadingHTTPServer((host, port), handler)
    server.daemon_threads = True
    return server


def main() -> None:
    parser = argparse.ArgumentParser(description="短信网关沙箱（中国移动云 MAS 协议）")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--store", type=Path, required=True, help="存放短信的文件夹")
    parser.add_argument("--secret", default=os.environ.get("YICI_SMS_SECRET", "sandbox-only"))
    parser.add_argument("--signature", default=os.environ.get("YICI_SMS_SIGNATURE", "亳州一次办"))
    options = parser.parse_args()
    gateway = Gateway(options.store, options.secret, options.signature)
    server = serve(options.host, options.port, gateway)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        gateway.stopping.set()
    finally:
        server.server_close()


if __name__ == "__main__":
    main()
