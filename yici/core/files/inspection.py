"""What a file is, decided from its bytes: its type, sizes of images, members of documents, text that is text.

Every check reads in pieces and has a limit, because the file comes from a stranger. `PK` archives must be
exactly one archive from the first byte to the last, so that nothing hides before or behind it.
"""

from __future__ import annotations

import codecs
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yici.core.files.rules import (
    ALLOWED,
    CHUNK,
    KINDS,
    OWN_KINDS,
    Damaged,
    FileRejected,
    TypeMismatch,
    TypeNotAllowed,
    extension_of,
)

PIXEL_LIMIT = 100_000_000  # 100 MP: larger ones exhaust the memory of whoever opens them
UNPACKED_LIMIT = 200 * 1024 * 1024  # bytes of all members together
MEMBER_LIMIT = 5_000
RATIO_LIMIT = 200  # unpacked : packed of one member over 1 MB; real spreadsheets stay below 50
_END = struct.Struct("<4s4H2LH")  # end of central directory record, APPNOTE 4.3.16
_MACROS = ("vbaproject.bin", ".exe", ".dll", ".js", ".vbs", ".bat", ".cmd", ".scr", ".ps1", ".html", ".htm", ".svg")

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


def own_type(name: str) -> str:
    """The media type of a file that the platform packed itself, by its name. Raises `TypeNotAllowed`."""
    kind = OWN_KINDS.get(extension_of(name))
    if kind is None:
        raise TypeNotAllowed
    return kind.media_type


def check_type(stream: BinaryIO, size: int, name: str) -> str:
    """The media type of an allowed file. Raises a `FileRejected` that says what is wrong and what to do."""
    if size == 0:
        raise Damaged(_("文件是空的，请检查后重新上传。"))
    family = _family(stream, size)
    kind = KINDS.get(extension_of(name))
    if kind is None:
        raise TypeNotAllowed(_("不支持这种文件。可以上传：%(types)s。") % {"types": ALLOWED})
    if family == "zip":
        family = office_family(stream, size)
    if family == "text":
        check_text(stream)
    if kind.family != family:
        raise TypeMismatch()
    if family in IMAGE_READERS:
        check_image(stream, size, family)
    if family == "pdf":
        check_pdf(stream, size)
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


def check_text(stream: BinaryIO) -> None:
    """UTF-8 or GB 18030 without NUL bytes; anything else is some binary format we do not know."""
    if not (_decodes(stream, "utf-8-sig") or _decodes(stream, "gb18030")):
        raise TypeNotAllowed(_("无法识别这个文件的类型。文本文件请另存为 UTF-8 编码后再上传。"))


def _decodes(stream: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    stream.seek(0)
    try:
        while chunk := stream.read(CHUNK):
            if b"\0" in chunk:
                return False
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def check_pdf(stream: BinaryIO, size: int) -> None:
    """Has its end mark, and no archive behind it."""
    tail = _tail(stream, size, 2048)
    if b"%%EOF" not in tail:
        raise Damaged()
    _refuse_hidden_archive(stream, size)


def check_image(stream: BinaryIO, size: int, family: str) -> None:
    """Width and height are read from the header and limited; nothing follows the image."""
    try:
        width, height = IMAGE_READERS[family](stream, size)
    except (struct.error, IndexError, ValueError, EOFError) as error:
        raise Damaged() from error
    if width < 1 or height < 1:
        raise Damaged()
    if width * height > PIXEL_LIMIT:
        raise FileRejected(_("图片的像素太大（超过一亿），请缩小后再上传。"))
    _refuse_hidden_archive(stream, size)


def _png_size(stream: BinaryIO, size: int) -> tuple[int, int]:
    """Walk the chunks from IHDR to IEND (W3C PNG §5); IEND must be the end of the file."""
    position, width, height = 8, 0, 0
    while True:
        stream.seek(position)
        length, kind = struct.unpack(">L4s", stream.read(8))
        if position + 12 + length > size:
            raise EOFError
        if position == 8:
            body = stream.read(length) if length == 13 else b""
            (checksum,) = struct.unpack(">L", stream.read(4))
            if kind != b"IHDR" or zlib.crc32(kind + body) != checksum:
                raise ValueError("no header")
            width, height = struct.unpack(">LL", body[:8])
        position += 12 + length
        if kind == b"IEND":
            break
    if position != size:
        raise TypeNotAllowed(_("图片后面附带了其他内容，不能上传。请重新截图或另存后再上传。"))
    return width, height


def _jpeg_size(stream: BinaryIO, size: int) -> tuple[int, int]:
    """Walk the segments to the first start-of-frame (ITU T.81 B.1.1)."""
    position = 2
    while position < size:
        stream.seek(position)
        head = stream.read(4)
        if len(head) < 4 or head[0] != 0xFF:
            raise ValueError("no marker")
        marker, length = head[1], struct.unpack(">H", head[2:])[0]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            _precision, height, width = struct.unpack(">BHH", stream.read(5))
            return width, height
        if marker in (0xD9, 0xDA):
            break
        position += 2 + length
    raise ValueError("no frame")


def _webp_size(stream: BinaryIO, size: int) -> tuple[int, int]:
    """RFC 9649: lossy, lossless or extended header; the RIFF length must cover the file."""
    stream.seek(0)
    head = stream.read(30)
    (riff,) = struct.unpack("<L", head[4:8])
    if not riff + 8 <= size <= riff + 9:
        raise ValueError("length")
    kind = head[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if kind == b"VP8L" and head[20] == 0x2F:
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and head[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", head[26:30])
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError("no frame")


IMAGE_READERS: dict[str, Callable[[BinaryIO, int], tuple[int, int]]] = {
    "png": _png_size,
    "jpeg": _jpeg_size,
    "webp": _webp_size,
}


def office_family(stream: BinaryIO, size: int) -> str:
    """`docx`, `xlsx` or `ofd` of an archive that is nothing but that; `zip` for any other archive is refused."""
    _check_single_archive(stream, size)
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive:
            names = _check_members(archive)
            _check_contents(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise Damaged() from error
    if "OFD.xml" in names:
        return "ofd"
    if "[Content_Types].xml" in names and "word/document.xml" in names:
        return "docx"
    if "[Content_Types].xml" in names and "xl/workbook.xml" in names:
        return "xlsx"
    raise TypeNotAllowed(_("不支持压缩包，请逐个上传其中的文件。"))


def _check_single_archive(stream: BinaryIO, size: int) -> None:
    """The central directory ends where its end record starts, and that record ends the file."""
    tail = _tail(stream, size, _END.size + 65535)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise Damaged()
    _magic, _disk, _first, _here, members, length, offset, comment = _END.unpack_from(tail, at)
    end_at = size - len(tail) + at
    if end_at + _END.size + comment != size or offset + length != end_at:
        raise TypeNotAllowed(_("文件中夹带了其他内容，不能上传。请用原来的程序重新保存。"))
    if members > MEMBER_LIMIT:
        raise FileRejected(_("文档内部的文件太多，请另存为 PDF 后再上传。"))


def _check_members(archive: zipfile.ZipFile) -> set[str]:
    total = 0
    names: set[str] = set()
    for member in archive.infolist():
        name = member.filename
        total += member.file_size
        too_dense = member.file_size > 1_000_000 and member.file_size > RATIO_LIMIT * max(member.compress_size, 1)
        if total > UNPACKED_LIMIT or too_dense:
            raise FileRejected(_("文档解压后过大，疑似恶意文件，不能上传。"))
        if member.flag_bits & 1:
            raise FileRejected(_("文档设了密码，请去掉密码后再上传。"))
        if name in names or name.startswith("/") or "\\" in name or ".." in name.split("/"):
            raise TypeNotAllowed(_("文件中夹带了其他内容，不能上传。请用原来的程序重新保存。"))
        if name.lower().endswith(_MACROS):
            raise TypeNotAllowed(_("文档带有宏或程序，请去掉后再上传，或另存为 PDF。"))
        names.add(name)
    return names


def _check_contents(archive: zipfile.ZipFile) -> None:
    """Unpack every member piece by piece: a member that lies about its size fails its checksum here."""
    for member in archive.infolist():
        with archive.open(member) as handle:
            while handle.read(CHUNK):
                pass


def _refuse_hidden_archive(stream: BinaryIO, size: int) -> None:
    tail = _tail(stream, size, _END.size + 65535)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        return
    comment = _END.unpack_from(tail, at)[-1]
    if at + _END.size + comment <= len(tail) and b"PK\x01\x02" in tail:
        raise TypeNotAllowed(_("文件中夹带了其他内容，不能上传。请用原来的程序重新保存。"))


def _tail(stream: BinaryIO, size: int, length: int) -> bytes:
    stream.seek(max(0, size - length))
    return stream.read(length)
