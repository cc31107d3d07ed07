"""A police ID service that listens over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from yici.platform.trust.identity import police, sandbox


class PoliceSandbox:
    def __init__(self, url: str, registry: sandbox.Registry) -> None:
        self.url, self.registry = url, registry

    def register_photo(self, id_number: str, picture: bytes) -> None:
        assert httpx.put(f"{self.url}/photos/{id_number}", content=picture, timeout=5).status_code == 200

    def spoil(self, mode: str, **more: Any) -> None:
        assert httpx.post(f"{self.url}/control", json={"mode": mode, **more}, timeout=5).status_code == 200


@pytest.fixture
def police_service(tmp_path: Path, settings: Any) -> Iterator[PoliceSandbox]:
    _key, public = police.client_key()
    registry = sandbox.Registry(tmp_path / "police", public)
    server = sandbox.serve("127.0.0.1", 0, registry)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    settings.POLICE_ENDPOINT, settings.POLICE_KEY = url, str(tmp_path / "police" / "service.pub")
    yield PoliceSandbox(url, registry)
    registry.stopping.set()
    server.shutdown()
    server.server_close()
    thread.join(5)
