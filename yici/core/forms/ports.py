"""What forms needs from floors above: who knows facts about a person. Wiring registers providers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from yici.core.people.models import Person

OWN = "own"  # provider of facts that the person brought herself; to correct them is no objection to a record


@dataclass(frozen=True)
class Subject:
    """Whose facts are wanted."""

    kind: str
    id_number: str
    person_id: int | None = None

    @classmethod
    def of(cls, person: Person) -> Subject:
        return cls("person", person.id_number, person.pk)


@dataclass(frozen=True)
class Fact:
    """What a record says of one element. `value` is in the vocabulary's normal form: text, a date as
    `2026-11-23`, money as fen, yes/no as `yes`/`no`; a list of mappings for a group.

    `source` names the dataset, `source_organisation` is the slug of the body that answers for it.
    `conflicts` are facts of other providers that say otherwise.
    """

    element: str
    value: Any
    source: str
    source_en: str
    source_organisation: str
    as_of: dt.date | None
    provider: str
    conflicts: tuple[Fact, ...] = ()


class FactProvider(Protocol):
    """A source of facts. May raise: the form then goes on without it."""

    id: str

    def facts_of(self, subject: Subject, elements: Sequence[str]) -> list[Fact]:
        """The facts it has among `elements`; none for an unknown subject."""


_providers: dict[str, FactProvider] = {}


def register_fact_provider(provider: FactProvider) -> None:
    """Add a provider; the one registered first is believed first. The same id replaces in place."""
    _providers[provider.id] = provider


def unregister_fact_provider(provider_id: str) -> None:
    _providers.pop(provider_id, None)


def fact_providers() -> list[FactProvider]:
    """Providers in the order in which they are believed."""
    return list(_providers.values())
