"""CPU of one face check with a stored reference: reading the picture, finding the face, embedding, comparing."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from bench.results import Result

ROOT = Path(__file__).resolve().parents[1]
TARGET, ROUNDS = 150, 20  # milliseconds, checks


def run() -> list[Result]:
    from yici.platform.trust.identity import face

    subprocess.run(["sh", "scripts/ensure-pictures.sh"], cwd=ROOT, check=True)
    picture = (ROOT / "var" / "pictures" / "obama2.jpg").read_bytes()
    kept = face.read((ROOT / "var" / "pictures" / "obama.jpg").read_bytes()).embedding
    assert kept is not None
    begun = time.process_time()
    for _round in range(ROUNDS):
        seen = face.read(picture).embedding
        assert seen is not None and face.distance(seen, kept) < 0.5
    spent = (time.process_time() - begun) / ROUNDS * 1000
    return [Result("face check with a stored reference", spent, "ms CPU", TARGET, note="626 × 1200 pixels")]
