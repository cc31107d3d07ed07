"""What a file is, decided from its bytes: kind, encoding, delimiter, quote. Reads a little; the name is only a hint."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections import Counter
from pathlib import Path
from typing import Literal

from yici.platform.data.landing.errors import Empty, MarkupTable, OldFormat, PasswordProtected, Unknown

__all__ = ["UNIT", "Kind", "delimiter_of", "encoding_of", "kind_of", "quote_of"]

Kind = Literal["text", "xlsx", "zip", "gzip", "parquet", "jsonl"]
HEAD = 1 << 20  # bytes looked at to decide
UNIT = "\x1f"  # the unit separator of ASCII
DELIMITERS = (",", "\t", "|", ";", "\x01", UNIT)  # the last two: what Hive writes, and what dialects are respelt with
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_BINARY = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]")
_OTHERS = (b"%PDF", b"Rar!", b"7z\xbc\xaf", b"\x7fELF", b"MZ\x90", b"\x89PNG", b"\xff\xd8\xff")
_MARKUP = (b"<!doctype", b"<html", b"<table", b"<?xml", b"<meta", b"<head", b"<style")
_FEW_NUL, _MOST_NUL = 4, 0.01  # and share of NUL bytes: a few are a broken export, many a program's own format


def kind_of(path: Path) -> Kind:
    """Raises `Empty`, `Unknown`, `OldFormat`, `PasswordProtected`, `MarkupTable`."""
    with path.open("rb") as handle:
        head = handle.read(HEAD)
    if not head:
        raise Empty
    if head.startswith(_OLE):
        raise PasswordProtected if _contains(path, _ENCRYPTED) else OldFormat
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "xlsx" if _is_workbook(path) else "zip"
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "text"
    if head.removeprefix(codecs.BOM_UTF8).lstrip()[:20].lower().startswith(_MARKUP):
        raise MarkupTable
    first = head[:4096]
    if head.startswith(_OTHERS) or _is_binary(first) or first.count(0) > max(len(first) * _MOST_NUL, _FEW_NUL):
        raise Unknown
    return "jsonl" if _is_json_lines(head) else "text"


def _is_binary(first: bytes) -> bool:
    """Signs that no text holds, but for one that parts the fields of every line."""
    lines = [line for line in first.split(b"\n")[:-1] if line.strip()]
    for sign in (b"\x01", UNIT.encode()):
        counts = {line.count(sign) for line in lines}
        if len(counts) == 1 and counts != {0}:
            first = first.replace(sign, b"")
    return bool(_BINARY.search(first))


def _contains(path: Path, needle: bytes) -> bool:
    kept = b""
    with path.open("rb") as handle:
        while chunk := handle.read(HEAD):
            if needle in kept + chunk:
                return True
            kept = chunk[-len(needle) :]
    return False


def _is_workbook(path: Path) -> bool:
    """By the tail, where the names of a ZIP stand; a cut file has none and is judged later."""
    with path.open("rb") as handle:
        head = handle.read(4096)
        handle.seek(max(path.stat().st_size - HEAD, 0))
        tail = handle.read()
    return b"xl/workbook" in tail or b"xl/workbook" in head or b"[Content_Types].xml" in head


def _is_json_lines(head: bytes) -> bool:
    first = head.lstrip(codecs.BOM_UTF8).lstrip().split(b"\n", 1)[0].strip()
    if not first.startswith(b"{"):
        return False
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def encoding_of(path: Path) -> str:
    """`utf-8`, `utf-8-sig`, `utf-16` or `gb18030`, from the beginning of the file; landing finds later exceptions."""
    with path.open("rb") as handle:
        head = handle.read(4 * HEAD)
        is_whole = not handle.read(1)
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if _decodes(head, "utf-8", is_whole):
        return "utf-8"
    if _decodes(head, "gb18030", is_whole):
        return "gb18030"
    return "utf-8" if _bad_characters(head, "utf-8") <= _bad_characters(head, "gb18030") else "gb18030"


def _decodes(data: bytes, encoding: str, is_whole: bool) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)("strict").decode(data, final=is_whole)
    except UnicodeDecodeError:
        return False
    return True


def _bad_characters(data: bytes, encoding: str) -> int:
    return data.decode(encoding, "replace").count("\ufffd")


def delimiter_of(text: str) -> str:
    """The one by which the first lines fall into the same number of fields, the most fields winning."""
    lines = [line for line in text.splitlines()[:60] if line.strip()]
    best, best_score = ",", 0.0
    for delimiter in DELIMITERS:
        if delimiter not in text:
            continue
        widths = Counter(len(row) for row in csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter) if row)
        width, count = max(widths.items(), key=lambda pair: (pair[0] > 1, pair[1], pair[0]), default=(1, 0))
        score = count / max(sum(widths.values()), 1) * (width > 1) + width / 10_000
        if score > best_score:
            best, best_score = delimiter, score
    return best


def quote_of(text: str, delimiter: str) -> str:
    """`"`, or `'` where most lines begin or go on with a field in single quotes and none is in double ones."""
    lines = [line for line in text.splitlines()[:60] if line.strip()]
    edge = re.escape(delimiter)
    single = re.compile(rf"(^|{edge})'[^']*'({edge}|$)")
    if any('"' in line for line in lines) or not lines:
        return '"'
    return "'" if sum(bool(single.search(line)) for line in lines) * 2 > len(lines) else '"'
