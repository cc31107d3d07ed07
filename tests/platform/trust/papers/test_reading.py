"""From pixels to checked fields, with the real models over generated pictures."""

from __future__ import annotations

import io
import socket
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from yici.core.vocabulary.rules import check
from yici.platform.trust.papers import checking, layouts, normalising, pictures, reader
from yici.platform.trust.papers.checking import ReadField
from yici.platform.trust.papers.pictures import PictureRefused
from yici.platform.trust.papers.specimens import DRAWERS, degraded, draw

SEED = 11


@lru_cache
def photo(kind: str, seed: int = SEED) -> bytes:
    return degraded(draw(kind, seed).picture, seed)


def read(content: bytes) -> tuple[str, dict[str, ReadField]]:
    layout, found = layouts.values_of(reader.read_page(pictures.open_picture(content)))
    return layout.kind, checking.checked(layout, found)


def jpeg(pixels: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(out, "JPEG", quality=85)
    return out.getvalue()


def pixels_of(content: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


@pytest.mark.parametrize("kind", sorted(DRAWERS))
def test_every_field_of_a_photographed_paper_is_read(kind: str) -> None:
    read_as, fields = read(photo(kind))
    truth = {element: check(element, value) for element, value in draw(kind, SEED).truth.items()}
    assert read_as == kind
    assert {element: fields[element].value for element in truth} == truth
    assert all(fields[element].confidence > 0.5 and fields[element].boxes for element in truth)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_picture_on_its_side_or_head_is_read_upright(turns: int) -> None:
    _kind, fields = read(jpeg(np.rot90(pixels_of(photo("id_card")), turns)))
    assert fields["person.id_number"].value == draw("id_card", SEED).truth["person.id_number"]
    assert fields["person.name"].value == draw("id_card", SEED).truth["person.name"]


def test_a_dark_picture_is_lightened() -> None:
    dark = jpeg((pixels_of(photo("id_card")) * 0.16).astype(np.uint8))
    assert pixels_of(dark).mean() < 30
    _kind, fields = read(dark)
    assert fields["person.id_number"].value == draw("id_card", SEED).truth["person.id_number"]


def test_both_sides_on_one_copy_are_one_reading() -> None:
    front, back = draw("id_card", SEED), draw("id_card_back", SEED)
    sheet = Image.new("RGB", (1240, 1754), "white")
    sheet.paste(front.picture, (110, 120))
    sheet.paste(back.picture, (110, 900))
    kind, fields = read(jpeg(np.asarray(sheet)))
    wanted = {element: check(element, value) for element, value in {**front.truth, **back.truth}.items()}
    assert kind == "id_card"
    assert {element: fields[element].value for element in wanted} == wanted


def test_two_cards_on_one_picture_are_refused_not_mixed() -> None:
    sheet = Image.new("RGB", (1240, 1754), "white")
    sheet.paste(draw("id_card", 1).picture, (110, 120))
    sheet.paste(draw("id_card", 2).picture, (110, 900))
    with pytest.raises(PictureRefused, match="两张证件"):
        read(jpeg(np.asarray(sheet)))


def test_a_picture_without_text_or_of_another_paper_is_refused() -> None:
    blank = jpeg(np.full((800, 1200, 3), 200, np.uint8))
    with pytest.raises(PictureRefused, match="没有找到文字"):
        read(blank)
    page = Image.new("RGB", (1200, 800), "white")
    from PIL import ImageDraw, ImageFont

    path = subprocess.run(["fc-match", "-f", "%{file}", "Noto Sans CJK SC"], capture_output=True, text=True).stdout
    ImageDraw.Draw(page).text((100, 300), "会议通知：请于明日上午开会", fill="black", font=ImageFont.truetype(path, 60))
    with pytest.raises(PictureRefused, match="认不出"):
        read(jpeg(np.asarray(page)))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "空的"),
        (b"just words", "不是图片"),
        (b"GIF89a" + b"\0" * 40, "不是图片"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 40, "HEIC"),
        (b"%PDF-1.7\nnothing\n%%EOF", "PDF 打不开"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 200, "不是图片|损坏"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(content: bytes, says: str) -> None:
    with pytest.raises(PictureRefused, match=says):
        pictures.open_picture(content)


def test_a_cut_off_or_tiny_picture_is_refused() -> None:
    with pytest.raises(PictureRefused, match=r"损坏|不完整"):
        pictures.open_picture(photo("id_card")[:20_000])
    with pytest.raises(PictureRefused, match="太小"):
        pictures.open_picture(jpeg(np.zeros((90, 160, 3), np.uint8)))


def test_a_picture_of_more_than_a_hundred_million_pixels_is_not_unpacked() -> None:
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">L", len(body)) + kind + body + struct.pack(">L", zlib.crc32(kind + body))

    header = struct.pack(">LLBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )
    with pytest.raises(PictureRefused):
        pictures.open_picture(bomb)


def test_a_huge_photo_is_read_at_a_bearable_size() -> None:
    big = Image.open(io.BytesIO(photo("id_card"))).resize((5200, 3744))
    out = io.BytesIO()
    big.save(out, "JPEG", quality=80)
    opened = pictures.open_picture(out.getvalue())
    assert max(opened.shape[:2]) == pictures.LONGEST


def test_a_scanned_pdf_is_read_page_by_page() -> None:
    pages = [draw("id_card", SEED).picture, draw("id_card_back", SEED).picture]
    out = io.BytesIO()
    pages[0].save(out, "PDF", save_all=True, append_images=pages[1:], resolution=150)
    assert pictures.page_count(out.getvalue()) == 2
    layout, _found = layouts.values_of(reader.read_page(pictures.open_picture(out.getvalue(), page=2)))
    assert layout.kind == "id_card_back"


def test_an_exif_turn_is_undone() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise for viewing
    out = io.BytesIO()
    Image.open(io.BytesIO(photo("id_card"))).rotate(90, expand=True).save(out, "JPEG", exif=exif)
    height, width = pictures.open_picture(out.getvalue()).shape[:2]
    assert width > height


def test_nothing_is_fetched_or_written_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    import rapidocr

    folder = Path(rapidocr.__file__).parent
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.suffix != ".pyc"}

    def refused(*arguments: Any, **options: Any) -> None:
        raise AssertionError("the reader opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refused)
    reader._engine.cache_clear()
    kind, _fields = read(photo("id_card"))
    assert kind == "id_card"
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.suffix not in (".pyc",)} == before


def test_the_identity_number_tells_on_birth_date_and_sex() -> None:
    front = layouts.LAYOUTS["id_card"]
    number = draw("id_card", SEED).truth["person.id_number"]
    found = {
        "person.id_number": layouts.Found(number, 0.99),
        "person.birth_date": layouts.Found("1901年1月1日", 0.99),
        "person.name": layouts.Found("张伟", 0.99),
    }
    fields = checking.checked(front, found)
    assert any("与身份号码不一致" in words for words in fields["person.birth_date"].problems)
    assert fields["person.birth_date"].value == "1901-01-01", "what was read is kept, a person decides"
    assert fields["person.sex"].derived and fields["person.sex"].problems
    assert fields["person.registered_address"].problems and not fields["person.registered_address"].value


def test_a_wrong_check_digit_is_told_and_the_reading_kept() -> None:
    number = draw("id_card", SEED).truth["person.id_number"]
    wrong = number[:-1] + ("1" if number[-1] != "1" else "2")
    fields = checking.checked(layouts.LAYOUTS["id_card"], {"person.id_number": layouts.Found(wrong, 0.99)})
    assert fields["person.id_number"].value == wrong
    assert any("校验码" in words for words in fields["person.id_number"].problems)


def test_traditional_glyphs_are_put_back_except_in_names() -> None:
    found = {
        "person.name": layouts.Found("張強", 0.99),
        "person.ethnicity": layouts.Found("漢", 0.99),
        "person.registered_address": layouts.Found("安徽省亳州市譙城區", 0.99),
    }
    fields = checking.checked(layouts.LAYOUTS["id_card"], found)
    assert fields["person.ethnicity"].value == check("person.ethnicity", "汉族")
    assert fields["person.registered_address"].value == "安徽省亳州市谯城区"
    assert fields["person.name"].value == "張強"
    assert any("张强" in words for words in fields["person.name"].problems)


def test_letters_that_an_alphabet_lacks_are_read_as_the_digits_they_look_like() -> None:
    assert normalising.number_of("person.id_number", "34162119930302479x") == "34162119930302479X"
    assert normalising.number_of("person.id_number", "341621I993O3O24793") == "341621199303024793"
    assert normalising.number_of("vehicle.vin", "LJRTW7EJ7MWJ9YSOI") == "LJRTW7EJ7MWJ9YS01"
    assert normalising.number_of("vehicle.plate_number", "皖SDCO E E") == "皖SDC0EE"


def test_low_confidence_asks_for_a_second_look() -> None:
    fields = checking.checked(layouts.LAYOUTS["id_card"], {"person.name": layouts.Found("张伟", 0.62)})
    assert not fields["person.name"].is_sure
