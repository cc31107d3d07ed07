"""What a start must bring up to date: tables, static files, the city's data. Each step is skipped when nothing changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from yici.base.cityfolder import city_folder, read_yaml
from yici.web import wiring


def migrate() -> None:
    """Apply migrations that are not yet applied."""
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=0)


def collect_static() -> None:
    """Copy and compress static files when one of them changed."""
    root = settings.ROOT / "yici"
    files = [path for path in root.rglob("static/**/*") if path.is_file()]
    if _changed("static", files):
        call_command("collectstatic", interactive=False, verbosity=0, clear=True)
        _remember("static", files)


def load_city(report: Callable[[str], None] = lambda line: None) -> None:
    """Load the city folder and the demo people when the folder or the loading code changed."""
    from yici.core.people.services import load_demo
    from yici.platform.trust.demo import load_demo as load_held

    city = city_folder()
    files = [path for path in city.rglob("*") if path.is_file()]
    files += [path for path in (settings.ROOT / "yici").rglob("*.py") if "migrations" not in path.parts]
    if not _changed("city", files):
        return
    wiring.load_city(city, report)
    load_demo(city)
    load_held(city)
    _remember("city", files)


def demo_accounts() -> list[str]:
    """Lines for the terminal: who to sign in as."""
    demo = read_yaml(city_folder() / "demo.yaml")
    lines = ["可以这样试："]
    for person in demo.get("citizens", [])[:2]:
        lines.append(
            f"  市民  {person['name']}  {person['id_number']}  手机 {person['phone']}    {person.get('note', '')}"
        )
    lines.append(f"  工作人员密码  {demo['password']}    动态验证码密钥  {demo['totp_secret']}")
    for member in demo.get("staff", [])[:6]:
        lines.append(f"  {member['username']:<28} {member['name']}  {member.get('title', '')}")
    return lines


def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        status = path.stat()
        digest.update(f"{path}:{status.st_size}:{status.st_mtime_ns}\n".encode())
    digest.update(connection.settings_dict["NAME"].encode())
    return digest.hexdigest()


def _changed(name: str, files: Iterable[Path]) -> bool:
    state = _state()
    return state.get(name) != _digest(files)


def _remember(name: str, files: Iterable[Path]) -> None:
    state = _state()
    state[name] = _digest(files)
    _state_path().write_text(json.dumps(state))


def _state() -> dict[str, str]:
    path = _state_path()
    return json.loads(path.read_text()) if path.exists() else {}


def _state_path() -> Path:
    return Path(settings.HOME) / "setup.json"
