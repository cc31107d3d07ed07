"""Connections of the city (`sources.yaml` of its folder) and their secrets, which never stand there.

A secret named NAME comes from the environment `YICI_SOURCE_NAME`, else from `DATA_HOME/secrets.json` (mode 600).
"""

from __future__ import annotations

import json
import os
import stat
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from django.conf import settings
from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from yici.base.cityfolder import city_folder, read_yaml
from yici.base.faults import faults_of
from yici.base.text import Text
from yici.platform.data.sources.base import SourceMisconfigured

ConnectionKind = Literal["sftp", "ftp", "ftps", "postgresql", "mysql", "rest"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Timeouts(_Part):
    """Seconds: until the source answers at all, between two signs of life, and for the whole pull."""

    connect: float = Field(default=10, gt=0)
    read: float = Field(default=120, gt=0)
    total: float = Field(default=6 * 3600, gt=0)


class Tls(_Part):
    """`off` only inside a network that is closed anyway. `ca`: PEM file of the department's own authority. `implicit`: FTPS
    that is encrypted from the first byte on (port 990), as old servers want it, instead of AUTH TLS.
    """

    mode: Literal["verify", "off"] = "verify"
    ca: str = ""
    implicit: bool = False


class Connection(_Part):
    """How one server is reached. `sandbox`: the address is that of a demo server (`DATA_HOME/sandbox.json`).

    `secret`: name of the password, or of the signing key of an interface. `key_secret`: name of a private key
    (PEM) for SFTP. `path`: folder (SFTP, FTP), schema (PostgreSQL) or path before all others (REST). `host_key`: the server's own public key, one line as in `known_hosts`; needed for SFTP.
    """

    id: str = ""
    label: Text
    unit: str = ""
    kind: ConnectionKind
    host: str = "127.0.0.1"
    port: int = 0
    user: str = ""
    secret: str = ""
    key_secret: str = ""
    host_key: str = ""
    database: str = ""
    path: str = ""
    encoding: str = "utf-8"
    tls: Tls = Tls()
    timeouts: Timeouts = Timeouts()
    sandbox: str = ""


_PORTS: dict[str, int] = {"sftp": 22, "ftp": 21, "ftps": 21, "postgresql": 5432, "mysql": 3306, "rest": 443}

_IMPLICIT_FTPS = 990


def connections() -> dict[str, Connection]:
    """All connections of the city, by id. Raises `SourceMisconfigured` naming what is wrong in the file."""
    path = city_folder() / "sources.yaml"
    return _read(path, path.stat().st_mtime_ns) if path.exists() else {}


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> dict[str, Connection]:
    found: dict[str, Connection] = {}
    for key, entry in ((read_yaml(path) or {}).get("connections") or {}).items():
        try:
            found[key] = Connection.model_validate({**entry, "id": key})
        except ValidationError as error:
            said = "；".join(f"{where}: {message}" for where, message in faults_of(error))
            raise SourceMisconfigured(
                _("sources.yaml 中的连接“%(key)s”有误：%(faults)s。请修改该文件。") % {"key": key, "faults": said}
            ) from None
    return found


def connection(id_: str, kinds: tuple[ConnectionKind, ...]) -> Connection:
    """The connection, its address complete. Raises `SourceMisconfigured` where it is unknown or of a wrong kind."""
    found = connections().get(id_)
    if found is None:
        raise SourceMisconfigured(
            _("没有名为“%(id)s”的连接。请在城市目录的 sources.yaml 中添加，或改用已有的连接。") % {"id": id_}
        )
    if found.kind not in kinds:
        raise SourceMisconfigured(
            _("连接“%(id)s”是 %(kind)s，这里需要 %(kinds)s。请在对接参数中换一个连接。")
            % {"id": id_, "kind": found.kind, "kinds": " / ".join(kinds)}
        )
    if found.sandbox:
        return _at_sandbox(found)
    usual = _IMPLICIT_FTPS if found.kind == "ftps" and found.tls.implicit else _PORTS[found.kind]
    return found.model_copy(update={"port": found.port or usual})


def _at_sandbox(found: Connection) -> Connection:
    """Address, host key and authority as the demo server wrote them when it started; others have no TLS on a loopback."""
    server = read_sandbox(Path(settings.DATA_HOME)).get(found.sandbox)
    if server is None:
        raise SourceMisconfigured(
            _("演示用的部门服务器“%(name)s”没有启动。请先启动演示环境（yici run），或在 sources.yaml 中填写真实地址。")
            % {"name": found.sandbox}
        )
    known: dict[str, Any] = {name: server[name] for name in ("host", "port", "host_key") if name in server}
    tls = Tls(ca=server["ca"]) if "ca" in server else Tls(mode="off")
    return found.model_copy(update={**known, "tls": tls})


def read_sandbox(home: Path) -> dict[str, dict[str, Any]]:
    """The demo servers of a data home by name (sftp, ftps, rest, mysql, postgres); empty where none was started."""
    path = home / "sandbox.json"
    return dict(json.loads(path.read_text("utf-8"))["servers"]) if path.exists() else {}


def secret(name: str, home: Path | None = None) -> str:
    """The secret, or empty where `name` is empty. Raises `SourceMisconfigured` where it is named but not there."""
    if not name:
        return ""
    if given := os.environ.get(f"YICI_SOURCE_{name}"):
        return given
    path = (home or Path(settings.DATA_HOME)) / "secrets.json"
    if path.exists():
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise SourceMisconfigured(
                _("%(path)s 对其他用户可读，已拒绝使用。请执行 chmod 600 后重试。") % {"path": path}
            )
        if (found := json.loads(path.read_text("utf-8")).get(name)) is not None:
            return str(found)
    raise SourceMisconfigured(
        _("没有找到密钥“%(name)s”。请设置环境变量 YICI_SOURCE_%(name)s，或写入数据目录的 secrets.json（权限 600）。")
        % {"name": name}
    )


def keep_secrets(values: dict[str, str], home: Path) -> None:
    """Add to `secrets.json` of that data home what is not there yet; the file is its owner's only, always."""
    path = home / "secrets.json"
    known = json.loads(path.read_text("utf-8")) if path.exists() else {}
    merged = {**values, **known}
    if merged == known:
        return
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        json.dump(merged, handle, indent=1, sort_keys=True)
    draft.replace(path)
