"""A police ID service for one machine: speaks the protocol of `police.py`, knows the people of the demo city.

    python -m yici.platform.trust.identity.sandbox --port 8003 --store var/sandbox/police --client var/trust/police-client.pub

POST /v1/check takes a signed request and gives a signed response. GET / lists the people, so that somebody who tries
the demo can register a photo of her own for one of them; PUT and DELETE /photos/<ID number> do it. POST /control
{"mode": …, "count": n, "seconds": s} spoils the next n answers: `error` (HTTP 500), `timeout` (after s seconds),
`forged` (signed with another key), `expired`, `other` (answers another request), `plain` (not signed at all).
Odd people stand in `demo.yaml` under `police`: dead, without photo, under another name, or never answered.
"""

from __future__ import annotations

import argparse
import base64
import html
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from yici.base.cityfolder import city_folder, read_yaml
from yici.base.sandboxes import Faults, SandboxHandler

AUDIENCE, APP = "police-id", "yici"
LIFE, SKEW = 60, 30  # seconds
BODY_LIMIT, PHOTO_LIMIT = 64 * 1024, 4 * 1024 * 1024
_SILENCE = 20.0  # seconds, for people who are never answered


class Registry:
    """Who is registered, their photos, the service's key, and what shall go wrong next. Safe from several threads."""

    def __init__(self, store: Path, client: Path, city: Path | None = None) -> None:
        self.photos = store / "photos"
        self.photos.mkdir(parents=True, exist_ok=True)
        self.client = client
        demo: dict[str, Any] = read_yaml((city or city_folder()) / "demo.yaml")
        members = [member for home in demo.get("residents", []) for member in home["members"]]
        self.people: dict[str, str] = {one["id_number"]: one["name"] for one in [*demo["citizens"], *members]}
        odd = demo.get("police", {})
        self.people |= odd.get("other_name", {})
        self.dead, self.silent, self.no_photo = (set(odd.get(key, [])) for key in ("dead", "silent", "no_photo"))
        self.key = self._key(store)
        self.lock = threading.Lock()
        self.seen: dict[str, float] = {}
        self.faults = Faults()
        self.stopping = threading.Event()

    @staticmethod
    def _key(store: Path) -> ec.EllipticCurvePrivateKey:
        private, public = store / "service.key", store / "service.pub"
        if not private.exists():
            made = ec.generate_private_key(ec.SECP256R1())
            private.touch(0o600)
            private.write_bytes(
                made.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
            )
        key = serialization.load_pem_private_key(private.read_bytes(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        public.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, form))
        return key

    def read(self, body: bytes) -> tuple[int, dict[str, Any]]:
        """Status and either the claims of a request that is signed, fresh and new, or `{"error": …}`."""
        try:
            key = serialization.load_pem_public_key(self.client.read_bytes())
            claims: dict[str, Any] = jwt.decode(
                body, key, algorithms=["ES256"], audience=AUDIENCE, issuer=APP, leeway=SKEW,  # type: ignore[arg-type]
                options={"require": ["exp", "iat", "jti", "iss", "aud"]},
            )  # fmt: skip
        except jwt.ExpiredSignatureError:
            return 401, {"error": "expired"}
        except (jwt.InvalidTokenError, OSError, ValueError):
            return 401, {"error": "bad_signature"}
        if claims["exp"] - claims["iat"] > LIFE:
            return 401, {"error": "expired"}
        with self.lock:
            now = time.time()
            self.seen = {number: ends for number, ends in self.seen.items() if ends > now}
            if claims["jti"] in self.seen:
                return 409, {"error": "replayed"}
            self.seen[claims["jti"]] = claims["exp"] + SKEW
        return 200, claims

    def answer(self, claims: dict[str, Any]) -> dict[str, Any]:
        number = str(claims.get("id_number", ""))
        known = self.people.get(number)
        if number in self.silent:
            self.stopping.wait(_SILENCE)
        if known is None:
            return {"code": "not_found"}
        if known != claims.get("name"):
            return {"code": "mismatch"}
        if number in self.dead:
            return {"code": "deceased"}
        if claims.get("service") != "reference_photo":
            return {"code": "match"}
        photo = self.photos / f"{number}.jpg"
        if number in self.no_photo or not photo.exists():
            return {"code": "no_photo"}
        return {"code": "match", "photo": base64.b64encode(photo.read_bytes()).decode()}

    def signed(self, answer: dict[str, Any], request: dict[str, Any], fault: str) -> bytes:
        moment = int(time.time()) - (600 if fault == "expired" else 0)
        number = secrets.token_urlsafe(16) if fault == "other" else request["jti"]
        claims = {
            **answer, "iss": AUDIENCE, "aud": request["iss"], "iat": moment, "exp": moment + LIFE, "in_reply_to": number
        }  # fmt: skip
        if fault == "plain":
            return json.dumps(claims).encode()
        key = ec.generate_private_key(ec.SECP256R1()) if fault == "forged" else self.key
        return jwt.encode(claims, key, algorithm="ES256", headers={"typ": "police-response+jwt"}).encode()


class Handler(SandboxHandler, BaseHTTPRequestHandler):
    server_version = "PoliceID-sandbox"
    registry: Registry

    def do_GET(self) -> None:
        if self.path == "/":
            self._answer(200, "text/html; charset=utf-8", page(self.registry).encode())
        else:
            self._answer(404, "text/plain; charset=utf-8", "没有这个页面".encode())

    def do_POST(self) -> None:
        body = self.body(BODY_LIMIT)
        if body is None:
            return
        if self.path == "/control":
            wish = json.loads(body or b"{}")
            self.registry.faults.order(str(wish["mode"]), int(wish.get("count", 1)), float(wish.get("seconds", 5)))
            self._answer(200, "application/json", b"{}")
        elif self.path == "/v1/check":
            self._check(body)
        else:
            self._answer(404, "text/plain", b"not found")

    def _check(self, body: bytes) -> None:
        fault, seconds = self.registry.faults.next()
        if fault == "error":
            self._answer(500, "text/plain", b"error")
            return
        status, claims = self.registry.read(body)
        if status != 200:
            self._answer(status, "application/json", json.dumps(claims).encode())
            return
        if fault == "timeout":
            self.registry.stopping.wait(seconds)
        answer = self.registry.answer(claims)
        self._answer(200, "application/jose", self.registry.signed(answer, claims, fault))

    def _photo(self) -> Path | None:
        number = self.path.removeprefix("/photos/")
        if self.path.startswith("/photos/") and number in self.registry.people:
            return self.registry.photos / f"{number}.jpg"
        self._answer(404, "text/plain", b"not found")
        return None

    def do_PUT(self) -> None:
        body = self.body(PHOTO_LIMIT)
        if body is not None and (path := self._photo()):
            path.write_bytes(body)
            self._answer(200, "application/json", b"{}")

    def do_DELETE(self) -> None:
        if path := self._photo():
            path.unlink(missing_ok=True)
            self._answer(200, "application/json", b"{}")

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.answer(status, body, {"Content-Type": kind, "Cache-Control": "no-store"})


_PAGE = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>公安身份服务（演示）</title>
<style>
* {{ box-sizing: border-box }}
body {{ margin: 0; background: #f4f6f9; color: #1b2430; font: 400 1rem/1.6 "PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei", system-ui, sans-serif }}
header {{ background: #1b3a6b; color: #fff; padding: 16px 0 }}
.inner {{ max-width: 720px; margin: 0 auto; padding: 0 14px }}
h1 {{ font-size: 1.25rem; line-height: 1.35; margin: 0 }}
header p {{ margin: 4px 0 0; font-size: .95rem }}
ul {{ list-style: none; margin: 16px 0; padding: 0; display: grid; gap: 10px }}
li {{ background: #fff; border: 1px solid #e1e6ed; border-radius: 10px; padding: 10px 16px; display: flex; flex-wrap: wrap; gap: 6px 14px; align-items: center }}
li b {{ min-width: 4em }}
li span {{ color: #56616e; font-variant-numeric: tabular-nums }}
li label {{ margin-left: auto; display: inline-flex; align-items: center; min-height: 44px; color: #174a9b; text-decoration: underline; cursor: pointer }}
li label:focus-within {{ outline: 3px solid #ffbf47 }}
input {{ position: absolute; width: 1px; height: 1px; opacity: 0 }}
</style>
</head>
<body>
<header><div class="inner"><h1>公安身份服务（演示）</h1><p>这里代替公安登记库。为下面的人登记一张您自己的照片，再到网站上用摄像头做“实人核验”，就会与这张照片比对。照片只存在本机的演示目录。</p></div></header>
<main class="inner"><ul>{rows}</ul></main>
<script>
for (const input of document.querySelectorAll("input")) input.addEventListener("change", async () => {{
  const answer = await fetch("/photos/" + input.dataset.number, {{ method: "PUT", body: input.files[0] }});
  if (answer.ok) location.reload(); else alert("照片太大，请换一张 4 MB 以内的 JPG。");
}});
</script>
</body>
</html>
"""
_ROW = (
    "<li><b>{name}</b><span>{number}</span><span>{state}</span>"
    '<label>{verb}照片<input type="file" accept="image/jpeg" data-number="{number}"></label></li>'
)


def page(registry: Registry) -> str:
    """The people of the demo, and whether each has a photo."""
    rows = []
    for number, name in sorted(registry.people.items(), key=lambda one: one[1]):
        has = (registry.photos / f"{number}.jpg").exists()
        state = "已注销" if number in registry.dead else "有照片" if has else "没有照片"
        rows.append(_ROW.format(name=html.escape(name), number=number, state=state, verb="更换" if has else "登记"))
    return _PAGE.format(rows="".join(rows))


def serve(host: str, port: int, registry: Registry) -> ThreadingHTTPServer:
    """A server that is bound and ready; the caller runs `serve_forever`."""
    server = ThreadingHTTPServer((host, port), type("BoundHandler", (Handler,), {"registry": registry}))
    server.daemon_threads = True
    return server


def main() -> None:
    parser = argparse.ArgumentParser(description="公安身份服务沙箱")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--store", type=Path, required=True, help="存放密钥和照片的文件夹")
    parser.add_argument("--client", type=Path, required=True, help="平台的公钥文件")
    options = parser.parse_args()
    registry = Registry(options.store, options.client)
    server = serve(options.host, options.port, registry)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        registry.stopping.set()
    finally:
        server.server_close()


if __name__ == "__main__":
    main()
