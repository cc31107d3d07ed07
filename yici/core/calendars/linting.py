"""Checks of `calendars/hours.yaml` in a city folder."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from yici.base.cityfolder import Finding, read_yaml
from yici.base.errors import Misconfigured
from yici.core.calendars.rules import OfficialHours

_HOURS = "calendars/hours.yaml"
_EXAMPLE = '写成 morning: ["09:00", "12:00"]，afternoon: ["14:00", "17:30"]，valid_from: 2004-01-01'


def lint(city: Path) -> Iterator[Finding]:
    """Every finding about the office hours."""
    path = city / _HOURS
    if not path.exists():
        yield Finding(_HOURS, 0, "calendars.missing", "缺少办公时间文件", _EXAMPLE)
        return
    document = read_yaml(path)
    entries = document.get("hours") or []
    if not entries:
        yield Finding(_HOURS, 1, "calendars.hours", "没有写明办公时间", _EXAMPLE)
    before: dt.date | None = None
    for number, entry in enumerate(entries):
        line = document.line_of("hours", number)
        valid_from = entry.get("valid_from")
        if not _is_complete(entry):
            yield Finding(_HOURS, line, "calendars.hours", "办公时间不完整或时刻无效", _EXAMPLE)
            continue
        if before and valid_from <= before:
            yield Finding(_HOURS, line, "calendars.hours", f"{valid_from} 没有晚于上一条", "按起始日期从早到晚排列")
        before = valid_from


def _is_complete(entry: Any) -> bool:
    try:
        times = [dt.time.fromisoformat(text) for text in (*entry["morning"], *entry["afternoon"])]
        OfficialHours(entry["valid_from"], *times)
    except (KeyError, TypeError, ValueError, Misconfigured):
        return False
    return len(times) == 4 and isinstance(entry["valid_from"], dt.date)
