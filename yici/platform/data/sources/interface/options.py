"""Options of the interface channel."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from yici.platform.data.sources.base import Options


class InterfaceOptions(Options):
    """Where the rows are and how the pages follow each other. Pointers are dotted: `data.rows`.

    `paging`: `page` counts pages from `first_page` and needs `total`; `cursor` follows the value at `next` until it
    is empty; `none` is one answer. `since_parameter`: where the interface can give only what changed since a
    moment; the moment is the value at `as_of` in the first page, which the source writes by its own clock.
    A request is tried `attempts` times, with pauses from `retry_pause` seconds, doubling.
    `format`: JSON lines, or CSV whose columns are the union of all rows' names.
    """

    connection: str
    path: str
    parameters: dict[str, str] = Field(default_factory=dict)
    paging: Literal["page", "cursor", "none"] = "page"
    size: int = Field(default=500, ge=1, le=100_000)
    first_page: int = 1
    page_parameter: str = "page"
    size_parameter: str = "size"
    cursor_parameter: str = "cursor"
    rows: str = "rows"
    total: str = "total"
    next: str = "next"
    since_parameter: str = ""
    as_of: str = "as_of"
    format: Literal["jsonl", "csv"] = "csv"
    attempts: int = Field(default=5, ge=1, le=10)
    retry_pause: float = Field(default=0.5, gt=0, le=30)

    @field_validator("path")
    @classmethod
    def _is_a_path(cls, value: str) -> str:
        if not value.startswith("/") or "?" in value or "#" in value or ".." in value.split("/"):
            raise ValueError("a path from / on, without query")
        return value
