"""The single list of what is plugged into what: loaders, linters, providers, effects, panels, metrics.

Read this file to know which floor serves which port. Every line is a plain call; nothing registers itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from yici.base.cityfolder import Finding

# Each module has `load(city: Path) -> str`: idempotent, returns one line for people. Order matters.
CITY_LOADERS = [
    "yici.core.places.loading",
    "yici.core.calendars.loading",
    "yici.core.vocabulary.loading",
    "yici.core.people.loading",
    "yici.core.metrics.loading",
    "yici.core.cases.loading",
    "yici.platform.data.loading",
    "yici.platform.trust.loading",
    "yici.systems.hall.loading",
]

# Each module has `lint(city: Path) -> Iterable[Finding]`.
CITY_LINTERS = [
    "yici.core.places.linting",
    "yici.core.calendars.linting",
    "yici.core.vocabulary.linting",
    "yici.core.people.linting",
    "yici.core.messages.linting",
    "yici.core.metrics.linting",
    "yici.core.cases.linting",
    "yici.platform.trust.linting",
    "yici.systems.hall.linting",
]


def connect() -> None:
    """Plug providers, effects and panels into their ports. Called once, when Django is ready."""


def load_city(city: Path, report: Callable[[str], None] = lambda line: None) -> None:
    """Load the whole city folder into the database; safe to repeat."""
    for name in CITY_LOADERS:
        report(_module(name).load(city))


def lint_city(city: Path) -> Iterator[Finding]:
    """Every finding of every kernel about the city folder."""
    for name in CITY_LINTERS:
        findings: Iterable[Finding] = _module(name).lint(city)
        yield from findings


def _module(name: str) -> Any:
    return import_module(name)
