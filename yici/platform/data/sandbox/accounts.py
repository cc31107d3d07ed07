"""Who may log in where, as the city's connections say, and where the servers are once they run.

Passwords are made at random at the first start and kept in `secrets.json` of the data home, nowhere else.
"""

from __future__ import annotations

import fcntl
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yici.platform.data.sources.connections import Connection, connections, keep_secrets, secret


@dataclass(frozen=True)
class Account:
    """One user of a demo server. `unit`: the department's function; its data is all it sees."""

    user: str
    password: str
    unit: str
    connection: Connection


def accounts(server: str, home: Path) -> list[Account]:
    """The users of a demo server (`sandbox:` in `sources.yaml`), their passwords made where there is none yet."""
    found = [one for one in connections().values() if one.sandbox == server]
    with _locked(home):
        keep_secrets({one.secret: secrets.token_urlsafe(18) for one in found if one.secret}, home)
    return [Account(one.user, secret(one.secret, home), one.unit, one) for one in found]


def announce(home: Path, server: str, address: dict[str, Any]) -> None:
    """Write where the server is to be found into `sandbox.json`, beside the others."""
    with _locked(home):
        path = home / "sandbox.json"
        known = json.loads(path.read_text("utf-8")) if path.exists() else {"servers": {}}
        known["servers"][server] = address
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(known, indent=1), "utf-8")
        draft.replace(path)


def withdraw(home: Path) -> None:
    """The servers are gone: nobody shall look for them at ports that may be somebody else's by now."""
    (home / "sandbox.json").unlink(missing_ok=True)


def folder(home: Path, server: str) -> Path:
    found = home / "sandbox" / server
    found.mkdir(parents=True, exist_ok=True)
    return found


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    home.mkdir(parents=True, exist_ok=True)
    with (home / "sandbox.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
