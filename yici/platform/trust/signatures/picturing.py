"""Pages of a PDF as pictures, by poppler, so that a phone shows them without another program.

The file comes from a stranger: it is drawn in a process of its own with limits of time and memory.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import tempfile
from pathlib import Path

from django.utils.translation import gettext as _

from yici.base.errors import Unavailable

__all__ = ["is_available", "picture"]

DOTS = 110  # an inch; a page of A4 is 910 pixels wide
SECONDS = 20
_MEMORY = 1 << 30  # bytes


def is_available() -> bool:
    return shutil.which("pdftoppm") is not None


def picture(pdf: bytes, page: int) -> bytes:
    """PNG of one page, counted from 1. Raises `Unavailable` where it cannot be drawn."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "document.pdf"
        source.write_bytes(pdf)
        command = ["pdftoppm", "-png", "-singlefile", "-r", str(DOTS), "-f", str(page), "-l", str(page)]
        try:
            subprocess.run(
                [*command, str(source), str(Path(folder) / "page")],
                check=True, capture_output=True, timeout=SECONDS, preexec_fn=_limited,
            )  # fmt: skip
            return (Path(folder) / "page.png").read_bytes()
        except (subprocess.SubprocessError, OSError):
            raise Unavailable(_("这一页无法显示，请下载文件查看。")) from None


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
