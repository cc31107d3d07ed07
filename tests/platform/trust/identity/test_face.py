"""One face, seen well enough, the same person or not: on photographs that nobody here made."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from yici.platform.trust.identity import face


def jpeg(picture: Image.Image, quality: int = 92) -> bytes:
    stream = io.BytesIO()
    picture.convert("RGB").save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def head(pictures: Path, name: str) -> Image.Image:
    """The head alone, 320 × 320 pixels."""
    picture = Image.open(pictures / f"{name}.jpg").convert("RGB")
    found = face.prepare().detector(np.asarray(picture), 0)[0]
    margin = found.width() // 2
    box = (found.left() - margin, found.top() - margin, found.right() + margin, found.bottom() + margin)
    return picture.crop(box).resize((320, 320))


def embedding(data: bytes) -> np.ndarray:
    seen = face.read(data)
    assert seen.outcome == "seen" and seen.embedding is not None
    return seen.embedding


def test_the_same_person_is_near_and_another_is_far(pictures: Path) -> None:
    one, two, other = (embedding((pictures / f"{name}.jpg").read_bytes()) for name in ("obama", "obama2", "biden"))
    assert face.distance(one, two) < 0.5 < 0.6 < face.distance(one, other)
    assert face.distance(one, face.embedding_of_bytes(one.tobytes())) == 0


def test_two_faces_are_refused(pictures: Path) -> None:
    one, other = (head(pictures, name) for name in ("obama", "biden"))
    both = Image.new("RGB", (640, 320))
    both.paste(one, (0, 0))
    both.paste(other, (320, 0))
    assert face.read(jpeg(both)).outcome == "two_faces"


def test_the_dark_the_small_and_the_empty_are_told_apart(pictures: Path) -> None:
    picture = Image.open(pictures / "obama.jpg")
    assert face.read(jpeg(ImageEnhance.Brightness(picture).enhance(0.12))).outcome == "too_dark"
    assert face.read(jpeg(Image.new("RGB", (640, 480), (3, 3, 3)))).outcome == "too_dark"
    assert face.read(jpeg(Image.new("RGB", (640, 480), (200, 210, 220)))).outcome == "no_face"
    assert face.read(jpeg(picture.resize((90, 130)))).outcome == "too_small"
    assert face.read((pictures / "obama3.jpg").read_bytes()).outcome == "too_small"


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7", b"\xff\xd8\xff\xe0garbage", b"GIF89a" + b"\0" * 100])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    assert face.read(data).outcome == "bad_file"


def test_a_truncated_picture_and_a_bomb_are_refused(pictures: Path) -> None:
    data = (pictures / "obama.jpg").read_bytes()
    assert face.read(data[: len(data) // 2]).outcome == "bad_file"
    stream = io.BytesIO()
    Image.new("1", (60_000, 60_000)).save(stream, "PNG")
    assert face.read(stream.getvalue()).outcome == "bad_file"


def test_other_metadata_leave_a_capture_the_same(pictures: Path) -> None:
    picture = Image.open(pictures / "obama.jpg").convert("RGB")
    plain, named = io.BytesIO(), io.BytesIO()
    picture.save(plain, "PNG")
    picture.save(named, "PNG", dpi=(300, 300))
    assert plain.getvalue() != named.getvalue()
    assert face.read(plain.getvalue()).digest == face.read(named.getvalue()).digest


def test_a_picture_taken_sideways_is_turned(pictures: Path) -> None:
    picture = Image.open(pictures / "obama.jpg").convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter to the right
    stream = io.BytesIO()
    picture.rotate(90, expand=True).save(stream, "JPEG", quality=92, exif=exif)
    assert face.distance(embedding(stream.getvalue()), embedding(jpeg(picture))) < 0.3
