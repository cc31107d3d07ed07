"""Counting the catalogue against what the city declares (`catalogue/settings.yaml`, `counts`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yici.systems.hall.generating.entries import Entry, settings
from yici.systems.hall.generating.holders import Authorities, held


@dataclass
class Tally:
    """Holdings counted: all, by kind, by level, and those of the city by the visits they need."""

    total: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    levels: Counter[str] = field(default_factory=Counter)
    city_visits: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True)
class Counts:
    """What the city says its catalogue comes to; None where it says nothing."""

    total: int | None = None
    kinds: Mapping[str, int] = field(default_factory=dict)
    levels: Mapping[str, int] = field(default_factory=dict)
    city_visits: Mapping[int, int] = field(default_factory=dict)

    def differences(self, found: Tally) -> list[tuple[str, int, int]]:
        """(what, declared, counted) of every figure that differs."""
        pairs: list[tuple[str, int | None, int]] = [("total", self.total, found.total)]
        pairs += [(f"kinds.{name}", number, found.kinds[name]) for name, number in self.kinds.items()]
        pairs += [(f"levels.{name}", number, found.levels[name]) for name, number in self.levels.items()]
        pairs += [(f"city_visits.{name}", number, found.city_visits[name]) for name, number in self.city_visits.items()]
        return [(name, wanted, counted) for name, wanted, counted in pairs if wanted is not None and wanted != counted]


def declared(city: Path) -> Counts:
    """The figures of the folder; empty where it declares none."""
    written: Mapping[str, Any] = settings(city).get("counts") or {}
    return Counts(
        written.get("total"),
        dict(written.get("kinds") or {}),
        dict(written.get("levels") or {}),
        {int(name): number for name, number in (written.get("city_visits") or {}).items()},
    )


def tally(found: Iterable[Entry], around: Authorities) -> Tally:
    """Counts holdings. Raises `Misconfigured` for a rule that finds no authority."""
    result = Tally()
    for entry in found:
        handler = entry.raw.get("handler") or {}
        for authority in held(entry.held_by, str(handler.get("function", "")), around):
            result.total += 1
            result.kinds[str(entry.raw.get("kind"))] += 1
            result.levels[authority.level] += 1
            if authority.level == "city":
                result.city_visits[_visits(entry.raw.get("visits"))] += 1
    return result


def _visits(visits: Any) -> int:
    return int(visits.get("count", 0)) if isinstance(visits, Mapping) else 0
