"""Copies the few front-end files that pages need from node_modules into the static folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from yici.base.errors import Misconfigured

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "yici" / "web" / "static" / "vendor"


def copy_assets() -> int:
    """Copy htmx and the icons listed in `icons.txt`; returns how many files. Needs `npm ci` to have run."""
    modules = ROOT / "node_modules"
    htmx = modules / "htmx.org" / "dist" / "htmx.min.js"
    if not htmx.exists():
        raise Misconfigured("缺少前端文件：请先运行 make assets（需要 npm）。")
    icons = VENDOR / "icons"
    icons.mkdir(parents=True, exist_ok=True)
    shutil.copy(htmx, VENDOR / "htmx.min.js")
    names = (Path(__file__).parent / "icons.txt").read_text("utf-8").split()
    for name in names:
        kind, stem = ("filled", name.removesuffix("-filled")) if name.endswith("-filled") else ("outline", name)
        source = modules / "@tabler" / "icons" / "icons" / kind / f"{stem}.svg"
        if not source.exists():
            raise Misconfigured(f"图标 {name} 在 @tabler/icons 中不存在：请检查 yici/web/icons.txt。")
        shutil.copy(source, icons / f"{name}.svg")
    return len(names) + 1
