"""An identity source, a household source and a code sender of the tests' own, plugged into the ports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from yici.core.people import ports
from yici.core.people.models import Account

KNOWN = {
    "342124194503121221": "王秀英",
    "342124197205161640": "李梅",
    "341281199706112688": "李娜",
    "110101199003070011": "欧阳新来",
}


@dataclass
class City:
    """What the city knows, and what left it."""

    codes: dict[str, str] = field(default_factory=dict)
    told: list[tuple[Account | None, str, dict[str, Any], str]] = field(default_factory=list)

    @staticmethod
    def confirms(name: str, id_number: str) -> bool | None:
        return KNOWN[id_number] == name if id_number in KNOWN else None

    @staticmethod
    def household(one: str, other: str) -> str | None:
        return "市公安局户籍信息：同一户" if {one, other} == {"342124194503121221", "342124197205161640"} else None

    def send(self, phone: str, code: str) -> None:
        self.codes[phone] = code

    def tell(self, recipient: Account | None, template: str, context: dict[str, Any], phone: str) -> None:
        self.told.append((recipient, template, context, phone))


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> City:
    city = City()
    monkeypatch.setattr(ports, "_identity_sources", [city.confirms])
    monkeypatch.setattr(ports, "_household_sources", [city.household])
    monkeypatch.setattr(ports, "_code_senders", [city.send])
    monkeypatch.setattr(ports, "_notifiers", [city.tell])
    return city
