"""Cleaning what people type before it is checked."""

from __future__ import annotations

from django.utils.translation import gettext as _

from yici.base.errors import Invalid

# Only the full-width forms an input method makes. Not NFKC: that also turns ² or ① into digits nobody typed as digits.
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00a0\u3000 \t\r\n\f\v"


def trimmed(raw: str) -> str:
    """Without blanks at either end, U+3000 and zero-width ones included."""
    return raw.strip(_INVISIBLE)


def one_line(raw: str, longest: int, message: str) -> str:
    """Words in one line, trimmed, with nothing invisible inside. Raises `Invalid` with `message`."""
    value = trimmed(raw) if len(raw) <= longest + 64 else raw
    if len(value) > longest or not value.isprintable():
        raise Invalid(message)
    return value


def plain(raw: str, longest: int) -> str:
    """A machine-readable value as typed: half-width, trimmed. Raises `Invalid` above `longest` characters.

    The raw limit is generous (blanks may surround the value) but comes first, so no pattern sees long text.
    """
    if len(raw) > longest + 64:
        raise Invalid(_("填写的内容太长，请检查后重新填写。"))
    value = trimmed(raw.translate(_FULL_WIDTH))
    if len(value) > longest:
        raise Invalid(_("填写的内容太长，请检查后重新填写。"))
    return value
