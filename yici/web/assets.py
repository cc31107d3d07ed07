"""Copies the few front-end files that pages need from node_modules into the static folder."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from yici.base.errors import Misconfigured

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "yici" / "web" / "static" / "vendor"
# What guides somebody at the camera: the face's place, its mesh, and whether it is alive. Not the other 30 MB.
FACE_MODELS = ("blazeface", "facemesh", "antispoof", "liveness")


def copy_assets() -> int:
    """Copy htmx, the icons listed in `icons.txt` and the face guidance; returns how many files.

    Needs `npm ci` to have run.
    """
    modules = ROOT / "node_modules"
    htmx = modules / "htmx.org" / "dist" / "htmx.min.js"
    human = modules / "@vladmandic" / "human"
    if not htmx.exists() or not human.exists():
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
    return len(names) + 1 + _copy_face_guidance(human)


def _copy_face_guidance(human: Path) -> int:
    """The library, without the pointer to a source map that is not there, and its models."""
    models = VENDOR / "human" / "models"
    models.mkdir(parents=True, exist_ok=True)
    library = (human / "dist" / "human.esm.js").read_text("utf-8")
    (VENDOR / "human" / "human.esm.js").write_text(re.sub(r"\n//# sourceMappingURL=.*", "", library), "utf-8")
    files = ["models.json", *(f"{name}.{ending}" for name in FACE_MODELS for ending in ("json", "bin"))]
    for name in files:
        shutil.copy(human / "models" / name, models / name)
    return len(files) + 1
