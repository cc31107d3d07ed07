"""Runs the whole suite in parallel and cleans up after it: `make test`, or `make test ARGS="-k clock"`.

The embedded test server is stopped at the end, so that nothing keeps running in the background.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOME = Path(os.environ.get("YICI_TEST_HOME", ROOT / "var" / "test"))


def main(arguments: list[str]) -> int:
    """Two workers: as many as the smallest machine has cores. Returns pytest's exit code."""
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-q", "--durations=10", *arguments]
    try:
        return subprocess.run(command, cwd=ROOT, check=False).returncode
    finally:
        from yici.web import database

        os.environ.pop("DATABASE_URL", None)
        database.stop(HOME)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    raise SystemExit(main(sys.argv[1:]))
