"""Lines of text in a picture, with their place and how sure the model is. One thread; nothing is fetched or written.

The models (PP-OCRv6, detection and recognition) come with the rapidocr package and are named by path, so that it has
no reason to look for them elsewhere; its drawing of results, which would fetch a font, is never called.
"""

from __future__ import annotations

import importlib.metadata
import math
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

__all__ = ["MODEL", "Line", "Page", "read_page"]

MODEL = f"rapidocr {importlib.metadata.version('rapidocr')} PP-OCRv6 small"
_LOWEST = 0.5  # lines the model is less sure of are noise
_DETECTED = 960  # pixels of the longer side in which lines are looked for; they are read at full size
_MOST = 90  # lines of one page; no paper read here has more, and each costs time
_UPRIGHT = 1.5  # a box this much higher than wide holds a line of a picture that lies on its side

_lock = threading.Lock()  # the engine keeps settings of a call in itself


@dataclass(frozen=True)
class Line:
    """A line of text. `corners`: four points (x, y) in pixels of the page as read, from the top left clockwise."""

    text: str
    confidence: float
    corners: tuple[tuple[float, float], ...]

    @property
    def left(self) -> float:
        return min(x for x, _y in self.corners)

    @property
    def right(self) -> float:
        return max(x for x, _y in self.corners)

    @property
    def middle(self) -> float:
        return sum(y for _x, y in self.corners) / 4

    @property
    def height(self) -> float:
        return math.dist(self.corners[0], self.corners[3])


@dataclass(frozen=True)
class Page:
    """Lines of an upright page of `width` × `height` pixels, in which text runs level. `turned`: quarter turns
    counter-clockwise that made the picture upright; `tilt` radians by which the coordinates were levelled."""

    lines: tuple[Line, ...]
    width: int
    height: int
    turned: int = 0
    tilt: float = 0.0

    def on_picture(self, line: Line) -> tuple[tuple[float, float], ...]:
        """The corners of a line as shares (0–1) of the upright picture, before levelling."""
        back = _rotation(-self.tilt, self.width, self.height)
        return tuple((x / self.width, y / self.height) for x, y in _moved(line.corners, back))


@lru_cache(maxsize=1)
def _engine() -> Any:
    """The models, loaded once a process (some 0.6 s of CPU, 200 MB)."""
    import rapidocr

    cv2.setNumThreads(1)
    models = Path(rapidocr.__file__).parent / "models"
    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.max_side_len": 4000,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            "Det.limit_type": "max",
            "Det.limit_side_len": _DETECTED,
            "Det.model_path": str(models / "PP-OCRv6_det_small.onnx"),
            "Rec.model_path": str(models / "PP-OCRv6_rec_small.onnx"),
            "Cls.model_path": str(models / "ch_ppocr_mobile_v2.0_cls_mobile.onnx"),
        }
    )


def read_page(pixels: np.ndarray) -> Page:
    """Every line of an RGB picture, whichever way up it lies, level and from top to bottom."""
    picture = np.ascontiguousarray(pixels[:, :, ::-1])
    with _lock:
        boxes, turned = _boxes(picture)
        picture = np.ascontiguousarray(np.rot90(picture, turned))
        strips = [_strip(picture, box) for box in boxes]
        if _upside_down(strips):
            height, width = picture.shape[:2]
            picture, turned = np.ascontiguousarray(np.rot90(picture, 2)), (turned + 2) % 4
            boxes = [
                np.array([[width - x, height - y] for x, y in np.roll(box, 2, axis=0)], np.float32) for box in boxes
            ]
            strips = [np.ascontiguousarray(np.rot90(strip, 2)) for strip in strips]
        found = [_recognised(strip) for strip in strips]
    lines = [
        Line(text, confidence, tuple((float(x), float(y)) for x, y in box))
        for box, (text, confidence) in zip(boxes, found, strict=True)
        if text.strip() and confidence >= _LOWEST
    ]
    height, width = picture.shape[:2]
    return _level(lines, width, height, turned)


def _boxes(picture: np.ndarray) -> tuple[list[np.ndarray], int]:
    """Boxes of lines, and the quarter turns after which most of them run level."""
    found = _detected(picture)
    lying = sum(_is_lying(box) for box in found)
    if lying * 2 <= len(found):
        return found, 0
    return _detected(np.ascontiguousarray(np.rot90(picture))), 1


def _detected(picture: np.ndarray) -> list[np.ndarray]:
    boxes = _engine()(picture, use_det=True, use_cls=False, use_rec=False).boxes
    return [] if boxes is None else [np.asarray(box, np.float32) for box in boxes[:_MOST]]


def _is_lying(box: np.ndarray) -> bool:
    return bool(np.linalg.norm(box[0] - box[3]) > _UPRIGHT * np.linalg.norm(box[0] - box[1]))


def _strip(picture: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The line cut out and made level."""
    width = max(8, int(max(np.linalg.norm(box[0] - box[1]), np.linalg.norm(box[3] - box[2]))))
    height = max(8, int(max(np.linalg.norm(box[0] - box[3]), np.linalg.norm(box[1] - box[2]))))
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(box, corners)
    return cv2.warpPerspective(picture, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _upside_down(strips: list[np.ndarray]) -> bool:
    """By the votes of the longest lines: short ones look alike both ways."""
    longest = sorted(strips, key=lambda strip: strip.shape[1] / strip.shape[0], reverse=True)[:6]
    votes = [_engine()(strip, use_det=False, use_cls=True, use_rec=False).cls_res[0] for strip in longest]
    return sum(label == "180" and score > 0.6 for label, score in votes) * 2 > len(votes)


def _recognised(strip: np.ndarray) -> tuple[str, float]:
    read = _engine()(strip, use_det=False, use_cls=False, use_rec=True)
    return (str(read.txts[0]), float(read.scores[0])) if read.txts else ("", 0.0)


def _level(lines: list[Line], width: int, height: int, turned: int) -> Page:
    """Coordinates turned by the common tilt of the long lines, so that a row of a paper has one height."""
    long = [line for line in lines if math.dist(line.corners[0], line.corners[1]) > 3 * line.height]
    tilts = [
        math.atan2(line.corners[1][1] - line.corners[0][1], line.corners[1][0] - line.corners[0][0]) for line in long
    ]
    tilt = float(np.median(tilts)) if tilts else 0.0
    matrix = _rotation(tilt, width, height)
    level = [Line(line.text, line.confidence, _moved(line.corners, matrix)) for line in lines]
    return Page(tuple(sorted(level, key=lambda line: line.middle)), width, height, turned, tilt)


def _rotation(angle: float, width: int, height: int) -> np.ndarray:
    return cv2.getRotationMatrix2D((width / 2, height / 2), math.degrees(angle), 1.0)


def _moved(corners: tuple[tuple[float, float], ...], matrix: np.ndarray) -> tuple[tuple[float, float], ...]:
    moved = cv2.transform(np.array([corners], np.float64), matrix)[0]
    return tuple((float(x), float(y)) for x, y in moved)
