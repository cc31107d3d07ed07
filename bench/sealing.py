"""Sealed columns: CPU of one value written, read, and looked for (AES-256-GCM and SM4-GCM), with a key ring of its own."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.results import Result

COUNT = 20_000
NUMBER, PLACE = "341602199001011234", "people_person.id_number"


def run() -> list[Result]:
    from yici.base.sealing import Keyring

    results = []
    with tempfile.TemporaryDirectory() as folder:
        for profile in ("aes", "sm"):
            ring = Keyring(Path(folder), profile)  # type: ignore[arg-type]
            sealed = ring.seal(NUMBER, PLACE)
            results += [
                _told(f"{profile}: seal a value", lambda ring=ring: ring.seal(NUMBER, PLACE)),
                _told(f"{profile}: open a value", lambda ring=ring, sealed=sealed: ring.unseal(sealed, PLACE)),
                _told(f"{profile}: blind index", lambda ring=ring: ring.blind_index(NUMBER, "person.id_number")),
            ]
    return results


def _told(name: str, act: Callable[[], object]) -> Result:
    begun = time.process_time()
    for _ in range(COUNT):
        act()
    return Result(f"sealing {name}", (time.process_time() - begun) / COUNT * 1e6, "µs", 100.0, False, "CPU").told()
