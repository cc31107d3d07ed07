"""Reads `metrics.yaml` of the city folder into memory, once per process. Private: others ask `queries`."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from yici.base.cityfolder import city_folder, read_yaml
from yici.base.errors import Misconfigured
from yici.core.metrics.rules import MetricDefinition


def metrics_file(city: Path) -> Path:
    return city / "metrics.yaml"


@lru_cache(maxsize=4)
def _definitions_of(city: Path) -> MappingProxyType[str, MetricDefinition]:
    path = metrics_file(city)
    found: dict[str, MetricDefinition] = {}
    body: Any = read_yaml(path) if path.is_file() else {}
    for place, fields in enumerate(body.get("metrics") or []):
        try:
            definition = MetricDefinition.model_validate(fields)
        except ValidationError as error:
            raise Misconfigured(f"{path}:{body.line_of('metrics', place)} {error.errors()[0]['msg']}") from error
        found[definition.id] = definition
    return MappingProxyType(found)


def all_definitions() -> MappingProxyType[str, MetricDefinition]:
    return _definitions_of(city_folder())


def forget() -> None:
    """Read the folder afresh at the next question."""
    _definitions_of.cache_clear()
