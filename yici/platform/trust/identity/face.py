"""Faces in pictures: is there exactly one, can it be seen, and which 128 numbers describe it.

dlib's HOG detector, its five-point landmarks and its ResNet (CC0); the 68-point file of the same package is never
opened, its training data forbid it. Pure: bytes in, numbers out; nothing is kept and nothing is written.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from yici.base.errors import Misconfigured

__all__ = ["MODEL", "Reading", "distance", "embedding_of_bytes", "prepare", "read"]

MODEL = "dlib-resnet-v1/5pt-20.0.1"
BYTES_LIMIT = 8 * 1024 * 1024
PIXELS_LIMIT = 50_000_000  # a decompression bomb is a small file with more
_SIDE = 640  # pixels; the longer side of what the detector looks at
_SMALLEST_PICTURE, _SMALLEST_FACE = 160, 80  # pixels
_DARK = 45  # mean of 0..255 over the face
_FORMATS = ("JPEG", "PNG", "WEBP")


@dataclass(frozen=True)
class Reading:
    """`outcome`: seen, bad_file, too_small, too_dark, no_face, two_faces. `digest`: SHA-256 of the pixels, so that the
    same capture with other metadata is still the same. `embedding`: float32, 128 numbers, only when seen."""

    outcome: str
    digest: bytes
    embedding: np.ndarray[Any, np.dtype[np.float32]] | None = None


@dataclass(frozen=True)
class _Networks:
    detector: Any
    landmarks: Any
    network: Any


@lru_cache(maxsize=1)
def prepare() -> _Networks:
    """Load the networks (32 MB, once a process). Raises `Misconfigured` where the packages are missing."""
    found = importlib.util.find_spec("face_recognition_models")
    if found is None or found.origin is None:
        raise Misconfigured("缺少人脸比对组件：请安装 requirements.lock 中的软件包。")
    import dlib

    folder = Path(found.origin).parent / "models"
    return _Networks(
        dlib.get_frontal_face_detector(),
        dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat")),
        dlib.face_recognition_model_v1(str(folder / "dlib_face_recognition_resnet_model_v1.dat")),
    )


def read(data: bytes) -> Reading:
    """Look for one face in a JPEG, PNG or WebP picture of at most 8 MB."""
    picture = _open(data)
    if picture is None:
        return Reading("bad_file", hashlib.sha256(data).digest())
    digest = hashlib.sha256(repr(picture.size).encode() + picture.tobytes()).digest()
    if min(picture.size) < _SMALLEST_PICTURE:
        return Reading("too_small", digest)
    picture.thumbnail((_SIDE, _SIDE))
    pixels = np.asarray(picture)
    networks = prepare()
    faces = networks.detector(pixels, 0)
    if not faces:
        return Reading("too_dark" if pixels.mean() < _DARK else "no_face", digest)
    if len(faces) > 1:
        return Reading("two_faces", digest)
    face = faces[0]
    if face.width() < _SMALLEST_FACE:
        return Reading("too_small", digest)
    seen = pixels[max(face.top(), 0) : face.bottom(), max(face.left(), 0) : face.right()]
    if seen.mean() < _DARK:
        return Reading("too_dark", digest)
    shape = networks.landmarks(pixels, face)
    return Reading("seen", digest, np.asarray(networks.network.compute_face_descriptor(pixels, shape), np.float32))


def _open(data: bytes) -> Image.Image | None:
    """The picture upright and in colours, or None for what is no picture or too large a one."""
    if len(data) > BYTES_LIMIT:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of strange metadata; what matters is whether the pixels can be read
            picture = Image.open(io.BytesIO(data), formats=_FORMATS)
            if picture.width * picture.height > PIXELS_LIMIT:
                return None
            return ImageOps.exif_transpose(picture).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def distance(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    """Euclidean distance of two embeddings: 0 for the same picture, above 0.6 for different people."""
    return float(np.linalg.norm(one.astype(np.float64) - other.astype(np.float64)))


def embedding_of_bytes(kept: bytes) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.frombuffer(kept, np.float32)
