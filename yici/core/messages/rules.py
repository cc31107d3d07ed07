"""Pure rules of telling: filling in a text, counting SMS segments, when to try again, masking an address."""

from __future__ import annotations

import datetime as dt
import math
import random
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from yici.base.text import Text

PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
FIRST_DELAY = 30.0  # seconds
LONGEST_DELAY = 6 * 3600.0  # seconds
MAX_ATTEMPTS = 12
SINGLE_SEGMENT, JOINED_SEGMENT = 70, 67  # characters: 3GPP TS 23.040, UCS-2, with and without joining header

# What a text may mention, each with a sample of realistic length: the linter measures SMS with these.
PLACEHOLDERS: dict[str, str] = {
    "agent": "李梅",
    "case_number": "341600202611230000017",
    "code": "482913",
    "date": "2026年11月30日",
    "days": "5",
    "demands": "户口簿首页照片不清",
    "due": "2026年11月30日17:30",
    "instruction": "请于今日内办结",
    "item": "八十岁以上老年人高龄津贴",
    "minutes": "10",
    "name": "王秀英",
    "number": "34160020261123001",
    "opinion": "符合条件，同意发放",
    "organisation": "涡阳县民政局",
    "overdue": "超期 1 个工作日",
    "phone": "138****5678",
    "principal": "王秀英",
    "reason": "户籍不在本市",
    "remaining": "剩余 1 个工作日",
    "yuan": "1,234.50",
    "provider": "微信支付",
    "result": "予以更正",
    "title": "八十岁以上老年人高龄津贴",
}


class Template(BaseModel):
    """One text of `wording/messages.yaml`. Without `sms` it is never sent by SMS."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Text
    body: Text
    sms: Text | None = None


def fill(text: str, context: Mapping[str, Any]) -> str:
    """Put the values in; a missing one leaves nothing behind, for a text must never stop a decision."""
    return PLACEHOLDER.sub(lambda match: str(context.get(match[1], "")), text)


def placeholders_of(text: str) -> set[str]:
    return set(PLACEHOLDER.findall(text))


def sms_segments(text: str) -> int:
    """How many SMS the text is billed as; 70 characters alone, 67 each when joined."""
    units = len(text.encode("utf-16-le")) // 2
    return 1 if units <= SINGLE_SEGMENT else math.ceil(units / JOINED_SEGMENT)


def signed(text: str, signature: str) -> str:
    """【signature】text: 工信部 requires the sender's name in front of every SMS."""
    return text if text.startswith("【") else f"【{signature}】{text}"


def delay_after(attempts: int, spread: float | None = None) -> dt.timedelta:
    """Wait before the next try: 30 s doubling to 6 h, ±20 % so that a partner that comes back is not flooded.

    `spread` (−1 … 1) fixes the jitter.
    """
    base = min(FIRST_DELAY * 2 ** max(attempts - 1, 0), LONGEST_DELAY)
    jitter = random.uniform(-1, 1) if spread is None else spread  # noqa: S311 - nothing secret about it
    return dt.timedelta(seconds=min(max(base * (1 + 0.2 * jitter), FIRST_DELAY), LONGEST_DELAY))


def mask_address(channel: str, address: str) -> str:
    """As the desk sees it: 138****1234 · w***@example.cn · https://example.cn/…"""
    if channel == "sms":
        return f"{address[:3]}****{address[-4:]}" if len(address) >= 8 else "****"
    if channel == "email":
        name, _at, host = address.rpartition("@")
        return f"{name[:1]}***@{host}"
    scheme, _colon, rest = address.partition("://")
    return f"{scheme}://{rest.split('/', 1)[0].rpartition('@')[2]}/…"


def mask_digits(text: str) -> str:
    """A text with every number hidden, for what is kept of a one-time code."""
    return re.sub(r"\d", "*", text)
