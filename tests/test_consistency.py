"""What no single app can see: that names used in one place exist in the other, and that nothing lies about unused."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from scripts.translations import syntax_tree
from tests.environment import ROOT

PLATFORM = ROOT / "yici"
CITY = ROOT / "cities" / "bozhou"
LONGEST_FILE = 600  # lines
# Templates that Django finds by their name alone.
BY_NAME = {"403.html", "403_csrf.html", "404.html", "500.html"}


@lru_cache
def tracked() -> tuple[Path, ...]:
    """Every file of the repository that git knows or would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return tuple(path for line in listed.splitlines() if (path := ROOT / line).is_file())


@lru_cache
def text_of(path: Path) -> str:
    return path.read_text("utf-8", errors="replace")


def sources(*endings: str) -> Iterator[Path]:
    """Tracked files of the platform with these endings, migrations left out."""
    for path in tracked():
        if path.suffix in endings and path.is_relative_to(PLATFORM) and "migrations" not in path.parts:
            yield path


@lru_cache
def python_strings() -> dict[str, Path]:
    """Every string literal of the platform's code (docstrings included) and one file it stands in."""
    found: dict[str, Path] = {}
    for path in sources(".py"):
        for node in ast.walk(syntax_tree(text_of(path))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.setdefault(node.value, path)
    return found


def city_values(key: str, *folders: str) -> set[str]:
    """Every scalar under `key` in the YAML files of these folders of the demo city."""
    found: set[str] = set()
    for folder in folders:
        for path in sorted((CITY / folder).rglob("*.yaml") if (CITY / folder).is_dir() else [CITY / folder]):
            for value in re.findall(rf"\b{key}: *(\[[^\]]*\]|[\w.$-]+)", text_of(path)):
                found |= set(re.findall(r"[\w.$-]+", value))
    return found


# Templates and icons


def test_every_template_is_used() -> None:
    templates = {
        path.relative_to(next(p for p in path.parents if p.name == "templates")).as_posix(): path
        for path in sources(".html")
    }
    named = set(python_strings())
    for path in templates.values():
        named |= set(re.findall(r"""\{%-?\s*(?:extends|include)\s+["']([^"'#]+)""", text_of(path)))
    # Field widgets are named after their kind: forms/fields/<kind>.html.
    built = {name for name in templates if name.startswith("forms/fields/") and Path(name).stem in named}
    assert sorted(templates.keys() - named - built - BY_NAME) == []


def test_every_template_that_is_named_exists() -> None:
    existing = {
        path.relative_to(next(p for p in path.parents if p.name == "templates")).as_posix() for path in sources(".html")
    }
    wanted = {
        (name, path.name)
        for path in sources(".html")
        for name in re.findall(r"""\{%-?\s*(?:extends|include)\s+["']([^"'#]+)""", text_of(path))
    }
    wanted |= {
        (text, path.name) for text, path in python_strings().items() if re.fullmatch(r"[a-z_]+/[a-z_/]+\.html", text)
    }
    assert sorted(pair for pair in wanted if pair[0] not in existing) == []


def icons_listed() -> list[str]:
    return text_of(PLATFORM / "web" / "icons.txt").split()


def icons_used() -> dict[str, str]:
    used = {}
    for path in sources(".html"):
        for name in re.findall(r"""\{%-?\s*icon\s+["']([^"']+)["']""", text_of(path)):
            used[name] = path.name
        for name in re.findall(r"""icon_name=["']([^"']+)["']""", text_of(path)):
            used[name] = path.name
    used |= dict.fromkeys(city_values("icon", "items", "catalogue", "topics.yaml"), "cities")
    from yici.web.navigation import ENTRIES

    return used | {entry.icon: "navigation.py" for entry in ENTRIES}


def test_every_icon_that_is_used_is_listed() -> None:
    assert {name: where for name, where in icons_used().items() if name not in icons_listed()} == {}


def test_every_icon_is_listed_once() -> None:
    """More may be listed than the pages use: the city folder chooses among them."""
    assert sorted(name for name in set(icons_listed()) if icons_listed().count(name) > 1) == []


# Words


def test_every_source_string_has_english() -> None:
    from scripts.translations import missing

    assert missing() == []


def test_every_english_string_has_a_source() -> None:
    from scripts.translations import _id, catalogue, source_strings

    written = source_strings()
    assert sorted(_id(one.id) for one in catalogue() if one.id and _id(one.id) not in written) == []


def test_english_keeps_the_placeholders_of_its_source() -> None:
    from scripts.translations import _id, catalogue

    placeholder = re.compile(r"%\(\w+\)[sd]|\{\w*\}")
    wrong = []
    for one in catalogue():
        for english in [one.string] if isinstance(one.string, str) else list(one.string or ()):
            if one.id and english and set(placeholder.findall(english)) - set(placeholder.findall(_id(one.id))):
                wrong.append(_id(one.id))
    assert wrong == []


def test_every_message_that_is_told_has_its_words() -> None:
    from yici.core.messages.wording import wording

    known = wording().messages.keys()
    told = city_values("tell", "workflows") | city_values("tell_desk", "workflows")
    for path in sources(".py"):
        told |= set(
            re.findall(r"""(?:tell|notify|tell_\w+|template_of)\([^"'()]*["']([a-z_]+\.[a-z_]+)["']""", text_of(path))
        )
    assert len(told) > 15
    assert sorted(told - known) == []


def test_every_message_that_has_words_is_told() -> None:
    from yici.core.messages.wording import wording

    told = set(python_strings()) | city_values("tell", "workflows") | city_values("tell_desk", "workflows")
    assert sorted(wording().messages.keys() - told) == []


# Addresses


def patterns(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(route, view) of every address of the site."""
    for entry in (resolver or get_resolver()).url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns(entry, route)
        elif isinstance(entry, URLPattern):
            yield route, entry.callback


SAMPLES = {
    "int": "1", "str": "x", "slug": "x", "direction": "give", "uuid": "0" * 32,
    "code": "gaoling-jintie", "year": "2026",
}  # fmt: skip


def address_of(route: str) -> str:
    """The route with something that could stand in each place."""

    def fill(match: re.Match[str]) -> str:
        kind, _, name = match[1].rpartition(":")
        return SAMPLES["int"] if kind == "int" and name not in SAMPLES else SAMPLES.get(name, SAMPLES.get(kind, "x"))

    route = re.sub(r"\(\?P<(\w+)>[^)]*\)", lambda match: SAMPLES.get(match[1], "x"), route)
    return "/" + re.sub(r"<([^>]+)>", fill, route).replace("^", "").replace("$", "").replace("\\Z", "")


ADDRESSES = sorted({address_of(route) for route, _view in patterns()})


def test_the_walk_over_all_addresses_finds_them() -> None:
    assert len(ADDRESSES) > 90 and {"/", "/my/cases/", "/desk/cases/", "/api/v1/items"} <= set(ADDRESSES)


@pytest.mark.django_db
def test_every_address_has_an_orderly_answer_for_an_anonymous_visitor(client: Client) -> None:
    wrong = []
    for address in ADDRESSES:
        answer = client.get(address)
        to_sign_in = answer.status_code == 302 and answer.headers["Location"].startswith(("/login/", "/verify/"))
        if not to_sign_in and answer.status_code not in (200, 401, 403, 404, 405, 422):
            wrong.append((address, answer.status_code, answer.headers.get("Location", "")))
        if answer.status_code == 200 and address.startswith(("/desk/", "/my/", "/apply/")):
            wrong.append((address, 200, "open to everybody"))
        if answer.status_code == 422 and not address.startswith("/api/"):
            wrong.append((address, 422, "a page that is merely opened"))
    assert wrong == []


@pytest.mark.django_db
def test_no_staff_page_opens_for_a_citizen_and_no_citizen_page_for_staff(demo: Any, sign_in: Any) -> None:
    citizen, staff = sign_in(Client(), demo.farmer), sign_in(Client(), demo.admin)
    wrong = []
    for address in ADDRESSES:
        for client, theirs in ((citizen, ("/desk/",)), (staff, ("/my/", "/apply/"))):
            if address.startswith(theirs):
                wrong += [
                    (address, method, answer.status_code)
                    for method, answer in (("GET", client.get(address)), ("POST", client.post(address)))
                    if answer.status_code not in (403, 404, 405)
                ]
    assert wrong == []


@pytest.mark.django_db
def test_every_address_that_opens_to_its_people_opens_without_a_fault(demo: Any, sign_in: Any) -> None:
    for account in (demo.farmer, demo.admin, demo.security, demo.supervisor, demo.auditor):
        client = sign_in(Client(), account)
        for address in ADDRESSES:
            assert client.get(address).status_code < 500, (account.username, address)


def test_every_form_that_posts_carries_its_token() -> None:
    wrong = []
    for path in sources(".html"):
        for form in re.findall(r"<form\b.*?</form>", text_of(path), re.DOTALL):
            is_post = re.search(r"""method=["']post["']""", form, re.IGNORECASE)
            if bool(is_post) != ("{% csrf_token %}" in form):
                wrong.append((path.name, form[:80]))
    assert wrong == []


def test_no_page_carries_style_or_script_of_its_own() -> None:
    wrong = []
    for path in sources(".html"):
        text = text_of(path)
        wrong += [(path.name, found) for found in re.findall(r"""\s(?:style|on[a-z]+)=["'][^"']{0,40}""", text)]
        if re.search(r"<script(?![^>]*(?:\bsrc=|\bnonce=|type=\"application/json\"))[^>]*>", text):
            wrong.append((path.name, "script without a nonce"))
    assert wrong == []


# Names that must exist elsewhere


def test_every_permission_that_is_asked_for_exists() -> None:
    from yici.core.people.permissions import PERMISSIONS

    namespaces = "|".join(sorted({name.split(".")[0] for name in PERMISSIONS}))
    asked: set[str] = set()
    for path in sources(".py"):
        for call in re.findall(r"(?:staff_required|require|may|scope_of|holders_of|Entry)\(([^()]*)\)", text_of(path)):
            asked |= set(re.findall(rf"""["']((?:{namespaces})\.[a-z]+)["']""", call))
        asked |= set(re.findall(r"""PERMISSION\w*\s*=\s*["']([a-z]+\.[a-z]+)["']""", text_of(path)))
    staff_actions = {name for name in city_values("who", "workflows") if "." in name}
    assert len(asked) > 7
    assert sorted((asked | staff_actions) - PERMISSIONS.keys()) == []


def test_every_effect_of_a_workflow_is_plugged_in() -> None:
    from yici.core.cases.ports import effect_names

    wanted = city_values("effects", "workflows")
    assert wanted and sorted(wanted - effect_names()) == []
    assert sorted(effect_names() - wanted) == [], "an effect that no workflow names"


def test_every_job_has_a_queue_that_the_worker_listens_to() -> None:
    import inspect

    from procrastinate.contrib.django import app

    from yici.web import supervisor

    ours = {
        name: task.queue
        for name, task in app.tasks.items()
        if not name.startswith("builtin:") and "procrastinate" not in name
    }
    declared = {
        name
        for path in sources(".py")
        for name in re.findall(r"""@app\.task\(\s*name=["']([\w.]+)["']""", text_of(path))
    }
    assert declared and declared == ours.keys(), "a jobs.py that the worker does not import"
    listening = re.search(r"queues=\[([^\]]*)\]", inspect.getsource(supervisor.run_worker))
    queues = set(re.findall(r"""["'](\w+)["']""", listening[1])) if listening else None  # None: every queue
    assert queues is None or set(ours.values()) <= queues


def test_every_loader_and_linter_is_plugged_in() -> None:
    from yici.web.wiring import CITY_LINTERS, CITY_LOADERS

    for name, listed in (("loading", CITY_LOADERS), ("linting", CITY_LINTERS)):
        there = {
            ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            for path in (*PLATFORM.rglob(f"{name}.py"), *PLATFORM.rglob(f"{name}/__init__.py"))
        }
        assert there == set(listed)


# The tree


def test_no_file_of_the_platform_is_longer_than_600_lines() -> None:
    lengths = {
        path.relative_to(ROOT).as_posix(): len(text_of(path).splitlines()) for path in sources(".py", ".html", ".css")
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_every_app_explains_itself() -> None:
    apps = {path.parent for path in sources(".py") if path.name == "apps.py" and path.parent.name != "web"}
    assert len(apps) >= 13
    assert sorted(app.name for app in apps if not (app / "README.md").is_file()) == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        path.relative_to(ROOT).as_posix()
        for path in sources(".py")
        if text_of(path).strip()
        and path.name not in ("__init__.py", "__main__.py", "apps.py")
        and not ast.get_docstring(syntax_tree(text_of(path)))
    ]
    assert silent == []


def test_nothing_of_one_machine_is_in_the_repository() -> None:
    """No package host, no download address, no path of whoever wrote it: installers are told where by their own settings."""
    hosts = (
        r"registry\.npm"
        + r"js\.org|registry\.npm"
        + r"mirror|pypi\."
        + r"org/simple|files\.python"
        + r"hosted|mirrors\.\w+\.\w+"
    )
    fetching = r"(?:curl|wget)\s+[^\n|]*https?://(?!127\.|localhost)"
    own_paths = r"/(?:home/[a-z]\w+|Users/\w+|ro" + r"ot/\w|wo" + r"rk/(?:main|shared))"
    forbidden = re.compile(f"{hosts}|{fetching}|{own_paths}")
    wrong = []
    for path in tracked():
        if path.suffix in {".png", ".jpg", ".ico", ".pdf", ".webp", ".woff2"}:
            continue
        for number, line in enumerate(text_of(path).splitlines(), 1):
            if found := forbidden.search(line):
                wrong.append((path.relative_to(ROOT).as_posix(), number, found[0]))
    assert wrong[:20] == []


def test_every_test_that_a_threat_names_exists() -> None:
    """docs/security.md: each row of the threat table names at least one test, and each of them is there."""
    table = text_of(ROOT / "docs" / "security.md").partition("## Threats")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ") and not line.startswith("| threat |")]
    assert len(rows) > 20
    assert [row for row in rows if "`tests/" not in row] == []
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", table)
    assert [f"{path}::{name}" for path, name in named if f"def {name}(" not in text_of(ROOT / path)] == []
