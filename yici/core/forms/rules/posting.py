"""Reading what a page's HTML form sent, and the buttons that change the page without saving it.

Control names: `key`; a date's boxes `key__year`, `key__month`, `key__day`; a division's lists
`key__county`, `key__township`, `key__village`; a group's cell `key.row.cell`, its rows counted by
`key__rows`; kept files `key`, new ones `key__upload`. Buttons: `__add` (group), `__remove` (group.row),
`__choose` (division), `__drop` (key:file id), `__leave` (save and stop for now).
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, Protocol

from yici.core.forms.rules.definition import Field, FieldType, Page
from yici.core.forms.rules.questions import Question, question

ACTIONS = ("__add", "__remove", "__choose", "__drop")
DATE_PARTS = ("year", "month", "day")
DIVISION_LEVELS = ("county", "township", "village")
# Significant digits of a division code down to each level; a code outside its parent is a stale choice.
_DIGITS = {"county": 6, "township": 9, "village": 12}
_MOST_ROWS = 200


class Posted(Protocol):
    """A `QueryDict`, or anything that answers like one."""

    def get(self, key: str, default: Any = None) -> Any: ...
    def getlist(self, key: str) -> list[Any]: ...
    def __contains__(self, key: str) -> bool: ...


class PlainPost(dict[str, Any]):
    """A plain mapping read as posted data."""

    def getlist(self, key: str) -> list[Any]:
        value = self.get(key)
        return value if isinstance(value, list) else ([] if value is None else [value])


def as_posted(data: Mapping[str, Any] | Posted) -> Posted:
    return data if hasattr(data, "getlist") else PlainPost(data)  # type: ignore[return-value,arg-type]


def read_page(page: Page, posted: Posted, fixed: Container[str] = ()) -> dict[str, Any]:
    """The page's answers as sent, not yet cleaned, without the `fixed` ones, which records decide."""
    return {
        field.key: read_field(field.key, question(field), posted) for field in page.fields if field.key not in fixed
    }


def read_field(name: str, asked: Question, posted: Posted) -> Any:
    """One field's answer under control name `name`."""
    if asked.type == FieldType.GROUP:
        return _read_group(name, asked, posted)
    if asked.type == FieldType.DATE and any(f"{name}__{part}" in posted for part in DATE_PARTS):
        return {part: str(posted.get(f"{name}__{part}") or "").strip() for part in DATE_PARTS}
    if asked.type == FieldType.DIVISION and any(f"{name}__{level}" in posted for level in DIVISION_LEVELS):
        return _read_division(name, posted)
    if asked.type in (FieldType.MULTI, FieldType.FILE):
        return [one for one in posted.getlist(name) if one not in ("", None)]
    value = posted.get(name, "")
    return " ".join(value.splitlines()) if asked.is_address and isinstance(value, str) else value


def is_rearrangement(posted: Posted) -> bool:
    """Whether a button was pressed that changes the page but does not submit it."""
    return any(action in posted for action in ACTIONS)


def rearrange(page: Page, posted: Posted, fixed: Container[str] = ()) -> dict[str, Any]:
    """The page's raw answers after its add, remove or choose button: shown again, not saved."""
    raw = read_page(page, posted, fixed)
    fields = {field.key: field for field in page.fields}
    key = str(posted.get("__add") or "")
    if key in fields and isinstance(raw.get(key), list) and len(raw[key]) < question(fields[key]).max_rows:
        raw[key] = [*raw[key], {}]
    group, _dot, number = str(posted.get("__remove") or "").rpartition(".")
    if group in fields and isinstance(raw.get(group), list) and number.isdigit():
        raw[group] = [row for place, row in enumerate(raw[group]) if place != int(number)]
    key, _colon, number = str(posted.get("__drop") or "").rpartition(":")
    if key in fields and isinstance(raw.get(key), list):
        raw[key] = [one for one in raw[key] if str(one) != number]
    return raw


def file_fields(page: Page) -> list[Field]:
    """Fields of a page that take files."""
    return [field for field in page.fields if question(field).type == FieldType.FILE]


def _read_group(name: str, group: Question, posted: Posted) -> list[dict[str, Any]] | Any:
    if f"{name}__rows" not in posted:
        value = posted.get(name)
        return value if isinstance(value, list) else []
    count = str(posted.get(f"{name}__rows"))
    rows = min(int(count), _MOST_ROWS) if count.isascii() and count.isdigit() and len(count) < 6 else 0
    return [
        {cell.key: read_field(f"{name}.{number}.{cell.key}", cell, posted) for cell in group.cells}
        for number in range(rows)
    ]


def _read_division(name: str, posted: Posted) -> str:
    """The deepest chosen code that still lies in the one above it."""
    code = ""
    for level, above in zip(DIVISION_LEVELS, (None, *DIVISION_LEVELS), strict=False):
        chosen = str(posted.get(f"{name}__{level}") or "").strip()
        if not chosen or (above and not chosen.startswith(code[: _DIGITS[above]])):
            break
        code = chosen
    return code
