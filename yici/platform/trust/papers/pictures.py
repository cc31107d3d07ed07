"""Opening what was uploaded: JPEG, PNG, WebP or a page of a PDF become upright pixels of a bearable size.

Everything comes from strangers: types are told from the bytes, sizes are limited before anything is unpacked, and a
PDF is drawn by poppler in a process of its own. Raises `PictureRefused` with what to do; never writes outside a
temporary folder.
"""

from __future__ import annotations

import io
import re
import subprocess
import tempfile
from pathlib import Path

import cv2
import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from PIL import Image, ImageOps, UnidentifiedImageError

from yici.base.errors import Invalid
from yici.core.files.inspection import PIXEL_LIMIT

__all__ = ["LONGEST", "PictureRefused", "open_picture", "page_count", "shrunk"]

LONGEST = 1600  # pixels of the longer side; more costs time and reads no better
SMALLEST = 200  # pixels of the shorter side; below that no line of a card can be told
PDF_SECONDS = 20
_DARK = 70  # mean brightness of 255 below which light is added


class PictureRefused(Invalid):
    slug = "picture-refused"
    message = gettext_lazy("这张图片读不了，请重新拍一张清楚的照片，存成 JPG 或 PNG。")  # type: ignore[assignment]


def open_picture(content: bytes, page: int = 1) -> np.ndarray:
    """A page of a file, RGB, upright by its EXIF mark, brightened where too dark. Raises `PictureRefused`."""
    if not content:
        raise PictureRefused(_("文件是空的，请重新拍照上传。"))
    if content.startswith(b"%PDF-"):
        return _bright(shrunk(_page(content, page)))
    if content[4:8] == b"ftyp":
        raise PictureRefused(_("不支持 HEIC 照片或视频，请在手机相册中另存为 JPG 再上传。"))
    return _bright(_picture(content))


def page_count(content: bytes) -> int:
    """Pages of a PDF, told by `pdfinfo`; 1 for a picture. Raises `PictureRefused`."""
    if not content.startswith(b"%PDF-"):
        return 1
    with tempfile.TemporaryDirectory() as name:
        told = _poppler(["pdfinfo", "in.pdf"], Path(name), content)
    found = re.search(rb"^Pages:\s+([0-9]+)", told, re.MULTILINE)
    if not found or not int(found[1]):
        raise PictureRefused(_("这份 PDF 里没有页面。"))
    return int(found[1])


def _picture(content: bytes) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP")) as picture:
            if picture.width * picture.height > PIXEL_LIMIT:
                raise PictureRefused(_("图片的像素太大（超过一亿），请缩小后再上传。"))
            picture.draft("RGB", (LONGEST, LONGEST))  # JPEG: decoded at a fraction, not unpacked whole
            upright = ImageOps.exif_transpose(picture)
            upright.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS, reducing_gap=2.0)
            pixels = np.asarray(_flat(upright))
    except UnidentifiedImageError:
        raise PictureRefused(_("这不是图片。请上传 JPG、PNG、WEBP 照片，或扫描成的 PDF。")) from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PictureRefused(_("图片已损坏或不完整，请重新拍照上传。")) from error
    if min(pixels.shape[:2]) < SMALLEST:
        raise PictureRefused(_("图片太小，字看不清。请靠近证件重新拍一张。"))
    return pixels


def _flat(picture: Image.Image) -> Image.Image:
    """Without transparency: what is see-through becomes white paper."""
    if picture.mode not in ("RGBA", "LA", "PA") and "transparency" not in picture.info:
        return picture.convert("RGB")
    ground = Image.new("RGBA", picture.size, "white")
    ground.alpha_composite(picture.convert("RGBA"))
    return ground.convert("RGB")


def shrunk(pixels: np.ndarray, longest: int = LONGEST) -> np.ndarray:
    height, width = pixels.shape[:2]
    share = longest / max(height, width)
    if share >= 1:
        return pixels
    return cv2.resize(pixels, (round(width * share), round(height * share)), interpolation=cv2.INTER_AREA)


def _page(content: bytes, page: int) -> np.ndarray:
    """A page of a PDF, drawn by `pdftoppm`. Raises `PictureRefused` for one that poppler cannot draw."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wanted = ["-f", str(page), "-l", str(page), "-scale-to", str(LONGEST)]
        _poppler(["pdftoppm", "-png", *wanted, "in.pdf", "page"], folder, content)
        drawn = next(iter(folder.glob("page*.png")), None)
        if drawn is None:
            raise PictureRefused(_("这份 PDF 没有第 {page} 页。").format(page=page))
        return _picture(drawn.read_bytes())


def _poppler(command: list[str], folder: Path, content: bytes) -> bytes:
    (folder / "in.pdf").write_bytes(content)
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, timeout=PDF_SECONDS, check=True).stdout
    except FileNotFoundError:
        raise PictureRefused(_("这台服务器没有安装 PDF 工具（poppler-utils），请改传照片。")) from None
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise PictureRefused(_("这份 PDF 打不开：已损坏、设了密码，或页面过于复杂。请改传照片。")) from error


def _bright(pixels: np.ndarray) -> np.ndarray:
    """A picture taken in the dark, lightened until its lines can be told: contrast by tile, in lightness only."""
    if pixels.mean() >= _DARK:
        return pixels
    light, first, second = cv2.split(cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB))
    spread = np.percentile(light, (1, 99))
    stretched = np.clip((light.astype(np.float32) - spread[0]) * 255 / max(spread[1] - spread[0], 12), 0, 255)
    even = cv2.createCLAHE(clipLimit=2.0, tileGridSize=(8, 8)).apply(stretched.astype(np.uint8))
    return cv2.cvtColor(cv2.merge([even, first, second]), cv2.COLOR_LAB2RGB)
