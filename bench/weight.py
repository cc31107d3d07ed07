"""How much a page weighs: HTML, its stylesheets and scripts, compressed, as a browser would fetch them."""

from __future__ import annotations

import re

import httpx

from bench import site
from bench.results import Result

CITIZEN = {
    "home": "/",
    "search": "/search/?q=%E9%AB%98%E9%BE%84",
    "guide": "/items/gaoling-jintie/",
    "my case list": "/my/cases/",
    "my home": "/my/",
}
STAFF = {"desk": "/desk/", "work list": "/desk/cases/"}


def run() -> list[Result]:
    site.prepare()
    from yici.base.cityfolder import city_folder, read_yaml
    from yici.core.people.models import Account

    demo = read_yaml(city_folder() / "demo.yaml")
    citizen = Account.objects.get(person__id_number=demo["citizens"][0]["id_number"])
    clerk = Account.objects.get(username=next(one["username"] for one in demo["staff"] if one["key"] == "clerk"))
    results = []
    with site.serving() as running:
        for name, path in CITIZEN.items():
            results.append(
                Result(f"weight: {name}", weigh(running.url, path, site.session_for(citizen)) / 1024, "KB", 40)
            )
        for name, path in STAFF.items():
            results.append(
                Result(f"weight: {name} (staff)", weigh(running.url, path, site.session_for(clerk)) / 1024, "KB", 60)
            )
    return results


def weigh(url: str, path: str, cookie: str) -> int:
    """Bytes over the wire of the page with its stylesheets and scripts."""
    headers = {"Accept-Encoding": "br, gzip", "Cookie": cookie}
    total = 0
    with httpx.Client(base_url=url, headers=headers, follow_redirects=True) as client:
        page, size = _fetch(client, path)
        total += size
        for asset in re.findall(r'(?:href|src)="(/static/[^"]+\.(?:css|js))"', page):
            total += _fetch(client, asset)[1]
    return total


def _fetch(client: httpx.Client, path: str) -> tuple[str, int]:
    answer = client.get(path)
    answer.raise_for_status()
    return answer.text, answer.num_bytes_downloaded
