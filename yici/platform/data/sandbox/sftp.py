"""An SFTP server with a folder per department: each account sees its own folder and nothing else."""

from __future__ import annotations

import hmac
import logging
from pathlib import Path
from typing import Any

import asyncssh

from yici.platform.data.sandbox.accounts import accounts, announce, folder

_HOST_KEY = "host-key"


async def start(home: Path, port: int = 0) -> Any:
    """Serve on the loopback and announce address and host key. Returns the acceptor, to be closed by the caller."""
    logging.getLogger("asyncssh").setLevel(logging.WARNING)
    root = folder(home, "sftp")
    passwords = {one.user: one.password for one in accounts("sftp", home)}
    for user in passwords:
        (root / user).mkdir(exist_ok=True)
    key = _host_key(root)
    acceptor = await asyncssh.listen(
        "127.0.0.1",
        port,
        server_host_keys=[key],
        server_factory=lambda: _Doorman(passwords),
        sftp_factory=lambda channel: _Chrooted(channel, root),
        allow_scp=False,
    )
    line = key.export_public_key().decode().strip()
    announce(home, "sftp", {"host": "127.0.0.1", "port": acceptor.get_port(), "host_key": line})
    return acceptor


def department_folder(home: Path, user: str) -> Path:
    """Where the files of a department's account lie, for filling."""
    found = folder(home, "sftp") / user
    found.mkdir(exist_ok=True)
    return found


def _host_key(root: Path) -> Any:
    """Made once for a data home, so that whoever pinned it still trusts it after the next start."""
    path = root / _HOST_KEY
    if not path.exists():
        path.touch(0o600)
        path.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
    return asyncssh.read_private_key(str(path))


class _Doorman(asyncssh.SSHServer):  # type: ignore[misc] # the package is untyped here
    def __init__(self, passwords: dict[str, str]) -> None:
        self._passwords = passwords

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        expected = self._passwords.get(username, "")
        return bool(expected) and hmac.compare_digest(expected.encode(), password.encode())


class _Chrooted(asyncssh.SFTPServer):  # type: ignore[misc]
    def __init__(self, channel: Any, root: Path) -> None:
        user = channel.get_extra_info("username")
        super().__init__(channel, chroot=str(root / user).encode())
