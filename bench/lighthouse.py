"""Lighthouse over the five main citizen pages: performance and accessibility, as a phone."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

from bench import site
from bench.results import Result

PAGES = {
    "home": "/",
    "search": "/search/?q=gljt",
    "guide": "/items/gaoling-jintie/",
    "sign in": "/login/",
    "my home": "/my/",
}


def run() -> list[Result]:
    lighthouse = site.ROOT / "node_modules" / ".bin" / "lighthouse"
    site.prepare()
    from yici.base.cityfolder import city_folder, read_yaml
    from yici.core.people.models import Account

    demo = read_yaml(city_folder() / "demo.yaml")
    citizen = Account.objects.get(person__id_number=demo["citizens"][0]["id_number"])
    results = []
    with site.serving(workers=2) as running:
        cookie = site.session_for(citizen)
        for name, path in PAGES.items():
            scores = _scores(str(lighthouse), running.url + path, cookie if path.startswith("/my") else "")
            results.append(Result(f"lighthouse performance: {name}", scores["performance"] * 100, "", 95, True))
            results.append(Result(f"lighthouse accessibility: {name}", scores["accessibility"] * 100, "", 100, True))
    return results


def _scores(lighthouse: str, url: str, cookie: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        headers = Path(folder) / "headers.json"
        headers.write_text(json.dumps({"Cookie": cookie} if cookie else {}))
        output = Path(folder) / "report.json"
        subprocess.run(
            [lighthouse, url, "--quiet", "--output=json", f"--output-path={output}", f"--extra-headers={headers}",
             "--only-categories=performance,accessibility",
             "--chrome-flags=--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"],
            check=True, env={**os.environ, "CHROME_PATH": "/usr/bin/chromium"}, timeout=180,
        )  # fmt: skip
        categories = json.loads(output.read_text())["categories"]
    return {name: categories[name]["score"] or 0.0 for name in ("performance", "accessibility")}
