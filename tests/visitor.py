"""A visitor without JavaScript: opens pages, reads the forms on them, and presses their buttons as a browser would.

Nothing is posted that the page did not offer, and Django's CSRF check is on: a page that forgets a field,
a button or its token fails the test that walks over it.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

from django.test import Client

_SKIPPED = {"script", "style", "svg"}
_SPACE = re.compile(r"\s+")


@dataclass
class Button:
    words: str
    name: str = ""
    value: str = ""


@dataclass
class Form:
    """One form as it stands on the page: where it goes and what it would send untouched."""

    action: str
    method: str
    values: dict[str, list[str]] = field(default_factory=dict)
    offered: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[Button] = field(default_factory=list)

    def add(self, name: str, value: str, *, chosen: bool = True) -> None:
        self.offered.setdefault(name, []).append(value)
        if chosen:
            self.values.setdefault(name, []).append(value)


class _Reader(HTMLParser):
    """Collects the forms, the links and the visible words of a page."""

    def __init__(self, here: str) -> None:
        super().__init__()
        self.here = here
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.words: list[str] = []
        self._form: Form | None = None
        self._text: list[str] | None = None  # of the button, link or textarea that is open
        self._open: tuple[str, dict[str, str]] | None = None
        self._select: tuple[str, list[tuple[str, bool]]] | None = None
        self._skipped = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in _SKIPPED:
            self._skipped += 1
        elif tag == "form":
            self._form = Form(urljoin(self.here, given.get("action") or self.here), given.get("method", "get").lower())
            self.forms.append(self._form)
        elif tag == "input":
            self._input(given)
        elif tag == "select":
            self._select = (given.get("name", ""), [])
        elif tag == "option" and self._select:
            self._select[1].append((given.get("value", ""), "selected" in given))
        elif tag in ("button", "a", "textarea"):
            self._open, self._text = (tag, given), []

    def _input(self, given: dict[str, str]) -> None:
        kind, name = given.get("type", "text"), given.get("name", "")
        if self._form is None or not name or "disabled" in given or kind in ("submit", "button", "image"):
            return
        if kind == "file":
            self._form.offered.setdefault(name, [])
        elif kind in ("radio", "checkbox"):
            self._form.add(name, given.get("value", "on"), chosen="checked" in given)
        else:
            self._form.add(name, given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in _SKIPPED:
            self._skipped -= 1
        elif tag == "form":
            self._form = None
        elif tag == "select" and self._select:
            self._end_select(*self._select)
        elif self._open and self._open[0] == tag:
            self._end_text(*self._open, "".join(self._text or ()))

    def _end_select(self, name: str, options: list[tuple[str, bool]]) -> None:
        if self._form is not None and name:
            chosen = [value for value, selected in options if selected] or [value for value, _ in options[:1]]
            self._form.offered[name] = [value for value, _ in options]
            self._form.values[name] = chosen
        self._select = None

    def _end_text(self, tag: str, given: dict[str, str], text: str) -> None:
        words = _SPACE.sub(" ", text).strip()
        if tag == "a":
            self.links.append((words, urljoin(self.here, given.get("href", ""))))
        elif tag == "textarea" and self._form is not None:
            self._form.add(given.get("name", ""), text.removeprefix("\n"))
        elif tag == "button" and self._form is not None and given.get("type", "submit") == "submit":
            self._form.buttons.append(Button(words, given.get("name", ""), given.get("value", "")))
        self._open = self._text = None

    def handle_data(self, data: str) -> None:
        if self._skipped:
            return
        self.words.append(data)
        if self._text is not None:
            self._text.append(data)


class Visitor:
    """`open` a page, look at its `text`, `press` a button by its words, `follow` a link by its words or address."""

    def __init__(self, *, phone: bool = False) -> None:
        self.client = Client(
            enforce_csrf_checks=True,
            headers={"user-agent": "Mozilla/5.0 (Android 12) Mobile" if phone else "Mozilla/5.0"},
        )
        self.path = "/"
        self.response: Any = None
        self.text = ""
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []

    def open(self, path: str, status: int = 200) -> Visitor:
        return self._arrive(self.client.get(path, follow=True), path, status)

    def press(self, words: str, status: int = 200, *, into: str = "", **changes: Any) -> Visitor:
        """Press the button with these words, after changing fields. A list value sends several; None unticks.

        `into` picks the form by a part of its address when several have such a button. Field names with dots
        are given as `__` (person__phone). A field that the page does not offer is an error of the test or page.
        """
        form, button = self._button(words, into)
        sent = {name: list(values) for name, values in form.values.items()}
        if button.name:
            sent[button.name] = [button.value]
        for key, value in changes.items():
            name = key.replace("__", ".") if key.replace("__", ".") in form.offered else key
            assert name in form.offered, f"{self.path} does not ask for {key}; it asks for {sorted(form.offered)}"
            sent[name] = [] if value is None else value if isinstance(value, list) else [value]
        if form.method == "get":
            return self._arrive(self.client.get(form.action, sent, follow=True), form.action, status)
        return self._arrive(self.client.post(form.action, sent, follow=True), form.action, status)

    def follow(self, words: str, status: int = 200) -> Visitor:
        found = [target for text, target in self.links if words in text or words in target]
        assert found, f"{self.path} has no link “{words}”; it has {[text for text, _ in self.links]}"
        return self.open(found[0], status)

    @property
    def bare(self) -> str:
        """The visible words without any space: how a template breaks its lines is not what tests are about."""
        return _SPACE.sub("", self.text)

    def has_button(self, words: str) -> bool:
        return any(words == button.words for form in self.forms for button in form.buttons)

    def _button(self, words: str, into: str) -> tuple[Form, Button]:
        found = [(f, b) for f in self.forms for b in f.buttons if words == b.words and into in f.action]
        assert found, f"{self.path} has no button “{words}”; it has {[b.words for f in self.forms for b in f.buttons]}"
        return found[0]

    def _arrive(self, response: Any, path: str, status: int) -> Visitor:
        chain = getattr(response, "redirect_chain", [])
        self.path = urljoin(path, chain[-1][0]) if chain else path
        self.response = response
        is_page = not response.streaming and response.headers.get("Content-Type", "").startswith("text/html")
        reader = _Reader(self.path)
        reader.feed(response.content.decode() if is_page else "")
        self.forms, self.links = reader.forms, reader.links
        self.text = html.unescape(_SPACE.sub(" ", "".join(reader.words)))
        assert response.status_code == status, (
            f"{self.path} answered {response.status_code}, not {status}: {self.text[:600]}"
        )
        return self
