"""What may be uploaded: a short allow-list, names made harmless, trust that only rises, and the refusals.

The bytes themselves are looked at in `inspection.py`.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from django.utils.translation import gettext_lazy

from yici.base.errors import Invalid, Unavailable

CHUNK = 64 * 1024  # bytes read at a time
NAME_LIMIT = 120  # characters; most file systems stop at 255 bytes, a Chinese character takes three
TRUST_ORDER = "ABCD"  # 国办函〔2016〕108号: A is the strongest


class FileRejected(Invalid):
    slug = "file-rejected"
    message = gettext_lazy("这个文件不能上传，请换一个文件。")  # type: ignore[assignment]


class TooLarge(FileRejected):
    status = 413
    slug = "file-too-large"


class TypeNotAllowed(FileRejected):
    slug = "file-type-not-allowed"


class TypeMismatch(FileRejected):
    slug = "file-type-mismatch"
    message = gettext_lazy("文件的后缀名与内容不符，请用原来的程序重新保存后再上传。")  # type: ignore[assignment]


class Damaged(FileRejected):
    slug = "file-damaged"
    message = gettext_lazy("文件已损坏或不完整，请重新扫描或保存后再上传。")  # type: ignore[assignment]


class Infected(FileRejected):
    slug = "file-infected"
    message = gettext_lazy("文件含有病毒，已封存，不能打开。请重新提供一份干净的文件。")  # type: ignore[assignment]


class NotScannedYet(Unavailable):
    slug = "file-not-scanned"
    message = gettext_lazy("文件正在查毒，请稍后再打开。")  # type: ignore[assignment]


@dataclass(frozen=True)
class Kind:
    """One allowed type: `family` is what the bytes say, the extension then settles it."""

    family: str
    media_type: str
    label: str


KINDS: dict[str, Kind] = {
    "pdf": Kind("pdf", "application/pdf", "PDF"),
    "png": Kind("png", "image/png", "PNG"),
    "jpg": Kind("jpeg", "image/jpeg", "JPEG"),
    "jpeg": Kind("jpeg", "image/jpeg", "JPEG"),
    "webp": Kind("webp", "image/webp", "WebP"),
    "docx": Kind("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "Word"),
    "xlsx": Kind("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "Excel"),
    "ofd": Kind("ofd", "application/ofd", "OFD"),
    "csv": Kind("text", "text/csv", "CSV"),
    "txt": Kind("text", "text/plain", "TXT"),
}
# What the platform itself packs; never taken from anybody.
OWN_KINDS: dict[str, Kind] = {"zip": Kind("zip", "application/zip", "ZIP")}
ALLOWED = "PDF、JPG、PNG、WEBP、DOCX、XLSX、OFD、TXT、CSV"


def clean_name(raw: str) -> str:
    """A file name for people: no path, no control or direction-changing characters, at most 120 characters."""
    name = unicodedata.normalize("NFC", raw).replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(" " if char in "\t\r\n" else char for char in name)
    # C*: control, format (bidi overrides, zero-width), surrogate, private use, unassigned
    name = "".join(char for char in name if not unicodedata.category(char).startswith("C"))
    name = "".join("_" if char in '<>:"|?*' else char for char in name)
    name = " ".join(name.split()).rstrip(". ")
    stem, dot, extension = name.rpartition(".")
    extension = extension.strip()
    if dot and len(extension) <= 10:
        room = NAME_LIMIT - len(extension) - 1
        return f"{stem.strip('. ')[:room].rstrip('. ') or '文件'}.{extension}"
    return name.strip(". ")[:NAME_LIMIT].rstrip(". ") or "文件"


def extension_of(name: str) -> str:
    """Lower-case extension without the dot; empty where there is none."""
    _stem, dot, extension = name.rpartition(".")
    return extension.lower() if dot else ""


def is_higher_trust(new: str, old: str) -> bool:
    """Trust only rises: D → C → B → A."""
    return TRUST_ORDER.index(new) < TRUST_ORDER.index(old)
