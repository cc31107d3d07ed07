"""Where the files of the lake stand. Nothing named here leads out of the data folder.

lake/<class>/v000007/part-0000.parquet    quarantine/<class>/<run>.parquet    raw/…    work/…
"""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings

from yici.base.errors import Misconfigured

__all__ = ["class_folder", "data_home", "file_path", "lake_root", "version_folder", "work_root"]

_SLUG = re.compile(r"[a-z_]+\.[a-z0-9_]+")


def data_home() -> Path:
    return Path(settings.DATA_HOME)


def lake_root() -> Path:
    return data_home() / "lake"


def work_root() -> Path:
    folder = data_home() / "work"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def class_folder(slug: str) -> Path:
    """Raises `Misconfigured` for what is no class."""
    if not _SLUG.fullmatch(slug):
        raise Misconfigured(f"{slug!r} 不是数据类的编号。")
    return lake_root() / slug


def version_folder(slug: str, number: int, run: int | None) -> Path:
    """A folder of its own for each attempt: two of them never write into each other."""
    return class_folder(slug) / f"v{number:06d}-{run or 0}"


def file_path(relative: str) -> Path:
    """A file of a manifest. Raises `Misconfigured` for a path that leaves the lake."""
    root = lake_root().resolve()
    path = (root / relative).resolve()
    if not path.is_relative_to(root):
        raise Misconfigured(f"清单中的路径越界：{relative!r}")
    return path
