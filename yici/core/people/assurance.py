"""How well a session knows who is there (实名, 实人, 实证), and for how long.

The levels stand in `identity.yaml` of the city folder. A session starts at 1 when somebody signs in, is raised by
whoever proved more (`raise_to`), and falls back by itself when the time of a level is over. Never decides what
proves a level: `platform.trust` does.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import MutableMapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from yici.base import clock
from yici.base.cityfolder import city_folder, read_yaml
from yici.base.errors import Misconfigured
from yici.base.text import Text

__all__ = [
    "ACR",
    "FILE",
    "NAMES",
    "Identity",
    "begin",
    "identity",
    "lasts",
    "level",
    "level_of",
    "level_of_acr",
    "raise_to",
    "until",
]

FILE = "identity.yaml"
NAMES = {1: "name", 2: "face", 3: "credential"}
# What OIDC calls the authentication context class: OpenID Connect Core §2 asks for a URI.
ACR = {level: f"urn:yici:identity:{name}" for level, name in NAMES.items()}
_BASE, _UNTIL = "assurance", "assurance_until"


class Level(BaseModel):
    """One level as people read it; `minutes` it lasts after it was proven."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: Text
    help: Text
    minutes: int = Field(ge=1, le=24 * 60)


class Levels(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Level
    face: Level
    credential: Level


class Face(BaseModel):
    """`threshold`: largest distance at which two faces count as one person's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float = Field(gt=0.2, lt=0.7)
    tries_an_hour: int = Field(ge=1, le=60)


class Identity(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    levels: Levels
    face: Face


def identity(city: Path | None = None) -> Identity:
    """The city's own rules of proofing. Raises `Misconfigured`."""
    return _read((city or city_folder()) / FILE)


@lru_cache(maxsize=4)
def _read(path: Path) -> Identity:
    if not path.exists():
        raise Misconfigured(f"缺少文件 {path}")
    try:
        return Identity.model_validate(read_yaml(path))
    except ValidationError as error:
        raise Misconfigured(f"{path} 有误：{error}") from error


def level(number: int) -> Level:
    """Label, help and time of level 1, 2 or 3."""
    found: Level = getattr(identity().levels, NAMES[number])
    return found


def lasts(number: int) -> dt.timedelta:
    return dt.timedelta(minutes=level(number).minutes)


def until(session: Any, number: int) -> dt.datetime | None:
    """When a level that is in force ends; None where it is not, or lasts as long as the session."""
    ends = (session.get(_UNTIL) or {}).get(str(number), 0)
    return dt.datetime.fromtimestamp(ends, tz=dt.UTC) if ends > clock.now().timestamp() else None


def level_of(session: Any) -> int:
    """The highest level in force now; 0 where even the name must be proven again."""
    now, ends = clock.now().timestamp(), session.get(_UNTIL) or {}
    raised = max((int(number) for number, moment in ends.items() if moment > now), default=0)
    base = int(session.get(_BASE, 0))
    spent = "1" in ends and ends["1"] <= now
    return 0 if spent else max(base, raised)


def begin(session: MutableMapping[str, Any]) -> None:
    """A session that was just opened: the name is proven, nothing else."""
    session[_BASE] = 1
    session[_UNTIL] = {"1": (clock.now() + lasts(1)).timestamp()}


def raise_to(session: MutableMapping[str, Any], number: int) -> dt.datetime:
    """Note that a level was proven now; returns when it ends. The caller gives the session a new key."""
    ends = clock.now() + lasts(number)
    session[_UNTIL] = {**(session.get(_UNTIL) or {}), str(number): ends.timestamp()}
    return ends


def level_of_acr(values: str) -> int:
    """The highest level among `acr_values` (separated by spaces) that we know; 0 for none."""
    by_acr = {acr: number for number, acr in ACR.items()}
    return max((by_acr.get(value, 0) for value in values.split()), default=0)
