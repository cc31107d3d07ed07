"""Reads `guided/*.yaml` of a city folder: topics, and the question tree of each flow. Pure but for reading files.

A flow's questions are the form kernel's situation questions: where a form's answers bring in or take out materials, a
flow's bring in or take out entries, which are items of the catalogue or things that are done at a counter only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from yici.base.cityfolder import read_yaml, yaml_files
from yici.base.text import Text
from yici.core.forms import rules as forms
from yici.core.forms.rules import FormDefinition, SituationQuestion
from yici.systems.hall.folder import read_model

FOLDER = "guided"
TOPICS = "topics.yaml"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Topic(_Part):
    """A topic page (专题) that gathers flows."""

    name: Text
    summary: Text
    icon: str


class Offline(_Part):
    """Something the person must do that the hall does not offer online: said honestly, with where to go.

    `unlike`: items whose names or keywords resemble it and that it is not; any other likeness is an error of the linter.
    """

    name: Text
    where: Text
    note: Text | None = None
    unlike: list[str] = []


class Later(_Part):
    """An item that can be applied for only when something else of the list is done; `note` says when."""

    item: str
    note: Text


class Flow(_Part):
    """One flow. `always` and the questions' `add`/`remove` name items or keys of `offline` or `later`."""

    code: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)
    topic: str
    name: Text
    summary: Text
    icon: str
    order: int = 0
    by_place: bool = True
    """Ask in which county it is."""
    always: list[str] = []
    questions: list[SituationQuestion] = Field(min_length=2)
    offline: dict[str, Offline] = {}
    later: dict[str, Later] = {}
    benefits: list[Text] = []
    """What one gets without applying, told on the result page."""

    @cached_property
    def tree(self) -> FormDefinition:
        return FormDefinition(situations=tuple(self.questions))

    def entries(self, answers: Mapping[str, Any]) -> list[str]:
        """Items and offline things that these answers lead to, in order."""
        return forms.materials_needed(self.always, self.tree, answers)

    def named(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Every entry named anywhere, with its path in the file."""
        for number, name in enumerate(self.always):
            yield ("always", number), name
        yield from _named(tuple(self.questions), ("questions",))

    def paths(self, most: int = 5000) -> Iterator[dict[str, Any]]:
        """Every complete way through the tree, at most `most`; a choice of several is taken one at a time and all at once."""
        waiting: list[dict[str, Any]] = [{}]
        found = 0
        while waiting and found < most:
            answers = waiting.pop()
            following = next_question(self, answers)
            if following is None:
                found += 1
                yield answers
                continue
            values = [option.value for option in following.options]
            if following.kind == "multi":
                choices: list[Any] = [[one] for one in values] + ([values] if len(values) > 1 else [])
                choices += [] if following.required else [[]]
            else:
                choices = list(values)
            waiting += [{**answers, following.id: choice} for choice in choices]


def _named(
    questions: tuple[SituationQuestion, ...], path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for place, question in enumerate(questions):
        for number, option in enumerate(question.options):
            here = (*path, place, "options", number)
            yield from ((here, name) for name in (*option.add, *option.remove))
            yield from _named(option.then, (*here, "then"))


def next_question(flow: Flow, answers: Mapping[str, Any]) -> SituationQuestion | None:
    """The first open question without an answer; an empty answer counts where several, or none, may be chosen."""
    for question in forms.open_questions(flow.tree, answers):
        if question.id not in answers:
            return question
    return None


def flow_files(city: Path) -> Iterator[Path]:
    return (path for path in yaml_files(city / FOLDER) if path.name != TOPICS)


def read_flow(path: Path) -> Flow:
    """Raises `Misconfigured` with file, line and what to mend."""
    return read_model(path, Flow)


@lru_cache(maxsize=4)
def flows_of(city: Path) -> dict[str, Flow]:
    """Flows by code, in their order within a topic. Raises `Misconfigured`."""
    found = sorted(map(read_flow, flow_files(city)), key=lambda flow: (flow.order, flow.code))
    return {flow.code: flow for flow in found}


@lru_cache(maxsize=4)
def topics_of(city: Path) -> dict[str, Topic]:
    path = city / FOLDER / TOPICS
    raw = (read_yaml(path) or {}) if path.is_file() else {}
    return {key: Topic.model_validate(value) for key, value in (raw.get("topics") or {}).items()}


def forget() -> None:
    flows_of.cache_clear()
    topics_of.cache_clear()
