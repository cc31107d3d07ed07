"""Loaded by pytest before Django: the database server, and a data folder of each process's own."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")

os.environ["YICI_RESIDENTS"] = "2000"
os.environ["YICI_DEMO"] = "1"
os.environ["YICI_DEMO_CASES"] = "0"
# Hand-written items only: the registers add a thousand more of the same shape.
os.environ["YICI_CATALOGUE"] = "written"
os.environ["YICI_SECRET_KEY"] = "tests-only-the-template-and-every-process-share-it"
os.environ.setdefault("YICI_TEST_HOME", str(ROOT / "var" / "test"))
_base = Path(os.environ["YICI_TEST_HOME"])
_base.mkdir(parents=True, exist_ok=True)

if "YICI_TEST_SERVER" not in os.environ:
    from yici.web.database import ensure_running

    os.environ.pop("DATABASE_URL", None)
    os.environ["YICI_TEST_SERVER"] = ensure_running(_base)
os.environ["YICI_TEST_DATABASE"] = f"yici_test_{WORKER}_{os.getpid()}"
os.environ["DATABASE_URL"] = os.environ["YICI_TEST_SERVER"]
os.environ["YICI_HOME"] = tempfile.mkdtemp(prefix=f"{WORKER}-", dir=_base)
os.environ["YICI_KEYS"] = str(_base / "keys")  # rows of the template are sealed: every process opens them
os.environ.pop("YICI_CITY", None)
