"""What phones and scanners do to a paper: turn, slant, uneven light, blur, noise, JPEG. From a seed, measured in pixels."""

from __future__ import annotations

import io
import random
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Harm:
    """How much: degrees of turn, share of the width that corners move, share of light lost in the darkest corner,
    blur (sigma, pixels), noise (standard deviation of 255), JPEG quality."""

    turn: float = 8.0
    slant: float = 0.03
    shade: float = 0.45
    blur: tuple[float, float] = (0.6, 1.6)
    noise: tuple[float, float] = (2.0, 8.0)
    quality: tuple[int, int] = (35, 75)


def degraded(picture: Image.Image, seed: int, harm: Harm = Harm()) -> bytes:
    """The picture on a desk, harmed, as JPEG bytes."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable picture, no secret
    grain = np.random.default_rng(seed)
    pixels = _on_a_desk(np.asarray(picture.convert("RGB")), chance, grain)
    pixels = _slanted(pixels, chance, harm)
    light = _light(pixels.shape[:2], chance, harm)
    harmed = pixels.astype(np.float32) * light[:, :, None]
    harmed = cv2.GaussianBlur(harmed, (0, 0), chance.uniform(*harm.blur))
    harmed += grain.normal(0, chance.uniform(*harm.noise), harmed.shape)
    out = io.BytesIO()
    Image.fromarray(np.clip(harmed, 0, 255).astype(np.uint8)).save(out, "JPEG", quality=chance.randint(*harm.quality))
    return out.getvalue()


def _on_a_desk(paper: np.ndarray, chance: random.Random, grain: np.random.Generator) -> np.ndarray:
    height, width = paper.shape[:2]
    margin = int(width * 0.16)
    tone = np.array([chance.randrange(90, 170), chance.randrange(80, 150), chance.randrange(60, 130)], np.float32)
    desk = np.ones((height + 2 * margin, width + 2 * margin, 3), np.float32) * tone
    desk += grain.normal(0, 6, desk.shape[:2])[:, :, None]
    desk[margin : margin + height, margin : margin + width] = paper
    return np.clip(desk, 0, 255).astype(np.uint8)


def _slanted(pixels: np.ndarray, chance: random.Random, harm: Harm) -> np.ndarray:
    height, width = pixels.shape[:2]
    reach = width * harm.slant
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + np.array([[chance.uniform(-reach, reach) for _ in "xy"] for _ in range(4)], np.float32)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), chance.uniform(-harm.turn, harm.turn), 1.0)
    both = np.vstack([turn, [0, 0, 1]]) @ cv2.getPerspectiveTransform(corners, moved)
    return cv2.warpPerspective(pixels, both, (width, height), borderMode=cv2.BORDER_REPLICATE)


def _light(shape: tuple[int, ...], chance: random.Random, harm: Harm) -> np.ndarray:
    """1 where the lamp is, down to 1 - shade in the far corner."""
    height, width = shape
    x, y = np.meshgrid(np.linspace(0, 1, width, dtype=np.float32), np.linspace(0, 1, height, dtype=np.float32))
    lamp_x, lamp_y = chance.uniform(0, 1), chance.uniform(0, 1)
    far = np.hypot(x - lamp_x, y - lamp_y) / 1.42
    return 1.0 - chance.uniform(0.1, harm.shade) * far
