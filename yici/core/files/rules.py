"""What a file is, decided from its bytes: a short allow-list, names made harmless, trust that only rises.

Works on any seekable binary stream; never loads a whole file into memory and never reads the database.
"""

from __future__ import annotations

import codecs
import unicodedata
from dataclasses import dataclass
from typing import Any, BinaryIO

from django.utils.translation import gettext as _
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
ALLOWED = "PDF、JPG、PNG、WEBP、DOCX、XLSX、OFD、TXT、CSV"

# Signatures of what is refused by name, so that the message can say what it was (libmagic, public lists).
_REFUSED: list[tuple[bytes, Any]] = [
    (b"MZ", gettext_lazy("这是可执行程序，不能上传。")),
    (b"\x7fELF", gettext_lazy("这是可执行程序，不能上传。")),
    (b"\xca\xfe\xba\xbe", gettext_lazy("这是可执行程序，不能上传。")),
    (b"\xcf\xfa\xed\xfe", gettext_lazy("这是可执行程序，不能上传。")),
    (b"#!", gettext_lazy("这是脚本程序，不能上传。")),
    (b"GIF8", gettext_lazy("不支持 GIF 动图，请另存为 JPG 或 PNG。")),
    (b"BM", gettext_lazy("不支持 BMP 图片，请另存为 JPG 或 PNG。")),
    (b"\xd0\xcf\x11\xe0", gettext_lazy("这是旧版 Office 文件，请另存为 DOCX、XLSX 或 PDF。")),
    (b"Rar!", gettext_lazy("不支持压缩包，请逐个上传其中的文件。")),
    (b"7z\xbc\xaf", gettext_lazy("不支持压缩包，请逐个上传其中的文件。")),
    (b"\x1f\x8b", gettext_lazy("不支持压缩包，请逐个上传其中的文件。")),
]
_MARKUP = (
    b"<!doctype",
    b"<html",
    b"<head",
    b"<body",
    b"<script",
    b"<svg",
    b"<?xml",
    b"<?php",
    b"<iframe",
    b"javascript:",
)
_BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


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


def check_type(stream: BinaryIO, size: int, name: str) -> str:
    """The media type of an allowed file. Raises a `FileRejected` that says what is wrong and what to do."""
    from yici.core.files import inspection

    if size == 0:
        raise Damaged(_("文件是空的，请检查后重新上传。"))
    family = _family(stream, size)
    kind = KINDS.get(extension_of(name))
    if kind is None:
        raise TypeNotAllowed(_("不支持这种文件。可以上传：%(types)s。") % {"types": ALLOWED})
    if family == "zip":
        family = inspection.office_family(stream, size)
    if family == "text":
        inspection.check_text(stream)
    if kind.family != family:
        raise TypeMismatch()
    if family in inspection.IMAGE_READERS:
        inspection.check_image(stream, size, family)
    if family == "pdf":
        inspection.check_pdf(stream, size)
    return kind.media_type


def _family(stream: BinaryIO, size: int) -> str:
    """`pdf`, `png`, `jpeg`, `webp`, `zip` or `text`, from the first bytes. Refuses the known dangerous ones."""
    stream.seek(0)
    head = stream.read(4096)
    if head.startswith(b"%PDF-"):
        return "pdf"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    for magic, message in _REFUSED:
        if head.startswith(magic):
            raise TypeNotAllowed(str(message))
    if head[4:8] == b"ftyp":
        raise TypeNotAllowed(_("不支持 HEIC 照片或视频，请在手机相册中另存为 JPG。"))
    _refuse_markup(head)
    return "text"


def _refuse_markup(head: bytes) -> None:
    for bom in _BOMS:
        head = head.removeprefix(bom)
    plain = head.replace(b"\0", b"").lstrip().lower()
    if any(mark in plain for mark in _MARKUP) or plain.startswith(b"<"):
        raise TypeNotAllowed(_("这是网页或脚本内容，不能上传。请另存为 PDF 或图片。"))
