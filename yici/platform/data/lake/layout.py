"""Where the files of the lake stand. Nothing named here leads out of the data folder.

lake/<class>/v000007-<attempt>/part-0000.parquet    quarantine/<class>/<run>.parquet    raw/…    work/…
"""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from django.conf import settings

from yici.base.errors import Misconfigured

__all__ = [
    "class_folder",
    "data_home",
    "file_path",
    "lake_root",
    "new_version_folder",
    "new_work_folder",
    "quarantine_root",
    "raw_root",
    "work_prefix",
    "work_root",
]

_SLUG = re.compile(r"[a-z_]+\.[a-z0-9_]+")


def data_home() -> Path:
    return Path(settings.DATA_HOME)


def lake_root() -> Path:
    return data_home() / "lake"


def quarantine_root() -> Path:
    return data_home() / "quarantine"


def raw_root() -> Path:
    return data_home() / "raw"


def work_root() -> Path:
    folder = data_home() / "work"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def class_folder(slug: str) -> Path:
    """Raises `Misconfigured` for what is no class."""
    if not _SLUG.fullmatch(slug):
        raise Misconfigured(f"{slug!r} 不是数据类的编号。")
    return lake_root() / slug


def new_version_folder(slug: str, number: int) -> Path:
    """A name of its own for each attempt: what a crash left never stands in the way, nor is taken for another's."""
    return class_folder(slug) / f"v{number:06d}-{secrets.token_hex(4)}"


def work_prefix(slug: str) -> str:
    """How the names of folders begin in which versions of the class are written."""
    class_folder(slug)
    return f"publish-{slug}-"


def new_work_folder(slug: str) -> Path:
    folder = work_root() / f"{work_prefix(slug)}{secrets.token_hex(4)}"
    folder.mkdir()
    return folder


def file_path(relative: str) -> Path:
    """A file of a manifest. Raises `Misconfigured` for a path that leaves the lake."""
    root = lake_root().resolve()
    path = (root / relative).resolve()
    if not path.is_relative_to(root):
        raise Misconfigured(f"清单中的路径越界：{relative!r}")
    return path
