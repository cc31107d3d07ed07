"""Asking a REST interface for one page: signed, with retries, and never more than a bounded answer."""

from __future__ import annotations

import email.utils
import json
import random
import secrets
import socket
import ssl
import time
from contextlib import suppress
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

import httpx
from django.utils.translation import gettext as _

from yici.platform.data.errors import SourceInconsistent, SourceUnavailable
from yici.platform.data.sources.base import Pace, SourceAccessDenied, SourceMisconfigured
from yici.platform.data.sources.connections import Connection, secret
from yici.platform.data.sources.failures import SKEW_SECONDS, failure, network_failure
from yici.platform.data.sources.interface.signing import sign

LARGEST_PAGE = 64 << 20  # bytes
_LONGEST_PAUSE = 30.0  # seconds


class Client:
    """Use as a context. `ahead`: seconds that the source's clock was ahead of ours in its last answer."""

    def __init__(self, at: Connection, path: str, attempts: int, pause: float, pace: Pace) -> None:
        scheme = "http" if at.tls.mode == "off" else "https"
        self._at, self._pace = at, pace
        self._path = at.path.rstrip("/") + path
        self._base = f"{scheme}://{at.host}:{at.port}"
        self._secret = secret(at.secret)
        self._attempts, self._pause = attempts, pause
        limits = httpx.Timeout(at.timeouts.read, connect=at.timeouts.connect)
        self._http = httpx.Client(timeout=limits, trust_env=False, verify=at.tls.ca or True)
        self.ahead = 0.0

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, parameters: dict[str, str]) -> Any:
        """The answer's JSON, every number as the text it was written as.

        Tried again after 429, 5xx and broken connections, with growing pauses; once more only where the source hangs.
        """
        hung = 0
        for attempt in range(1, self._attempts + 1):
            self._pace.advance()
            try:
                answer, body = self._once(parameters)
            except httpx.TransportError as error:
                hung += isinstance(error, httpx.TimeoutException)
                if attempt == self._attempts or hung == 2:
                    raise network_failure(_cause(error), self._at) from error
                self._pace.wait(self._backoff(attempt, ""))
                continue
            if answer.status_code != 429 and answer.status_code < 500:
                return self._read(answer, body)
            if attempt < self._attempts:
                self._pace.wait(self._backoff(attempt, answer.headers.get("Retry-After", "")))
        raise failure(
            SourceUnavailable,
            "server-error",
            _("数据接口连续 %(n)d 次返回错误 %(status)d。") % {"n": self._attempts, "status": answer.status_code},
            _("稍后会自动重试；若一直如此，请提供单位检查接口。"),
        )

    def _once(self, parameters: dict[str, str]) -> tuple[httpx.Response, bytes]:
        query = urlencode(parameters)
        headers = sign(self._at.user, self._secret, "GET", self._path, query, time.time(), secrets.token_hex(16))
        url = f"{self._base}{self._path}" + (f"?{query}" if query else "")
        body = bytearray()
        with self._http.stream("GET", url, headers={**headers, "Accept": "application/json"}) as answer:
            for block in answer.iter_bytes():
                body += block
                self._pace.advance()
                if len(body) > LARGEST_PAGE:
                    raise failure(
                        SourceMisconfigured,
                        "page-too-large",
                        _("数据接口的一页超过 %(mb)d MB。") % {"mb": LARGEST_PAGE >> 20},
                        _("请把参数 size 调小。"),
                        "size",
                    )
        self._note_clock(answer)
        return answer, bytes(body)

    def _note_clock(self, answer: httpx.Response) -> None:
        with suppress(KeyError, ValueError):
            self.ahead = email.utils.parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time()

    def _backoff(self, attempt: int, retry_after: str) -> float:
        if retry_after.isdecimal():
            return min(float(retry_after), _LONGEST_PAUSE)
        spread = 0.5 + random.random()  # noqa: S311 - so that many clients do not come back in one moment
        return min(self._pause * 2 ** (attempt - 1) * spread, _LONGEST_PAUSE)

    def _read(self, answer: httpx.Response, body: bytes) -> Any:
        if answer.status_code in (401, 403):
            raise self._denied()
        if answer.status_code == 404:
            raise failure(
                SourceMisconfigured,
                "unknown-path",
                _("数据接口没有路径“%(path)s”。") % {"path": self._path},
                _("请核对参数 path 和 sources.yaml 中的 path。"),
                "path",
            )
        if answer.status_code != 200:
            raise failure(
                SourceMisconfigured,
                "refused-request",
                _("数据接口不接受请求（%(status)d）。") % {"status": answer.status_code},
                _("请与提供单位核对参数。"),
                "parameters",
            )
        try:
            return json.loads(body, parse_float=str, parse_int=str, parse_constant=str)
        except ValueError:
            raise SourceInconsistent(_("数据接口返回的不是完整的 JSON；稍后会从头重试。")) from None

    def _denied(self) -> SourceAccessDenied:
        if abs(self.ahead) > SKEW_SECONDS:
            return failure(
                SourceAccessDenied,
                "clock-skew",
                _("数据接口拒绝了签名，其时钟与平台相差 %(n)d 秒。") % {"n": abs(self.ahead)},
                _("请先校准两边的时钟。"),
            )
        return failure(
            SourceAccessDenied,
            "wrong-password",
            _("数据接口不接受应用“%(app)s”的签名。") % {"app": self._at.user},
            _("请向提供单位核对应用名，并更新密钥“%(secret)s”。") % {"secret": self._at.secret},
        )


def _cause(error: httpx.TransportError) -> BaseException:
    """The socket's own error, where there is one: it tells an unknown host from a closed port."""
    if isinstance(error, httpx.TimeoutException):
        return TimeoutError()
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror | ConnectionRefusedError | ssl.SSLCertVerificationError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return error
