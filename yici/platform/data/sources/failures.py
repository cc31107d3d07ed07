"""What goes wrong on the way to a source, as errors and as problems: the same words in a run and in a check."""

from __future__ import annotations

import socket
import ssl
from typing import TypeVar

from django.utils.translation import gettext as _

from yici.base.errors import YiciError
from yici.platform.data.disk import is_full
from yici.platform.data.errors import DiskFull, SourceUnavailable
from yici.platform.data.sources.base import Problem, SourceAccessDenied
from yici.platform.data.sources.connections import Connection

Failure = TypeVar("Failure", bound=YiciError)

SKEW_SECONDS = 60


def failure(kind: type[Failure], code: str, message: str, remedy: str, field: str = "connection") -> Failure:
    """An error that a check can take apart again. `code`: e.g. `unknown-host`; `field`: the option to look at."""
    return kind(message + remedy, code=code, what=message, remedy=remedy, field=field)


def problem_of(error: YiciError) -> Problem:
    """The error as a problem of a configuration."""
    extra = error.extra
    return Problem(
        str(extra.get("code", error.slug)),
        str(extra.get("what", error.message)),
        str(extra.get("remedy", "")),
        str(extra.get("field", "connection")),
    )


def clock_problems(ahead: float, message: str, remedy: str) -> list[Problem]:
    """A clock that goes wrong by more than a minute. `message` has places for `said` (fast or slow) and `seconds`."""
    if abs(ahead) <= SKEW_SECONDS:
        return []
    said = _("快") if ahead > 0 else _("慢")
    told = message % {"said": said, "seconds": abs(ahead)}
    return [Problem("clock-skew", told, remedy, "connection", "warning")]


def network_failure(error: BaseException, at: Connection) -> SourceUnavailable:
    """For errors of sockets: name unknown, nobody listens, no answer in time, cut in the middle.

    Raises `DiskFull` where it is not the network at all that failed: both are OSError to a library that copies.
    """
    if is_full(error):
        raise DiskFull from error
    where = {"host": at.host, "port": at.port}
    if isinstance(error, socket.gaierror):
        return failure(
            SourceUnavailable,
            "unknown-host",
            _("找不到主机“%(host)s”。") % where,
            _("请核对 sources.yaml 中的主机名。"),
        )
    if isinstance(error, ConnectionRefusedError):
        return failure(
            SourceUnavailable,
            "connection-refused",
            _("%(host)s:%(port)s 拒绝连接。") % where,
            _("请核对端口，并请提供单位确认服务已启动、防火墙已放行。"),
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return failure(
            SourceAccessDenied,
            "untrusted-certificate",
            _("%(host)s:%(port)s 的证书不可信（%(error)s）。") % {**where, "error": error.verify_message},
            _("请向提供单位索取其签发机构的证书，写入 sources.yaml 的 tls.ca。"),
        )
    if isinstance(error, TimeoutError):
        return failure(
            SourceUnavailable,
            "timeout",
            _("%(host)s:%(port)s 在规定时间内没有应答。") % where,
            _("稍后会自动重试；若一直如此，请提供单位检查服务和网络。"),
        )
    return failure(
        SourceUnavailable,
        "connection-lost",
        _("与 %(host)s:%(port)s 的连接中断（%(error)s）。") % {**where, "error": type(error).__name__},
        _("稍后会自动重试。"),
    )


def wrong_password(at: Connection) -> SourceAccessDenied:
    return failure(
        SourceAccessDenied,
        "wrong-password",
        _("用户“%(user)s”的密码或密钥不对，%(host)s:%(port)s 拒绝登录。")
        % {"user": at.user, "host": at.host, "port": at.port},
        _("请向提供单位核对账号，并更新密钥“%(secret)s”。") % {"secret": at.secret or at.key_secret},
    )


def unknown_folder(folder: str) -> SourceUnavailable:
    return failure(
        SourceUnavailable,
        "unknown-folder",
        _("数据源上没有文件夹“%(folder)s”。") % {"folder": folder},
        _("请核对参数 folder，或请提供单位建好文件夹。"),
        "folder",
    )


def no_permission(what: str, field: str = "folder") -> SourceAccessDenied:
    return failure(
        SourceAccessDenied,
        "no-permission",
        _("账号没有读取“%(what)s”的权限。") % {"what": what},
        _("请提供单位授予只读权限。"),
        field,
    )
