"""The texts of the city: `wording/messages.yaml`, read once and again when the file changes."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from yici.base.cityfolder import city_folder, read_yaml
from yici.base.errors import Misconfigured
from yici.core.messages.rules import Template

FILE = "wording/messages.yaml"


class Wording(BaseModel):
    """`signature` stands in front of every SMS, as registered with the operator."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    signature: str = Field(min_length=2, max_length=20)
    messages: dict[str, Template]


def wording() -> Wording:
    """The current texts. Raises `Misconfigured`."""
    path = city_folder() / FILE
    try:
        return _read(path, path.stat().st_mtime_ns)
    except FileNotFoundError as error:
        raise Misconfigured(f"缺少文案文件 {FILE}。") from error


def template(key: str) -> Template:
    """Raises `Misconfigured` for a text the city has not written."""
    found = wording().messages.get(key)
    if found is None:
        raise Misconfigured(f"文案文件 {FILE} 中没有“{key}”，请补充。")
    return found


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> Wording:
    try:
        return Wording.model_validate(read_yaml(path))
    except ValidationError as error:
        raise Misconfigured(f"文案文件 {FILE} 有误：{error}") from error
