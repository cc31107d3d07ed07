"""The canonical record of a certificate: JSON, keys in order, no blanks, UTF-8; its bytes are what is signed.

Composed in SQL for a whole batch at once, so that making is not bound by Python. `CheckCharacters` gives the check
character of GB/T 36904 for many identifiers of one type and issuer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from yici.platform.trust import rules

__all__ = ["IdentifierMaker", "compose", "face_expression", "read"]

_ALPHABET = {character: value for value, character in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")}
_CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def face_expression(columns: Mapping[str, str]) -> str:
    """DuckDB expression for the face as a JSON object. `columns`: element id → expression that gives text.

    Elements without a value are left out; keys are in order.
    """
    parts = [
        f"CASE WHEN ({sql}) IS NOT NULL THEN '{json.dumps(element)}:' || CAST(to_json({sql}) AS VARCHAR) END"
        for element, sql in sorted(columns.items())
    ]
    return f"'{{' || concat_ws(',', {', '.join(parts)}) || '}}'"


def compose(
    face: str,
    holder: str,
    identifier: str,
    issuer: str,
    number: str,
    type: str,
    valid_from: str,
    valid_to: str,
    version: int,
    holders: str = "",
    representative: str = "",
) -> bytes:
    """The record. `face` is a JSON object; `holder`, `issuer`, `number` and the dates are JSON strings or null.

    `holders` (further ones, a JSON list) and `representative` (a JSON string) stand in it only where there are any.
    """
    holders = holders and f'"holders":{holders},'
    representative = representative and f'"representative":{representative},'
    return (
        f'{{"face":{face},"holder":{holder},{holders}"identifier":"{identifier}","issuer":{issuer},"number":{number},'
        f'{representative}"type":"{type}","valid_from":{valid_from},"valid_to":{valid_to},"version":{version}}}'
    ).encode()


def read(record: bytes) -> dict[str, Any]:
    """The parts of a record by name."""
    return dict(json.loads(record))


class IdentifierMaker:
    """Identifiers of one type and issuer: what does not change is taken into the check character once."""

    def __init__(self, type_code: str, issuer_code: str) -> None:
        self._head = f"{rules.PREFIX}.{type_code}.{issuer_code}"
        self._state = self._taken(36, type_code + issuer_code)

    def make(self, serial: str, version: int = 1) -> str:
        """ISO/IEC 7064 Mod 37,36 over type, issuer, serial and version, without dots."""
        tail = f"{version:03d}"
        state = self._taken(self._state, serial + tail)
        return f"{self._head}.{serial}.{tail}.{_CHARACTERS[(37 - state) % 36]}"

    @staticmethod
    def _taken(state: int, text: str) -> int:
        for character in text:
            state = ((state + _ALPHABET[character]) % 36 or 36) * 2 % 37
        return state
