"""Keeps the English catalogue complete: collects every Chinese source string and merges it into django.po.

    python scripts/translations.py             says what is missing or unused; exit code 1 when something is missing
    python scripts/translations.py --write     rewrites django.po, keeping translations, with missing ones left empty
    python scripts/translations.py --add FILE  takes translations from a JSON object {"中文": "English"}

The catalogue is compiled by Babel; no gettext tools are needed.
"""

from __future__ import annotations

import ast
import gc
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
PO = ROOT / "yici" / "web" / "locale" / "en" / "LC_MESSAGES" / "django.po"
FUNCTIONS = {"_", "gettext", "gettext_lazy", "_lazy", "ngettext", "ngettext_lazy", "pgettext"}
CHOICES = {"TextChoices", "StrEnum"}
CHINESE = re.compile(r"[\u3400-\u9fff、，。：；？！（）《》“”]")

_TRANSLATE = re.compile(r"""\{%-?\s*(?:translate|trans)\s+("(?P<d>[^"]*)"|'(?P<s>[^']*)')""")
_QUOTED = re.compile(r"""_\(("(?P<d>[^"]*)"|'(?P<s>[^']*)')\)""")
_BLOCK = re.compile(
    r"\{%\s*blocktrans(?:late)?\b(?P<head>[^%]*)%\}(?P<one>.*?)(?:\{%\s*plural\s*%\}(?P<many>.*?))?\{%\s*endblocktrans(?:late)?\s*%\}",
    re.DOTALL,
)
_VARIABLE = re.compile(r"\{\{\s*([\w.|:\"-]+)\s*\}\}")


def template_strings(text: str) -> Iterator[tuple[str, str | None]]:
    """(string, plural or None) of one template."""
    for found in (*_TRANSLATE.finditer(text), *_QUOTED.finditer(text)):
        yield found["d"] if found["d"] is not None else found["s"], None
    for found in _BLOCK.finditer(text):
        trimmed = "trimmed" in found["head"]
        yield _block(found["one"], trimmed), _block(found["many"], trimmed) if found["many"] is not None else None


def _block(text: str, trimmed: bool) -> str:
    if trimmed:
        text = " ".join(line.strip() for line in text.strip().splitlines())
    return _VARIABLE.sub(
        lambda match: f"%({match[1].split('|')[0]})s", text.replace("%", "%%") if "%" in text else text
    )


def syntax_tree(source: str) -> ast.Module:
    """The tree of one module, made while no garbage is collected.

    In CPython 3.11 code that runs in the middle (a finalizer that parses too) ends it with a SystemError: gh-106905.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(source)
    finally:
        if was_on:
            gc.enable()


def python_strings(source: str) -> Iterator[tuple[str, str | None]]:
    """(string, plural or None) of one module's gettext calls."""
    for node in ast.walk(syntax_tree(source)):
        if isinstance(node, ast.ClassDef) and any(_name(base) in CHOICES for base in node.bases):
            yield from ((label, None) for label in _labels(node))
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = _name(node.func)
        texts = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        if name in FUNCTIONS and texts and isinstance(node.args[0], ast.Constant):
            yield texts[0], texts[1] if name.startswith("ngettext") and len(texts) > 1 else None


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def _labels(choices: ast.ClassDef) -> Iterator[str]:
    """What people read of an enumeration; its members are translated where they are shown."""
    for statement in choices.body:
        if isinstance(statement, ast.Assign):
            for node in ast.walk(statement.value):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def source_strings() -> dict[str, str | None]:
    """Every source string of the platform in the order of the files."""
    found: dict[str, str | None] = {}
    for path in sorted((ROOT / "yici").rglob("*.html")):
        for text, plural in template_strings(path.read_text("utf-8")):
            found[text] = found.get(text) or plural
    for path in sorted((ROOT / "yici").rglob("*.py")):
        if "migrations" not in path.parts:
            for text, plural in python_strings(path.read_text("utf-8")):
                found[text] = found.get(text) or plural
    return {text: plural for text, plural in found.items() if CHINESE.search(text)}


def catalogue() -> Catalog:
    if PO.exists():
        with PO.open("rb") as handle:
            return read_po(handle, locale="en")
    return Catalog(locale="en", project="yici", charset="utf-8")


def missing() -> list[str]:
    """Source strings without English."""
    known = {_id(message.id): message.string for message in catalogue() if message.id}
    return [text for text in source_strings() if not known.get(text) or known[text] in ("", ("",), ("", ""))]


def _id(identifier: object) -> str:
    return identifier[0] if isinstance(identifier, (tuple, list)) else str(identifier)


def write(added: dict[str, str]) -> None:
    old = {_id(message.id): message.string for message in catalogue() if message.id}
    fresh = Catalog(locale="en", project="yici", charset="utf-8", fuzzy=False)
    for text, plural in source_strings().items():
        english: object = added.get(text) or old.get(text) or ""
        if plural is not None:
            pair = english if isinstance(english, (tuple, list)) else (english, added.get(plural, "") or english)
            fresh.add((text, plural), tuple(pair), flags=["python-format"] if "%(" in text else [])
        else:
            english = english[0] if isinstance(english, (tuple, list)) else english
            fresh.add(text, str(english), flags=["python-format"] if "%(" in text else [])
    PO.parent.mkdir(parents=True, exist_ok=True)
    with PO.open("wb") as handle:
        write_po(handle, fresh, width=0, sort_output=True, omit_header=False)
    lines = [line for line in PO.read_text("utf-8").splitlines() if "-Date:" not in line and "Generated-By" not in line]
    PO.write_text("\n".join(lines) + "\n", "utf-8")


def main(arguments: list[str]) -> int:
    added: dict[str, str] = {}
    if arguments[:1] == ["--add"]:
        for name in arguments[1:]:
            added |= json.loads(Path(name).read_text("utf-8"))
    if arguments:
        write(added)
    wanting = missing()
    for text in wanting:
        print(f"no English: {text!r}")
    print(f"{len(source_strings())} strings, {len(wanting)} without English")
    return 1 if wanting else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
