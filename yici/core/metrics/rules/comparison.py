"""How a figure is qualified and compared. A comparison always carries its kind: 增加248% is ×3.48, 是6倍 is ×6."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from django.utils.translation import gettext as _

from yici.base.errors import Invalid


class Qualifier(StrEnum):
    """How exact a figure is. 多, 余, 超过 are ≥; 近 is ≤; 约, 左右 are ≈; 预计 is a forecast."""

    EXACT = "="
    AT_LEAST = "≥"
    AT_MOST = "≤"
    ABOUT = "≈"
    FORECAST = "forecast"

    @classmethod
    def of_words(cls, words: str) -> Qualifier:
        """Read a Chinese phrase around a figure, such as `预计超过` or `20多万`; exact where no word says otherwise."""
        for word, qualifier in _QUALIFYING_WORDS:
            if word in words[:200]:
                return qualifier
        return cls.EXACT

    def prefix(self) -> str:
        """The word before the figure."""
        return {
            Qualifier.EXACT: "",
            Qualifier.AT_LEAST: _("不少于"),
            Qualifier.AT_MOST: _("不超过"),
            Qualifier.ABOUT: _("约"),
            Qualifier.FORECAST: _("预计"),
        }[self]


# A forecast first (预计超过 8 亿 is a forecast), then long words before the short ones they contain.
_QUALIFYING_WORDS = (
    ("预计", Qualifier.FORECAST),
    ("不超过", Qualifier.AT_MOST),
    ("不少于", Qualifier.AT_LEAST),
    ("超过", Qualifier.AT_LEAST),
    ("突破", Qualifier.AT_LEAST),
    ("以上", Qualifier.AT_LEAST),
    ("不足", Qualifier.AT_MOST),
    ("以内", Qualifier.AT_MOST),
    ("左右", Qualifier.ABOUT),
    ("余", Qualifier.AT_LEAST),
    ("多", Qualifier.AT_LEAST),
    ("近", Qualifier.AT_MOST),
    ("约", Qualifier.ABOUT),
)


class ComparisonKind(StrEnum):
    INCREASE_PERCENT = "increase_percent"
    PERCENTAGE_POINTS = "percentage_points"
    TIMES = "times"


_FIGURE = r"([0-9]{1,12}(?:\.[0-9]{1,6})?)"
_CHANGE = re.compile(rf"(增加|增长|上升|提高|提升|增|升|减少|下降|降低|减|降)了?{_FIGURE}(%|％|个?百分点|倍)")
_TIMES = re.compile(rf"是[^0-9是]{{0,20}}(?:[0-9]{{4}}年[^0-9是]{{0,20}})?{_FIGURE}倍")
_FALLING = ("减", "降", "下")


@dataclass(frozen=True)
class Comparison:
    """`value` in the kind's own unit: percent, percentage points, or times; negative for a decrease."""

    kind: ComparisonKind
    value: Decimal

    @classmethod
    def between(cls, kind: ComparisonKind | str, now: Decimal | None, before: Decimal | None) -> Comparison | None:
        """Compare two values of one metric; points need both in percent. `None` where nothing can be said."""
        kind = ComparisonKind(kind)
        if now is None or before is None:
            return None
        if kind is ComparisonKind.PERCENTAGE_POINTS:
            return cls(kind, now - before)
        # From nothing or from below nothing no percentage follows.
        if before <= 0:
            return None
        return cls(kind, now / before if kind is ComparisonKind.TIMES else (now - before) / before * 100)

    @classmethod
    def parse(cls, text: str) -> Comparison:
        """Read 增加248%, 是2016年的6倍, 增加31.2个百分点, 增加2倍 (which is 增加200%). Raises `Invalid`."""
        if len(text) <= 200 and (match := _TIMES.search(text)):
            return cls(ComparisonKind.TIMES, Decimal(match[1]))
        if len(text) <= 200 and (match := _CHANGE.search(text)):
            value = Decimal(match[2]) * (-1 if match[1].startswith(_FALLING) else 1)
            if match[3].endswith("百分点"):
                return cls(ComparisonKind.PERCENTAGE_POINTS, value)
            return cls(ComparisonKind.INCREASE_PERCENT, value * 100 if match[3] == "倍" else value)
        raise Invalid(_("看不出是哪种比较，请写成“增加x%”“增加x个百分点”或“是…的x倍”。"))

    @property
    def ratio(self) -> Decimal:
        """New value over old one: 增加248% is 3.48, 是6倍 is 6. Raises `Invalid` for points, which give no ratio."""
        match self.kind:
            case ComparisonKind.INCREASE_PERCENT:
                return 1 + self.value / 100
            case ComparisonKind.TIMES:
                return self.value
            case ComparisonKind.PERCENTAGE_POINTS:
                raise Invalid(_("百分点是差值，不能换算成倍数。"))

    def describe(self, base: str = "") -> str:
        """In words: 增加248%, 比上月减少12%, 是2016年的6倍, 增加31.2个百分点."""
        return self._in_words(base).strip()

    def _in_words(self, base: str) -> str:
        figure = _plain(abs(self.value))
        than = _("比%(base)s") % {"base": base} if base else ""
        words = {"than": than, "base": base, "figure": figure}
        if self.kind is ComparisonKind.TIMES:
            return (_("是%(base)s的%(figure)s倍") if base else _("是原来的%(figure)s倍")) % words
        if figure == "0":
            return _("%(than)s持平") % words
        rising = self.value > 0
        if self.kind is ComparisonKind.PERCENTAGE_POINTS:
            return (_("%(than)s增加%(figure)s个百分点") if rising else _("%(than)s减少%(figure)s个百分点")) % words
        return (_("%(than)s增加%(figure)s%%") if rising else _("%(than)s减少%(figure)s%%")) % words


def _plain(value: Decimal) -> str:
    """At most one decimal (two below one), no trailing zeros."""
    step = Decimal("0.01") if value < 1 else Decimal("0.1")
    text = format(value.quantize(step, ROUND_HALF_UP), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
