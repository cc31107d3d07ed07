"""Small real files for the materials of the demo: a portrait (PNG) and a page of paper (PDF), drawn from nothing."""

from __future__ import annotations

import struct
import zlib
from random import Random

_WIDTH, _HEIGHT = 120, 160  # pixels of a portrait


def portrait(chance: Random) -> bytes:
    """A plain portrait: head and shoulders before a blue wall, in colours of its own."""
    wall, skin, coat = _shade(chance, 90, 150, 210), _shade(chance, 226, 190, 160), _shade(chance, 70, 70, 90)
    middle, top = _WIDTH // 2 + chance.randint(-3, 3), 62 + chance.randint(-4, 4)
    rows = bytearray()
    for y in range(_HEIGHT):
        rows.append(0)  # filter type none, W3C PNG §9
        for x in range(_WIDTH):
            in_head = ((x - middle) / 24) ** 2 + ((y - top) / 32) ** 2 < 1
            in_coat = ((x - middle) / 52) ** 2 + ((y - _HEIGHT) / 58) ** 2 < 1
            rows += bytes(skin if in_head else coat if in_coat else wall)
    header = struct.pack(">LLBBBBB", _WIDTH, _HEIGHT, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(bytes(rows), 9))
        + _chunk(b"IEND", b"")
    )


def _shade(chance: Random, red: int, green: int, blue: int) -> tuple[int, int, int]:
    by = chance.randint(-18, 18)
    return (red + by, green + by, blue + by)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">L", len(body)) + kind + body + struct.pack(">L", zlib.crc32(kind + body))


def page(title: str, lines: list[str]) -> bytes:
    """One A4 page with a heading and lines of text, in the reader's own Song type (Adobe-GB1, no font inside)."""
    text = [f"BT /F1 18 Tf 72 760 Td <{_hex(title)}> Tj ET"]
    text += [f"BT /F1 11 Tf 72 {724 - 22 * row} Td <{_hex(line)}> Tj ET" for row, line in enumerate(lines)]
    stream = "\n".join(text).encode("ascii")
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H/DescendantFonts[6 0 R]>>",
        b"<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)"
        b"/Supplement 2>>/FontDescriptor 7 0 R>>",
        b"<</Type/FontDescriptor/FontName/STSong-Light/Flags 6/FontBBox[-25 -254 1000 880]/ItalicAngle 0/Ascent 880"
        b"/Descent -120/CapHeight 880/StemV 93>>",
    ]
    return _assemble(objects)


def _hex(text: str) -> str:
    return text.encode("utf-16-be").hex()


def _assemble(objects: list[bytes]) -> bytes:
    """Objects, cross-reference table and trailer (ISO 32000-1 §7.5)."""
    document, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, start=1):
        places.append(len(document))
        document += b"%d 0 obj" % number + body + b"endobj\n"
    start = len(document)
    document += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    document += b"".join(b"%010d 00000 n \n" % place for place in places)
    document += b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(document)
